/** A broker brings a result and a need together. On a server the races are real. */
import { and, asc, eq, sql } from "drizzle-orm";
import t, { type Test } from "tap";
import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import { interests } from "../../../db/schema/interests.ts";
import { matches, matchNotes } from "../../../db/schema/matches.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { clock } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import {
  concludeMatch,
  failConcludedMatch,
  lockMatchForContract,
} from "../../../src/modules/matches/matches.service.ts";
import { listingIn, rowOf, tableOf } from "../../support/listings.ts";
import { auditsOf, auditTypes } from "../../support/log.ts";
import { type Caller, openMarket, type Reply } from "../../support/market.ts";
import {
  agreedMatch,
  certifiedBroker,
  certify,
  type MatchOptions,
  negotiatingMatch,
  publishedPair as pairIn,
  proposalText,
  proposedMatch,
  propose as proposeIn,
  stepOf,
} from "../../support/matches.ts";
import { must, pointersOf, refused, statusesOf } from "../../support/replies.ts";
import { laterSignedIn } from "../../support/time.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const broker = await certifiedBroker(market);
const resultOwner = await market.person("university");
const needOwner = await market.person("enterprise");
const people = { operator, broker, resultOwner, needOwner };
const rounds = 5;
const day = 24 * 60 * 60;

// The clock stands still, so that no midnight falls between two lines of a test.
const started = clock.now();
clock.now = () => started;

const publishedPair = (options: MatchOptions = {}) => pairIn(market, { ...people, ...options });
const proposed = (options: MatchOptions = {}) => proposedMatch(market, { ...people, ...options });
const agreed = (options: MatchOptions = {}) => agreedMatch(market, { ...people, ...options });
const negotiating = (options: MatchOptions = {}) =>
  negotiatingMatch(market, { ...people, ...options });
const step = (caller: Caller | null, id: string, action: string, body?: object) =>
  stepOf(market, caller, id, action, body);
const propose = (caller: Caller | null, pair: { resultId: string; needId: string }, body = {}) =>
  proposeIn(market, caller, pair, body);
const read = (caller: Caller | null, id: string) => market.as(caller)("GET", `/v1/matches/${id}`);
const why = { reason: "performance_gap", note: "测厚误差达不到一微米。" };

const stored = async (id: string) =>
  (await db.select().from(matches).where(eq(matches.id, id)))[0]!;

const timeline = (id: string) =>
  db.select().from(matchNotes).where(eq(matchNotes.matchId, id)).orderBy(asc(matchNotes.id));

const stepsOf = async (id: string) =>
  (await timeline(id)).filter(({ kind }) => kind === "step").map(({ action }) => action);

/** Row, timeline and log tell the same: a step each a version, none lost, none too many. */
async function assertConsistent(t: Test, id: string) {
  const row = await stored(id);
  const steps = await stepsOf(id);
  t.equal(steps.length, row.version, "a step a version");
  const types = (await auditTypes(market, id)).filter((type) => type !== "match.note");
  t.same(
    types,
    steps.map((action) => `match.${action}`),
  );
  return row;
}

const at = <T>(seconds: number, work: () => Promise<T>) => laterSignedIn(market, seconds, work);

const runLapse = () => market.app.jobs.find(({ name }) => name === "matches.lapse")!.run(db);

const isRefused = async (t: Test, reply: Promise<Reply>, status: number, code: string) =>
  refused(t, await reply, status, code);

// ---- Proposing ----

