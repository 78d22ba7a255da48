/** What a contract takes over of its match or interest, what it says of that, and what it must not tell. */
import { eq } from "drizzle-orm";
import t from "tap";
import { contracts } from "../../../db/schema/contracts.ts";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { results } from "../../../db/schema/results.ts";
import { contractRow } from "../../support/contracts.ts";
import { acceptedInterest, openInterest } from "../../support/deals.ts";
import { completeNeed, completeResult } from "../../support/listings.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { agreedMatch, proposedMatch } from "../../support/matches.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const { as } = market;
const operator = await market.person("operator");

/** The least that no match and no listing tells. */
const least = { type: "licence", subtype: "31" };
const draft = (by: Caller, body: object) => as(by)("POST", "/v1/contracts", { body });

interface Prefilled {
  pointer: string;
  from: string;
  id: string;
}
/** What came from where, place by place; what the market knows of the parties is left out. */
const takenIn = ({ prefilled }: { prefilled: Prefilled[] }) =>
  Object.fromEntries(
    prefilled
      .filter(({ pointer }) => !/^.(sellers|buyers)[/]/.test(pointer))
      .map(({ pointer, from, id }) => [pointer, `${from} ${id}`]),
  );

t.test(
  "put by an id of one's own: the same again changes nothing, what is left out stays",
  async (t) => {
    const made = await agreedMatch(market);
    const put = (body: object) =>
      as(made.broker)("PUT", "/v1/contracts/by-external-id/K-1", { body });
    const first = await put({ ...least, matchId: made.id, terms: "按季交付。" });
    t.equal(first.status, 201, first.text);
    t.ok(first.body.rights.length > 0);
    const same = await put({ ...least, matchId: made.id, terms: "按季交付。" });
    t.match(same.body, { id: first.body.id, version: 1 });
    const other = await put({ ...least, matchId: made.id, rights: [] });
    const { title, sellers, buyers, fieldCode, resultId } = first.body;
    t.match(other.body, { version: 2, title, sellers, buyers, fieldCode, resultId });
    t.match(other.body, { terms: null, rights: [] }, "what was given is replaced");
  },
);

t.test("of a match: parties, listings, field, industry, rights and broker", async (t) => {
  const made = await agreedMatch(market);
  const { resultOwner, needOwner, broker, resultId, needId } = made;
  const reply = await draft(broker, { ...least, matchId: made.id });
  t.equal(reply.status, 201, reply.text);
  const [brokerage] = await db
    .select()
    .from(organizations)
    .where(eq(organizations.id, broker.organizationId));
  t.match(reply.body, {
    title: completeResult().title,
    // Of the technology, and of who takes it.
    fieldCode: completeResult().fieldCode,
    industryCode: completeNeed().industryCode,
    rights: [
      { typeCode: "21", country: "CN", number: "201110047567.0", title: "一种缓释肥包膜材料" },
    ],
    intellectualPropertyType: "21",
    facilitator: brokerage?.name,
    sellers: [{ organizationId: resultOwner.organizationId, name: /./, regionCode: "410702" }],
    buyers: [{ organizationId: needOwner.organizationId, name: /./ }],
    resultId,
    needId,
    brokerId: broker.id,
    brokerOrganizationId: broker.organizationId,
  });
  const [match, result, need] = [`match ${made.id}`, `result ${resultId}`, `need ${needId}`];
  t.same(takenIn(reply.body), {
    "/title": result,
    "/fieldCode": result,
    "/industryCode": need,
    "/rights": result,
    "/intellectualPropertyType": result,
    "/facilitator": `organization ${broker.organizationId}`,
    "/sellers": match,
    "/buyers": match,
    "/resultId": match,
    "/needId": match,
    "/brokerId": match,
    "/brokerOrganizationId": match,
  });
  const seller = { from: "organization", id: resultOwner.organizationId };
  for (const name of ["name", "creditCode", "regionCode"]) {
    t.hasStrict(
      reply.body.prefilled.filter((one: Prefilled) => one.pointer === `/sellers/0/${name}`),
      [{ pointer: `/sellers/0/${name}`, ...seller }],
    );
  }
  for (const who of [resultOwner, needOwner, broker]) {
    const read = await must(as(who)("GET", `/v1/contracts/${reply.body.id}`));
    t.same(read.prefilled, reply.body.prefilled, "and who has a part in it reads the same later");
  }
});

