/** The bench itself: it runs, its JSON is complete, and every reply was 2xx. How fast is not asked here. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";
import { projectRoot } from "../../src/lib/root.ts";

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
  cases: { name: string; api: Figures; floor: Figures; ratio: number; target: number }[];
  memory: { api: number; floor: number; limit: number };
  growth: { api: { ratio: number }; sql: { ratio: number }; limit: number };
  replies: { total: number; failed: number };
}

t.test("a tiny bench reports all that it measures", { skip, timeout: 200_000 }, async (t) => {
  const sizes =
    "--results 500 --needs 100 --listings 500 --registered 2000 --rounds 1 --seconds 1 --connections 10 --json";
  // tap adds its own loader to NODE_OPTIONS of whatever is spawned; what is measured must not have it.
  const child = spawn(
    "env",
    [
      "-u",
      "NODE_OPTIONS",
      process.execPath,
      "--import=tsx",
      join("scripts", "bench", "bench.ts"),
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
  const report = JSON.parse(lines.at(-1) ?? "") as Report;
  t.match(report, { connections: 10, results: 500, needs: 100 });
  const { deals } = JSON.parse(lines.find((line) => line.startsWith('{"deals"')) ?? "{}");
  t.match(deals, { registered: 2000, few: 20, feed: { pulled: 2000 } });
  for (const { name, growth } of deals.volume) t.ok(growth > 0, name);
  for (const ratio of Object.values(deals.feed.ratios)) t.ok(Number(ratio) > 0, "pull feed");
  for (const ratio of Object.values(deals.registering.ratios))
    t.ok(Number(ratio) > 0, "registering");
  const { matching } = JSON.parse(lines.find((line) => line.startsWith('{"matching"')) ?? "{}");
  t.match(matching.size, { results: 500, needs: 100 });
  for (const { name, p50, growth } of matching.reads) t.ok(p50 > 0 && growth > 0, name);
  t.ok(matching.writes.ratio > 0 && matching.loadSeconds >= 0, "writing");
  t.strictSame(
    report.cases.map(({ name, target }) => [name, target]),
    [
      ["one", 0.8],
      ["page", 0.8],
      ["own", 0.7],
      ["create", 0.5],
    ],
  );
  for (const { name, api, floor, ratio } of report.cases) {
    for (const figures of [api, floor]) {
      for (const [key, value] of Object.entries(figures)) t.ok(value > 0, `${name}: ${key}`);
    }
    t.ok(ratio > 0, `${name}: ratio`);
  }
  t.ok(report.memory.api > 0 && report.memory.floor > 0, "memory");
  t.ok(report.growth.api.ratio > 0 && report.growth.sql.ratio > 0, "growth");
  t.ok(report.replies.total > 0, "replies");
  t.equal(report.replies.failed, 0, "every reply was 2xx");
});
