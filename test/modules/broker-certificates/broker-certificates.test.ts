import { and, asc, eq } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import { members } from "../../../db/schema/members.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { sessions } from "../../../db/schema/sessions.ts";
import { clock, instantIn, today } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import { auditTypes } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { statusesOf } from "../../support/replies.ts";
import { laterSignedIn } from "../../support/time.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const asOperator = market.as(operator);

const path = "/v1/broker-certificates";
const day = 24 * 60 * 60;
const reason = { reason: "证书信息与发证机构登记不符" };

// The clock stands still, so that no midnight falls between two lines of a test.
const started = clock.now();
clock.now = () => started;

/** The civil date some days from now; noon, so that no time zone moves it. */
const inDays = (days: number) => {
  const noon = new Date(`${today()}T12:00:00Z`).getTime();
  return new Date(noon + days * day * 1000).toISOString().slice(0, 10);
};

let numbers = 0;
const application = (changes: Record<string, unknown> = {}) => ({
  level: "intermediate",
  certificateNumber: `JJR-${++numbers}`,
  issuer: "牧野技术转移培训基地",
  fieldCodes: ["03", "09"],
  issuedOn: inDays(-30),
  validUntil: inDays(300),
  ...changes,
});

const apply = (caller: Caller, changes: Record<string, unknown> = {}) =>
  market.as(caller)("POST", path, { body: application(changes) });

/** An application of a new person of a new brokerage. */
async function applied(changes: Record<string, unknown> = {}) {
  const person = await market.person("brokerage", { isAdmin: false });
  const { status, body } = await apply(person, changes);
  if (status !== 201) throw new Error(`applying failed: ${JSON.stringify(body)}`);
  return { person, id: body.id as string, body };
}

/** A new person with a certificate. */
async function certified(changes: Record<string, unknown> = {}) {
  const made = await applied(changes);
  const reply = await asOperator("POST", `${path}/${made.id}/certify`);
  if (reply.status !== 200) throw new Error(`certifying failed: ${reply.text}`);
  return { ...made, body: reply.body };
}

const stored = async (id: string) =>
  (await db.select().from(brokerCertificates).where(eq(brokerCertificates.id, id)))[0]!;

const audits = (id: string) =>
  db
    .select()
    .from(auditRecords)
    .where(and(eq(auditRecords.subjectType, "broker_certificate"), eq(auditRecords.subjectId, id)))
    .orderBy(asc(auditRecords.id));

const at = <T>(seconds: number, work: () => Promise<T>) => laterSignedIn(market, seconds, work);

const runExpiry = () =>
  market.app.jobs.find(({ name }) => name === "broker-certificates.expire")!.run(db);