t.test("a broker proposes", async (t) => {
  const pair = await publishedPair();
  const reply = await propose(broker, pair);
  t.equal(reply.status, 201, reply.text);
  const { id } = reply.body;
  t.equal(reply.headers.location, `/v1/matches/${id}`);
  t.match(reply.headers.etag, /^"1-/);
  t.match(reply.body, {
    status: "proposed",
    result: { id: pair.resultId, organization: { id: resultOwner.organizationId } },
    need: { id: pair.needId, anonymous: false, organization: { id: needOwner.organizationId } },
    broker: { id: broker.id, organization: { id: broker.organizationId } },
    proposal: proposalText,
    pending: null,
    resultAcceptedAt: null,
    needAcceptedAt: null,
    endedBy: null,
    version: 1,
    allowedActions: ["withdraw"],
  });
  const noon = new Date(`${started.toISOString().slice(0, 10)}T12:00:00Z`).getTime();
  const days = (Date.parse(`${reply.body.expiresOn}T12:00:00Z`) - noon) / (day * 1000);
  t.ok(days === 30 || days === 31, "thirty days, counted in Shanghai");
  t.match(await stored(id), {
    status: "proposed",
    brokerId: broker.id,
    brokerOrganizationId: broker.organizationId,
    resultOrganizationId: resultOwner.organizationId,
    needOrganizationId: needOwner.organizationId,
  });
  const [first, second, ...others] = await timeline(id);
  t.same(others, []);
  t.match(first, { kind: "step", action: "propose", createdBy: broker.id });
  t.match(second, { kind: "introduction", text: proposalText, createdBy: broker.id });
  const [record, ...more] = await auditsOf(market, id);
  t.same(more, []);
  t.match(record, {
    type: "match.propose",
    actorId: broker.id,
    organizationId: broker.organizationId,
    confidential: false,
    before: null,
    after: { status: "proposed", needOrganizationId: needOwner.organizationId },
  });
  t.same(
    record?.readerIds.sort(),
    [resultOwner.organizationId, needOwner.organizationId].sort(),
    "both owners' admins may read it",
  );
  const again = await read(broker, id);
  t.same(again.body, reply.body);
  t.equal(again.headers.etag, reply.headers.etag);
});

t.test("who may not propose", async (t) => {
  const pair = await publishedPair();
  const before = await db.$count(matches);
  const no = (caller: Caller | null, status: number, code: string) =>
    isRefused(t, propose(caller, pair), status, code);
  await no(null, 401, "auth.required");
  for (const caller of [resultOwner, needOwner, operator]) {
    await no(caller, 403, "auth.forbidden_role");
  }
  await no(await market.person("brokerage"), 403, "match.not_a_broker");
  await no(await market.colleague(broker), 403, "match.not_a_broker");
  await no(await market.client(broker, ["matches:read"]), 403, "auth.person_required");
  await no(
    await market.person("brokerage", { status: "pending" }),
    403,
    "organization.not_verified",
  );

  const passed = await market.person("brokerage");
  await certify(market, passed, { validUntil: "2026-01-31" });
  await no(passed, 403, "match.not_a_broker");
  const suspended = await market.person("brokerage");
  await certify(market, suspended, { status: "suspended" });
  await no(suspended, 403, "match.not_a_broker");
  t.equal(await db.$count(matches), before);
});

t.test("a certificate is good on its last day, not on the next", async (t) => {
  const caller = await market.person("brokerage");
  const noon = new Date(started.getTime() + 2 * day * 1000).toISOString().slice(0, 10);
  await certify(market, caller, { validUntil: noon });
  const pair = await publishedPair();
  await at(4 * day, () => isRefused(t, propose(caller, pair), 403, "match.not_a_broker"));
  t.equal((await propose(caller, pair)).status, 201);
});

t.test("the broker's own organization is on neither side, and the owners are two", async (t) => {
  const own = await market.colleague(broker);
  const ownResult = await publishedPair({ resultOwner: own });
  await isRefused(t, propose(broker, ownResult), 409, "match.own_organization");
  const ownNeed = await publishedPair({ needOwner: own });
  await isRefused(t, propose(broker, ownNeed), 409, "match.own_organization");
  const one = await publishedPair({ needOwner: resultOwner });
  await isRefused(t, propose(broker, one), 409, "match.same_owner");
  t.equal(await db.$count(matches, eq(matches.resultId, ownResult.resultId)), 0);

  const row = (changes: Partial<typeof matches.$inferInsert>) => ({
    id: newId(),
    resultId: ownResult.resultId,
    needId: ownResult.needId,
    resultOrganizationId: resultOwner.organizationId,
    needOrganizationId: needOwner.organizationId,
    brokerId: broker.id,
    brokerOrganizationId: broker.organizationId,
    proposal: proposalText,
    expiresOn: "2030-01-01",
    ...changes,
  });
  const refusedBy = async (changes: Partial<typeof matches.$inferInsert>, name: string) =>
    t.rejects(db.insert(matches).values(row(changes)), { cause: { constraint: name } });
  const mine = broker.organizationId;
  await refusedBy({ resultOrganizationId: mine }, "matches_broker_is_neutral");
  await refusedBy({ needOrganizationId: mine }, "matches_broker_is_neutral");
  const { organizationId } = resultOwner;
  await refusedBy({ needOrganizationId: organizationId }, "matches_two_sides");
});

t.test("both listings are there, and in public view", async (t) => {
  const pair = await publishedPair();
  const no = (ids: object, status: number, code: string) =>
    isRefused(t, propose(broker, { ...pair, ...ids }), status, code);
  await no({ resultId: newId() }, 404, "result.not_found");
  await no({ needId: newId() }, 404, "need.not_found");
  const at = (noun: "result" | "need", status: string) =>
    listingIn(
      market,
      noun,
      { owner: noun === "result" ? resultOwner : needOwner, operator },
      status,
    );
  for (const status of ["draft", "submitted", "changes_requested", "withdrawn"]) {
    await no({ resultId: await at("result", status) }, 404, "result.not_found");
    await no({ needId: await at("need", status) }, 404, "need.not_found");
  }
  const gone = "match.listing_not_published";
  await no({ resultId: await at("result", "expired") }, 409, gone);
  await no({ resultId: await at("result", "transferred") }, 409, gone);
  await no({ needId: await at("need", "solved") }, 409, gone);
  await no({ needId: await at("need", "closed") }, 409, gone);

  const hidden = await market.person("enterprise");
  const theirs = await publishedPair({ needOwner: hidden });
  await db
    .update(organizations)
    .set({ status: "suspended" })
    .where(eq(organizations.id, hidden.organizationId));
  await isRefused(t, propose(broker, theirs), 404, "need.not_found");
  t.equal(await db.$count(matches, eq(matches.resultId, pair.resultId)), 0);
});

t.test("a proposal names every fault of its body", async (t) => {
  const pair = await publishedPair();
  const faults = async (body: object) => {
    const reply = await isRefused(t, propose(broker, pair, body), 400, "request.invalid");
    return pointersOf(reply);
  };
  t.same(await faults({ proposal: " " }), ["/proposal"]);
  t.same(await faults({ resultId: "x", needId: "y", proposal: undefined }), [
    "/needId",
    "/proposal",
    "/resultId",
  ]);
  t.same(await faults({ status: "agreed" }), ["/status"]);
  const nothing = { interestId: newId(), previousMatchId: newId() };
  t.same(await faults(nothing), ["/interestId", "/previousMatchId"]);
});

t.test("a proposal may name the accepted interest that led to it", async (t) => {
  const pair = await publishedPair();
  const interest = async (changes: Partial<typeof interests.$inferInsert>) => {
    const id = newId();
    await db.insert(interests).values({
      id,
      status: "accepted",
      resultId: pair.resultId,
      ownerOrganizationId: resultOwner.organizationId,
      askerOrganizationId: needOwner.organizationId,
      message: "想了解重度盐碱地的表现。",
      dueOn: "2026-06-01",
      ...changes,
    });
    return id;
  };
  const stranger = (await market.person("enterprise")).organizationId;
  const other = (await publishedPair()).resultId;
  const unfit = [
    await interest({ status: "open" }),
    await interest({ status: "withdrawn" }),
    await interest({ askerOrganizationId: stranger }),
    await interest({ resultId: other }),
    await interest({ resultId: null, needId: pair.needId }),
  ];
  for (const interestId of unfit) {
    const reply = await propose(broker, pair, { interestId });
    t.same(pointersOf(refused(t, reply, 400, "request.invalid")), ["/interestId"]);
    t.equal(reply.body.errors[0].code, "interest.not_of_pair");
  }
  const fit = await interest({});
  const made = await propose(broker, pair, { interestId: fit });
  t.equal(made.status, 201);
  t.equal((await stored(made.body.id)).interestId, fit);
  await step(broker, made.body.id, "withdraw");
  const reverse = await interest({
    resultId: null,
    needId: pair.needId,
    ownerOrganizationId: needOwner.organizationId,
    askerOrganizationId: resultOwner.organizationId,
  });
  const second = await propose(broker, pair, { interestId: reverse });
  t.equal(second.status, 201, "asked from the other side");
});

t.test("starting again names the match before", async (t) => {
  const made = await proposed();
  const again = (body: object) => propose(broker, made, body);
  const open = await again({ previousMatchId: made.id });
  t.same(pointersOf(refused(t, open, 400, "request.invalid")), ["/previousMatchId"]);
  await step(needOwner, made.id, "decline", why);
  const elsewhere = await proposed();
  await step(broker, elsewhere.id, "withdraw");
  const wrong = await again({ previousMatchId: elsewhere.id });
  t.equal(refused(t, wrong, 400, "request.invalid").errors[0].code, "match.not_of_pair");
  const stranger = await certifiedBroker(market);
  const theirs = await propose(stranger, made, { previousMatchId: made.id });
  t.equal(theirs.status, 400, "of another brokerage it does not exist");
  const reply = await again({ previousMatchId: made.id });
  t.equal(reply.status, 201);
  t.equal(reply.body.previousMatchId, made.id);
  t.equal((await stored(reply.body.id)).previousMatchId, made.id);
});

t.test("one open match a pair, in a race too", async (t) => {
  const rival = await certifiedBroker(market);
  for (let i = 0; i < rounds; i++) {
    const pair = await publishedPair();
    const replies = await Promise.all([
      propose(broker, pair),
      propose(rival, pair),
      propose(broker, pair),
    ]);
    t.same(statusesOf(replies), [201, 409, 409]);
    for (const lost of replies.filter(({ status }) => status === 409)) {
      t.equal(lost.body.code, "match.already_open");
    }
    const rows = await db.select().from(matches).where(eq(matches.needId, pair.needId));
    t.equal(rows.length, 1);
    t.same(await stepsOf(rows[0]!.id), ["propose"]);
    t.same(await auditTypes(market, rows[0]!.id), ["match.propose"]);
  }
  const made = await agreed();
  await isRefused(t, propose(rival, made), 409, "match.already_open");
  await step(resultOwner, made.id, "fail", why);
  t.equal((await propose(rival, made)).status, 201, "the pair is free again");
});

t.test("a proposal is made once for an Idempotency-Key", async (t) => {
  const { resultId, needId } = await publishedPair();
  const options = {
    body: { resultId, needId, proposal: proposalText },
    headers: { "idempotency-key": newId() },
  };
  const first = await market.as(broker)("POST", "/v1/matches", options);
  const second = await market.as(broker)("POST", "/v1/matches", options);
  t.same([first.status, second.status], [201, 201]);
  t.equal(second.headers["idempotent-replayed"], "true");
  t.equal(second.text, first.text);
  t.equal(await db.$count(matches, eq(matches.needId, needId)), 1);
});

// ---- Both owners ----

t.test("the first acceptance is pending, the second one agrees", async (t) => {
  for (const [one, two, side] of [
    [resultOwner, needOwner, "result"],
    [needOwner, resultOwner, "need"],
  ] as const) {
    const { id } = await proposed();
    const before = (await read(one, id)).body;
    t.same(before.allowedActions, ["accept", "decline"]);
    const first = await step(one, id, "accept", { note: "同意对接，请安排现场考察。" });
    t.equal(first.status, 200, first.text);
    t.match(first.body, {
      status: "proposed",
      pending: { action: "accept", by: side, revision: null },
      agreedAt: null,
      version: 2,
      allowedActions: ["retract", "decline"],
    });
    const acceptedAt = first.body[`${side}AcceptedAt`];
    t.equal(first.body.pending.since, acceptedAt);
    t.equal((await stored(id))[`${side}AcceptedBy`], one.id);
    const twice = await step(one, id, "accept");
    const refusal = refused(t, twice, 409, "match.invalid_transition");
    t.match(refusal, { currentStatus: "proposed", allowedActions: ["retract", "decline"] });

    const second = await step(two, id, "accept");
    t.equal(second.status, 200);
    t.match(second.body, { status: "agreed", pending: null, version: 3, allowedActions: ["fail"] });
    t.ok(second.body.agreedAt);
    t.equal(second.body[`${side}AcceptedAt`], acceptedAt);
    t.match(await assertConsistent(t, id), { status: "agreed", endedAt: null });
    const entry = (await timeline(id)).find(({ action }) => action === "accept");
    t.match(entry, { text: "同意对接，请安排现场考察。", createdBy: one.id });
    t.match((await auditsOf(market, id)).at(-1), {
      type: "match.accept",
      actorId: two.id,
      organizationId: broker.organizationId,
      before: { status: "proposed" },
      after: { status: "agreed" },
    });
  }
});

t.test("who may accept", async (t) => {
  const { id } = await proposed();
  const no = (caller: Caller | null, status: number, code: string) =>
    isRefused(t, step(caller, id, "accept"), status, code);
  await no(null, 401, "auth.required");
  await no(operator, 403, "auth.forbidden_role");
  await no(broker, 403, "match.not_owner");
  await no(await market.colleague(broker), 403, "match.not_owner");
  await no(await market.person("enterprise"), 404, "match.not_found");
  await no(await market.client(needOwner, ["matches:read"]), 403, "auth.person_required");
  await isRefused(t, step(needOwner, newId(), "accept"), 404, "match.not_found");
  t.equal((await assertConsistent(t, id)).version, 1);
  const colleague = await market.colleague(needOwner);
  t.equal((await step(colleague, id, "accept")).status, 200, "any person of the owner");
});

t.test("both owners at the same moment: agreed, once", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const { id } = await proposed();
    const replies = await Promise.all([
      step(resultOwner, id, "accept"),
      step(needOwner, id, "accept"),
    ]);
    t.same(statusesOf(replies), [200, 200]);
    t.same(replies.map(({ body }) => body.status).sort(), ["agreed", "proposed"]);
    const row = await assertConsistent(t, id);
    t.match(row, { status: "agreed", version: 3 });
    t.ok(row.resultAcceptedAt && row.needAcceptedAt && row.agreedAt);
  }
});

