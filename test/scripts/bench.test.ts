/** The bench itself: it runs, its JSON is complete, and every reply was 2xx. How fast is not asked here. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { sql } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../db/schema/audit.ts";
import {
  grown,
  type Kept,
  nameOf,
  type Reports,
  readKept,
  readme,
  type Subject,
  tables,
} from "../../scripts/bench/report.ts";
import { untilSettled, workOf } from "../../scripts/bench/settled.ts";
import { figuresIn } from "../../scripts/figures.ts";
import { argumentsFor, bare } from "../../scripts/program.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { publishedResult } from "../support/listings.ts";
import { openMarket } from "../support/market.ts";

const skip = process.env.TEST_DATABASE_URL ? false : "it needs a PostgreSQL server";

interface Figures {
  requestsPerSecond: number;
  p50: number;
  p99: number;
  cpuMs: number;
}

interface Report {
  connections: number;
  results: number;
  needs: number;
  commit: string;
  machine: string;
  cases: {
    name: string;
    api: Figures;
    floor: Figures;
    limit: Figures;
    ratio: number;
    target: number;
  }[];
  memory: { api: number; floor: number; limit: number };
  growth: { api: { ratio: number }; sql: { ratio: number }; limit: number };
  replies: { total: number; failed: number };
}

t.test("the README's tables say what docs/bench says", async (t) => {
  const document = readFileSync(readme, "utf8");
  for (const [subject, table] of Object.entries(tables)) {
    const kept = readKept(subject as Subject);
    const stated = figuresIn(document, nameOf(subject as Subject));
    const written = kept ? (table as (report: unknown) => string)(kept) : "";
    t.equal(stated, written, `${subject}: figures come from a run`);
  }
  t.ok(readKept("small")?.commit, "CI has something to compare with");
});

t.test("a reply that costs more than 1.6 times its recorded share is found", async (t) => {
  const kept = readKept("small") as Kept<"small">;
  const times = (factor: number): Reports["small"] => ({
    ...kept,
    cases: kept.cases.map((one) => ({
      ...one,
      api: { ...one.api, cpuMs: one.api.cpuMs * factor },
    })),
  });
  t.same(grown(times(1.5), kept), []);
  t.equal(grown(times(1.7), kept).length, kept.cases.length);
  t.match(grown(kept, { ...kept, cases: [] }), [/one: it was never measured/]);
});

t.test("a market that has work to do is told apart from a settled one", async (t) => {
  const market = await openMarket(t);
  const { app, database } = market;
  const { db } = database;
  const run = async (name: string) => await app.jobs.find((job) => job.name === name)?.run(db);
  const [operator, university] = [
    await market.person("operator"),
    await market.person("university"),
  ];
  await publishedResult(market, university, operator);
  t.match(await workOf(db), [
    /cut into terms again/,
    /terms are to be counted/,
    `${await db.$count(auditRecords)} records are to be sealed`,
  ]);
  await run("suggestions.reindex");
  await run("audit.seal");
  t.same(await workOf(db), []);
  await db.execute(sql`update matching_documents set weighed_with = 1000`);
  await db.execute(
    sql`insert into job_runs (job, due_at) values ('x.y', now()), ('x.z', now() + interval '1 hour')`,
  );
  t.match(await workOf(db), [/1 listings are to be reweighed/, "jobs are due or run: x.y"]);
  if (!process.env.TEST_DATABASE_URL) return;
  const { rows } = await db.execute<{ name: string }>(sql`select current_database() as name`);
  const url = new URL(process.env.TEST_DATABASE_URL);
  url.pathname = `/${rows[0]?.name}`;
  await t.rejects(untilSettled(url.href, 0), { message: /refused to measure.*reweighed/ });
});

t.test("a tiny bench reports all that it measures", { skip, timeout: 200_000 }, async (t) => {
  const sizes =
    "--results 500 --needs 100 --listings 500 --registered 2000 --rounds 1 --seconds 1 --connections 10 --json";
  // tap adds its own loader to NODE_OPTIONS of whatever is spawned; what is measured must not have it.
  const child = spawn(
    "env",
    [
      ...bare.slice(1),
      process.execPath,
      ...argumentsFor("scripts/bench/bench.ts"),
      ...sizes.split(" "),
    ],
    { cwd: projectRoot, stdio: ["ignore", "pipe", "pipe"] },
  );
  const printed: Buffer[] = [];
  const said: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  const [code] = await once(child, "close");
  t.equal(code, 0, Buffer.concat(said).toString("utf8"));

  const lines = Buffer.concat(printed).toString("utf8").trimEnd().split("\n");
  const reportOf = (subject: string) =>
    JSON.parse(lines.find((line) => line.startsWith(`{"${subject}"`)) ?? "{}")[subject];
  const report = reportOf("serving") as Report;
  t.match(report, { connections: 10, results: 500, needs: 100, commit: /./, machine: /cores/ });
  const reindex = reportOf("reindex");
  for (const which of [reindex.without, reindex.during]) t.ok(which.p99 > 0 && which.memory > 0);
  t.ok(reindex.ratio > 0 && reindex.listingsPerSecond > 0, "reindex");
  const flood = reportOf("flood");
  t.match(flood, { results: 500, stood: true });
  t.ok(flood.searches.statuses[200] > 0, "searches were answered");
  for (const { name, during } of flood.looks) t.ok(during.looks > 0 && during.p99 > 0, name);
  const deals = reportOf("deals");
  t.match(deals, { registered: 2000, few: 20, feed: { pulled: 2000 } });
  for (const { name, growth } of deals.volume) t.ok(growth > 0, name);
  for (const ratio of Object.values(deals.feed.ratios)) t.ok(Number(ratio) > 0, "pull feed");
  for (const ratio of Object.values(deals.registering.ratios))
    t.ok(Number(ratio) > 0, "registering");
  const matching = reportOf("matching");
  t.match(matching.size, { results: 500, needs: 100 });
  for (const { name, p50, growth } of matching.reads) t.ok(p50 > 0 && growth > 0, name);
  t.ok(matching.writes.ratio > 0 && matching.loadSeconds >= 0, "writing");
  t.strictSame(
    report.cases.map(({ name, target }) => [name, target]),
    [
      ["one", 0.85],
      ["oneHot", 1.5],
      ["page", 0.85],
      ["pageHot", 2],
      ["own", 0.8],
      ["create", 0.5],
    ],
  );
  for (const { name, api, floor, limit, ratio } of report.cases) {
    for (const figures of [api, floor, limit]) {
      for (const [key, value] of Object.entries(figures)) t.ok(value > 0, `${name}: ${key}`);
    }
    t.ok(ratio > 0, `${name}: ratio`);
  }
  t.ok(report.memory.api > 0 && report.memory.floor > 0, "memory");
  t.ok(report.growth.api.ratio > 0 && report.growth.sql.ratio > 0, "growth");
  t.ok(report.replies.total > 0, "replies");
  t.equal(report.replies.failed, 0, "every reply was 2xx");
});
