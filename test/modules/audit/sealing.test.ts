/** Sealing keeps its order, says loudly when it cannot go on, and goes by the database's clock alone. */
import { eq, sql } from "drizzle-orm";
import t from "tap";
import { auditLog, auditRecords, sealerState } from "../../../db/schema/audit.ts";
import { clock, setDatabaseTime } from "../../../src/lib/clock.ts";
import { auditsOf, sealAll } from "../../support/log.ts";
import { openMarket } from "../../support/market.ts";
import { must, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const { as, app } = market;
const operator = await market.person("operator");
const owner = await market.person("university");

const job = app.jobs.find(({ name }) => name === "audit.seal")!;
const write = async (title: string): Promise<string> => {
  const { id } = await must(as(owner)("POST", "/v1/results", { body: { title } }));
  return (await auditsOf(market, id))[0]!.id;
};
const positionOf = async (recordId: string) =>
  (await db.select().from(auditLog).where(eq(auditLog.recordId, recordId)))[0]?.position;
const head = async () => (await db.select().from(sealerState))[0]!;
const readiness = async () => (await as(null)("GET", "/readyz")).body;
const metric = async (name: string) => {
  const { text } = await as(null)("GET", "/metrics");
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
};

/** What the worker logs as fatal. */
const told: Record<string, unknown>[] = [];
app.log.fatal = (details: object) => {
  told.push(details as Record<string, unknown>);
};

/** Has the one clock go wrong by so many seconds, as in a process that never asked the database. */
const goWrong = (seconds: number) =>
  setDatabaseTime({
    time: Date.now() + seconds * 1000,
    at: performance.now(),
    uncertainty: 0,
  });

t.test("a record that cannot be sealed stops sealing behind it, loudly", async (t) => {
  await job.run(db);
  const { position } = await head();
  const records = [
    await write("先写的成果"),
    await write("不能封存的成果"),
    await write("后写的成果"),
  ];
  await db.execute(
    sql.raw(`create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'refused' using errcode = 'P0001'; end $$`),
  );
  await db.execute(
    sql.raw(`create trigger refuse before insert on audit_log for each row
      when (new.record_id = '${records[1]}') execute function refuse()`),
  );
  await t.rejects(job.run(db));
  t.equal(await positionOf(records[0]!), position + 1, "what is before it is sealed");
  t.equal(await positionOf(records[1]!), undefined);
  t.equal(await positionOf(records[2]!), undefined, "nothing overtakes it");
  t.same(told.splice(0), [{ job: "audit.seal", recordId: records[1], position: position + 2 }]);
  t.equal(await metric('job_queue_depth\\{job="audit.seal"\\}'), 2);
  t.ok((await metric("audit_oldest_unsealed_seconds")) > 0);
  t.same((await readiness()).degraded, [], "a moment is nothing");
  goWrong(120);
  t.ok((await metric('job_lag_seconds\\{job="audit.seal"\\}')) > 100);
  t.match(await readiness(), { status: "degraded", degraded: ["sealing"] });
  goWrong(0);
  await db.execute(sql`drop trigger refuse on audit_log`);
  await job.run(db);
  t.equal(await positionOf(records[1]!), position + 2);
  t.equal(await positionOf(records[2]!), position + 3);
  t.equal(await metric("audit_oldest_unsealed_seconds"), 0);
});

t.test("a forged entry beyond the head is found, told and stops sealing", async (t) => {
  await job.run(db);
  const { position } = await head();
  const records = [await write("被伪造的成果"), await write("其后的成果")];
  await db.insert(auditLog).values({
    position: position + 5,
    recordId: records[0]!,
    hash: Buffer.from("forged"),
    sealedAt: clock.now().toISOString(),
  });
  await t.rejects(job.run(db), /ends at position/);
  t.same(told.splice(0), [{ job: "audit.seal", position: position + 5, recordId: records[0] }]);
  t.equal(await positionOf(records[1]!), undefined);
  t.match(await readiness(), { status: "degraded", degraded: ["sealing"] });
  t.match(await must(as(operator)("GET", "/v1/audit/verify")), {
    ok: false,
    brokenAt: null,
    forgedAt: position + 5,
  });
  // As docs/operations.md says.
  await db.execute(sql`alter table audit_log disable trigger audit_log_append_only`);
  await db.delete(auditLog).where(eq(auditLog.position, position + 5));
  await db.execute(sql`alter table audit_log enable trigger audit_log_append_only`);
  await job.run(db);
  t.equal(await positionOf(records[0]!), position + 1);
  t.equal(await positionOf(records[1]!), position + 2);
  t.match(await readiness(), { status: "ok" });
  t.match(await must(as(operator)("GET", "/v1/audit/verify")), { ok: true, forgedAt: null });
});

t.test("a log that grows while it is verified is no forged one", async (t) => {
  const replies: { ok: boolean; forgedAt: number | null }[] = [];
  const verify = async () => replies.push(await must(as(operator)("GET", "/v1/audit/verify")));
  for (let i = 0; i < 40; i++) {
    await as(owner)("POST", "/v1/results", { body: { title: `封存与核验同时进行${i}` } });
    await Promise.all([verify(), verify(), sealAll(market), verify(), verify()]);
  }
  t.same(
    replies.filter(({ ok, forgedAt }) => !ok || forgedAt !== null),
    [],
  );
});

t.test("nothing is sealed through the future, and asking for it says so", async (t) => {
  await job.run(db);
  goWrong(300);
  await write("时钟快五分钟");
  await job.run(db);
  const { sealedThrough } = await head();
  t.ok(Date.parse(sealedThrough) <= Date.now(), "by the database's clock");
  const volume = "/v1/statistics/contract-volume?asOf=";
  const soon = new Date(Date.now() + 240_000).toISOString();
  refused(t, await as(operator)("GET", volume + soon), 400, "statistics.as_of_unsealed");
  t.equal((await as(operator)("GET", volume + sealedThrough)).status, 200);
  goWrong(0);
  // As an earlier version left it.
  await db.update(sealerState).set({ sealedThrough: new Date(Date.now() + 300_000).toISOString() });
  refused(t, await as(operator)("GET", volume + soon), 400, "statistics.as_of_unsealed");
  await db.update(sealerState).set({ sealedThrough });
});

t.test("the audit list is the log backwards, whatever the clocks of the processes", async (t) => {
  await sealAll(market);
  const written: string[] = [];
  for (let i = 0; i < 12; i++) {
    goWrong(i % 2 === 0 ? -300 : 300);
    written.push(await write(`两个时钟${i}`));
    if (i === 5) await sealAll(market);
  }
  goWrong(0);
  const path = "/v1/audit?type=result.create";
  const all = (await must(as(operator)("GET", `${path}&limit=100`))).data;
  t.same(
    all.slice(0, 12).map(({ id }: { id: string }) => id),
    written.toReversed(),
  );
  t.same(
    all.slice(0, 6).map(({ position }: { position: number | null }) => position),
    [null, null, null, null, null, null],
  );
  const positions = all.slice(6).map(({ position }: { position: number }) => position);
  t.same(
    positions,
    [...positions].sort((a, b) => b - a),
  );

  for (const reader of [operator, owner]) {
    const late = [];
    for (let i = 0; i < 4; i++) late.push(await write(`翻页的成果${i}`));
    const expected = (await must(as(reader)("GET", `${path}&limit=100`))).data;
    const seen: string[] = [];
    let cursor = "";
    for (let more = true; more; ) {
      const { data, page } = await must(as(reader)("GET", `${path}&limit=3${cursor}`));
      seen.push(...data.map(({ id }: { id: string }) => id));
      cursor = `&cursor=${page.next}`;
      more = page.hasMore;
      // The records of the first page, and those behind them, get their places now.
      if (seen.length === 3) {
        await write("翻页时新写");
        await sealAll(market);
      }
    }
    t.same(
      seen,
      expected.map(({ id }: { id: string }) => id),
      "each once, in the same order, though they were sealed meanwhile",
    );
  }
});

t.test("whose record it is, is looked at in both parts of the list", async (t) => {
  const stranger = await market.person("enterprise");
  await write("未封存的成果");
  t.same((await must(as(stranger)("GET", "/v1/audit"))).data, []);
  await sealAll(market);
  t.same((await must(as(stranger)("GET", "/v1/audit"))).data, []);
  t.ok((await db.$count(auditRecords)) > 10);
});
