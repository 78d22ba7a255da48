/** Jobs over many rows: one that fails keeps no other waiting, is tried again, parked, seen and retried. */
import { eq, sql } from "drizzle-orm";
import t from "tap";
import { jobFaults } from "../../../db/schema/job-faults.ts";
import { jobRuns } from "../../../db/schema/job-runs.ts";
import { needs } from "../../../db/schema/needs.ts";
import { clock } from "../../../src/lib/clock.ts";
import { publishedNeed } from "../../support/listings.ts";
import { auditsOf } from "../../support/log.ts";
import { openMarket } from "../../support/market.ts";
import { must, refused } from "../../support/replies.ts";
import { later } from "../../support/time.ts";

const lines: string[] = [];
const market = await openMarket(t, {
  logger: { stream: { write: (line: string) => void lines.push(line) } },
});
const { db } = market.database;
const { as, app } = market;
const operator = await market.person("operator");
const owner = await market.person("enterprise");
const jobOf = (name: string) => app.jobs.find((job) => job.name === name)!;
const expire = () => jobOf("needs.expire").run(db);

const statusOf = async (id: string) =>
  (await db.select({ status: needs.status }).from(needs).where(eq(needs.id, id)))[0]?.status;
const faults = async (query = "") =>
  (await must(as(operator)("GET", `/v1/job-faults${query}`))).data;

async function overdueNeed(): Promise<string> {
  const { id } = await publishedNeed(market, owner, operator);
  await db.update(needs).set({ validUntil: "2020-01-01" }).where(eq(needs.id, id));
  return id;
}

/** Makes every change of one need fail, as a row does that breaks a rule of the database. */
async function poison(id: string): Promise<() => Promise<unknown>> {
  await db.execute(
    sql.raw(`create function poison() returns trigger language plpgsql as $$
      begin raise exception 'poisoned: secret value' using errcode = 'P0001'; end $$`),
  );
  await db.execute(
    sql.raw(`create trigger poison before update on needs for each row
      when (old.id = '${id}' and new.status = 'expired') execute function poison()`),
  );
  return () => db.execute(sql`drop trigger poison on needs; drop function poison()`);
}

t.test("a row that fails keeps no other waiting, and is parked after five tries", async (t) => {
  const poisoned = await overdueNeed();
  const healthy = [];
  for (let i = 0; i < 5; i++) healthy.push(await overdueNeed());
  const heal = await poison(poisoned);
  await expire();
  for (const id of healthy) t.equal(await statusOf(id), "expired");
  t.equal(await statusOf(poisoned), "published");
  const [fault] = await faults();
  t.match(fault, {
    job: "needs.expire",
    subjectType: "need",
    subjectId: poisoned,
    attempts: 1,
    reason: "database P0001",
    parkedAt: null,
  });
  t.equal((await faults()).length, 1, "that of the row alone");
  const told = lines.filter((line) => line.includes("a job could not do a row"));
  t.equal(told.length, 1, "one line for each try");
  t.match(told[0], poisoned);
  t.notMatch(told[0], "secret value");

  await expire();
  t.match(await faults(), [{ attempts: 1 }], "not before its time");
  const waits: number[] = [];
  const waitOf = async () => {
    const [{ lastFailedAt, nextAttemptAt }] = await faults();
    return Math.round((Date.parse(nextAttemptAt) - Date.parse(lastFailedAt)) / 60_000);
  };
  waits.push(await waitOf());
  for (let seconds = 61, attempts = 2; attempts < 5; attempts++) {
    await later(seconds, expire);
    t.match(await faults(), [{ attempts }]);
    waits.push(await waitOf());
    seconds += 60 * 4 ** (attempts - 1) + 1;
  }
  t.same(waits, [1, 4, 16, 64], "minutes, more each time");
  await later(100 * 60, expire);
  t.match(await faults("?parked=true&job=needs.expire"), [
    { attempts: 5, nextAttemptAt: null, subjectId: poisoned },
  ]);
  t.same(await faults("?parked=false"), []);
  t.same(await faults("?subjectType=result"), []);
  await later(365 * 24 * 3600, expire);
  t.match(await faults(), [{ attempts: 5 }], "then it is left alone");

  const url = `/v1/job-faults/${fault.id}`;
  const { etag } = (await as(operator)("GET", url)).headers;
  refused(t, await as(owner)("GET", url), 403, "auth.forbidden_role");
  await db.insert(jobRuns).values({ job: "needs.expire", dueAt: "2999-01-01T00:00:00.000Z" });
  const retried = await must(
    as(operator)("POST", `${url}/retry`, { headers: { "if-match": String(etag) } }),
  );
  t.match(retried, { attempts: 0, parkedAt: null });
  const [run] = await db.select().from(jobRuns).where(eq(jobRuns.job, "needs.expire"));
  t.ok(run!.dueAt < clock.now().toISOString(), "the job is due at once");
  t.match(await auditsOf(market, fault.id), [
    {
      type: "job_fault.retry",
      actorId: operator.id,
      before: { attempts: 5 },
      after: { attempts: 0 },
    },
  ]);
  refused(
    t,
    await as(operator)("POST", `${url}/retry`, { headers: { "if-match": String(etag) } }),
    412,
    "request.precondition_failed",
  );
  await expire();
  t.match(await faults(), [{ attempts: 1 }], "tried, and failed again");
  await heal();
  await later(61, expire);
  t.equal(await statusOf(poisoned), "expired");
  t.same(await faults(), [], "what is done is no fault any more");
  refused(t, await as(operator)("POST", `${url}/retry`), 404, "job_fault.not_found");
});

