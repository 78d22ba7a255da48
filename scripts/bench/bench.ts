/**
 * `npm run bench`: this API beside a floor (a bare Fastify handler that sends the same SQL), on one
 * PostgreSQL server, in one run. `--json` prints one JSON object last. Exit code 1 when a reply was
 * not 2xx or the two do not answer the same; targets that are missed are reported, not an error.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import pg from "pg";
import { clock } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createKeyFile } from "../../src/lib/signing-keys.ts";
import { sweepTemporaryFolders, temporaryFolder } from "../../src/lib/temporary.ts";
import {
  bodyOf,
  type Capture,
  type CaseName,
  caseNames,
  cases,
  fieldCodes,
  type Job,
  pathsOf,
} from "./cases.ts";
import { benchDeals } from "./deals.ts";
import { dropCopy, openCopy, serverUrl, urlOf } from "./generate.ts";
import { headersOf, type Measured, run } from "./load.ts";
import { benchMatching } from "./matching.ts";
import { captureApi, environment, startTarget, type Target } from "./processes.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    connections: { type: "string", default: "10" },
    results: { type: "string", default: "100000" },
    needs: { type: "string", default: "20000" },
    /** Rebuilds the template databases. */
    fresh: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    /** Registered contracts over which the registry's figures are measured. */
    registered: { type: "string", default: "1000000" },
    /** Results over which searching and matching are measured, with a fifth as many needs. */
    listings: { type: "string", default: "1000000" },
    /** Measures these cases only; `deals` are the registry's figures, `matching` searching and matching. */
    case: { type: "string", multiple: true },
    /** Folder for a CPU profile of each process. */
    profile: { type: "string" },
  },
});
const wholeNumber = (
  name: "rounds" | "seconds" | "connections" | "results" | "needs" | "registered" | "listings",
): number => {
  const number = Number(options[name]);
  if (Number.isInteger(number) && number > 0) return number;
  console.error(`--${name} takes a whole number above 0`);
  process.exit(2);
};
const rounds = wholeNumber("rounds");
const seconds = wholeNumber("seconds");
const connections = wholeNumber("connections");
const large = { results: wholeNumber("results"), needs: wholeNumber("needs") };
const small = {
  results: Math.ceil(large.results / 10),
  needs: Math.ceil(large.needs / 10),
};
const chosen = caseNames.filter((name) => options.case?.includes(name) ?? true);

/** Limits of the whole: bytes of resident memory, and the large market's cost over the small one's. */
const memoryLimit = 200 * 1024 * 1024;
const growthLimit = 1.3;

const say = (text: string) => console.error(`${clock.now().toISOString().slice(11, 19)}  ${text}`);

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};
const rounded = (number: number, digits = 2) => Number(number.toFixed(digits));

/** What a load came to, with the target's own use of the processor. */
interface Round extends Measured {
  /** CPU time of the target's process for each reply, in ms. */
  cpu: number;
}

/** Medians of the rounds. */
const summary = (measured: readonly Round[]) => ({
  requestsPerSecond: rounded(median(measured.map((m) => m.requestsPerSecond)), 1),
  p50: rounded(median(measured.map((m) => m.p50))),
  p99: rounded(median(measured.map((m) => m.p99))),
  cpuMs: rounded(median(measured.map((m) => m.cpu)), 3),
});

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

/** Published results of organisations in good standing, spread over the market. */
async function publishedIds(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    `select r.id from results r join organizations o on o.id = r.organization_id
     where r.status = 'published' and o.status = 'verified' order by md5(r.id::text) limit 500`,
  );
  await client.end();
  return rows.map((row) => row.id);
}

/** What two replies must have in common: all but the cursor, whose content is this API's own. */
function comparable(text: string): unknown {
  const body = JSON.parse(text) as { page?: { next?: string } };
  if (body.page?.next) body.page.next = "";
  return body;
}

/** A reply that only has to have the other's members, such as what was just created. */
const shapeOf = (body: unknown) => Object.keys(body as object).sort();

/**
 * The floor must do the same work: its replies are compared with the API's before anything is measured.
 * @throws Error when they differ
 */
async function assertSame(name: CaseName, api: Target, floor: Target, ids: readonly string[]) {
  const token = await api.token();
  for (const path of pathsOf(name, ids.slice(0, 20))) {
    const replies = [];
    for (const target of [api, floor]) {
      const init: RequestInit = { method: cases[name].method, headers: headersOf(name, token) };
      const body = bodyOf(name);
      if (body) Object.assign(init, { body });
      const response = await fetch(`${target.url}${path}`, init);
      const text = await response.text();
      if (!response.ok) throw new Error(`${target.role} ${path}: ${response.status} ${text}`);
      replies.push(comparable(text));
    }
    const [ours, floors] = cases[name].method === "GET" ? replies : replies.map(shapeOf);
    if (isDeepStrictEqual(ours, floors)) continue;
    throw new Error(
      `${path}: the floor answers differently\n${JSON.stringify(ours)}\n${JSON.stringify(floors)}`,
    );
  }
}

