import { count, eq, isNotNull, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import t from "tap";
import { auditRecords } from "../../db/schema/audit.ts";
import { brokerCertificates } from "../../db/schema/broker-certificates.ts";
import { contractStatuses, contracts } from "../../db/schema/contracts.ts";
import { interestStatuses, interests } from "../../db/schema/interests.ts";
import { matches, matchStatuses } from "../../db/schema/matches.ts";
import { members } from "../../db/schema/members.ts";
import { needs } from "../../db/schema/needs.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { registrationStatuses, registrations } from "../../db/schema/registrations.ts";
import { results } from "../../db/schema/results.ts";
import { demoAccounts, loadDemoMarket } from "../../src/demo/demo.ts";
import { clock } from "../../src/lib/clock.ts";
import { isCreditCode } from "../../src/lib/credit-code.ts";
import { RegisterInput } from "../../src/modules/auth/auth.schema.ts";
import { register } from "../../src/modules/auth/auth.service.ts";
import { sealAll } from "../support/log.ts";
import { type Caller, openMarket } from "../support/market.ts";

const market = await openMarket(t);
const { db } = market.database;

/** Signs in with a demo account through the API. */
async function signIn(email: string, password = "grand-market-demo"): Promise<Caller> {
  const reply = await market.as(null)("POST", "/v1/auth/login", { body: { email, password } });
  if (reply.status !== 200) throw new Error(`${email}: ${reply.text}`);
  return { token: reply.body.accessToken, id: "", organizationId: "", email };
}

async function byStatus(table: typeof results | typeof needs | typeof organizations) {
  const status = sql<string>`${table.status}`;
  const rows = await db.select({ status, count: count() }).from(table).groupBy(status);
  return Object.fromEntries(rows.map((row) => [row.status, row.count]));
}

/** Everything that loading could change, as one text. */
async function fingerprint(): Promise<string> {
  const tables = [organizations, members, brokerCertificates, results, needs, auditRecords];
  const parts = tables.map(async (table) => {
    const hash = sql<string>`md5(string_agg(md5(r::text), '' order by r.id))`;
    return (await db.select({ hash }).from(sql`${table} r`))[0]?.hash;
  });
  const hashes = [];
  for (const part of parts) hashes.push(await part);
  return hashes.join(" ");
}

t.test("an ordinary market has no demo accounts", async (t) => {
  t.same(await demoAccounts(db), []);
  const undo = new Error("undo");
  const trial = db.transaction(async (tx) => {
    const context = { actor: null, requestId: "test", address: null, expected: null };
    const input = RegisterInput.parse({
      organization: {
        kind: "enterprise",
        name: "冒名公司",
        creditCode: "91410782MA9T000262",
        regionCode: "410782",
      },
      member: { name: "某人", email: "operator@demo.example", password: "grand-market-demo" },
    });
    await register(tx, context, input, "$argon2id$no-hash");
    t.same(await demoAccounts(tx), [], "whoever registers under a demo e-mail is nobody's demo");
    throw undo;
  });
  await t.rejects(trial, undo);
  t.equal(await db.$count(organizations), 0);
});

t.test("loading gives a market in every state", async (t) => {
  const { now } = clock;
  // Twice at once: one finds what the other has made.
  const first = loadDemoMarket(db);
  // One connection is waited for no longer than by any caller.
  if (market.database.pool.options.max === 1) await first;
  await Promise.all([first, loadDemoMarket(db)]);
  t.equal(clock.now, now, "the clock is given back");
  t.same(await byStatus(organizations), { verified: 11, suspended: 1, pending: 1 });
  t.same(await byStatus(results), {
    ...{ draft: 1, submitted: 1, changes_requested: 1, rejected: 1 },
    ...{ published: 9, expired: 1, withdrawn: 1 },
  });
  t.same(await byStatus(needs), {
    ...{ draft: 1, submitted: 1, changes_requested: 1, published: 7 },
    ...{ expired: 1, solved: 1, closed: 1 },
  });
  const certificates = await db.select().from(brokerCertificates);
  t.same(certificates.map(({ status }) => status).sort(), ["applied", "certified", "certified"]);
  const codes = await db.select({ code: organizations.creditCode }).from(organizations);
  for (const { code } of codes) t.ok(isCreditCode(code), code);
});

t.test("its deals stand at every point of their way", async (t) => {
  const statusesOf = async (table: PgTable) => {
    const found = await db.execute<{ status: string }>(sql`select distinct status from ${table}`);
    return found.rows.map(({ status }) => status).sort();
  };
  t.same(await statusesOf(interests), [...interestStatuses].sort());
  t.same(await statusesOf(matches), [...matchStatuses].sort());
  t.same(await statusesOf(contracts), [...contractStatuses].sort());
  t.same(await statusesOf(registrations), [...registrationStatuses].sort());
});

t.test("two years of registered contracts are counted, month by month", async (t) => {
  await sealAll(market);
  const registrar = await signIn("registry@demo.example");
  const { body } = await market.as(registrar)(
    "GET",
    "/v1/statistics/contract-volume?period=month&by=type",
  );
  const months = new Set<string>(body.rows.map(({ period }: { period: string }) => period));
  t.ok(months.size >= 23, `${months.size} months`);
  const [stored] = (
    await db.execute<{ count: number; total: string }>(sql`
      select count(*)::int as count, sum((facts ->> 'totalAmount')::numeric)::text as total
      from ${registrations} where status = 'registered'`)
  ).rows;
  t.same(
    { count: body.total.count, total: body.total.totalAmount.amount },
    stored,
    "the volume is the sum over what is registered",
  );
  const numbers = await db
    .select({ year: registrations.numberYear, serial: registrations.serial })
    .from(registrations)
    .where(isNotNull(registrations.serial))
    .orderBy(registrations.numberYear, registrations.serial);
  const years = new Map<number | null, number>();
  for (const { year, serial } of numbers) {
    t.equal(serial, (years.get(year) ?? 0) + 1, `serials of ${year} have no gap`);
    years.set(year, serial ?? 0);
  }
  t.ok(years.size >= 2, "in more than one year");
});

t.test("its dates make sense", async (t) => {
  const present = clock.now().toISOString();
  for (const table of [results, needs] as const) {
    const rows = await db
      .select({
        reference: table.reference,
        created: table.createdAt,
        submitted: table.submittedAt,
        published: table.publishedAt,
        updated: table.updatedAt,
      })
      .from(table)
      .orderBy(table.reference);
    for (const { reference, created, submitted, published, updated } of rows) {
      const dates = [created, submitted, published, updated].filter((date) => date !== null);
      t.same(dates, [...dates].sort(), `${reference} in order`);
      t.ok(updated < present, `${reference} in the past`);
    }
    const references = rows.map(({ created }) => created);
    t.same(references, [...references].sort(), "references count up with time");
  }
  const late = sql`verified_at < created_at or verified_at > updated_at or updated_at > ${present}`;
  t.equal(await db.$count(organizations, late), 0);
  t.equal(await db.$count(members, sql`updated_at < created_at or updated_at > ${present}`), 0);
});

t.test("loading again changes nothing", async (t) => {
  const before = await fingerprint();
  await loadDemoMarket(db);
  t.equal(await fingerprint(), before);
});

t.test("every account signs in, one a role at least", async (t) => {
  const accounts = await demoAccounts(db);
  const people = await db.$count(members);
  t.equal(accounts.length, people, "nobody else has the known password");
  const roles = new Set<string>();
  for (const { email, password, who } of accounts) {
    t.match(email, /@demo\.example$/);
    t.ok(who.length > 5);
    const me = await market.as(await signIn(email, password))("GET", "/v1/me");
    t.equal(me.status, 200, email);
    t.equal(me.body.member.email, email);
    roles.add(me.body.organization.kind);
  }
  t.same([...roles].sort(), ["brokerage", "enterprise", "operator", "registry", "university"]);
});

t.test("every listing reads through the API", async (t) => {
  const operator = market.as(await signIn("operator@demo.example"));
  const anybody = market.as(null);
  const totals = { results: 15, needs: 13 };
  for (const name of ["results", "needs"] as const) {
    const list = await operator("GET", `/v1/${name}?scope=all&limit=100`);
    t.equal(list.status, 200);
    t.equal(list.body.data.length, totals[name]);
    for (const { id, reference } of list.body.data) {
      const one = await operator("GET", `/v1/${name}/${id}`);
      t.equal(one.status, 200, reference);
      const isOpen = ["published", "expired", "solved", "closed"].includes(one.body.status);
      const isHidden = one.body.organization.name === "辉县泓净环保科技有限公司";
      const seen = await anybody("GET", `/v1/${name}/${id}`);
      t.equal(seen.status, isOpen && !isHidden ? 200 : 404, `${reference} for anybody`);
      if (seen.status === 200 && one.body.anonymous) {
        t.match(seen.body, { organization: null, contact: null, regionCode: "410700" });
      }
    }
  }
  const list = await anybody("GET", "/v1/needs?limit=100");
  t.equal(list.body.data.length, 6, "the suspended enterprise's need is not shown");
  t.equal(list.body.data.filter((n: { anonymous: boolean }) => n.anonymous).length, 2);
});

t.test("what the services derive is there", async (t) => {
  const anybody = market.as(null);
  const found = await anybody("GET", `/v1/results?q=${encodeURIComponent("钢丝绳 检测")}`);
  t.equal(found.body.data.length, 1);
  t.match(found.body.data[0].reference, /^R-\d{4}-0000\d\d$/);
  const changed = await db.select().from(results).where(eq(results.changedSinceReview, true));
  t.same(
    changed.map(({ status, title }) => [status, title]),
    [["published", "玉米高速精量播种单体与电驱排种控制技术"]],
  );
  const complete = await db.$count(results, sql`completeness >= 95 and status = 'published'`);
  t.equal(complete, 9);
  const broker = market.as(await signIn("broker@demo.example"));
  const certificates = await broker("GET", "/v1/broker-certificates");
  t.equal(certificates.status, 200);
  t.ok(certificates.body.data.some((c: { isValid: boolean }) => c.isValid));
  const audit = await db
    .select({ type: auditRecords.type, n: count() })
    .from(auditRecords)
    .groupBy(auditRecords.type);
  const numbers = Object.fromEntries(audit.map(({ type, n }) => [type, n]));
  t.match(numbers, {
    "result.create": 15,
    "need.create": 13,
    "result.publish": 11,
    "need.expire": 1,
  });
  const [first] = await db
    .select({ kind: auditRecords.actorKind })
    .from(auditRecords)
    .where(eq(auditRecords.type, "organization.suspend"));
  t.equal(first?.kind, "member", "the operator did it");
});

t.test("an account whose password was changed is no demo account any more", async (t) => {
  const email = "broker2@demo.example";
  const reply = await market.as(await signIn(email))("POST", "/v1/auth/change-password", {
    body: { currentPassword: "grand-market-demo", newPassword: "a secret of one's own" },
  });
  t.equal(reply.status, 200);
  const accounts = await demoAccounts(db);
  t.equal(accounts.length, (await db.$count(members)) - 1);
  t.notOk(accounts.some((account) => account.email === email));
});
