/** The database goes away, freezes and comes back: nobody dies of it, nothing acknowledged is lost. */
import { setTimeout } from "node:timers/promises";
import { eq, like, sql } from "drizzle-orm";
import pg from "pg";
import t, { type Test } from "tap";
import { results } from "../../db/schema/results.ts";
import { transact } from "../../src/database/transact.ts";
import { newId } from "../../src/lib/ids.ts";
import { outageOf, UnknownOutcome } from "../../src/lib/outages.ts";
import { noServer, open, startCluster } from "../support/cluster.ts";
import { type Caller, type Market, openMarket, type Reply } from "../support/market.ts";
import { openProxy } from "../support/proxy.ts";
import { refused } from "../support/replies.ts";
import { until } from "../support/time.ts";

if (noServer) {
  t.pass(`skipped: ${noServer}`);
  process.exit(0);
}

const cluster = await startCluster(t);
const lines: { level: number; msg: string; time: number; requests?: object }[] = [];
const logger = {
  level: "info",
  stream: { write: (line: string) => void lines.push(JSON.parse(line)) },
};
const market = await openMarket(t, { database: open(cluster.url), logger, runJobs: true });
const owner = await market.person("university");
const other = await market.person("enterprise");

/** Drafts a result under a key. */
const draft = (of: Market, caller: Caller, title: string, key: string) =>
  of.as(caller)("POST", "/v1/results", { body: { title }, headers: { "idempotency-key": key } });

const countOf = (of: Market, title: string) =>
  of.database.db.$count(results, like(results.title, `${title}%`));

/** Calls that go on while something happens to the database. */
function underLoad(name: string) {
  const replies: Reply[] = [];
  const acknowledged: { key: string; at: number }[] = [];
  let isOver = false;
  const writer = async (caller: Caller, n: number) => {
    for (let i = 0; !isOver; i++) {
      const key = `${name}-${n}-${i}`;
      // As a caller is told to: the same request again, with its key, until it is answered.
      for (;;) {
        const reply = await draft(market, caller, `${name} ${key}`, key);
        replies.push(reply);
        if (reply.status === 201) {
          acknowledged.push({ key, at: performance.now() });
          break;
        }
        if (isOver) return;
        await setTimeout(50);
      }
    }
  };
  const reader = async () => {
    while (!isOver) {
      replies.push(await market.as(other)("GET", "/v1/results?limit=5"));
      await setTimeout(20);
    }
  };
  const all = Promise.all([
    ...Array.from({ length: 8 }, (_, n) => writer(n % 2 ? owner : other, n)),
    reader(),
    reader(),
  ]);
  const stop = async (t: Test) => {
    isOver = true;
    await all;
    const odd = replies.filter(
      ({ status, headers }) =>
        status >= 500 && !([503, 507].includes(status) && Number(headers["retry-after"]) > 0),
    );
    t.same(
      odd.map(({ status, text }) => `${status} ${text}`),
      [],
      "no 5xx but 503 with Retry-After",
    );
    t.equal(new Set(acknowledged.map(({ key }) => key)).size, acknowledged.length);
    // What was not acknowledged may be there or not, but once.
    const { rows } = await market.database.db.execute<{ title: string; count: number }>(
      sql`select title, count(*)::int as count from ${results}
        where title like ${`${name} %`} group by title`,
    );
    const stored = new Map(rows.map(({ title, count }) => [title, count]));
    t.same(
      acknowledged.filter(({ key }) => stored.get(`${name} ${key}`) !== 1),
      [],
      "all that was acknowledged is there, once",
    );
    t.same(
      [...stored].filter(([, count]) => count > 1),
      [],
      "nothing is there twice",
    );
    return replies;
  };
  return { replies, acknowledged, stop };
}

t.test("every session is ended, in the middle of what it does", async (t) => {
  const load = underLoad("terminated");
  const admin = new pg.Client({ connectionString: cluster.url });
  await admin.connect();
  for (let i = 0; i < 8; i++) {
    const before = load.acknowledged.length;
    await until(() => load.acknowledged.length > before + 5);
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'grand-market'",
    );
  }
  await admin.end();
  const before = load.acknowledged.length;
  await until(() => load.acknowledged.length > before + 5);
  await load.stop(t);
});