t.test("one owner twice at the same moment: accepted once", async (t) => {
  const { id } = await proposed();
  const replies = await Promise.all([
    step(resultOwner, id, "accept"),
    step(resultOwner, id, "accept"),
  ]);
  t.same(statusesOf(replies), [200, 409]);
  t.match(await assertConsistent(t, id), { status: "proposed", version: 2 });
});

t.test("accept and decline at the same moment end in one clear state", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const { id } = await proposed();
    await step(resultOwner, id, "accept");
    const [accept, decline] = await Promise.all([
      step(needOwner, id, "accept"),
      step(resultOwner, id, "decline", why),
    ]);
    t.same(statusesOf([accept, decline]), [200, 409]);
    const lost = [accept, decline].find(({ status }) => status === 409)!;
    const row = await assertConsistent(t, id);
    t.equal(row.status, accept.status === 200 ? "agreed" : "declined");
    t.equal(lost.body.code, "match.invalid_transition");
    t.equal(lost.body.currentStatus, row.status, "the loser learns what it is now");
    t.equal(row.version, 3);
  }
  for (let i = 0; i < rounds; i++) {
    const { id } = await proposed();
    const [accept, decline] = await Promise.all([
      step(needOwner, id, "accept"),
      step(needOwner, id, "decline", why),
    ]);
    t.equal(decline.status, 200, "also after its own acceptance");
    t.ok([200, 409].includes(accept.status));
    t.equal((await assertConsistent(t, id)).status, "declined");
  }
});