t.test("of an accepted interest: its listing, whichever side drafts", async (t) => {
  for (const noun of ["result", "need"] as const) {
    const made = await acceptedInterest(market, { noun });
    const { owner, asker, listingId } = made;
    const [seller, buyer] = noun === "result" ? [owner, asker] : [asker, owner];
    for (const by of [owner, asker]) {
      const reply = await draft(by, { ...least, interestId: made.id });
      t.equal(reply.status, 201, reply.text);
      const listing = noun === "result" ? completeResult() : completeNeed();
      t.match(reply.body, {
        title: listing.title,
        fieldCode: listing.fieldCode,
        industryCode: listing.industryCode,
        rights: noun === "result" ? [{ number: "201110047567.0" }] : [],
        sellers: [{ organizationId: seller.organizationId }],
        buyers: [{ organizationId: buyer.organizationId }],
        resultId: noun === "result" ? listingId : null,
        needId: noun === "need" ? listingId : null,
        brokerId: null,
        facilitator: null,
        interestId: made.id,
      });
      const taken = takenIn(reply.body);
      t.equal(taken["/sellers"], `interest ${made.id}`);
      t.equal(taken[`/${noun}Id`], `interest ${made.id}`);
      t.equal(taken["/title"], `${noun} ${listingId}`);
      t.notOk("/brokerId" in taken);
    }
  }
});

t.test("what is given wins, null and nothing too", async (t) => {
  const made = await agreedMatch(market);
  const given = {
    title: "缓释肥包膜材料专利实施许可",
    fieldCode: null,
    industryCode: "C34",
    rights: [],
    facilitator: null,
    sellers: [{ organizationId: made.resultOwner.organizationId, natureCode: "022" }],
    buyers: [{ organizationId: made.needOwner.organizationId, natureCode: "150" }],
  };
  const reply = await draft(made.resultOwner, { ...least, matchId: made.id, ...given });
  t.equal(reply.status, 201, reply.text);
  t.match(reply.body, {
    title: given.title,
    fieldCode: null,
    industryCode: "C34",
    facilitator: null,
    sellers: [{ natureCode: "022" }],
  });
  t.same(reply.body.rights, []);
  t.same(Object.keys(takenIn(reply.body)).sort(), [
    ...["/brokerId", "/brokerOrganizationId", "/needId", "/resultId"],
  ]);

  const interest = await acceptedInterest(market);
  const without = await draft(interest.asker, {
    ...{ ...least, interestId: interest.id, resultId: null, intellectualPropertyType: "00" },
  });
  t.match(without.body, { resultId: null, intellectualPropertyType: "00" });
});

t.test("the other way round, an interest's listing does not go along", async (t) => {
  // The asker teaches the owner: whoever has the result buys here.
  const made = await acceptedInterest(market);
  const reply = await draft(made.owner, {
    ...{ type: "consulting", subtype: "41", interestId: made.id, title: "缓释肥施用咨询" },
    sellers: [{ organizationId: made.asker.organizationId }],
    buyers: [{ organizationId: made.owner.organizationId }],
  });
  t.equal(reply.status, 201, reply.text);
  t.equal(reply.body.resultId, null);
  const half = await draft(made.owner, {
    ...{ type: "consulting", subtype: "41", interestId: made.id },
    buyers: [made.owner, made.asker].map(({ organizationId }) => ({ organizationId })),
  });
  t.equal(half.status, 201, half.text);
  t.same(half.body.sellers, [], "nobody is taken for both sides");
});

t.test("without a match or an interest nothing of a contract can be taken", async (t) => {
  const body = refused(t, await draft(operator, {}), 403, "auth.forbidden_role");
  t.ok(body);
  const seller = await market.person("university");
  const own = { ...least, sellers: [{ organizationId: seller.organizationId }] };
  t.same(pointersOf(refused(t, await draft(seller, own), 400, "request.invalid")), ["/title"]);
  const plain = await draft(seller, { ...own, title: "只有卖方的合同草稿" });
  t.equal(plain.status, 201, plain.text);
  t.same(takenIn(plain.body), {});
  t.ok(
    plain.body.prefilled.every(({ id }: Prefilled) => id === seller.organizationId),
    "but who a party is the market knows",
  );
  t.same(plain.body.buyers, []);
});

