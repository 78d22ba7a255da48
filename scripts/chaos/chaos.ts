/**
 * Troubles a market of its own, in every way that is known, and looks whether anything was lost. Only
 * processes, databases and folders that it made are touched, only 127.0.0.1 is called.
 * Exit codes: 0 nothing was, 1 something was not as promised, 2 called wrongly.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import { findBinaries, makeCluster } from "../cluster.ts";
import { commit, withFigures } from "../figures.ts";
import { type Description, readOptions, refuseCall } from "../options.ts";
import { openMarket } from "./market.ts";
import { inFolder, ownCases, prepareServer, Skipped, serverRates } from "./own-cases.ts";
import { name as place, type Report, tell, toMarkdown } from "./report.ts";
import { serverCases } from "./server-cases.ts";
import { type Figures, tryOut } from "./trial.ts";

const all = [
  ...Object.entries(serverCases).map(([name, { what }]) => [name, what] as const),
  ...Object.entries(ownCases).map(([name, { what }]) => [name, what] as const),
];

const description = {
  name: "chaos",
  does: `Two processes on a PostgreSQL cluster of their own (from this machine's programs), 30 keyed writes
and 100 reads a second; then one trouble after the other, and a look at whether anything was lost.`,
  options: {
    seconds: { count: 10, most: 3600, what: "how long each trouble lasts" },
    only: { value: "CASE,CASE", what: "these cases only" },
    list: { what: "the cases, and nothing is done" },
    json: { value: "FILE", what: "writes the figures, as JSON" },
    write: { what: "writes the figures into docs/chaos.json and docs/reliability.md" },
  },
  exits: "0 nothing was lost, 1 something was not as promised",
} satisfies Description;
const { options } = readOptions(description);

function chosenCases(): string[] {
  const only = options.only?.split(",") ?? all.map(([name]) => name);
  const unknown = only.filter((name) => !all.some(([known]) => known === name));
  if (unknown.length > 0) {
    refuseCall(description, `--only: there is no case ${unknown.join(", ")}.`);
  }
  return only;
}

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

function postgresVersion(): string {
  const bin = findBinaries();
  if (!bin) return "none";
  const printed = execFileSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" });
  return /\d+(\.\d+)?/.exec(printed)?.[0] ?? "";
}

async function run(): Promise<void> {
  const { seconds, list, json, write } = options;
  const only = chosenCases();
  if (list) {
    console.log(all.map(([name, what]) => `${name.padEnd(15)}${what}`).join("\n"));
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
    const changed = withFigures(readFileSync(document, "utf8"), place, toMarkdown(report));
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
  console.error("The trial failed:", error);
  process.exitCode = 1;
}