t.test("all parked rows of a job are retried at once", async (t) => {
  const ids = [await overdueNeed(), await overdueNeed()];
  const now = clock.now().toISOString();
  for (const subjectId of ids) {
    await db.insert(jobFaults).values({
      id: subjectId,
      job: "needs.expire",
      subjectType: "need",
      subjectId,
      attempts: 5,
      reason: "Error",
      firstFailedAt: now,
      lastFailedAt: now,
      nextAttemptAt: now,
      parkedAt: now,
    });
  }
  await expire();
  t.equal(await statusOf(ids[0]!), "published", "parked ones wait");
  const page = (await as(operator)("GET", "/v1/job-faults?limit=1&include=total")).body;
  t.match(page, { total: { exact: 2 }, page: { hasMore: true } });
  t.match(await faults(`?limit=1&cursor=${page.page.next}`), [{ subjectId: ids[0] }]);
  const reply = await as(operator)("POST", "/v1/job-faults/retry", {
    body: { job: "needs.expire" },
  });
  t.same(reply.body, { retried: 2, more: false });
  for (const id of ids) t.equal((await auditsOf(market, id)).at(-1)!.type, "job_fault.retry");
  await expire();
  for (const id of ids) t.equal(await statusOf(id), "expired");
  t.same(await faults(), []);
});

t.test("a fault whose row has nothing left to be done goes away", async (t) => {
  const id = await overdueNeed();
  const heal = await poison(id);
  await expire();
  t.equal((await faults()).length, 1);
  await db.update(needs).set({ validUntil: "2999-01-01" }).where(eq(needs.id, id));
  await later(61, expire);
  t.same(await faults(), []);
  await heal();
});

t.test("an outage is nobody's fault", async (t) => {
  const id = await overdueNeed();
  for (const code of ["57P01", "53100", "08006"]) {
    await db.execute(
      sql.raw(`create or replace function away() returns trigger language plpgsql as $$
        begin raise exception 'away' using errcode = '${code}'; end $$`),
    );
    await db.execute(
      sql`create or replace trigger away before update on needs for each row execute function away()`,
    );
    await t.rejects(expire(), "the run fails");
    t.same(await faults(), [], code);
  }
  await db.execute(sql`drop trigger away on needs`);
  await expire();
  t.equal(await statusOf(id), "expired");
});

t.test(
  "a row that is locked is put off, without counting",
  { skip: process.env.TEST_DATABASE_URL ? false : "needs several connections" },
  async (t) => {
    const [blocked, healthy] = [await overdueNeed(), await overdueNeed()];
    await db.execute(
      sql.raw(`create function busy() returns trigger language plpgsql as $$
        begin raise exception 'busy' using errcode = '55P03'; end $$`),
    );
    await db.execute(
      sql.raw(`create trigger busy before update on needs for each row
        when (old.id = '${blocked}') execute function busy()`),
    );
    await expire();
    t.equal(await statusOf(healthy!), "expired");
    t.match(await faults(), [{ subjectId: blocked, attempts: 0, parkedAt: null }]);
    for (let i = 1; i <= 6; i++) await later(i * 61, expire);
    t.match(await faults(), [{ attempts: 0, parkedAt: null }], "however often");
    await db.execute(sql`drop trigger busy on needs`);
    await later(600, expire);
    t.equal(await statusOf(blocked!), "expired");
  },
);