t.test("who has no part in what is named is told nothing, and takes nothing", async (t) => {
  const before = await db.$count(contracts);
  const stranger = await market.person("enterprise");
  const accepted = await acceptedInterest(market, { noun: "need", listing: { anonymous: true } });
  const open = await openInterest(market);
  const match = await proposedMatch(market);
  for (const interestId of [accepted.id, open.id]) {
    refused(t, await draft(stranger, { ...least, interestId }), 403, "contract.not_owner");
    const own = { ...least, interestId, sellers: [{ organizationId: stranger.organizationId }] };
    const body = refused(t, await draft(stranger, own), 400, "request.invalid");
    t.same(pointersOf(body), ["/interestId", "/title"]);
  }
  refused(t, await draft(open.asker, { ...least, interestId: open.id }), 403, "contract.not_owner");
  refused(t, await draft(stranger, { ...least, matchId: match.id }), 404, "match.not_found");
  refused(
    t,
    await draft(match.broker, { ...least, matchId: match.id }),
    409,
    "match.invalid_transition",
  );
  const colleague = await market.colleague(match.broker);
  refused(t, await draft(colleague, { ...least, matchId: match.id }), 404, "match.not_found");
  t.equal(await db.$count(contracts), before);
});

t.test("a listing that is out of the caller's sight gives nothing", async (t) => {
  const made = await agreedMatch(market);
  const { resultOwner, needOwner, broker } = made;
  await db
    .update(results)
    .set({ status: "withdrawn", title: "撤回后另写的内部题目", industryCode: "C40" })
    .where(eq(results.id, made.resultId));
  const reply = await draft(broker, { ...least, matchId: made.id });
  t.equal(reply.status, 201, reply.text);
  t.match(reply.body, { title: completeNeed().title, rights: [], fieldCode: "03" });
  t.notMatch(reply.text, /内部题目/);
  const next = await agreedMatch(market, { resultOwner, needOwner, broker });
  await db.update(needs).set({ status: "withdrawn" }).where(eq(needs.id, next.needId));
  await db.update(results).set({ status: "withdrawn" }).where(eq(results.id, next.resultId));
  const body = refused(
    t,
    await draft(broker, { ...least, matchId: next.id }),
    400,
    "request.invalid",
  );
  t.same(pointersOf(body), ["/title"]);
  const own = await must(draft(resultOwner, { ...least, matchId: next.id }));
  t.equal(own.title, completeResult().title, "its owner reads it still");
});

t.test("a number that is none is not taken along", async (t) => {
  const made = await agreedMatch(market);
  const right = { country: "CN", status: null, owner: null };
  await db
    .update(results)
    .set({
      intellectualProperty: [
        { ...right, typeCode: "21", number: "201110047567.1", title: "校验位不对" },
        { ...right, typeCode: "10", number: null, title: "包膜工艺" },
      ],
    })
    .where(eq(results.id, made.resultId));
  const { rights, intellectualPropertyType } = await must(
    draft(made.broker, { ...least, matchId: made.id }),
  );
  t.same(rights, [{ typeCode: "10", country: "CN", number: null, title: "包膜工艺" }]);
  t.equal(intellectualPropertyType, "10");
});

t.test("it is frozen; who becomes a party later learns nothing of what was given up", async (t) => {
  const made = await acceptedInterest(market, { noun: "need", listing: { anonymous: true } });
  const { asker, owner } = made;
  const { id, prefilled } = await must(draft(asker, { ...least, interestId: made.id }));
  t.match(prefilled, [{ pointer: "/title", from: "need" }]);
  const change = (body: object) =>
    as(asker)("PATCH", `/v1/contracts/${id}`, { body, headers: { "if-match": "*" } });
  const changed = await must(change({ title: "另拟题目的许可合同", industryCode: "C40" }));
  t.same(changed.prefilled, prefilled, "what was taken is said of the draft, not of changes");

  const third = await market.person("enterprise");
  const given = await must(
    change({
      ...{ interestId: null, needId: null },
      buyers: [{ organizationId: third.organizationId }],
    }),
  );
  t.notMatch(JSON.stringify(given.prefilled), new RegExp(made.listingId));
  const seen = await must(as(third)("GET", `/v1/contracts/${id}`));
  t.ok(seen.prefilled.every((one: Prefilled) => one.id === asker.organizationId));
  t.notMatch(JSON.stringify(seen), new RegExp(`${owner.organizationId}|${made.listingId}`));
  const row = await contractRow(market, id);
  t.equal(row.prefilled?.length, prefilled.length, "though it is there for good");
  await t.rejects(db.update(contracts).set({ prefilled: [] }).where(eq(contracts.id, id)), {
    cause: { constraint: "contracts_prefilled_frozen" },
  });
});

t.test("a machine client needs no more than the match, and the type", async (t) => {
  const made = await agreedMatch(market);
  const machine = await market.client(made.resultOwner, ["contracts:write"]);
  const [first, again] = await Promise.all([
    draft(machine, { ...least, matchId: made.id }),
    draft(machine, { ...least, matchId: made.id }),
  ]);
  const statuses = [first.status, again.status].sort();
  t.same(statuses, [201, 409], "one contract a match, of two drafts at once");
});
