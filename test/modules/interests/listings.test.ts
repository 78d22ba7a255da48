/** What interests and matches do to the listings that they are about, and listings to them. */
import { eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { interests } from "../../../db/schema/interests.ts";
import { matches } from "../../../db/schema/matches.ts";
import { systemOrigin } from "../../../src/lib/access.ts";
import type { OpenCall } from "../../../src/lib/call.ts";
import { clock, today } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import { restoreNeedsOf } from "../../../src/modules/needs/needs.service.ts";
import { restoreResultsOf, transferResult } from "../../../src/modules/results/results.service.ts";
import { draftedContract, effectiveContract } from "../../support/contracts.ts";
import {
  acceptedInterest,
  answer,
  type InterestOptions,
  openInterest,
} from "../../support/deals.ts";
import {
  type Noun,
  publishedNeed,
  publishedResult,
  rowOf,
  tableOf,
} from "../../support/listings.ts";
import { auditsOf, auditTypes } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import {
  certifiedBroker,
  type MatchOptions,
  proposedMatch,
  stepOf,
} from "../../support/matches.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const university = await market.person("university", { name: "河南牧野农学院" });
const enterprise = await market.person("enterprise", { name: "新乡沃野农业科技有限公司" });
const stranger = await market.person("enterprise");
const broker = await certifiedBroker(market);

// The clock stands still, so that no midnight falls between two lines of a test.
const started = clock.now();
clock.now = () => started;

const nouns: readonly Noun[] = ["result", "need"];
const owners: Record<Noun, Caller> = { result: university, need: enterprise };
const askers: Record<Noun, Caller> = { result: enterprise, need: university };

const cast = (options: InterestOptions) => {
  const noun = options.noun ?? "result";
  return { owner: owners[noun], asker: askers[noun], operator, ...options };
};
const opened = (options: InterestOptions = {}) => openInterest(market, cast(options));
const accepted = (options: InterestOptions = {}) => acceptedInterest(market, cast(options));
const proposed = (options: MatchOptions = {}) =>
  proposedMatch(market, {
    operator,
    broker,
    resultOwner: university,
    needOwner: enterprise,
    ...options,
  });
const readListing = (caller: Caller | null, noun: Noun, id: string) =>
  market.as(caller)("GET", `/v1/${noun}s/${id}`);
const statusOf = async (id: string) =>
  (await db.select().from(interests).where(eq(interests.id, id)))[0]?.status;
const lastAudit = async (id: string) => (await auditsOf(market, id)).at(-1);
const context: OpenCall = { ...systemOrigin, expected: null };

/** Whether a caller reads a listing's contact. */
async function seesContact(caller: Caller | null, noun: Noun, id: string): Promise<boolean> {
  const { body, text } = await readListing(caller, noun, id);
  const { contact } = await rowOf(market, noun, id);
  const sees = body.contact !== null;
  if (!sees && text.includes(String(contact?.phone))) throw new Error("half a mask");
  return sees;
}

// ---- Revealing ----

t.test("a listing shows its contact to the asker that was accepted, and to no other", async (t) => {
  for (const noun of nouns) {
    const made = await opened({ noun });
    const { id, listingId, owner, asker } = made;
    const others = [null, stranger, broker, await market.person("registry")];
    t.notOk(await seesContact(asker, noun, listingId), "asking is not enough");
    const before = await readListing(asker, noun, listingId);

    await answer(market, owner, id, "accept");
    const after = await readListing(asker, noun, listingId);
    t.same(after.body.contact, (await rowOf(market, noun, listingId)).contact);
    t.same(after.body, { ...before.body, contact: after.body.contact });
    t.not(after.headers.etag, before.headers.etag, "a copy kept from before is stale");
    const colleague = await market.colleague(asker);
    const machine = await market.client(asker, [`${noun}s:read`]);
    for (const caller of [colleague, machine]) t.ok(await seesContact(caller, noun, listingId));
    for (const caller of others) t.notOk(await seesContact(caller, noun, listingId));

    const elsewhere = await opened({ noun });
    t.notOk(await seesContact(asker, noun, elsewhere.listingId), "of this listing only");
    const list = await market.as(asker)("GET", `/v1/${noun}s?limit=100`);
    t.ok(list.text.includes(listingId));
    t.notOk(list.text.includes(String(after.body.contact.phone)), "lists show no contact");
  }
});

t.test("an interest that was not accepted reveals nothing", async (t) => {
  for (const action of ["decline", "withdraw"]) {
    const { id, listingId, owner, asker } = await opened({ noun: "need" });
    await answer(market, action === "withdraw" ? asker : owner, id, action);
    t.notOk(await seesContact(asker, "need", listingId), action);
  }
});

/** An anonymous need as somebody from outside sees it, or as one whom the owner trusts. */
async function assertKnown(t: Test, caller: Caller | null, id: string, isKnown: boolean) {
  const { body, text } = await readListing(caller, "need", id);
  const row = await rowOf(market, "need", id);
  if (isKnown) {
    t.match(body, {
      organization: { id: enterprise.organizationId, name: "新乡沃野农业科技有限公司" },
      contact: row.contact,
      regionCode: "410782",
    });
    return;
  }
  t.match(body, { organization: null, contact: null, regionCode: "410700" });
  const traces = [enterprise.organizationId, "沃野", row.contact?.name, row.contact?.phone];
  for (const trace of [...traces, "410782"]) {
    t.notOk(text.includes(String(trace)), `no ${trace}`);
  }
}

t.test("an anonymous need tells its owner to the asker that was accepted alone", async (t) => {
  const listing = { anonymous: true };
  const { id, listingId, asker, owner } = await opened({ noun: "need", listing });
  await opened({ noun: "need", listingId, asker: stranger });
  const outside = [null, stranger, broker];
  for (const caller of [asker, ...outside]) await assertKnown(t, caller, listingId, false);
  await answer(market, owner, id, "accept");
  await assertKnown(t, asker, listingId, true);
  for (const caller of outside) await assertKnown(t, caller, listingId, false);
  await assertKnown(t, operator, listingId, true);
  const own = await market.as(asker)("GET", "/v1/needs?limit=100");
  const listed = own.body.data.find((one: { id: string }) => one.id === listingId);
  t.match(listed, { organization: null, regionCode: "410700" }, "lists stay as they are");
});

t.test("a match reveals a listing once that listing's owner has accepted it", async (t) => {
  const made = await proposed({ need: { anonymous: true } });
  const { id, resultId, needId } = made;
  const sees = async () => ({
    result: {
      broker: await seesContact(broker, "result", resultId),
      needOwner: await seesContact(enterprise, "result", resultId),
      stranger: await seesContact(stranger, "result", resultId),
    },
    need: {
      broker: await seesContact(broker, "need", needId),
      resultOwner: await seesContact(university, "need", needId),
      stranger: await seesContact(stranger, "need", needId),
    },
  });
  const result = { broker: false, needOwner: false, stranger: false };
  const need = { broker: false, resultOwner: false, stranger: false };
  t.same(await sees(), { result, need });
  for (const caller of [broker, university]) await assertKnown(t, caller, needId, false);

  await stepOf(market, university, id, "accept");
  const open = { broker: true, needOwner: true, stranger: false };
  t.same(await sees(), { result: open, need }, "each owner speaks for its own listing");
  for (const caller of [broker, university]) await assertKnown(t, caller, needId, false);

  await stepOf(market, enterprise, id, "accept");
  t.same(await sees(), {
    result: open,
    need: { broker: true, resultOwner: true, stranger: false },
  });
  for (const caller of [broker, university, await market.colleague(broker)]) {
    await assertKnown(t, caller, needId, true);
  }
  for (const caller of [null, stranger, await certifiedBroker(market)]) {
    await assertKnown(t, caller, needId, false);
  }
});

// ---- Lapsing ----

/** Every way in which a listing leaves public view. */
interface Leaving {
  name: string;
  nouns: readonly Noun[];
  leave: (noun: Noun, id: string, owner: Caller) => Promise<unknown>;
  actor: "owner" | "operator" | "system";
}

const byOwner = (action: string) => (noun: Noun, id: string, owner: Caller) =>
  must(market.as(owner)("POST", `/v1/${noun}s/${id}/${action}`, { body: bodies[action] }));
const bodies: Record<string, object> = { solve: {} };

const ways: readonly Leaving[] = [
  { name: "withdraw", nouns, leave: byOwner("withdraw"), actor: "owner" },
  {
    name: "request-changes",
    nouns,
    leave: (noun, id) =>
      must(
        market.as(operator)("POST", `/v1/${noun}s/${id}/request-changes`, {
          body: { reason: "unclear_text", note: "技术路线表述不清，请重写。" },
        }),
      ),
    actor: "operator",
  },
  {
    name: "expire",
    nouns,
    leave: async (noun, id) => {
      await db
        .update(tableOf(noun))
        .set({ validUntil: "2026-01-31" })
        .where(eq(tableOf(noun).id, id));
      await market.app.jobs.find(({ name }) => name === `${noun}s.expire`)!.run(db);
    },
    actor: "system",
  },
  { name: "solve", nouns: ["need"], leave: byOwner("solve"), actor: "owner" },
  { name: "close", nouns: ["need"], leave: byOwner("close"), actor: "owner" },
  {
    name: "its organization is closed",
    nouns,
    leave: (_noun, _id, owner) =>
      must(
        market.as(operator)("POST", `/v1/organizations/${owner.organizationId}/close`, {
          body: { reason: "单位已注销。" },
        }),
      ),
    actor: "operator",
  },
  {
    name: "transfer",
    nouns: ["result"],
    leave: async (_noun, id) => {
      const contract = await draftedContract(market, { seller: university, buyer: enterprise });
      await db.transaction((tx) => transferResult(tx, context, id, contract.id));
    },
    actor: "system",
  },
];

for (const { name, nouns: of, leave, actor } of ways) {
  for (const noun of of) {
    t.test(`${noun}, ${name}: open interests lapse with it, the others stay`, async (t) => {
      const owner = await market.person(noun === "result" ? "university" : "enterprise");
      const open = await opened({ noun, owner });
      const { listingId } = open;
      const second = await opened({ noun, owner, listingId, asker: stranger });
      const done = await accepted({ noun, owner, listingId, asker: broker });
      const elsewhere = await opened({ noun });

      await leave(noun, listingId, owner);
      t.not((await rowOf(market, noun, listingId)).status, "published");
      for (const { id } of [open, second]) {
        const who = { owner: owner.id, operator: operator.id, system: null }[actor];
        t.equal(await statusOf(id), "lapsed");
        const { body } = await market.as(operator)("GET", `/v1/interests/${id}`);
        t.match(body, { status: "lapsed", version: 2, answeredAt: null, allowedActions: [] });
        t.match(await lastAudit(id), {
          type: "interest.lapse",
          actorId: who,
          before: { status: "open" },
          after: { status: "lapsed" },
        });
      }
      t.equal(await statusOf(done.id), "accepted", "an answer is final");
      t.equal(await statusOf(elsewhere.id), "open", "of another listing");
      const late = await answer(market, owner, open.id, "accept");
      if (name.endsWith("closed")) refused(t, late, 403, "organization.suspended");
      else refused(t, late, 409, "interest.invalid_transition");
    });
  }
}

t.test("a change of a published listing lets its interests be", async (t) => {
  for (const noun of nouns) {
    const { id, listingId, owner } = await opened({ noun });
    const patch = await market.as(owner)("PATCH", `/v1/${noun}s/${listingId}`, {
      body: { summary: "补充了去年的田间数据。" },
      headers: { "if-match": "*" },
    });
    t.equal(patch.status, 200, patch.text);
    t.equal(await statusOf(id), "open");
    t.same(await auditTypes(market, id), ["interest.create"]);
  }
});

t.test("what lapsed stays so when the listing comes back, and can be asked again", async (t) => {
  const { id, listingId, owner, asker } = await opened();
  await must(market.as(owner)("POST", `/v1/results/${listingId}/withdraw`));
  await must(market.as(owner)("POST", `/v1/results/${listingId}/renew`, { body: {} }));
  t.equal(await statusOf(id), "lapsed");
  const again = await market.as(asker)("POST", `/v1/results/${listingId}/interests`, {
    body: { message: "成果恢复展示了，想继续了解。" },
  });
  t.equal(again.status, 201, again.text);
});

t.test("a proposed match lapses together with the interests", async (t) => {
  const made = await proposed();
  const { id } = await opened({ listingId: made.resultId });
  await must(market.as(university)("POST", `/v1/results/${made.resultId}/withdraw`));
  t.equal(await statusOf(id), "lapsed");
  const [match] = await db.select().from(matches).where(eq(matches.id, made.id));
  t.equal(match?.status, "lapsed");
});

// ---- What contracts do to listings ----

const transfer = (id: string, contractId: string) =>
  db.transaction((tx) => transferResult(tx, context, id, contractId));

t.test(
  "a transferred result is gone, and comes back when that contract is cancelled",
  async (t) => {
    const contract = await draftedContract(market, { seller: university, buyer: enterprise });
    const { id } = await publishedResult(market, university, operator);
    await transfer(id, contract.id);
    t.match(await rowOf(market, "result", id), {
      status: "transferred",
      transferredContractId: contract.id,
      version: 4,
    });
    t.match(await lastAudit(id), {
      type: "result.transfer",
      actorKind: "system",
      organizationId: university.organizationId,
      before: { status: "published" },
      after: { status: "transferred", transferredContractId: contract.id },
    });
    t.equal((await readListing(null, "result", id)).body.status, "transferred");
    const list = await market.as(null)("GET", "/v1/results?limit=100");
    t.notOk(list.text.includes(id));

    const other = await draftedContract(market, { seller: university, buyer: enterprise });
    await transfer(id, other.id);
    const kept = await rowOf(market, "result", id);
    t.equal(kept.transferredContractId, contract.id, "what is gone is not transferred again");
    await db.transaction((tx) => restoreResultsOf(tx, context, other.id));
    t.equal((await rowOf(market, "result", id)).status, "transferred", "by another contract");

    await db.transaction((tx) => restoreResultsOf(tx, context, contract.id));
    t.match(await rowOf(market, "result", id), {
      status: "published",
      transferredContractId: null,
      version: 5,
    });
    t.match(await lastAudit(id), { type: "result.restore", after: { status: "published" } });
  },
);

t.test("only what is in public view is transferred", async (t) => {
  const contract = await draftedContract(market, { seller: university, buyer: enterprise });
  const { id } = await publishedResult(market, university, operator);
  await must(market.as(university)("POST", `/v1/results/${id}/withdraw`));
  const before = await rowOf(market, "result", id);
  await transfer(id, contract.id);
  t.same(await rowOf(market, "result", id), before);
});

t.test("what comes back after its last day is expired", async (t) => {
  const contract = await effectiveContract(market, { seller: university, buyer: enterprise });
  const result = await publishedResult(market, university, operator);
  const need = await publishedNeed(market, enterprise, operator);
  await transfer(result.id, contract.id);
  await must(
    market.as(enterprise)("POST", `/v1/needs/${need.id}/solve`, {
      body: { contractId: contract.id },
    }),
  );
  for (const [noun, id] of [
    ["result", result.id],
    ["need", need.id],
  ] as const) {
    await db
      .update(tableOf(noun))
      .set({ validUntil: "2026-01-31" })
      .where(eq(tableOf(noun).id, id));
    const restore = noun === "result" ? restoreResultsOf : restoreNeedsOf;
    await db.transaction((tx) => restore(tx, context, contract.id));
    t.equal((await rowOf(market, noun, id)).status, "expired");
    t.match(await lastAudit(id), { type: `${noun}.restore`, after: { status: "expired" } });
  }
});

t.test("a need names the contract that solved it, and is open again without it", async (t) => {
  const contract = await effectiveContract(market, { seller: university, buyer: enterprise });
  const { id } = await publishedNeed(market, enterprise, operator);
  const body = { solvedBy: "在线测厚系统技术开发合同", contractId: contract.id };
  const reply = await market.as(enterprise)("POST", `/v1/needs/${id}/solve`, { body });
  t.equal(reply.status, 200, reply.text);
  t.match(reply.body, { status: "solved", solvedContractId: contract.id });
  t.equal((await readListing(operator, "need", id)).body.solvedContractId, contract.id);
  for (const caller of [null, university, stranger]) {
    const { body: seen, text } = await readListing(caller, "need", id);
    t.equal(seen.status, "solved");
    t.notOk("solvedContractId" in seen);
    t.notOk(text.includes(contract.id));
  }
  await db.transaction((tx) => restoreNeedsOf(tx, context, newId()));
  t.equal((await rowOf(market, "need", id)).status, "solved");
  await db.transaction((tx) => restoreNeedsOf(tx, context, contract.id));
  t.match(await rowOf(market, "need", id), { status: "published", solvedContractId: null });
  t.match(await lastAudit(id), {
    type: "need.restore",
    before: { status: "solved", solvedContractId: contract.id },
    after: { status: "published", solvedContractId: null },
  });
});

t.test("only a contract of the owner, in force, about this need or none, solves it", async (t) => {
  const { id } = await publishedNeed(market, enterprise, operator);
  const other = await publishedNeed(market, enterprise, operator);
  const foreign = await effectiveContract(market, { seller: university, buyer: stranger });
  const draft = await draftedContract(market, { seller: university, buyer: enterprise });
  const elsewhere = await effectiveContract(market, {
    seller: university,
    buyer: enterprise,
    by: enterprise,
    content: { needId: other.id },
  });
  for (const contractId of [newId(), foreign.id, draft.id, elsewhere.id]) {
    const reply = await market.as(enterprise)("POST", `/v1/needs/${id}/solve`, {
      body: { contractId },
    });
    t.same(pointersOf(refused(t, reply, 400, "request.invalid")), ["/contractId"]);
  }
  t.equal((await rowOf(market, "need", id)).status, "published");
  const fit = await effectiveContract(market, {
    seller: university,
    buyer: enterprise,
    by: enterprise,
    content: { needId: id },
  });
  const reply = await market.as(enterprise)("POST", `/v1/needs/${id}/solve`, {
    body: { contractId: fit.id },
  });
  t.equal(reply.status, 200, reply.text);
  t.ok(reply.body.validUntil >= today());
});