t.test("withdraw and the second acceptance at the same moment", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const { id } = await proposed();
    await step(needOwner, id, "accept");
    const [withdraw, accept] = await Promise.all([
      step(broker, id, "withdraw"),
      step(resultOwner, id, "accept"),
    ]);
    t.same(statusesOf([withdraw, accept]), [200, 409]);
    const row = await assertConsistent(t, id);
    t.equal(row.status, withdraw.status === 200 ? "withdrawn" : "agreed");
  }
});

t.test("retract and the other's acceptance at the same moment", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const { id } = await proposed();
    await step(needOwner, id, "accept");
    const [retract, accept] = await Promise.all([
      step(needOwner, id, "retract"),
      step(resultOwner, id, "accept"),
    ]);
    t.equal(accept.status, 200);
    const row = await assertConsistent(t, id);
    t.equal(row.status, retract.status === 200 ? "proposed" : "agreed");
    t.equal(row.needAcceptedAt === null, retract.status === 200);
  }
});

t.test("an owner takes its acceptance back", async (t) => {
  const { id } = await proposed();
  const early = await step(needOwner, id, "retract");
  t.same(refused(t, early, 409, "match.invalid_transition").allowedActions, ["accept", "decline"]);
  await step(needOwner, id, "accept");
  await isRefused(t, step(resultOwner, id, "retract"), 409, "match.invalid_transition");
  await isRefused(t, step(broker, id, "retract"), 403, "match.not_owner");
  const reply = await step(needOwner, id, "retract");
  t.match(reply.body, { status: "proposed", pending: null, needAcceptedAt: null });
  t.match(await assertConsistent(t, id), { needAcceptedAt: null, needAcceptedBy: null });
  t.equal((await step(needOwner, id, "accept")).status, 200, "and may give it again");
  await step(resultOwner, id, "accept");
  await isRefused(t, step(needOwner, id, "retract"), 409, "match.invalid_transition");
});

t.test("an owner declines with a reason from the list", async (t) => {
  const { id } = await proposed();
  const unknown = await step(needOwner, id, "decline", { reason: "bad_mood" });
  t.same(pointersOf(refused(t, unknown, 400, "request.invalid")), ["/reason"]);
  await isRefused(t, step(needOwner, id, "decline", {}), 400, "request.invalid");
  await isRefused(t, step(broker, id, "decline", why), 403, "match.not_owner");
  const reply = await step(needOwner, id, "decline", why);
  t.match(reply.body, {
    status: "declined",
    endedBy: "need",
    endReason: why.reason,
    endNote: why.note,
    allowedActions: [],
  });
  t.match(await assertConsistent(t, id), { endedBy: needOwner.id, endReason: why.reason });
  const record = (await auditsOf(market, id)).at(-1);
  t.match(record, { type: "match.decline", reason: why.reason });
  t.same(record?.after?.endNote, { changed: true }, "words are not kept in the log");
  t.equal((await read(operator, id)).body.endNote, null, "nor shown to the operator");
  t.equal((await read(broker, id)).body.endNote, why.note);
  for (const [caller, action, body] of [
    [resultOwner, "accept"],
    [resultOwner, "decline", why],
    [resultOwner, "fail", why],
    [broker, "withdraw"],
    [broker, "negotiate"],
  ] as const) {
    const refusal = await isRefused(
      t,
      step(caller, id, action, body),
      409,
      "match.invalid_transition",
    );
    t.match(refusal, { currentStatus: "declined", allowedActions: [] }, action);
  }
});

t.test("the broker withdraws, and negotiates", async (t) => {
  const one = await proposed();
  const colleague = await market.colleague(broker);
  await certify(market, colleague);
  const asColleague = await read(colleague, one.id);
  t.same(asColleague.body.allowedActions, [], "a colleague reads and does not act");
  await isRefused(t, step(colleague, one.id, "withdraw"), 403, "match.not_owner");
  await isRefused(t, step(needOwner, one.id, "withdraw"), 403, "auth.forbidden_role");
  await isRefused(t, step(broker, one.id, "negotiate"), 409, "match.invalid_transition");
  const withdrawn = await step(broker, one.id, "withdraw");
  t.match(withdrawn.body, { status: "withdrawn", endedBy: "broker", endReason: null });
  t.ok((await assertConsistent(t, one.id)).endedAt);

  const two = await agreed();
  await isRefused(t, step(broker, two.id, "withdraw"), 409, "match.invalid_transition");
  await isRefused(t, step(colleague, two.id, "negotiate"), 403, "match.not_owner");
  const reply = await step(broker, two.id, "negotiate");
  t.match(reply.body, { status: "negotiating", allowedActions: ["fail"] });
  await assertConsistent(t, two.id);
  await isRefused(t, step(broker, two.id, "negotiate"), 409, "match.invalid_transition");
});

t.test("any of the three lets it fail, agreed or negotiating", async (t) => {
  for (const [make, caller, side] of [
    [agreed, resultOwner, "result"],
    [agreed, broker, "broker"],
    [negotiating, needOwner, "need"],
    [negotiating, broker, "broker"],
  ] as const) {
    const { id } = await make();
    const replies = await Promise.all([
      step(caller, id, "fail", why),
      step(caller, id, "fail", why),
    ]);
    t.same(statusesOf(replies), [200, 409]);
    const { body } = await read(caller, id);
    t.match(body, { status: "failed", endedBy: side, endReason: why.reason, endNote: why.note });
    t.ok(body.endedAt);
    await assertConsistent(t, id);
  }
  const { id } = await agreed();
  await isRefused(t, step(await market.colleague(broker), id, "fail", why), 403, "match.not_owner");
  await isRefused(t, step(operator, id, "fail", why), 403, "auth.forbidden_role");
  const early = await proposed();
  await isRefused(t, step(needOwner, early.id, "fail", why), 409, "match.invalid_transition");
});

