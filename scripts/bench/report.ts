/** What the bench measured, as it is kept in docs/bench and as the README shows it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import { type Origin, tableOf, toldOrigin, withFigures } from "../figures.ts";
import { aims, type benchDeals } from "./deals.ts";
import type { benchFlood } from "./flood.ts";
import type { benchMatching } from "./matching.ts";
import type { benchReindex } from "./reindex.ts";
import type { benchServing } from "./serving.ts";

type Of<Bench extends (...given: never[]) => Promise<unknown>> = Awaited<ReturnType<Bench>>;

export interface Reports {
  serving: Of<typeof benchServing>;
  /** The same over a tenth of the rows: what CI measures, and compares with the one that is kept. */
  small: Of<typeof benchServing>;
  reindex: Of<typeof benchReindex>;
  flood: Of<typeof benchFlood>;
  deals: Of<typeof benchDeals>;
  matching: Of<typeof benchMatching>;
}
export type Subject = keyof Reports;
export type Kept<S extends Subject> = Origin & Reports[S];

const count = (number: number) => number.toLocaleString("en");
const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
const share = (aim: number) => aim.toFixed(2);
const time = (ms: number) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

function servingTable(report: Kept<"serving">): string {
  const { connections, rounds, seconds, results, needs, memory, growth } = report;
  const source = `\`npm run bench\` ${toldOrigin(report)}: ${count(results)} results, ${count(needs)} needs, ${connections} connections, ${rounds} rounds of ${seconds} s each, medians.`;
  const head = [
    ...["case", "API req/s", "p50 / p99 ms", "CPU ms a reply", "floor req/s", "CPU ms a reply"],
    ...["limit req/s", "CPU ms a reply", "API / floor", "aimed at", "API / limit"],
  ];
  const rows = report.cases.map(({ title, api, floor, limit, ratio, target, ofLimit }) => [
    ...[title, count(Math.round(api.requestsPerSecond)), `${api.p50} / ${api.p99}`, api.cpuMs],
    ...[count(Math.round(floor.requestsPerSecond)), floor.cpuMs],
    ...[count(Math.round(limit?.requestsPerSecond ?? 0)), limit?.cpuMs ?? 0],
    ...[share(ratio), share(target), share(ofLimit ?? 0)],
  ]);
  const lines = [
    `Resident memory under load ${megabytes(memory.api)} (the floor's ${megabytes(memory.floor)}, aimed at ${megabytes(memory.limit)}).`,
    ...(growth
      ? [
          `The filtered page costs ${growth.api.ratio} times as much at ${count(growth.to)} results as at ${count(growth.from)}, its SQL alone ${growth.sql.ratio} times.`,
        ]
      : []),
  ];
  return [source, "", tableOf(head, rows), "", lines.join(" ")].join("\n");
}

function reindexTable(report: Kept<"reindex">): string {
  const { without, during, ratio, target, listingsPerSecond, results, needs } = report;
  const source = `\`npm run bench -- --case reindex\` ${toldOrigin(report)}: reading one result, ${report.connections} connections, ${report.rounds} rounds of ${report.seconds} s, while ${count(results + needs)} listings are cut again, ${listingsPerSecond} a second:`;
  const row = (name: string, of: typeof without) => [
    ...[name, count(Math.round(of.requestsPerSecond)), `${of.p50} ms`, `${of.p99} ms`],
    megabytes(of.memory),
  ];
  const table = tableOf(
    ["", "req/s", "p50", "p99", "memory"],
    [row("without", without), row("meanwhile", during)],
  );
  return [
    source,
    "",
    table,
    "",
    `The p99 is ${ratio} times that without (aimed at ${target}).`,
  ].join("\n");
}