for (const mode of ["fast", "immediate"] as const) {
  t.test(`a restart, ${mode}: refused meanwhile, taken again at once`, async (t) => {
    const load = underLoad(mode);
    await until(() => load.acknowledged.length > 10);
    lines.length = 0;
    await cluster.stop(mode);
    await until(() => load.replies.filter(({ status }) => status === 503).length > 30);
    const away = load.replies.filter(({ status }) => status === 503).at(-1);
    t.ok(away && refused(t, away, 503, "server.unavailable"));
    await until(async () => (await market.as(null)("GET", "/readyz")).status === 503);
    await setTimeout(1_500);
    await cluster.start();
    const back = performance.now();
    await until(() => load.acknowledged.some(({ at }) => at > back));
    t.comment(`writes again ${Math.round(performance.now() - back)} ms after the server's return`);
    await until(async () => (await market.as(null)("GET", "/readyz")).status === 200);
    t.comment(`ready again after ${Math.round(performance.now() - back)} ms`);
    const replies = await load.stop(t);
    const failed = replies.filter(({ status }) => status >= 500).length;
    const errors = lines.filter(({ level }) => level >= 50);
    const gathered = errors.filter(({ requests }) => requests).sort((a, b) => a.time - b.time);
    t.comment(`${failed} refused, ${errors.length} lines of errors`);
    t.same(
      gathered.slice(1).filter(({ time }, i) => time - (gathered[i]?.time ?? 0) < 950),
      [],
      "no two of the lines that gather within a second",
    );
    t.same(
      errors.filter(({ requests, msg }) => !requests && !msg.startsWith("the database")),
      [],
      "no other error is logged",
    );
    const counted = gathered.flatMap(({ requests }) => Object.values(requests ?? {}));
    t.ok(counted.reduce((sum, count) => sum + count, 0) > 30, "and all are counted");
  });
}

t.test(
  "frozen: health answers at once and says so, callers are told, then all goes on",
  async (t) => {
    const load = underLoad("frozen");
    await until(() => load.acknowledged.length > 10);
    cluster.freeze();
    const frozen = performance.now();
    let slowest = 0;
    const vital = ["/livez", "/readyz", "/version", "/metrics"] as const;
    const look = async () => {
      const statuses: number[] = [];
      for (const path of vital) {
        const asked = performance.now();
        const headers = { authorization: `Bearer ${owner.token}x` };
        statuses.push((await market.as(null)("GET", path, { headers })).status);
        slowest = Math.max(slowest, performance.now() - asked);
      }
      return statuses;
    };
    let statuses = await look();
    while (statuses[1] !== 503) {
      await setTimeout(20);
      statuses = await look();
    }
    t.comment(`/readyz says 503 after ${Math.round(performance.now() - frozen)} ms`);
    t.same(statuses, [200, 503, 200, 200]);
    // All connections wait for the frozen server: further callers are told within a few seconds.
    const waiting = await market.as(other)("GET", "/v1/needs?limit=1");
    refused(t, waiting, 503, "server.unavailable");
    cluster.thaw();
    const thawed = performance.now();
    await until(async () => (await look())[1] === 200);
    t.comment(`ready ${Math.round(performance.now() - thawed)} ms after the thaw`);
    t.comment(`slowest answer of health: ${Math.round(slowest)} ms`);
    t.ok(slowest < 1_000, "health answers within a second in every state");
    await until(() => load.acknowledged.some(({ at }) => at > thawed));
    await load.stop(t);
  },
);

t.test("frozen for long: those who hold a connection are told too", async (t) => {
  const held = transact(market.database.pool, async (tx) => {
    cluster.freeze();
    await tx.execute(sql`select 1`);
  }).then(
    () => "done",
    (error: Error) => error,
  );
  const outcome = await held;
  cluster.thaw();
  t.match(outcome, Error, "the connection was given up while the server kept silent");
  await until(async () => (await market.as(null)("GET", "/readyz")).status === 200);
});