t.test("a broker whose certificate has ended keeps the open matches", async (t) => {
  const person = await certifiedBroker(market);
  const open = await proposed({ broker: person });
  const made = await agreed({ broker: person });
  await db
    .update(brokerCertificates)
    .set({ status: "suspended" })
    .where(eq(brokerCertificates.memberId, person.id));
  await isRefused(t, propose(person, await publishedPair()), 403, "match.not_a_broker");
  t.equal((await step(person, open.id, "withdraw")).status, 200);
  await isRefused(t, step(person, made.id, "negotiate"), 403, "match.not_a_broker");
  const shown = await must(market.as(person)("GET", `/v1/matches/${made.id}`));
  t.notOk(shown.allowedActions.includes("negotiate"), "what would be refused is not offered");
  const note = { kind: "note", heldAt: started.toISOString(), text: "双方约定下周签约。" };
  t.equal((await step(person, made.id, "notes", note)).status, 201);
});

t.test("steps honour If-Match and an Idempotency-Key", async (t) => {
  const { id } = await proposed();
  const accept = (headers: Record<string, string>) =>
    market.as(needOwner)("POST", `/v1/matches/${id}/accept`, { headers });
  const stale = await accept({ "if-match": '"7-abc"' });
  t.equal(stale.status, 412);
  t.equal((await stored(id)).version, 1);
  const keyed = { "if-match": '"1-x"', "idempotency-key": newId() };
  const first = await accept(keyed);
  const second = await accept(keyed);
  t.same([first.status, second.status], [200, 200]);
  t.equal(second.headers["idempotent-replayed"], "true");
  t.equal(second.text, first.text);
  t.match(await assertConsistent(t, id), { version: 2 });
});

// ---- Time, and listings that leave ----

t.test("the last day counts, the day after does not", async (t) => {
  const [one, two] = [await proposed(), await proposed()];
  await at(30 * day, async () => {
    t.equal((await step(needOwner, one.id, "accept")).status, 200);
  });
  await at(31 * day, async () => {
    const { body } = await read(resultOwner, two.id);
    t.match(body, { status: "proposed", allowedActions: ["decline"] });
    const reply = await step(resultOwner, two.id, "accept");
    const refusal = refused(t, reply, 409, "match.invalid_transition");
    t.match(refusal, { currentStatus: "proposed", allowedActions: ["decline"] });
  });
  t.match(await assertConsistent(t, two.id), { status: "proposed", version: 1 });
});

t.test("the job marks what has passed, once", async (t) => {
  const [one, two, made] = [await proposed(), await proposed(), await agreed()];
  await step(needOwner, two.id, "accept");
  await at(30 * day, runLapse);
  t.equal((await stored(one.id)).status, "proposed", "not on the last day");
  await at(31 * day, async () => {
    await Promise.all([runLapse(), runLapse()]);
    await runLapse();
  });
  for (const { id } of [one, two]) {
    t.match(await assertConsistent(t, id), { status: "lapsed", endedBy: null, endReason: null });
    t.match((await auditsOf(market, id)).at(-1), { type: "match.lapse", actorKind: "system" });
    t.match((await timeline(id)).at(-1), { action: "lapse", createdBy: null });
  }
  t.equal((await stored(made.id)).status, "agreed");
  const refusal = await step(resultOwner, one.id, "accept");
  t.equal(refusal.body.currentStatus, "lapsed");
});

t.test("the job works through more than a batch", async (t) => {
  const { id, needId, resultId } = await proposed();
  const row = await stored(id);
  const source = await rowOf(market, "need", needId);
  const copies = Array.from({ length: 205 }, () => newId());
  const { reference: _, ...need } = source;
  await db.insert(tableOf("need")).values(copies.map((copy) => ({ ...need, id: copy })));
  const batch = copies.map((copy) => ({ ...row, id: newId(), needId: copy }));
  await db.insert(matches).values(batch);
  await at(31 * day, runLapse);
  const lapsed = and(eq(matches.resultId, resultId), eq(matches.status, "lapsed"));
  t.equal(await db.$count(matches, lapsed), 206);
});

t.test("a proposal whose last day has passed keeps no new one out", async (t) => {
  const made = await proposed();
  await at(31 * day, async () => {
    const reply = await propose(broker, made, { previousMatchId: null });
    t.equal(reply.status, 201, "though no job came by");
    t.not(reply.body.id, made.id);
  });
  t.match(await assertConsistent(t, made.id), { status: "lapsed" });
});

t.test("proposals lapse with a listing that leaves public view", async (t) => {
  const ways: [string, (made: { resultId: string; needId: string }) => Promise<Reply>][] = [
    [
      "the result is withdrawn",
      ({ resultId }) => market.as(resultOwner)("POST", `/v1/results/${resultId}/withdraw`),
    ],
    [
      "the need is closed",
      ({ needId }) => market.as(needOwner)("POST", `/v1/needs/${needId}/close`),
    ],
    [
      "the operator asks for changes",
      ({ needId }) =>
        market.as(operator)("POST", `/v1/needs/${needId}/request-changes`, {
          body: { reason: "incomplete", note: "请补充技术指标。" },
        }),
    ],
  ];
  for (const [what, leave] of ways) {
    const made = await proposed();
    await step(resultOwner, made.id, "accept");
    const kept = await agreed({ resultId: made.resultId });
    t.equal((await leave(made)).status, 200, what);
    t.match(await assertConsistent(t, made.id), { status: "lapsed", endedBy: null }, what);
    t.equal((await stored(kept.id)).status, "agreed", `${what}: what was agreed stays`);
  }
  const expired = await proposed();
  await db.execute(
    sql`update needs set valid_until = '2026-01-31', version = version + 1 where id = ${expired.needId}`,
  );
  await market.app.jobs.find(({ name }) => name === "needs.expire")!.run(db);
  t.match(await assertConsistent(t, expired.id), { status: "lapsed" });
});

t.test("accepting and withdrawing the listing at the same moment", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const made = await proposed();
    await step(needOwner, made.id, "accept");
    const [accept, leave] = await Promise.all([
      step(resultOwner, made.id, "accept"),
      market.as(resultOwner)("POST", `/v1/results/${made.resultId}/withdraw`),
    ]);
    t.equal(leave.status, 200);
    t.ok([200, 409].includes(accept.status), String(accept.status));
    const row = await assertConsistent(t, made.id);
    t.equal(row.status, accept.status === 200 ? "agreed" : "lapsed");
  }
});

