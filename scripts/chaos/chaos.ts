/**
 * Troubles a market of its own, in every way that is known, and looks whether anything was lost. Only
 * processes, databases and folders that it made are touched, only 127.0.0.1 is called.
 * Exit codes: 0 nothing was, 1 something was not as promised, 2 called wrongly.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { projectRoot } from "../../src/lib/root.ts";
import { findBinaries, makeCluster } from "../cluster.ts";
import { openMarket } from "./market.ts";
import { inFolder, ownCases, prepareServer, Skipped, serverRates } from "./own-cases.ts";
import { type Report, tell, withFigures } from "./report.ts";
import { serverCases } from "./server-cases.ts";
import { type Figures, tryOut } from "./trial.ts";

const all = [
  ...Object.entries(serverCases).map(([name, { what }]) => [name, what] as const),
  ...Object.entries(ownCases).map(([name, { what }]) => [name, what] as const),
];

const usage = `Usage: npm run chaos -- OPTIONS

Two processes on a PostgreSQL cluster of their own (from this machine's programs), 30 keyed writes and
100 reads a second; then one trouble after the other.

  --seconds N          how long each trouble lasts, 10
  --only CASE,CASE     these only
  --list               the cases
  --json FILE          the figures, as JSON
  --write              the figures into docs/chaos.json and docs/reliability.md
  --help               this text
`;

class UsageError extends Error {}

function options() {
  let values: ReturnType<typeof parse>;
  try {
    values = parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 3600)) {
    throw new UsageError("--seconds: a number from 1 to 3600");
  }
  const only = values.only?.split(",") ?? all.map(([name]) => name);
  const unknown = only.filter((name) => !all.some(([known]) => known === name));
  if (unknown.length > 0) throw new UsageError(`--only: there is no case ${unknown.join(", ")}`);
  return { ...values, seconds, only };
}

const parse = () =>
  parseArgs({
    options: {
      seconds: { type: "string", default: "10" },
      only: { type: "string" },
      list: { type: "boolean", default: false },
      json: { type: "string" },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;

/** The cases on one market of two processes. */
const onServer = (names: string[], seconds: number, done: (figures: Figures) => void) =>
  inFolder(async (folder) => {
    const cluster = await makeCluster();
    try {
      await cluster.start();
      const market = await openMarket(prepareServer(cluster.url, folder), 2);
      try {
        for (const [run, name] of names.entries()) {
          const trouble = serverCases[name]?.trouble;
          if (!trouble) continue;
          done(
            await tryOut(name, run, market, serverRates, seconds, (scene) =>
              trouble(scene, cluster),
            ),
          );
        }
      } finally {
        await market.close();
      }
    } finally {
      await cluster.remove();
    }
  });

const git = (...given: string[]) =>
  execFileSync("git", given, { cwd: projectRoot, encoding: "utf8" }).trim();

/** The commit that is tried, marked when the folder holds something else. */
function commit(): string {
  try {
    const changed = git("status", "--porcelain", "--", "src", "db", "scripts") !== "";
    return `${git("rev-parse", "--short=10", "HEAD")}${changed ? " with changes" : ""}`;
  } catch {
    return "unknown";
  }
}

function postgresVersion(): string {
  const bin = findBinaries();
  if (!bin) return "none";
  const printed = execFileSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" });
  return /\d+(\.\d+)?/.exec(printed)?.[0] ?? "";
}

async function run(): Promise<void> {
  const { seconds, only, list, json, write, help } = options();
  if (help || list) {
    console.log(help ? usage : all.map(([name, what]) => `${name.padEnd(15)}${what}`).join("\n"));
    return;
  }
  const report: Report = {
    commit: commit(),
    node: process.versions.node,
    postgres: postgresVersion(),
    seconds,
    cases: [],
    skipped: [],
  };
  const what = new Map(all);
  const began = performance.now();
  const done = (figures: Figures) => {
    report.cases.push({ ...figures, what: what.get(figures.name) ?? "" });
    console.log(
      `${String(Math.round((performance.now() - began) / 1000)).padStart(4)} s  ${tell(figures)}`,
    );
  };
  const onShared = only.filter((name) => serverCases[name]);
  if (onShared.length > 0) {
    if (findBinaries()) await onServer(onShared, seconds, done);
    else report.skipped.push(`${onShared.join(", ")}: this machine has no PostgreSQL server`);
  }
  for (const [run, name] of only.entries()) {
    const own = ownCases[name];
    if (!own) continue;
    try {
      done(await own.run(name, run, seconds));
    } catch (error) {
      if (!(error instanceof Skipped)) throw error;
      report.skipped.push(`${name}: ${error.message}`);
    }
  }
  for (const one of report.skipped) console.log(`        not tried: ${one}`);
  const failed = report.cases.filter(({ faults }) => faults.length > 0);
  console.log(`${report.cases.length - failed.length} of ${report.cases.length} cases as promised`);
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (json) writeFileSync(json, text);
  if (write) {
    const [file, document] = ["chaos.json", "reliability.md"].map((name) =>
      join(projectRoot, "docs", name),
    ) as [string, string];
    const changed = withFigures(readFileSync(document, "utf8"), report);
    writeFileSync(file, text);
    writeFileSync(document, changed);
  }
  if (failed.length > 0) process.exitCode = 1;
}

// What was started and mounted is taken down by handlers of `exit`.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(1));
}
try {
  await run();
} catch (error) {
  const isUsage = error instanceof UsageError;
  console.error(
    isUsage ? `${error.message}\n\n${usage}` : "The trial failed:",
    isUsage ? "" : error,
  );
  process.exitCode = isUsage ? 2 : 1;
}