/** Milliseconds of the filtered page's statement alone, on each database in turn. */
async function measureSql(capture: Capture, urls: readonly string[]): Promise<number[]> {
  const { text, values } = capture.statements.page;
  const settings = "-c timezone=UTC -c jit=off";
  const clients = urls.map((url) => new pg.Client({ connectionString: url, options: settings }));
  for (const client of clients) await client.connect();
  const times: number[][] = clients.map(() => []);
  const laps = Math.max(3, rounds * seconds * 2);
  for (let lap = -2; lap < laps; lap++) {
    for (const [i, client] of clients.entries()) {
      for (const code of fieldCodes) {
        const given = values.map((value) => (value === capture.sample.fieldCode ? code : value));
        const started = performance.now();
        await client.query({ name: "page", text, values: given, rowMode: "array" });
        if (lap >= 0) times[i]?.push(performance.now() - started);
      }
    }
  }
  for (const client of clients) await client.end();
  return times.map(median);
}

async function measure(databases: { large: string; small: string }, folder: string) {
  await sweepTemporaryFolders(clock.now());
  const keys = temporaryFolder("bench");
  const keyFile = join(keys, "keys.json");
  createKeyFile(keyFile, clock.now());
  const targets: Target[] = [];
  try {
    const job: Job = { databaseUrl: urlOf(databases.large), keyFile, connections };
    const smallJob: Job = { ...job, databaseUrl: urlOf(databases.small) };
    say("capturing what the API asks of the database");
    const captured = await captureApi(folder, job);
    const open = async (role: "api" | "floor", given: Job, label: string) => {
      const target = await startTarget(folder, role, given, options.profile, label);
      targets.push(target);
      return target;
    };
    const api = await open("api", job, "api");
    const floor = await open("floor", { ...job, capture: captured }, "floor");
    const ids = await publishedIds(job.databaseUrl);
    for (const name of chosen) await assertSame(name, api, floor, ids);

    let replies = 0;
    let failed = 0;
    const most = new Map<Target, number>();
    const load = async (target: Target, name: CaseName, token: string, time: number) => {
      const { url } = target;
      const before = await target.memory();
      const measured = await run({ url, name, resultIds: ids, token, seconds: time, connections });
      const after = await target.memory();
      most.set(target, Math.max(most.get(target) ?? 0, after.most));
      replies += measured.replies;
      failed += measured.failed;
      return { ...measured, cpu: (after.cpu - before.cpu) / measured.replies };
    };
    /** Rounds of one case on several targets, in turn, after a warm-up of each. */
    const compare = async (name: CaseName, on: readonly Target[]) => {
      const token = await api.token();
      // Until the compiler has seen enough of it, however slow the machine is.
      for (const target of on) {
        let seen = 0;
        for (let turn = 0; turn < 8 && seen < rounds * seconds * 100; turn++) {
          seen += (await load(target, name, token, Math.min(2, seconds))).replies;
        }
      }
      const measured: Round[][] = on.map(() => []);
      for (let round = 0; round < rounds; round++) {
        // Who goes first changes, so that whatever one leaves behind hits both alike.
        const order = [...on.entries()];
        if (round % 2 === 1) order.reverse();
        for (const [i, target] of order) {
          const one = await load(target, name, token, seconds);
          measured[i]?.push(one);
          say(
            `${name}, round ${round + 1} of ${rounds}: ${target.label} ${Math.round(one.requestsPerSecond)} requests a second`,
          );
        }
      }
      return measured as [Round[], Round[]];
    };
    /** Median of the rounds' own ratios: what slows the machine for a while hits both of a round. */
    const ratioOf = (over: readonly Measured[], under: readonly Measured[]) =>
      rounded(
        median(
          over.map((one, i) => one.requestsPerSecond / (under[i]?.requestsPerSecond ?? Number.NaN)),
        ),
        3,
      );

    /** What the filtered page costs on ten times the results. */
    const growth = async () => {
      const smallApi = await open("api", smallJob, "api-small");
      const [onLarge, onSmall] = await compare("page", [api, smallApi]);
      const apiRatio = ratioOf(onSmall, onLarge);
      const urls = [job.databaseUrl, smallJob.databaseUrl];
      const [sqlLarge = 0, sqlSmall = 0] = await measureSql(captured, urls);
      const sqlRatio = rounded(sqlLarge / sqlSmall, 3);
      return {
        from: small.results,
        to: large.results,
        api: { from: summary(onSmall), to: summary(onLarge), ratio: apiRatio },
        sql: { fromMs: rounded(sqlSmall, 3), toMs: rounded(sqlLarge, 3), ratio: sqlRatio },
        limit: growthLimit,
        reached: apiRatio <= growthLimit && sqlRatio <= growthLimit,
      };
    };

    const rows = [];
    for (const name of chosen) {
      const [ours, floors] = await compare(name, [api, floor]);
      const ratio = ratioOf(ours, floors);
      const { title, target } = cases[name];
      rows.push({
        name,
        title,
        api: summary(ours),
        floor: summary(floors),
        ratio,
        target,
        reached: ratio >= target,
      });
    }

    return {
      cases: rows,
      memory: {
        api: most.get(api) ?? 0,
        floor: most.get(floor) ?? 0,
        limit: memoryLimit,
        reached: (most.get(api) ?? 0) <= memoryLimit,
      },
      growth: chosen.includes("page") ? await growth() : null,
      replies: { total: replies, failed },
    };
  } finally {
    for (const target of targets) await target.stop();
    rmSync(keys, { recursive: true, force: true });
  }
}