t.test("a proposal and the listing's withdrawal at the same moment", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const pair = await publishedPair();
    const [made, leave] = await Promise.all([
      propose(broker, pair),
      market.as(needOwner)("POST", `/v1/needs/${pair.needId}/withdraw`),
    ]);
    t.equal(leave.status, 200);
    t.ok([201, 404].includes(made.status), made.text);
    if (made.status === 201) t.equal((await stored(made.body.id)).status, "lapsed");
  }
});

t.test("nobody accepts when the other's organization is suspended", async (t) => {
  const other = await market.person("enterprise");
  const made = await proposed({ needOwner: other });
  await db
    .update(organizations)
    .set({ status: "suspended" })
    .where(eq(organizations.id, other.organizationId));
  const gone = "match.listing_not_published";
  const offered = (await read(resultOwner, made.id)).body.allowedActions;
  t.same(offered, ["decline"], "nor is it offered");
  await isRefused(t, step(resultOwner, made.id, "accept"), 409, gone);
  t.equal((await assertConsistent(t, made.id)).version, 1);
});

// ---- Who sees what ----

t.test("a match is read by the three parties and the operator", async (t) => {
  const made = await proposed();
  const machine = await market.client(resultOwner, ["matches:read"]);
  const readers = [broker, await market.colleague(broker), resultOwner, needOwner, operator];
  for (const caller of [...readers, machine]) t.equal((await read(caller, made.id)).status, 200);
  t.same((await read(operator, made.id)).body.allowedActions, ["reassign"]);
  t.same((await read(machine, made.id)).body.allowedActions, [], "machines take no step");
  for (const role of ["university", "enterprise", "brokerage", "registry"] as const) {
    await isRefused(t, read(await market.person(role), made.id), 404, "match.not_found");
  }
  await isRefused(t, read(null, made.id), 401, "auth.required");
  const blind = await market.client(resultOwner, ["results:read"]);
  await isRefused(t, read(blind, made.id), 403, "auth.insufficient_scope");
  await isRefused(t, read(operator, newId()), 404, "match.not_found");
  t.equal((await read(broker, "nonsense")).status, 400);
});

t.test("lists are scoped, filtered and paged", async (t) => {
  const own = await certifiedBroker(market);
  const other = await market.person("enterprise");
  const first = await proposed({ broker: own, needOwner: other });
  const second = await agreed({ broker: own, resultId: first.resultId, needOwner: other });
  const third = await proposed({ broker: own });
  const ids = async (caller: Caller, query = "") => {
    const { status, body, text } = await market.as(caller)("GET", `/v1/matches${query}`);
    t.equal(status, 200, text);
    return body.data.map(({ id }: { id: string }) => id);
  };
  t.same(await ids(own), [third.id, second.id, first.id], "newest first");
  t.same(await ids(other), [second.id, first.id]);
  t.same(await ids(other, "?role=owner"), [second.id, first.id]);
  t.same(await ids(other, "?role=broker"), []);
  t.same(await ids(own, "?role=broker&status=agreed"), [second.id]);
  t.same(await ids(own, `?resultId=${first.resultId}`), [second.id, first.id]);
  t.same(await ids(own, `?needId=${first.needId}`), [first.id]);
  t.same(await ids(other, `?brokerId=${own.id}`), [second.id, first.id]);
  t.same(await ids(other, `?brokerId=${broker.id}`), []);
  t.same(await ids(operator, `?brokerId=${own.id}`), [third.id, second.id, first.id]);
  t.same(await ids(await market.person("brokerage"), `?brokerId=${own.id}`), []);
  t.same(await ids(await market.person("registry")), []);

  const page = await market.as(own)("GET", "/v1/matches?limit=2&include=total");
  t.match(page.body, { page: { hasMore: true }, total: { exact: 3 } });
  t.same(await ids(own, `?limit=2&cursor=${page.body.page.next}`), [first.id]);
  const wrong = await market.as(own)(
    "GET",
    `/v1/matches?role=broker&cursor=${page.body.page.next}`,
  );
  t.equal(wrong.status, 400);
  const total = await market.as(other)("GET", "/v1/matches?include=total");
  t.same(total.body.total, { exact: 2 }, "the count is scoped as well");
  t.equal((await market.as(own)("GET", "/v1/matches?status=open")).status, 400);
  t.equal((await market.as(own)("GET", "/v1/matches?owner=x")).status, 400);
});

t.test("an anonymous owner stays unknown until it accepts", async (t) => {
  const hidden = await market.person("enterprise", { name: "卫滨隐形冠军轴承厂" });
  const admin = await market.person("brokerage");
  const own = await market.colleague(admin);
  await certify(market, own);
  const made = await proposed({ needOwner: hidden, broker: own, need: { anonymous: true } });
  const { id } = made;
  const sees = async (caller: Caller) => {
    const one = await read(caller, id);
    const list = await market.as(caller)("GET", "/v1/matches?limit=100");
    const texts = [one.text, list.text, one.body.need.organization && "named"];
    const named = texts.some((text) => /隐形冠军|named/.test(String(text)));
    const told = [one.text, list.text].some((text) => text.includes(hidden.organizationId));
    t.equal(named, told);
    t.match(one.body.need, { anonymous: true, alias: /^匿名需求方/ });
    return named;
  };
  const knowing = async () => [
    await sees(own),
    await sees(resultOwner),
    await sees(hidden),
    await sees(operator),
  ];
  t.same(await knowing(), [false, false, true, true]);
  t.equal((await read(hidden, id)).body.result.organization.id, resultOwner.organizationId);
  const [proposal] = await auditsOf(market, id);
  t.same(proposal?.after?.needOrganizationId, { changed: true }, "nor does the log tell");

  await step(resultOwner, id, "accept");
  t.same(await knowing(), [false, false, true, true], "the other side's word tells nothing");
  await step(hidden, id, "accept");
  t.same(await knowing(), [true, true, true, true]);

  const hesitant = await proposed({ needOwner: hidden, broker: own, need: { anonymous: true } });
  await step(hidden, hesitant.id, "accept");
  await step(hidden, hesitant.id, "retract");
  const retraction = (await auditsOf(market, hesitant.id)).at(-1);
  t.match(retraction, { type: "match.retract", organizationId: own.organizationId });
  t.ok(
    retraction?.readerIds.includes(resultOwner.organizationId),
    "who read of the word reads that it is back",
  );

  const declined = await proposed({ needOwner: hidden, broker: own, need: { anonymous: true } });
  await step(hidden, declined.id, "decline", why);
  const { body, text } = await read(own, declined.id);
  t.match(body, { status: "declined", endedBy: "need", need: { organization: null } });
  t.notMatch(text, hidden.id, "no person is named either");
  const record = (await auditsOf(market, declined.id)).at(-1);
  t.match(record, { type: "match.decline", organizationId: hidden.organizationId });
  t.same(record?.readerIds, [], "what it does is in its own log alone");
  const notes = await market.as(own)("GET", `/v1/matches/${declined.id}/notes`);
  t.match(notes.body.data.at(-1), { action: "decline", by: "need", author: null, text: why.note });
  t.notMatch(notes.text, hidden.id);
  t.notMatch(notes.text, hidden.organizationId);

  const left = await proposed({ needOwner: hidden, broker: own, need: { anonymous: true } });
  await market.as(hidden)("POST", `/v1/needs/${left.needId}/close`);
  t.match((await auditsOf(market, left.id)).at(-1), {
    type: "match.lapse",
    organizationId: hidden.organizationId,
  });
  const lapsed = (await timeline(left.id)).at(-1);
  t.match(lapsed, { action: "lapse", createdBy: null, organizationId: null });
});

