/**
 * `npm run bench`: what a settled market costs, side by side with floors, on a PostgreSQL server. `--write`
 * keeps the figures in docs/bench and shows them in the README; `--json` prints a JSON object a subject.
 * Exit code 1 when a reply was not 2xx, the floor does not answer the same, the market is not settled, or
 * with `--check` a reply costs too much; targets that are missed are reported, not an error.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { clock } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createKeyFile } from "../../src/lib/signing-keys.ts";
import { sweepTemporaryFolders, temporaryFolder } from "../../src/lib/temporary.ts";
import { originOf } from "../figures.ts";
import { type Description, readOptions, refuseCall } from "../options.ts";
import { type CaseName, caseNames } from "./cases.ts";
import { benchDeals } from "./deals.ts";
import { benchFlood, printFlood } from "./flood.ts";
import { serverUrl } from "./generate.ts";
import { benchMatching } from "./matching.ts";
import { environment } from "./processes.ts";
import { benchReindex } from "./reindex.ts";
import { grown, keep, type Reports, readKept, type Subject } from "./report.ts";
import { benchServing, printServing, publishedIds } from "./serving.ts";

const subjects = ["serving", "reindex", "flood", "deals", "matching"];

const description = {
  name: "bench",
  does: `Measures a settled market beside a floor (a bare Fastify handler that sends the same SQL), on one
PostgreSQL server, in one run. Targets that are missed are reported, and are no error.`,
  options: {
    rounds: { count: null, what: "how often each case is measured (5; 3 of the small bench)" },
    seconds: { count: null, what: "how long each time (4; 1 of the small bench)" },
    connections: { count: 10, what: "callers at the same time" },
    results: { count: 100_000, what: "results of the market" },
    needs: { count: 20_000, what: "needs of the market" },
    fresh: { what: "rebuilds the template databases" },
    json: { what: "prints one JSON object a subject" },
    write: { what: "keeps the figures in docs/bench, and shows them in the README" },
    small: { what: "over 10,000 listings, as CI does: the serving cases alone" },
    check: { what: "the small bench beside the one that is kept: CPU a reply at most 1.6 times" },
    registered: {
      count: 1_000_000,
      what: "registered contracts over which the registry's figures are measured",
    },
    listings: {
      count: 1_000_000,
      what: "results over which search and matching are measured, with a fifth as many needs",
    },
    case: {
      value: "CASE",
      several: true,
      what: `these only: ${subjects.join(", ")}; of serving ${caseNames.join(", ")}`,
    },
    profile: { value: "FOLDER", what: "writes a CPU profile of each process" },
  },
  environment: {
    BENCH_DATABASE_URL:
      "a PostgreSQL server to make template databases on; else TEST_DATABASE_URL, DATABASE_URL",
  },
  exits: "0 measured, 1 a wrong reply, a market with work to do, or with --check a costly reply",
} satisfies Description;
const { options } = readOptions(description);
const { connections, fresh, profile, registered, listings } = options;
const isSmall = options.small || options.check;
const { rounds = isSmall ? 3 : 5, seconds = isSmall ? 1 : 4 } = options;
const size = isSmall
  ? { results: 8_000, needs: 2_000 }
  : { results: options.results, needs: options.needs };
const known = [...subjects, ...caseNames];
const unknown = options.case?.filter((name) => !known.includes(name)) ?? [];
if (unknown.length > 0) refuseCall(description, `--case: there is no case ${unknown.join(", ")}.`);
const isChosen = (subject: string) => !isSmall && (options.case?.includes(subject) ?? true);
const names: readonly CaseName[] =
  isSmall || isChosen("serving") ? caseNames : caseNames.filter(isChosen);
if (options.write && names.length > 0 && names.length < caseNames.length) {
  refuseCall(description, "--write keeps all cases of serving together: --case serving.");
}

const say = (text: string) => console.error(`${clock.now().toISOString().slice(11, 19)}  ${text}`);

/** Compiles this checkout beside the others, so that nobody's `dist` changes under a running process. */
function compile(): string {
  const folder = join(projectRoot, "out", `bench-${process.pid}`);
  const tsc = join(projectRoot, "node_modules", ".bin", "tsc");
  // Types are checked by `npm run types`; here only the code is wanted.
  const made = spawnSync(tsc, ["-p", "tsconfig.json", "--noCheck", "--outDir", folder], {
    cwd: projectRoot,
    env: environment(),
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`tsc failed: ${made.stdout}${made.stderr}`);
  return folder;
}

async function serverVersion(): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>("show server_version");
  await client.end();
  return /^[\d.]+/.exec(rows[0]?.server_version ?? "")?.[0] ?? "";
}