t.test("a member of a brokerage applies", async (t) => {
  const person = await market.person("brokerage", { isAdmin: false });
  const input = application();
  const reply = await market.as(person)("POST", path, { body: input });
  t.equal(reply.status, 201);
  t.equal(reply.headers.location, `${path}/${reply.body.id}`);
  t.match(reply.headers.etag, /^"1-/);
  t.match(reply.body, {
    ...input,
    memberId: person.id,
    organizationId: person.organizationId,
    status: "applied",
    isValid: false,
    certifiedAt: null,
    statusReason: null,
    version: 1,
  });
  t.same(reply.body.allowedActions, ["withdraw"]);
  t.match(await stored(reply.body.id), { ...input, memberId: person.id, status: "applied" });
  const [record, ...others] = await audits(reply.body.id);
  t.same(others, []);
  t.match(record, {
    type: "broker_certificate.apply",
    actorId: person.id,
    organizationId: person.organizationId,
    before: null,
    after: { status: "applied", certificateNumber: input.certificateNumber },
  });
  const read = await market.as(person)("GET", `${path}/${reply.body.id}`);
  t.same(read.body, reply.body);
  t.equal(read.headers.etag, reply.headers.etag);
  const again = await market.as(person)("GET", `${path}/${reply.body.id}`, {
    headers: { "if-none-match": String(read.headers.etag) },
  });
  t.equal(again.status, 304);
});

t.test("an application names every fault and stores nothing", async (t) => {
  const person = await market.person("brokerage");
  const faultsOf = async (changes: Record<string, unknown>) => {
    const reply = await apply(person, changes);
    t.equal(reply.status, 400, JSON.stringify(changes));
    t.equal(reply.body.code, "request.invalid");
    return (reply.body.errors ?? []).map((e: { pointer: string; code: string }) => [
      e.pointer,
      e.code,
    ]);
  };
  t.same(await faultsOf({ issuedOn: inDays(1), validUntil: inDays(-1) }), [
    ["/issuedOn", "date.future"],
    ["/validUntil", "date.order"],
  ]);
  t.same(await faultsOf({ validUntil: inDays(-31) }), [["/validUntil", "date.order"]]);
  t.same(await faultsOf({ fieldCodes: ["03", "77", "88"] }), [
    ["/fieldCodes/1", "taxonomy.unknown_code"],
    ["/fieldCodes/2", "taxonomy.unknown_code"],
  ]);
  t.same(await faultsOf({ fieldCodes: ["03", "03"] }), [["/fieldCodes", "duplicate"]]);
  t.same(await faultsOf({ fieldCodes: [] }), [["/fieldCodes", "too_small"]]);
  t.same(await faultsOf({ level: "master" }), [["/level", "invalid_value"]]);
  t.same(await faultsOf({ status: "certified" }), [["/status", "unknown_field"]]);
  t.same(await faultsOf({ issuedOn: "2025-02-30" }), [["/issuedOn", "invalid_format"]]);
  t.same(await faultsOf({ issuedOn: "soon", validUntil: "later" }), [
    ["/issuedOn", "invalid_format"],
    ["/validUntil", "invalid_format"],
  ]);
  t.same(await faultsOf({ issuer: undefined }), [["/issuer", "required"]]);
  const mine = eq(brokerCertificates.memberId, person.id);
  t.equal(await db.$count(brokerCertificates, mine), 0);
});

t.test("the last day before midnight in Shanghai counts", async (t) => {
  const { now } = clock;
  t.teardown(() => {
    clock.now = now;
  });
  const person = await market.person("brokerage");
  await db.update(sessions).set({ expiresAt: instantIn(2 * day) });
  // 16:30 UTC is half past midnight of the next day in Shanghai.
  clock.now = () => new Date(`${now().toISOString().slice(0, 10)}T16:30:00Z`);
  const shanghai = today();
  t.not(shanghai, clock.now().toISOString().slice(0, 10));
  const reply = await apply(person, { issuedOn: shanghai, validUntil: shanghai });
  t.equal(reply.status, 201);
});

t.test("one pending application a person, in a race too", async (t) => {
  const person = await market.person("brokerage");
  const replies = await Promise.all([apply(person), apply(person)]);
  t.same(statusesOf(replies), [201, 409]);
  t.equal(replies.find((r) => r.status === 409)?.body.code, "broker_certificate.already_applied");
  const rows = await db
    .select()
    .from(brokerCertificates)
    .where(eq(brokerCertificates.memberId, person.id));
  t.equal(rows.length, 1);
  t.same(await auditTypes(market, rows[0]!.id), ["broker_certificate.apply"]);
  const records = eq(auditRecords.actorId, person.id);
  t.equal(await db.$count(auditRecords, records), 1, "the refused one left no record");
  t.equal((await apply(person)).status, 409);
  const colleague = await market.colleague(person);
  t.equal((await apply(colleague)).status, 201, "a colleague is another person");
});

t.test("an application is made once for an Idempotency-Key", async (t) => {
  const person = await market.person("brokerage");
  const call = market.as(person);
  const options = { body: application(), headers: { "idempotency-key": newId() } };
  const first = await call("POST", path, options);
  const second = await call("POST", path, options);
  t.equal(first.status, 201);
  t.equal(second.status, 201);
  t.equal(second.headers["idempotent-replayed"], "true");
  t.equal(second.text, first.text);
  t.equal(second.headers.location, first.headers.location);
  t.equal(await db.$count(brokerCertificates, eq(brokerCertificates.memberId, person.id)), 1);
  t.same(await auditTypes(market, first.body.id), ["broker_certificate.apply"]);
  const other = await call("POST", path, { ...options, body: application() });
  t.equal(other.body.code, "idempotency.key_reused");
});

t.test("who may not apply", async (t) => {
  const refused = async (caller: Caller | null, status: number, code: string) => {
    const reply = await market.as(caller)("POST", path, { body: application() });
    t.equal(reply.status, status, code);
    t.equal(reply.body.code, code);
  };
  const before = await db.$count(brokerCertificates);
  await refused(null, 401, "auth.required");
  for (const role of ["university", "enterprise", "registry", "operator"] as const) {
    await refused(await market.person(role), 403, "auth.forbidden_role");
  }
  const pending = await market.person("brokerage", { status: "pending" });
  await refused(pending, 403, "organization.not_verified");
  const suspended = await market.person("brokerage", { status: "suspended" });
  await refused(suspended, 403, "organization.suspended");
  const machine = await market.client(await market.person("brokerage"), ["results:read"]);
  await refused(machine, 403, "auth.person_required");
  t.equal(await db.$count(brokerCertificates), before);
});

t.test("a person sees their own, an admin the brokerage's, the operator all", async (t) => {
  const admin = await market.person("brokerage");
  const [one, two] = [await market.colleague(admin), await market.colleague(admin)];
  const stranger = await market.person("brokerage");
  const first = (await apply(one, { level: "senior" })).body.id;
  const second = (await apply(two, { level: "primary" })).body.id;
  const foreign = (await apply(stranger)).body.id;
  const idsOf = async (caller: Caller, query = "") => {
    const { status, body } = await market.as(caller)("GET", `${path}${query}`);
    t.equal(status, 200);
    return body.data.map(({ id }: { id: string }) => id);
  };
  t.same(await idsOf(one), [first]);
  t.same(await idsOf(two), [second]);
  t.same(await idsOf(admin), [first, second]);
  t.same(await idsOf(admin, "?level=senior"), [first]);
  t.same(await idsOf(admin, "?status=certified"), []);
  t.same(await idsOf(admin, "?status=applied"), [first, second]);
  t.same(await idsOf(admin, `?organizationId=${stranger.organizationId}`), []);
  t.same(await idsOf(operator, `?organizationId=${admin.organizationId}`), [first, second]);
  t.ok((await idsOf(operator, "?limit=100")).includes(foreign));

  const page = await market.as(admin)("GET", `${path}?limit=1&include=total`);
  t.match(page.body, { page: { hasMore: true }, total: { exact: 2 } });
  t.same(await idsOf(admin, `?limit=1&cursor=${page.body.page.next}`), [second]);
  const wrong = await market.as(admin)("GET", `${path}?level=senior&cursor=${page.body.page.next}`);
  t.equal(wrong.status, 400);
  const total = await market.as(one)("GET", `${path}?include=total`);
  t.same(total.body.total, { exact: 1 }, "the count is scoped as well");

  const readable = async (caller: Caller, id: string) =>
    (await market.as(caller)("GET", `${path}/${id}`)).status;
  t.equal(await readable(one, first), 200);
  t.equal(await readable(admin, first), 200);
  t.equal(await readable(operator, first), 200);
  t.equal(await readable(two, first), 404);
  t.equal(await readable(stranger, first), 404);
  t.equal(await readable(operator, newId()), 404);
  t.equal(await readable(await market.person("enterprise"), first), 403);
  const none = await market.as(null)("GET", path);
  t.equal(none.status, 401);
  t.equal((await market.as(null)("GET", `${path}/${first}`)).status, 401);
  t.equal((await market.as(admin)("GET", `${path}/nonsense`)).status, 400);
  t.equal((await market.as(admin)("GET", `${path}?name=x`)).status, 400);
  const university = await market.person("university");
  t.equal((await market.as(university)("GET", path)).body.code, "auth.forbidden_role");

  const seen = await market.as(admin)("GET", `${path}/${first}`);
  t.same(seen.body.allowedActions, [], "an admin reads, the person acts");
  const reviewed = await asOperator("GET", `${path}/${first}`);
  t.same(reviewed.body.allowedActions, ["certify", "reject"]);
});

t.test("the person withdraws an application", async (t) => {
  const { person, id } = await applied();
  const reply = await market.as(person)("POST", `${path}/${id}/withdraw`);
  t.equal(reply.status, 200);
  t.match(reply.body, { status: "withdrawn", version: 2 });
  t.same(reply.body.allowedActions, []);
  t.match(await stored(id), { status: "withdrawn", version: 2 });
  t.same(await auditTypes(market, id), ["broker_certificate.apply", "broker_certificate.withdraw"]);
  const again = await market.as(person)("POST", `${path}/${id}/withdraw`);
  t.equal(again.status, 409);
  t.match(again.body, {
    code: "broker_certificate.invalid_transition",
    currentStatus: "withdrawn",
  });
  t.same(again.body.allowedActions, []);
  t.equal((await apply(person)).status, 201, "and applies again");
});

t.test("only the person withdraws", async (t) => {
  const admin = await market.person("brokerage");
  const person = await market.colleague(admin);
  const { id } = (await apply(person)).body;
  const as = async (caller: Caller) => {
    const { status, body } = await market.as(caller)("POST", `${path}/${id}/withdraw`);
    return [status, body.code];
  };
  t.same(await as(admin), [403, "broker_certificate.not_owner"]);
  t.same(await as(await market.colleague(admin)), [404, "broker_certificate.not_found"]);
  t.same(await as(await market.person("brokerage")), [404, "broker_certificate.not_found"]);
  t.same(await as(operator), [403, "auth.forbidden_role"]);
  t.match(await stored(id), { status: "applied", version: 1 });
  await db
    .update(organizations)
    .set({ status: "suspended" })
    .where(eq(organizations.id, person.organizationId));
  // Another sign-in of the same person: what is known of this one may be five seconds old.
  const later = { ...person, token: (await signInAgain(person)).token };
  t.same(await as(later), [403, "organization.suspended"]);
  const read = await market.as(later)("GET", `${path}/${id}`);
  t.equal(read.status, 200, "a suspended organization still reads its own");
  t.match(await stored(id), { status: "applied", version: 1 });
});

async function signInAgain(person: Caller) {
  const sid = newId();
  await db.insert(sessions).values({ id: sid, memberId: person.id, expiresAt: instantIn(3600) });
  const claims = { sub: person.id, client_id: "grand-market", scope: "", sid };
  return { token: market.app.signAccessToken(claims) };
}

t.test("the operator certifies", async (t) => {
  const { person, id } = await applied();
  const reply = await asOperator("POST", `${path}/${id}/certify`);
  t.equal(reply.status, 200);
  t.match(reply.body, { status: "certified", isValid: true, version: 2, statusReason: null });
  t.same(reply.body.allowedActions, ["suspend", "revoke"]);
  const row = await stored(id);
  t.match(row, { status: "certified", version: 2 });
  t.equal(row.certifiedAt, reply.body.certifiedAt);
  t.ok(row.certifiedAt);
  const [, record] = await audits(id);
  t.match(record, {
    type: "broker_certificate.certify",
    actorId: operator.id,
    organizationId: person.organizationId,
    before: { status: "applied", version: 1 },
    after: { status: "certified", version: 2 },
  });
  t.notOk("brokerName" in (record?.before ?? {}), "names do not go into the record");
  const withdrawal = await market.as(person)("POST", `${path}/${id}/withdraw`);
  t.match(withdrawal.body, { status: 409, currentStatus: "certified", allowedActions: [] });
  t.equal((await asOperator("POST", `${path}/${newId()}/certify`)).status, 404);
});

t.test("the operator rejects with a reason, and the person reads it", async (t) => {
  const { person, id } = await applied();
  const without = await asOperator("POST", `${path}/${id}/reject`, { body: {} });
  t.equal(without.status, 400);
  t.equal((await stored(id)).status, "applied");
  const reply = await asOperator("POST", `${path}/${id}/reject`, { body: reason });
  t.equal(reply.status, 200);
  t.equal(reply.body.status, "rejected");
  t.match(await stored(id), { status: "rejected", statusReason: reason.reason, certifiedAt: null });
  const [, record] = await audits(id);
  t.match(record, { type: "broker_certificate.reject", reason: reason.reason });
  const read = await market.as(person)("GET", `${path}/${id}`);
  t.equal(read.body.statusReason, reason.reason);
  const certify = await asOperator("POST", `${path}/${id}/certify`);
  t.match(certify.body, { code: "broker_certificate.invalid_transition", allowedActions: [] });
});

t.test("suspend, reinstate, revoke", async (t) => {
  const { id, body } = await certified();
  const suspended = await asOperator("POST", `${path}/${id}/suspend`, { body: reason });
  t.match(suspended.body, { status: "suspended", isValid: false, statusReason: reason.reason });
  t.same(suspended.body.allowedActions, ["reinstate", "revoke"]);
  t.match(await stored(id), { status: "suspended", statusReason: reason.reason, version: 3 });
  const twice = await asOperator("POST", `${path}/${id}/suspend`, { body: reason });
  t.match(twice.body, {
    code: "broker_certificate.invalid_transition",
    currentStatus: "suspended",
    allowedActions: ["reinstate", "revoke"],
  });
  const reinstated = await asOperator("POST", `${path}/${id}/reinstate`);
  t.match(reinstated.body, { status: "certified", isValid: true, statusReason: null });
  t.equal(reinstated.body.certifiedAt, body.certifiedAt, "it was certified once");
  const reinstatedTwice = await asOperator("POST", `${path}/${id}/reinstate`);
  t.match(reinstatedTwice.body, { status: 409, currentStatus: "certified" });
  const revoked = await asOperator("POST", `${path}/${id}/revoke`, { body: reason });
  t.match(revoked.body, { status: "revoked", isValid: false });
  t.same(revoked.body.allowedActions, []);
  t.match(await stored(id), { status: "revoked", statusReason: reason.reason, version: 5 });
  const revokedTwice = await asOperator("POST", `${path}/${id}/revoke`, { body: reason });
  t.match(revokedTwice.body, { status: 409, currentStatus: "revoked" });
  t.same(await auditTypes(market, id), [
    "broker_certificate.apply",
    "broker_certificate.certify",
    "broker_certificate.suspend",
    "broker_certificate.reinstate",
    "broker_certificate.revoke",
  ]);
  const second = await certified();
  await asOperator("POST", `${path}/${second.id}/suspend`, { body: reason });
  const direct = await asOperator("POST", `${path}/${second.id}/revoke`, { body: reason });
  t.equal(direct.body.status, "revoked", "also from suspended");
});

t.test("only the operator decides", async (t) => {
  const admin = await market.person("brokerage");
  const { id } = (await apply(admin)).body;
  const machine = await market.client(operator, ["organization:read"]);
  const suspended = await market.person("operator", { status: "suspended" });
  for (const action of ["certify", "reject", "suspend", "reinstate", "revoke"]) {
    const options = action === "certify" || action === "reinstate" ? {} : { body: reason };
    const call = async (caller: Caller | null, to = id) =>
      (await market.as(caller)("POST", `${path}/${to}/${action}`, options)).body.code;
    t.equal(await call(null), "auth.required", action);
    t.equal(await call(admin), "auth.forbidden_role", action);
    t.equal(await call(await market.person("enterprise")), "auth.forbidden_role", action);
    t.equal(await call(machine), "auth.person_required", action);
    t.equal(await call(suspended), "organization.suspended", action);
    t.equal(await call(operator, newId()), "broker_certificate.not_found", action);
  }
  t.match(await stored(id), { status: "applied", version: 1 });
  t.same(await auditTypes(market, id), ["broker_certificate.apply"]);
});

t.test("a step happens once for an Idempotency-Key", async (t) => {
  const { person, id } = await applied();
  const options = { headers: { "idempotency-key": newId() } };
  const first = await asOperator("POST", `${path}/${id}/certify`, options);
  const second = await asOperator("POST", `${path}/${id}/certify`, options);
  t.same([first.status, second.status], [200, 200]);
  t.equal(second.headers["idempotent-replayed"], "true");
  t.equal(second.text, first.text);
  t.equal(second.headers.etag, first.headers.etag);
  t.equal((await stored(id)).version, 2);
  t.same(await auditTypes(market, id), ["broker_certificate.apply", "broker_certificate.certify"]);
  // For every other step as well: the second call would be a 409 without its key.
  const steps: [Caller, string, string, object?][] = [
    [operator, id, "suspend", reason],
    [operator, id, "reinstate"],
    [operator, id, "revoke", reason],
  ];
  steps.push([operator, (await apply(person)).body.id, "reject", reason]);
  for (const [caller, subject, action, body] of steps) {
    const keyed = { body, headers: { "idempotency-key": newId() } };
    const replies = [
      await market.as(caller)("POST", `${path}/${subject}/${action}`, keyed),
      await market.as(caller)("POST", `${path}/${subject}/${action}`, keyed),
    ];
    t.same(statusesOf(replies), [200, 200], action);
    t.equal(replies[1]?.text, replies[0]?.text, action);
    const done = (await auditTypes(market, subject)).filter((type) => type.endsWith(`.${action}`));
    t.equal(done.length, 1, action);
  }
  const mine = (await apply(person)).body.id;
  const keyed = { headers: { "idempotency-key": newId() } };
  await market.as(person)("POST", `${path}/${mine}/withdraw`, keyed);
  const replayed = await market.as(person)("POST", `${path}/${mine}/withdraw`, keyed);
  t.equal(replayed.headers["idempotent-replayed"], "true");
  t.equal((await stored(mine)).version, 2);
});

t.test("If-Match is honoured", async (t) => {
  const { id, body } = await applied();
  const stale = await asOperator("POST", `${path}/${id}/certify`, {
    headers: { "if-match": '"7-abc"' },
  });
  t.equal(stale.status, 412);
  t.match(await stored(id), { status: "applied", version: 1 });
  const fresh = await asOperator("POST", `${path}/${id}/certify`, {
    headers: { "if-match": `"${body.version}-whatever"` },
  });
  t.equal(fresh.status, 200);
});

t.test("certify and reject at the same moment: one wins", async (t) => {
  for (let round = 0; round < 5; round++) {
    const { id } = await applied();
    const replies = await Promise.all([
      asOperator("POST", `${path}/${id}/certify`),
      asOperator("POST", `${path}/${id}/reject`, { body: reason }),
    ]);
    t.same(statusesOf(replies), [200, 409]);
    const won = replies.find(({ status }) => status === 200)!;
    const lost = replies.find(({ status }) => status === 409)!;
    t.equal(lost.body.code, "broker_certificate.invalid_transition");
    t.equal(lost.body.currentStatus, won.body.status);
    t.match(await stored(id), { status: won.body.status, version: 2 });
    const types = await auditTypes(market, id);
    t.equal(types.length, 2);
    t.equal(
      types[1],
      `broker_certificate.${won.body.status === "certified" ? "certify" : "reject"}`,
    );
  }
});

t.test("each other step in a race happens once", async (t) => {
  const race = async (subject: string, caller: Caller, action: string, body?: object) => {
    const call = () => market.as(caller)("POST", `${path}/${subject}/${action}`, { body });
    t.same(statusesOf(await Promise.all([call(), call()])), [200, 409], action);
    const done = (await auditTypes(market, subject)).filter((type) => type.endsWith(`.${action}`));
    t.equal(done.length, 1, action);
  };
  const { person, id } = await applied();
  await race(id, operator, "certify");
  await race(id, operator, "suspend", reason);
  await race(id, operator, "reinstate");
  await race(id, operator, "revoke", reason);
  t.match(await stored(id), { status: "revoked", version: 5 });
  const again = (await apply(person)).body.id;
  await race(again, person, "withdraw");
  t.match(await stored(again), { status: "withdrawn", version: 2 });

  const other = await applied();
  const replies = await Promise.all([
    market.as(other.person)("POST", `${path}/${other.id}/withdraw`),
    asOperator("POST", `${path}/${other.id}/certify`),
  ]);
  t.same(statusesOf(replies), [200, 409], "the person and the operator");
  t.equal((await audits(other.id)).length, 2);
});

t.test("a renewal waits for the end of the old one", async (t) => {
  const old = await certified({ validUntil: inDays(1) });
  const renewal = (await apply(old.person, { validUntil: inDays(700) })).body.id;
  const early = await asOperator("POST", `${path}/${renewal}/certify`);
  t.equal(early.status, 409);
  t.equal(early.body.code, "broker_certificate.already_in_force");
  t.match(await stored(renewal), { status: "applied", version: 1 });
  t.match(await stored(old.id), { status: "certified", version: 2 });
  t.same(await auditTypes(market, renewal), ["broker_certificate.apply"]);

  await at(2 * day, async () => {
    const reply = await asOperator("POST", `${path}/${renewal}/certify`);
    t.equal(reply.status, 200, "its validity has passed, though no job came by");
  });
  t.match(await stored(old.id), { status: "expired", version: 3, statusReason: null });
  t.match(await stored(renewal), { status: "certified", version: 2 });
  const expiry = (await audits(old.id)).at(-1);
  t.match(expiry, {
    type: "broker_certificate.expire",
    actorId: operator.id,
    before: { status: "certified" },
    after: { status: "expired" },
  });
});

t.test("a suspended old one is marked as well, one on its last day is not", async (t) => {
  const old = await certified({ validUntil: inDays(1) });
  await asOperator("POST", `${path}/${old.id}/suspend`, { body: reason });
  const renewal = (await apply(old.person, { validUntil: inDays(700) })).body.id;
  await at(day, async () => {
    const reply = await asOperator("POST", `${path}/${renewal}/certify`);
    t.equal(reply.body.code, "broker_certificate.already_in_force", "the last day still counts");
  });
  t.equal((await stored(old.id)).status, "suspended");
  await at(2 * day, () => asOperator("POST", `${path}/${renewal}/certify`));
  t.match(await stored(old.id), { status: "expired", statusReason: null });
  t.equal((await stored(renewal)).status, "certified");
});

t.test("a number is in force once, in a race too", async (t) => {
  const certificateNumber = "ONE-OF-A-KIND";
  const [a, b] = [await applied({ certificateNumber }), await applied({ certificateNumber })];
  const elsewhere = await applied({ certificateNumber, issuer: "另一发证机构" });
  const replies = await Promise.all(
    [a, b].map(({ id }) => asOperator("POST", `${path}/${id}/certify`)),
  );
  t.same(statusesOf(replies), [200, 409]);
  t.equal(
    replies.find(({ status }) => status === 409)?.body.code,
    "broker_certificate.already_in_force",
  );
  const rows = [await stored(a.id), await stored(b.id)];
  t.same(rows.map(({ status }) => status).sort(), ["applied", "certified"]);
  const loser = rows.find(({ status }) => status === "applied")!;
  t.same(await auditTypes(market, loser.id), ["broker_certificate.apply"]);
  const other = await asOperator("POST", `${path}/${elsewhere.id}/certify`);
  t.equal(other.status, 200, "numbers are the issuer's");
});

t.test("a number whose holder's validity has passed is free", async (t) => {
  const certificateNumber = "FREE-AGAIN";
  const old = await certified({ certificateNumber, validUntil: inDays(1) });
  const next = await applied({ certificateNumber });
  await at(2 * day, async () => {
    t.equal((await asOperator("POST", `${path}/${next.id}/certify`)).status, 200);
  });
  t.equal((await stored(old.id)).status, "expired");
  t.equal((await stored(next.id)).status, "certified");
});

t.test("what has passed is neither certified nor reinstated", async (t) => {
  const { id } = await applied({ validUntil: inDays(1) });
  const held = await certified({ validUntil: inDays(1) });
  await asOperator("POST", `${path}/${held.id}/suspend`, { body: reason });
  await at(2 * day, async () => {
    const certify = await asOperator("POST", `${path}/${id}/certify`);
    t.equal(certify.status, 409);
    t.equal(certify.body.code, "broker_certificate.validity_passed");
    const reinstate = await asOperator("POST", `${path}/${held.id}/reinstate`);
    t.equal(reinstate.status, 409);
    t.equal(reinstate.body.code, "broker_certificate.validity_passed");
  });
  t.match(await stored(id), { status: "applied", version: 1 });
  t.match(await stored(held.id), { status: "suspended", version: 3 });
  await at(day, async () => {
    t.equal((await asOperator("POST", `${path}/${id}/certify`)).status, 200, "the last day counts");
  });
});

t.test("the job marks what has passed, once", async (t) => {
  const passing = await certified({ validUntil: inDays(1) });
  const held = await certified({ validUntil: inDays(1) });
  await asOperator("POST", `${path}/${held.id}/suspend`, { body: reason });
  const lasting = await certified({ validUntil: inDays(2) });
  const endless = await certified({ validUntil: null });
  const waiting = await applied({ validUntil: inDays(1) });
  await at(2 * day, async () => {
    const before = await asOperator("GET", `${path}/${passing.id}`);
    t.match(before.body, { status: "certified", isValid: false }, "the date tells before the job");
    await Promise.all([runExpiry(), runExpiry()]);
    await runExpiry();
  });
  for (const { id } of [passing, held]) {
    t.equal((await stored(id)).status, "expired");
    const records = (await audits(id)).filter(({ type }) => type === "broker_certificate.expire");
    t.equal(records.length, 1);
    t.match(records[0], { actorKind: "system", actorId: null, after: { status: "expired" } });
  }
  t.equal((await stored(lasting.id)).status, "certified", "its last day is today");
  t.equal((await stored(endless.id)).status, "certified");
  t.equal((await stored(waiting.id)).status, "applied");
  const expired = await asOperator("POST", `${path}/${passing.id}/revoke`, { body: reason });
  t.match(expired.body, { status: 409, currentStatus: "expired", allowedActions: [] });
});

t.test("the job works through more than a batch", async (t) => {
  const admin = await market.person("brokerage");
  const count = 205;
  const people = Array.from({ length: count }, () => newId());
  await db.insert(members).values(
    people.map((id) => ({
      id,
      organizationId: admin.organizationId,
      status: "invited" as const,
      name: "批量成员",
      email: `${id}@example.test`,
    })),
  );
  await db.insert(brokerCertificates).values(
    people.map((memberId) => ({
      id: newId(),
      memberId,
      organizationId: admin.organizationId,
      status: "certified" as const,
      level: "primary" as const,
      certificateNumber: memberId,
      issuer: "批量",
      fieldCodes: ["01"],
      issuedOn: inDays(-400),
      validUntil: inDays(-1),
    })),
  );
  await runExpiry();
  const expired = and(
    eq(brokerCertificates.issuer, "批量"),
    eq(brokerCertificates.status, "expired"),
  );
  t.equal(await db.$count(brokerCertificates, expired), count);
});

t.test("the directory shows who is a broker today", async (t) => {
  const everybody = market.as(null);
  const { person, body } = await certified({ level: "senior", fieldCodes: ["07"] });
  const shown = async (caller: Caller) => {
    const one = await everybody("GET", `/v1/brokers/${caller.id}`);
    const list = await everybody("GET", `/v1/brokers?organizationId=${caller.organizationId}`);
    const listed = list.body.data.some(({ id }: { id: string }) => id === caller.id);
    t.equal(listed, one.status === 200, "list and page agree");
    if (!listed) t.equal(one.body.code, "broker.not_found");
    return listed;
  };
  const reply = await everybody("GET", `/v1/brokers/${person.id}`);
  t.equal(reply.status, 200);
  t.match(reply.headers["cache-control"], "public");
  t.same(reply.body, {
    id: person.id,
    name: body.brokerName,
    level: "senior",
    fieldCodes: ["07"],
    certificateNumber: body.certificateNumber,
    issuer: body.issuer,
    validUntil: body.validUntil,
    certifiedAt: body.certifiedAt,
    organization: {
      id: person.organizationId,
      name: body.organizationName,
      regionCode: "410702",
    },
    deals: { open: 0, contracted: 0, failed: 0 },
  });
  t.notMatch(reply.text, "@example.test");
  const known = await everybody("GET", `/v1/brokers/${person.id}`, {
    headers: { "if-none-match": String(reply.headers.etag) },
  });
  t.equal(known.status, 304);
  t.equal((await market.as(person)("GET", `/v1/brokers/${person.id}`)).status, 200);
  const machine = await market.client(person, ["results:read"]);
  t.equal((await market.as(machine)("GET", "/v1/brokers")).status, 200);
  t.equal((await everybody("GET", `/v1/brokers/${newId()}`)).status, 404);
  t.equal((await everybody("GET", "/v1/brokers/nonsense")).status, 400);

  t.equal(await shown((await applied()).person), false, "an applicant is no broker");
  t.equal(await shown((await certified({ validUntil: null })).person), true, "without an end");

  const step = (action: string) =>
    asOperator("POST", `${path}/${body.id}/${action}`, {
      body: action === "reinstate" ? undefined : reason,
    });
  await step("suspend");
  t.equal(await shown(person), false);
  await step("reinstate");
  t.equal(await shown(person), true);

  const setMember = (status: "active" | "suspended") =>
    db.update(members).set({ status }).where(eq(members.id, person.id));
  await setMember("suspended");
  t.equal(await shown(person), false, "nor a suspended member");
  await setMember("active");
  const setOrganization = (status: "verified" | "suspended") =>
    db.update(organizations).set({ status }).where(eq(organizations.id, person.organizationId));
  await setOrganization("suspended");
  t.equal(await shown(person), false, "nor one of a suspended brokerage");
  await setOrganization("verified");
  t.equal(await shown(person), true);

  const brief = await certified({ validUntil: inDays(1) });
  await at(day, async () => t.equal(await shown(brief.person), true, "on the last day"));
  await at(2 * day, async () => t.equal(await shown(brief.person), false, "not the day after"));
  t.equal((await stored(brief.id)).status, "certified", "though no job has marked it");
});

t.test("the directory is filtered and paged", async (t) => {
  const everybody = market.as(null);
  const admin = await market.person("brokerage");
  const [one, two] = [await market.colleague(admin), await market.colleague(admin)];
  const certify = async (caller: Caller, changes: Record<string, unknown>) => {
    const { id } = (await apply(caller, changes)).body;
    await asOperator("POST", `${path}/${id}/certify`);
  };
  await certify(admin, { level: "senior", fieldCodes: ["01"] });
  await certify(one, { level: "primary", fieldCodes: ["01", "02"] });
  await certify(two, { level: "primary", fieldCodes: ["03"] });
  const idsOf = async (query: string) => {
    const reply = await everybody(
      "GET",
      `/v1/brokers?organizationId=${admin.organizationId}${query}`,
    );
    t.equal(reply.status, 200);
    return reply.body.data.map(({ id }: { id: string }) => id);
  };
  t.same(await idsOf(""), [admin.id, one.id, two.id]);
  t.same(await idsOf("&level=primary"), [one.id, two.id]);
  t.same(await idsOf("&fieldCode=01"), [admin.id, one.id]);
  t.same(await idsOf("&fieldCode=01&level=primary"), [one.id]);
  t.same(await idsOf("&regionCode=410702"), [admin.id, one.id, two.id]);
  t.same(await idsOf("&regionCode=410700"), [admin.id, one.id, two.id]);
  t.same(await idsOf("&regionCode=410000"), [admin.id, one.id, two.id]);
  t.same(await idsOf("&regionCode=410711"), []);
  t.same(await idsOf("&regionCode=420000"), []);
  // An underscore is no wildcard.
  for (const code of ["____00", "4107_2", "_"])
    t.same(await idsOf(`&regionCode=${code}`), [], code);
  t.same(await idsOf("&q=x"), []);

  const first = await everybody(
    "GET",
    `/v1/brokers?organizationId=${admin.organizationId}&limit=2&include=total`,
  );
  t.match(first.body, { page: { hasMore: true }, total: { exact: 3 } });
  t.equal(first.body.data.length, 2);
  t.same(await idsOf(`&limit=2&cursor=${first.body.page.next}`), [two.id]);
  const wrong = await everybody("GET", `/v1/brokers?cursor=${first.body.page.next}`);
  t.equal(wrong.status, 400);
});

t.test("the directory is searched by name and field", async (t) => {
  const everybody = market.as(null);
  await asOperator("POST", "/v1/taxonomies/technology-fields/items", {
    body: { code: "0399", parentCode: "03", zh: "數控機床與ＣＮＣ", en: "Machine tools" },
  });
  const admin = await market.person("brokerage", { name: "中原ＴＬＯ技术转移有限公司" });
  const other = await market.person("brokerage", { name: "北辰（新乡）知识产权服务中心" });
  const [one, two] = [await market.colleague(admin), await market.colleague(admin)];
  const broker = async (caller: Caller, name: string, fieldCodes: string[]) => {
    await db.update(members).set({ name }).where(eq(members.id, caller.id));
    const { id } = (await apply(caller, { fieldCodes })).body;
    await asOperator("POST", `${path}/${id}/certify`);
    return id as string;
  };
  await broker(admin, "欧阳慕青", ["05"]);
  await broker(one, "李雷雷", ["02", "0399"]);
  await broker(two, "陳國瑞", ["04"]);
  const certificate = await broker(other, "Zoë McLeod", ["05"]);
  const mine = [admin.id, one.id, two.id, other.id];
  const find = (parameters: Record<string, string>) =>
    everybody("GET", `/v1/brokers?${new URLSearchParams(parameters)}`);
  /** Others in this file are brokers too: whom the words find of these. */
  const found = async (q: string, more: Record<string, string> = {}) => {
    const { status, body } = await find({ q, limit: "100", ...more });
    t.equal(status, 200, q);
    return body.data.flatMap(({ id }: { id: string }) => (mine.includes(id) ? [id] : []));
  };

  // By the person's name, whole or in part, in any width and case.
  for (const q of ["欧阳慕青", "慕青", "歐陽慕青", " 慕青 "]) t.same(await found(q), [admin.id], q);
  for (const q of ["李雷雷", "雷雷"]) t.same(await found(q), [one.id], q);
  for (const q of ["mcleod", "ＭＣＬＥＯＤ", "Zoë McLeod", "leod zoë"]) {
    t.same(await found(q), [other.id], q);
  }
  // A name in traditional characters is found as it is written.
  t.same(await found("陳國瑞"), [two.id]);
  // By the brokerage's.
  for (const q of ["中原tlo", "TLO 技术转移", "中原"]) {
    t.same(await found(q), [admin.id, one.id, two.id], q);
  }
  t.same(await found("北辰 知识产权"), [other.id]);
  // By a field, in both languages, or a part of its name; also one that the operator added.
  for (const q of ["新材料", "新材料及其应用", "materials", "New Materials"]) {
    t.same(await found(q), [admin.id, other.id], q);
  }
  t.same(await found("生物医药"), [two.id]);
  for (const q of ["数控机床", "cnc", "machine TOOLS"]) t.same(await found(q), [one.id], q);
  // Every word must be somewhere; each where it likes.
  t.same(await found("新材料 北辰"), [other.id]);
  t.same(await found("中原 新材料 欧阳"), [admin.id]);
  t.same(await found("航空 新材料"), []);
  t.same(await found("北辰 航天"), []);
  for (const q of ["慕白", "leodm", "%", "_", "，。", "（", "(", "'", "\\"])
    t.same(await found(q), [], q);

  // Beside the other filters, paged and counted.
  t.same(await found("新材料", { organizationId: other.organizationId }), [other.id]);
  t.same(await found("中原", { fieldCode: "02" }), [one.id]);
  const first = await find({ q: "中原", limit: "2", include: "total" });
  t.same(first.body.total, { exact: 3 });
  const next = first.body.page.next;
  const second = await find({ q: "中原", limit: "2", cursor: next });
  t.same(
    second.body.data.map(({ id }: { id: string }) => id),
    [two.id],
  );
  t.equal((await find({ q: "北辰", cursor: next })).status, 400);
  const none = await find({ q: "！？", include: "total" });
  t.same(none.body, { data: [], page: { hasMore: false }, total: { exact: 0 } });
  for (const q of ["", "  ", "长".repeat(101), "a\u0000b"]) {
    const reply = await find({ q });
    t.match(reply.body, { status: 400, errors: [{ parameter: "q" }] }, JSON.stringify(q));
  }

  // Who is no broker today is not found by any word.
  await asOperator("POST", `${path}/${certificate}/suspend`, { body: reason });
  t.same(await found("mcleod"), []);
  t.same(await found("新材料"), [admin.id]);
});