// ---- The timeline ----

const meeting = {
  kind: "meeting",
  heldAt: "2026-03-02T09:30:00+08:00",
  text: "双方在厂区看了涂布线，学校一周内给出测厚方案和报价。",
};

t.test("the broker writes the timeline, the three parties read it", async (t) => {
  const made = await negotiating();
  const path = `/v1/matches/${made.id}/notes`;
  const reply = await step(broker, made.id, "notes", meeting);
  t.equal(reply.status, 201, reply.text);
  t.equal(reply.headers.location, path);
  t.match(reply.body, {
    kind: "meeting",
    action: null,
    heldAt: "2026-03-02T01:30:00.000Z",
    text: meeting.text,
    by: "broker",
    author: { id: broker.id },
  });
  t.match((await timeline(made.id)).at(-1), { id: reply.body.id, text: meeting.text });
  t.equal((await stored(made.id)).version, 4, "the match itself is not changed");
  const record = (await auditsOf(market, made.id)).at(-1);
  t.match(record, {
    type: "match.note",
    confidential: true,
    actorId: broker.id,
    organizationId: broker.organizationId,
    after: { kind: "meeting", text: { changed: true } },
  });

  const expected = ["propose", null, "accept", "accept", "negotiate", null];
  for (const caller of [broker, await market.colleague(broker), resultOwner, needOwner]) {
    const { body } = await market.as(caller)("GET", path);
    t.same(
      body.data.map(({ action }: { action: string }) => action),
      expected,
    );
    t.same(
      body.data.map(({ by }: { by: string }) => by),
      ["broker", "broker", "result", "need", "broker", "broker"],
    );
    const named = body.data.map(({ author }: { author: { id: string } | null }) => author?.id);
    const mine = (owner: Caller) =>
      caller.organizationId === owner.organizationId ? owner.id : undefined;
    t.same(named, [broker.id, broker.id, mine(resultOwner), mine(needOwner), broker.id, broker.id]);
  }
  const machine = await market.client(needOwner, ["matches:read"]);
  t.equal((await market.as(machine)("GET", path)).status, 200);
  const page = await market.as(broker)("GET", `${path}?limit=4&include=total`);
  t.match(page.body, { page: { hasMore: true }, total: { exact: 6 } });
  const rest = await market.as(broker)("GET", `${path}?limit=4&cursor=${page.body.page.next}`);
  t.equal(rest.body.data.length, 2);
  const other = await agreed();
  const wrong = await market.as(broker)(
    "GET",
    `/v1/matches/${other.id}/notes?cursor=${page.body.page.next}`,
  );
  t.equal(wrong.status, 400, "a cursor is of one timeline");
});

t.test("nobody else reads or writes it", async (t) => {
  const { id } = await agreed();
  const path = `/v1/matches/${id}/notes`;
  await isRefused(t, market.as(null)("GET", path), 401, "auth.required");
  const strangers = [operator, await market.person("brokerage"), await market.person("registry")];
  for (const caller of strangers) {
    await isRefused(t, market.as(caller)("GET", path), 404, "match.not_found");
  }
  const before = (await timeline(id)).length;
  const no = (caller: Caller, status: number, code: string) =>
    isRefused(t, step(caller, id, "notes", meeting), status, code);
  await no(operator, 403, "auth.forbidden_role");
  await no(needOwner, 403, "auth.forbidden_role");
  await no(await market.colleague(broker), 403, "match.not_owner");
  await no(await market.person("brokerage"), 404, "match.not_found");
  await no(await market.client(broker, ["matches:read"]), 403, "auth.person_required");
  const office = await market.person("brokerage");
  const theirs = await agreed({ resultOwner: office });
  await isRefused(t, step(office, theirs.id, "notes", meeting), 403, "match.not_owner");
  t.equal((await timeline(id)).length, before);
});

t.test("an entry is checked, and stays for good", async (t) => {
  const { id } = await proposed();
  const faults = async (changes: object) => {
    const reply = await step(broker, id, "notes", { ...meeting, ...changes });
    return pointersOf(refused(t, reply, 400, "request.invalid"));
  };
  const later = new Date(started.getTime() + 60_000).toISOString();
  t.same(await faults({ heldAt: later }), ["/heldAt"]);
  t.same(await faults({ heldAt: "2026-03-02" }), ["/heldAt"]);
  t.same(await faults({ heldAt: "0001-01-01T00:00:00+08:00" }), ["/heldAt"]);
  t.same(await faults({ kind: "step" }), ["/kind"]);
  t.same(await faults({ text: "" }), ["/text"]);
  t.same(await faults({ action: "accept" }), ["/action"]);
  const now = await step(broker, id, "notes", { ...meeting, heldAt: started.toISOString() });
  t.equal(now.status, 201);
  const entry = eq(matchNotes.id, now.body.id);
  await t.rejects(db.update(matchNotes).set({ text: "改写" }).where(entry));
  await t.rejects(db.delete(matchNotes).where(entry));

  const options = { body: meeting, headers: { "idempotency-key": newId() } };
  const path = `/v1/matches/${id}/notes`;
  const first = await market.as(broker)("POST", path, options);
  const second = await market.as(broker)("POST", path, options);
  t.equal(second.text, first.text);
  const text = eq(matchNotes.text, meeting.text);
  t.equal(await db.$count(matchNotes, and(eq(matchNotes.matchId, id), text)), 2);
  const headers = { "if-match": '"9-x"' };
  const stale = await market.as(broker)("POST", path, { body: meeting, headers });
  t.equal(stale.status, 412);

  await step(broker, id, "withdraw");
  const late = await step(broker, id, "notes", meeting);
  t.equal(refused(t, late, 409, "match.invalid_transition").currentStatus, "withdrawn");
});