async function main(): Promise<void> {
  say(`compiling, run ${newId().slice(-6)}`);
  const origin = originOf(await serverVersion());
  const folder = compile();
  await sweepTemporaryFolders(clock.now());
  const keys = temporaryFolder("bench");
  const keyFile = join(keys, "keys.json");
  createKeyFile(keyFile, clock.now());
  const done = <S extends Subject>(subject: S, report: Reports[S]) => {
    if (options.json) console.log(JSON.stringify({ [subject]: { ...origin, ...report } }));
    if (options.write) keep(subject, { ...origin, ...report });
  };
  const serve = async () => {
    const all = { size, fresh, rounds, seconds, connections, names, profile };
    const report = await benchServing(
      folder,
      keyFile,
      { ...all, withGrowth: !isSmall && names.includes("page"), withLimit: !isSmall },
      say,
    );
    console.log(
      `\n${connections} connections, ${rounds} rounds of ${seconds} s each, medians; ${size.results} results, ${size.needs} needs; Node ${origin.node}, PostgreSQL ${origin.postgres}, ${origin.machine}\n`,
    );
    printServing(report);
    if (report.replies.failed > 0) process.exitCode = 1;
    return report;
  };
  try {
    if (options.check) return await check(serve);
    if (isSmall) return done("small", await serve());
    if (names.length > 0) done("serving", await serve());
    if (isChosen("reindex")) {
      const given = { size, fresh, rounds, seconds, connections };
      const report = await benchReindex(folder, keyFile, publishedIds, given, say);
      console.log(
        `\nreading one result while ${size.results + size.needs} listings are cut again, ${report.listingsPerSecond} a second: p99 ${report.during.p99} ms beside ${report.without.p99} ms, ${report.ratio} times; at most ${report.target}: ${report.reached ? "yes" : "no"}`,
      );
      done("reindex", report);
    }
    if (isChosen("flood")) {
      // Over as many as it was starved at before searches had a share of their own.
      const market = {
        results: Math.min(10_000, size.results),
        needs: Math.min(2_000, size.needs),
      };
      const given = { size: market, fresh, rounds, seconds, connections };
      const report = await benchFlood(folder, keyFile, given, say);
      printFlood(report);
      if (!report.stood) process.exitCode = 1;
      done("flood", report);
    }
    if (isChosen("deals")) {
      const given = { registered, fresh, rounds };
      done("deals", await benchDeals(folder, given, say));
    }
    if (isChosen("matching")) {
      const market = { results: listings, needs: Math.ceil(listings / 5) };
      done("matching", await benchMatching({ size: market, fresh, rounds }, say));
    }
  } finally {
    for (const made of [keys, folder]) rmSync(made, { recursive: true, force: true });
  }
}

/** Whether a reply costs what it did, in two tries: a machine may be busy with something else. */
async function check(serve: () => Promise<Reports["small"]>): Promise<void> {
  const before = readKept("small");
  if (!before) throw new Error("nothing is kept to compare with: npm run bench -- --small --write");
  for (const attempt of [1, 2]) {
    const found = grown(await serve(), before);
    if (found.length === 0) return;
    console.log(`try ${attempt} of 2:\n${found.map((one) => `  ${one}`).join("\n")}`);
  }
  process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