function print(report: Awaited<ReturnType<typeof measure>>): void {
  const verdict = (reached: boolean) => (reached ? "yes" : "no");
  const head = [
    "case",
    "API req/s",
    "p50/p99 ms",
    "floor req/s",
    "p50/p99 ms",
    "CPU ms a reply, API / floor",
    "ratio",
    "target",
    "reached",
  ];
  const lines = report.cases.map(({ title, api, floor, ratio, target, reached }) => [
    title,
    api.requestsPerSecond.toFixed(0),
    `${api.p50} / ${api.p99}`,
    floor.requestsPerSecond.toFixed(0),
    `${floor.p50} / ${floor.p99}`,
    `${api.cpuMs.toFixed(2)} / ${floor.cpuMs.toFixed(2)}`,
    ratio.toFixed(2),
    target.toFixed(2),
    verdict(reached),
  ]);
  const table = [head, ...lines];
  const widths = head.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0)));
  for (const line of table) {
    console.log(line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "));
  }
  const { memory, growth, replies } = report;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`;
  console.log(
    `\nresident memory under load: API ${megabytes(memory.api)}, floor ${megabytes(memory.floor)}; at most ${megabytes(memory.limit)}: ${verdict(memory.reached)}`,
  );
  if (growth)
    console.log(
      `filtered page, ${growth.from} -> ${growth.to} results: API ${growth.api.ratio.toFixed(2)} times the cost, its SQL alone ${growth.sql.fromMs} -> ${growth.sql.toMs} ms, ${growth.sql.ratio.toFixed(2)} times; at most ${growth.limit}: ${verdict(growth.reached)}`,
    );
  console.log(`${replies.total} replies, ${replies.failed} not 2xx`);
}

async function serverVersion(): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>("show server_version");
  await client.end();
  return rows[0]?.server_version ?? "";
}

async function main(): Promise<void> {
  const copies: string[] = [];
  let folder: string | null = null;
  try {
    say(`compiling, run ${newId().slice(-6)}`);
    folder = compile();
    if (options.case?.includes("deals") ?? true) {
      const registered = wholeNumber("registered");
      const deals = await benchDeals(folder, { registered, fresh: options.fresh, rounds }, say);
      if (options.json) console.log(JSON.stringify({ deals }));
    }
    if (options.case?.includes("matching") ?? true) {
      const listings = wholeNumber("listings");
      const size = { results: listings, needs: Math.ceil(listings / 5) };
      const matching = await benchMatching({ size, fresh: options.fresh, rounds }, say);
      if (options.json) console.log(JSON.stringify({ matching }));
    }
    if (chosen.length === 0) return;
    for (const size of [large, small]) copies.push(await openCopy(size, options.fresh, say));
    const [largeCopy = "", smallCopy = ""] = copies;
    const report = await measure({ large: largeCopy, small: smallCopy }, folder);
    const setting = {
      connections,
      rounds,
      seconds,
      ...large,
      node: process.version,
      postgres: await serverVersion(),
      cores: availableParallelism(),
    };
    console.log(
      `\n${connections} connections, ${rounds} rounds of ${seconds} s each, medians; ${large.results} results, ${large.needs} needs; Node ${setting.node}, PostgreSQL ${setting.postgres}, ${setting.cores} cores\n`,
    );
    print(report);
    if (options.json) console.log(JSON.stringify({ ...setting, ...report }));
    if (report.replies.failed > 0) process.exitCode = 1;
  } finally {
    for (const copy of copies) await dropCopy(copy);
    if (folder) rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
