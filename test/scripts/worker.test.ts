/** Jobs in a process of their own: it does the work, says how it stands, and is missed when it is away. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { auditLog } from "../../db/schema/audit.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { headsIn } from "../../src/modules/audit/head.service.ts";
import { openMarket } from "../support/market.ts";
import { startProgram } from "../support/program.ts";
import { until } from "../support/time.ts";

const serverUrl = process.env.TEST_DATABASE_URL;

t.test("a worker without a server is refused in a sentence", async (t) => {
  const program = startProgram({}, [], "worker");
  t.equal(await program.ended, 1);
  t.match(program.text(), /DATABASE_URL is missing: the embedded database belongs to the process/);
});

t.test("the worker does what the server leaves to it", { skip: !serverUrl }, async (t) => {
  const folder = temporaryFolder("heads");
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const heads = join(folder, "heads.txt");
  const settings = {
    JOBS: "outside",
    DATABASE_URL: serverUrl ?? "",
    SIGNING_KEYS_FILE: "unused",
    AUDIT_HEAD_FILE: heads,
  };
  const market = await openMarket(t, { settings });
  const { db, pool } = market.database;
  const valueIn = (text: string, name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  const waiting = async () =>
    valueIn(
      (await market.as(null)("GET", "/metrics")).text,
      'job_queue_depth\\{job="audit.seal"\\}',
    );
  const university = await market.person("university");
  await market.as(university)("POST", "/v1/results", { body: { title: "等待封存的成果" } });
  await until(async () => (await waiting()) > 0);
  t.equal(await db.$count(auditLog), 0, "the server seals nothing itself, and tells what waits");
  // Only it has the keys.
  await until(async () => existsSync(heads) && headsIn(readFileSync(heads, "utf8")).length > 0);
  t.pass("it signs the log's head");

  const { rows } = await pool.query<{ name: string }>("select current_database() as name");
  const own = new URL(serverUrl ?? "");
  own.pathname = `/${rows[0]?.name}`;
  const worker = startProgram({ DATABASE_URL: own.href }, [], "worker");
  const url = await worker.announced;
  await until(async () => (await db.$count(auditLog)) > 0);
  await until(async () => (await waiting()) === 0);
  t.match(await (await fetch(`${url}/readyz`)).json(), { status: "ok" });
  const told = await (await fetch(`${url}/metrics`)).text();
  t.ok(valueIn(told, 'job_runs_total\\{job="audit.seal",outcome="success"\\}') > 0);
  for (const path of ["/", "/v1/results", "/docs", "/openapi.json"]) {
    t.equal((await fetch(`${url}${path}`)).status, 404, `${path} is not for the worker`);
  }
  await until(async () => {
    const { rows: left } = await pool.query("select from job_runs where succeeded_at is null");
    return left.length === 0;
  });
  t.pass("every timed job ran");
  worker.child.kill("SIGTERM");
  t.equal(await worker.ended, 0, worker.text());
});