function dealsTable(report: Kept<"deals">): string {
  const { registered, few, volume, feed, registering } = report;
  const source = `\`npm run bench -- --case deals\` ${toldOrigin(report)}: ${count(registered)} registered contracts beside ${count(few)}.`;
  const aimOf = (name: string) =>
    name.startsWith("by month") && name.endsWith("current") ? "at most 2" : "reported";
  const rows = [
    ...volume.map(({ name, largeMs, smallMs, growth }) => [
      ...[`volume ${name}`, 1, `${time(largeMs)} beside ${time(smallMs)}, ${growth} times`],
      aimOf(name),
    ]),
    [
      ...[`pulling ${count(feed.pulled)} feed entries, beside a bare read of the same rows`, 1],
      `${count(feed.json)} a second, ${feed.ratios.json} (NDJSON ${count(feed.ndjson)}, ${feed.ratios.ndjson})`,
      share(aims.feed),
    ],
    [
      ...["registering over 20 offices, beside a bare insert of the rows that it leaves", 10],
      ...[
        `${registering.spread} a second beside ${registering.bare}, ${registering.ratios.spread}`,
      ],
      share(aims.registering),
    ],
    [
      ...["registering in one office alone", 10],
      ...[`${registering.alone} a second, ${registering.ratios.alone}`, "reported"],
    ],
  ];
  return [source, "", tableOf(["what", "connections", "reached", "aimed at"], rows)].join("\n");
}

function matchingTable(report: Kept<"matching">): string {
  const { size, reads, writes, loadSeconds } = report;
  const source = `\`npm run bench -- --case matching\` ${toldOrigin(report)}: ${count(size.results)} results and ${count(size.needs)} needs whose words are drawn by Zipf's law, one connection; a search page has its facets and highlights.`;
  const rows = reads.map(({ name, p50, p99, aim, smallP50, growth }) => [
    ...[name, `${p50} ms`, `${p99} ms`],
    aim ? `${aim.p99} ms, growth ${aim.growth}` : "reported",
    ...[`${smallP50} ms`, growth],
  ]);
  const head = ["what", "p50", "p99", "aimed at", "a tenth of the market", "growth"];
  const tenth = [size.results, size.needs].map((of) => count(Math.ceil(of / 10)));
  const lines = [
    `Writing a listing with its terms in its own transaction takes ${writes.wholeP50} ms beside ${writes.plainP50} ms of the plain insert (a row without terms, into a table without the indexes of search), ${writes.ratio} times (aimed at ${writes.aim}).`,
    `Loading ${tenth[0]} results and ${tenth[1]} needs in bulk takes ${loadSeconds} s with all indexes and counts.`,
  ];
  return [source, "", tableOf(head, rows), "", lines.join(" ")].join("\n");
}

/** What the README shows, by subject. */
export const tables: { [S in Subject]?: (report: Kept<S>) => string } = {
  serving: servingTable,
  reindex: reindexTable,
  deals: dealsTable,
  matching: matchingTable,
};

/** Names the place of a subject's figures in the README. */
export const nameOf = (subject: Subject) => `npm run bench -- --write, ${subject}`;

export const folder = join(projectRoot, "docs", "bench");
export const readme = join(projectRoot, "README.md");

/** What was kept; null when nothing was measured yet. */
export function readKept<S extends Subject>(subject: S): Kept<S> | null {
  const file = join(folder, `${subject}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Kept<S>) : null;
}

/** Keeps a report and shows it in the README. */
export function keep<S extends Subject>(subject: S, report: Kept<S>): void {
  mkdirSync(folder, { recursive: true });
  const table = tables[subject];
  if (table) {
    const document = readFileSync(readme, "utf8");
    writeFileSync(readme, withFigures(document, nameOf(subject), table(report)));
  }
  writeFileSync(join(folder, `${subject}.json`), `${JSON.stringify(report, null, 2)}\n`);
}

/** How many times the recorded share of CPU a reply may cost. */
const tolerated = 1.6;

/** The cases whose CPU a reply, beside the floor's, is more than it may be; empty when none is. */
export const grown = (now: Reports["small"], before: Reports["small"]): string[] =>
  now.cases.flatMap(({ name, api, floor }) => {
    const kept = before.cases.find((one) => one.name === name);
    if (!kept) return [`${name}: it was never measured, see npm run bench -- --small --write`];
    const [ratio, was] = [api.cpuMs / floor.cpuMs, kept.api.cpuMs / kept.floor.cpuMs];
    return ratio <= was * tolerated
      ? []
      : [
          `${name}: ${ratio.toFixed(2)} times the floor's CPU a reply, recorded were ${was.toFixed(2)}`,
        ];
  });