// ---- The operator, and what contracts ask for ----

t.test("the operator hands an open match to another broker of the brokerage", async (t) => {
  const person = await certifiedBroker(market);
  const next = await market.colleague(person);
  const { id } = await agreed({ broker: person });
  const give = (brokerId: string, caller = operator) => step(caller, id, "reassign", { brokerId });
  for (const brokerId of [next.id, broker.id, newId()]) {
    const reply = await give(brokerId);
    t.same(pointersOf(refused(t, reply, 400, "request.invalid")), ["/brokerId"]);
    t.equal(reply.body.errors[0].code, "broker.not_of_brokerage");
  }
  await certify(market, next);
  await isRefused(t, give(next.id, person), 403, "auth.forbidden_role");
  const reply = await give(next.id);
  t.equal(reply.status, 200, reply.text);
  t.match(reply.body, { status: "agreed", broker: { id: next.id }, version: 4 });
  t.match(await assertConsistent(t, id), { brokerId: next.id, status: "agreed" });
  const record = (await auditsOf(market, id)).at(-1);
  t.match(record, {
    type: "match.reassign",
    before: { brokerId: person.id },
    after: { brokerId: next.id },
  });
  await isRefused(t, step(person, id, "negotiate"), 403, "match.not_owner");
  t.equal((await step(next, id, "negotiate")).status, 200);
  const { body } = await market.as(next)("GET", `/v1/matches/${id}/notes`);
  t.match(body.data.at(-2), { action: "reassign", by: "operator", author: null });
  t.match(
    body.data[1],
    { kind: "introduction", author: { id: person.id } },
    "who introduced stays",
  );

  const same = await give(next.id);
  t.equal(same.body.version, 5, "to the same one nothing happens");
  await step(next, id, "fail", why);
  await isRefused(t, give(person.id), 409, "match.invalid_transition");
  await isRefused(
    t,
    step(operator, newId(), "reassign", { brokerId: next.id }),
    404,
    "match.not_found",
  );
});

const origin = { actor: null, requestId: null, address: null };

t.test("a contract takes a match that is agreed, from one of the three", async (t) => {
  const asActor = (caller: Caller, role: "enterprise" | "brokerage" | "operator") => ({
    kind: "member" as const,
    id: caller.id,
    sessionId: null,
    organizationId: caller.organizationId,
    role,
    organizationStatus: "verified" as const,
    isAdmin: true,
    scopes: null,
    barredUntil: null,
    isProved: true,
  });
  const lock = (caller: Caller, id: string, role: "enterprise" | "brokerage" | "operator") =>
    db.transaction((tx) => lockMatchForContract(tx, asActor(caller, role), id));
  const made = await agreed();
  for (const [caller, role] of [
    [broker, "brokerage"],
    [resultOwner, "enterprise"],
    [needOwner, "enterprise"],
  ] as const) {
    t.match(await lock(caller, made.id, role), { id: made.id, status: "agreed" });
  }
  for (const [caller, role] of [
    [operator, "operator"],
    [await market.colleague(broker), "brokerage"],
    [await market.person("enterprise"), "enterprise"],
  ] as const) {
    await t.rejects(lock(caller, made.id, role), { code: "match.not_found" });
  }
  const early = await proposed();
  await t.rejects(lock(needOwner, early.id, "enterprise"), { code: "match.invalid_transition" });
});

t.test("its contract concludes a match, and lets it fail", async (t) => {
  const conclude = (id: string) => db.transaction((tx) => concludeMatch(tx, origin, id));
  const fail = (id: string) => db.transaction((tx) => failConcludedMatch(tx, origin, id));
  for (const make of [agreed, negotiating]) {
    const { id } = await make();
    await t.rejects(fail(id), { code: "match.invalid_transition" });
    await conclude(id);
    t.match(await assertConsistent(t, id), { status: "contracted", endedAt: null });
    await t.rejects(conclude(id), { code: "match.invalid_transition" });
    await isRefused(t, step(needOwner, id, "fail", why), 409, "match.invalid_transition");
    t.equal((await step(broker, id, "notes", meeting)).status, 201, "the timeline goes on");
    await fail(id);
    const row = await assertConsistent(t, id);
    t.match(row, { status: "failed", endReason: "other", endedBy: null });
    t.ok(row.endedAt);
    t.match((await auditsOf(market, id)).at(-1), { reason: "contract cancelled" });
  }
  const early = await proposed();
  await t.rejects(conclude(early.id), { code: "match.invalid_transition" });
  await t.rejects(conclude(newId()), { code: "match.not_found" });
});

t.test("the directory shows each broker's record of deals", async (t) => {
  const person = await certifiedBroker(market);
  const idle = await market.colleague(person);
  await certify(market, idle);
  const deals = async (caller: Caller) => {
    const one = (await market.as(null)("GET", `/v1/brokers/${caller.id}`)).body.deals;
    const list = await market.as(null)(
      "GET",
      `/v1/brokers?organizationId=${caller.organizationId}`,
    );
    t.same(list.body.data.find(({ id }: { id: string }) => id === caller.id).deals, one);
    return one;
  };
  t.same(await deals(person), { open: 0, contracted: 0, failed: 0 });
  await proposed({ broker: person });
  await negotiating({ broker: person });
  const withdrawn = await proposed({ broker: person });
  await step(person, withdrawn.id, "withdraw");
  const failed = await agreed({ broker: person });
  await step(needOwner, failed.id, "fail", why);
  const done = await agreed({ broker: person });
  await db.transaction((tx) => concludeMatch(tx, origin, done.id));
  t.same(await deals(person), { open: 2, contracted: 1, failed: 1 });
  t.same(await deals(idle), { open: 0, contracted: 0, failed: 0 });
});