t.test("cut at the commit: the outcome is unknown, and the key finds out", async (t) => {
  const proxy = await openProxy(t, cluster.port);
  const url = new URL(cluster.url);
  url.port = String(proxy.port);
  const cut = await openMarket(t, { database: open(url.href) });
  const caller = await cut.person("university");
  for (const when of ["before", "after"] as const) {
    const title = `cut ${when}`;
    proxy.cutCommit(when);
    const reply = await draft(cut, caller, title, `key-${when}`);
    const problem = refused(t, reply, 503, "server.unavailable");
    t.equal(problem.outcome, "unknown");
    t.match(problem.detail, /Idempotency-Key/);
    t.ok(Number(reply.headers["retry-after"]) > 0);
    const stored = when === "after" ? 1 : 0;
    await until(async () => (await countOf(cut, title)) === stored);
    const again = await draft(cut, caller, title, `key-${when}`);
    t.equal(again.status, 201);
    t.equal(again.headers["idempotent-replayed"], stored ? "true" : undefined);
    t.equal(await countOf(cut, title), 1, "done once");
  }
  const english = await cut.as(caller)("POST", "/v1/results", { body: { title: "known" } });
  t.equal(english.status, 201);
});

t.test("lost before the commit: known, nothing is stored", async (t) => {
  const { pool } = market.database;
  const failed = await transact(pool, async (tx) => {
    await tx.execute(sql`create table never (id int)`);
    await tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`);
  }).then(
    () => null,
    (error: Error) => error,
  );
  t.equal(outageOf(failed)?.state, "57P01");
  t.notOk(failed instanceof UnknownOutcome);
});

t.test("two transactions that wait for each other: both happen", async (t) => {
  const { pool, db } = market.database;
  await db.execute(sql`create table scale (id int primary key, weight int not null)`);
  await db.execute(sql`insert into scale values (1, 0), (2, 0)`);
  let runs = 0;
  let arrived = 0;
  const meet = async (first: number, second: number) =>
    transact(pool, async (tx) => {
      runs++;
      await tx.execute(sql`update scale set weight = weight + 1 where id = ${first}`);
      arrived++;
      await until(() => arrived >= 2);
      await tx.execute(sql`update scale set weight = weight + 1 where id = ${second}`);
    });
  await Promise.all([meet(1, 2), meet(2, 1)]);
  t.equal(runs, 3, "the one that lost ran again");
  const { rows } = await db.execute<{ weight: number }>(sql`select weight from scale order by id`);
  t.same(rows, [{ weight: 2 }, { weight: 2 }], "each counted once");
});

t.test("what the server says, and what the caller hears", async (t) => {
  const { db } = market.database;
  await db.execute(sql`create table fault (state text not null)`);
  await db.execute(sql`insert into fault values ('57014')`);
  await db.execute(sql`
    create function fail_draft() returns trigger language plpgsql as $$
    declare given text;
    begin
      select state into given from fault;
      raise exception using errcode = given;
    end $$`);
  await db.execute(
    sql`create trigger fail before insert on results for each row execute function fail_draft()`,
  );
  const expected: Record<string, [number, string]> = {
    "57014": [503, "server.unavailable"],
    "55P03": [503, "server.unavailable"],
    "40001": [503, "server.unavailable"],
    "40P01": [503, "server.unavailable"],
    "53300": [503, "server.unavailable"],
    "53200": [503, "server.unavailable"],
    "57P01": [503, "server.unavailable"],
    "57P03": [503, "server.unavailable"],
    "08006": [503, "server.unavailable"],
    "25006": [503, "server.unavailable"],
    "58030": [503, "server.unavailable"],
    "53100": [507, "storage.full"],
    "22012": [500, "server.internal"],
    "42P01": [500, "server.internal"],
  };
  for (const [state, [status, code]] of Object.entries(expected)) {
    await db.execute(sql`update fault set state = ${state}`);
    const reply = await market.as(owner)("POST", "/v1/results", { body: { title: state } });
    refused(t, reply, status, code);
    t.equal(Number(reply.headers["retry-after"]) > 0, status !== 500, `${state}: Retry-After`);
    t.equal(await market.database.db.$count(results, eq(results.title, state)), 0);
  }
  await db.execute(sql`drop trigger fail on results`);
  const reply = await draft(market, owner, "after all", newId());
  t.equal(reply.status, 201);
});
