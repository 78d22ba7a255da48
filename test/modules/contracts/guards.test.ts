/** What nobody may do to a contract by a detour: a later change, an open amendment, a copy of its own, a revoked registration. */
import { eq } from "drizzle-orm";
import t from "tap";
import { contractAmendments } from "../../../db/schema/contract-amendments.ts";
import { today } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import {
  amendedContract,
  completeContract,
  confirm,
  confirmingContract,
  contractRow,
  draftedContract,
  effectiveContract,
  type MadeContract,
  newParties,
} from "../../support/contracts.ts";
import { acceptedInterest } from "../../support/deals.ts";
import { pdf, upload } from "../../support/files.ts";
import { type Overrides, publishedResult, rowOf } from "../../support/listings.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { agreedMatch, stepOf as matchStep } from "../../support/matches.ts";
import { yuan } from "../../support/money.ts";
import { filedCase, openOffice, registeredCase, stepOf } from "../../support/registrations.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const { as } = market;
const operator = await market.person("operator");
const parties = await newParties(market);
const { seller, buyer } = parties;
const office = await openOffice(market);

const post = (who: Caller, id: string, action: string, body?: object) =>
  as(who)("POST", `/v1/contracts/${id}/${action}`, { body });
const patch = (who: Caller, id: string, body: object) =>
  as(who)("PATCH", `/v1/contracts/${id}`, { body, headers: { "if-match": "*" } });
const outside = { name: "封丘县丰源农资有限公司", natureCode: "150", regionCode: "410727" };
const inside = (who: Caller, natureCode = "150") => ({
  organizationId: who.organizationId,
  natureCode,
});
const transfer = {
  type: "transfer",
  subtype: "21",
  expectedInvestment: yuan("1000000.00"),
  expectedOutput: yuan("9000000.00"),
};

/** Puts up an amendment. */
const amend = (made: MadeContract, change: Overrides, who = made.seller) =>
  must(post(who, made.id, "amendments", { reason: "双方协商调整。", patch: change }));
const confirmAmendment = (
  who: Caller,
  id: string,
  amendment: { id: string; revision: number; contentSha256: string },
) =>
  post(who, id, `amendments/${amendment.id}/confirm`, {
    revision: amendment.revision,
    contentSha256: amendment.contentSha256,
  });
const cancelBoth = async ({ id, seller, buyer }: MadeContract) => {
  await must(post(seller, id, "cancel", { reason: "项目取消。" }));
  return must(post(buyer, id, "cancel", { reason: "项目取消。" }));
};

t.test("a change of the parties keeps to the listings, the interest and the match", async (t) => {
  const result = await publishedResult(market, seller, operator);
  const body = completeContract(parties, { ...transfer, resultId: result.id });
  const made = await must(as(seller)("POST", "/v1/contracts", { body }));
  const reply = await patch(buyer, made.id, { sellers: [outside] });
  t.same(pointersOf(refused(t, reply, 400, "request.invalid")), ["/resultId"]);
  t.equal((await rowOf(market, "result", result.id)).status, "published");
  t.equal((await contractRow(market, made.id)).version, 1, "nothing has changed");

  const { id, resultOwner, needOwner } = await agreedMatch(market);
  const pair = { seller: resultOwner, buyer: needOwner };
  const ofMatch = completeContract(pair, { matchId: id });
  const matched = await must(as(needOwner)("POST", "/v1/contracts", { body: ofMatch }));
  const away = await patch(needOwner, matched.id, { sellers: [outside] });
  t.same(pointersOf(refused(t, away, 400, "request.invalid")), ["/matchId"]);

  const asked = await acceptedInterest(market, { noun: "result" });
  const both = { seller: asked.owner, buyer: asked.asker };
  const ofInterest = completeContract(both, { interestId: asked.id });
  const named = await must(as(asked.asker)("POST", "/v1/contracts", { body: ofInterest }));
  const other = await patch(asked.asker, named.id, { sellers: [outside] });
  const faults = ["/interestId", "/resultId"];
  t.same(pointersOf(refused(t, other, 400, "request.invalid")), faults);
});

t.test("a link is given up by name, and taken up again only where it fits", async (t) => {
  const result = await publishedResult(market, seller, operator);
  const body = completeContract(parties, { ...transfer, resultId: result.id });
  // Who asked about the result and was accepted may say that the contract comes of it.
  await acceptedInterest(market, {
    noun: "result",
    listingId: result.id,
    owner: seller,
    asker: buyer,
  });
  const made = await must(as(buyer)("POST", "/v1/contracts", { body }));
  const without = await must(patch(buyer, made.id, { resultId: null, sellers: [outside] }));
  t.match(without, { resultId: null, sellers: [{ organizationId: null }] });
  const again = await patch(buyer, made.id, { resultId: result.id });
  t.same(pointersOf(refused(t, again, 400, "request.invalid")), ["/resultId"]);
  const foreign = await agreedMatch(market);
  const match = await patch(buyer, made.id, { matchId: foreign.id });
  refused(t, match, 404, "match.not_found");
});

t.test("nobody changes itself, or whoever drafted it, out of a contract", async (t) => {
  const made = await draftedContract(market, parties);
  const third = await market.person("enterprise");
  const gone = [{ organizationId: third.organizationId, natureCode: "022" }];
  refused(t, await patch(seller, made.id, { sellers: gone }), 403, "contract.not_owner");
  refused(t, await patch(buyer, made.id, { sellers: gone }), 403, "contract.not_owner");
  const others = [{ organizationId: third.organizationId, natureCode: "150" }];
  refused(t, await patch(buyer, made.id, { buyers: others }), 403, "contract.not_owner");
  t.equal((await contractRow(market, made.id)).version, 1);
  t.equal((await patch(seller, made.id, { buyers: others })).status, 200, "another buyer is fine");
});

t.test("submit looks again at what the contract names", async (t) => {
  const { id, resultOwner, needOwner } = await agreedMatch(market);
  const body = completeContract({ seller: resultOwner, buyer: needOwner }, { matchId: id });
  const made = await must(as(needOwner)("POST", "/v1/contracts", { body }));
  await must(matchStep(market, resultOwner, id, "fail", { reason: "price_gap" }));
  refused(t, await post(needOwner, made.id, "submit"), 409, "match.invalid_transition");
  const dry = await must(as(needOwner)("POST", `/v1/contracts/${made.id}/submit?dryRun=true`));
  t.match(dry, { ok: false, code: "match.invalid_transition" });
});

t.test("a contract whose match has failed goes on without it", async (t) => {
  const { id, resultOwner, needOwner } = await agreedMatch(market);
  const body = completeContract({ seller: resultOwner, buyer: needOwner }, { matchId: id });
  const made = await must(as(needOwner)("POST", "/v1/contracts", { body }));
  const contract = await must(post(needOwner, made.id, "submit"));
  await must(matchStep(market, resultOwner, id, "fail", { reason: "price_gap" }));
  const late = await confirm(market, resultOwner, { id: made.id, contract });
  refused(t, late, 409, "match.invalid_transition");
  t.match(await contractRow(market, made.id), { status: "confirming" });
  const free = await must(patch(resultOwner, made.id, { matchId: null }));
  t.match(free, { status: "draft", matchId: null, brokerId: null, revision: 2 });
  t.equal(free.resultId, contract.resultId, "the listings stay");
  const again = { id: made.id, contract: await must(post(needOwner, made.id, "submit")) };
  await must(confirm(market, resultOwner, again));
  t.equal((await must(confirm(market, needOwner, again))).status, "effective");
});

t.test("a broker's draft is a party's once its match has failed, not before", async (t) => {
  const { id, broker, resultOwner, needOwner } = await agreedMatch(market);
  const body = completeContract({ seller: resultOwner, buyer: needOwner }, { matchId: id });
  const made = await must(as(broker)("POST", "/v1/contracts", { body }));
  await must(post(broker, made.id, "submit"));
  const leave = () => patch(needOwner, made.id, { matchId: null });
  refused(t, await leave(), 403, "contract.not_owner");
  await must(matchStep(market, resultOwner, id, "fail", { reason: "price_gap" }));
  refused(t, await patch(broker, made.id, { matchId: null }), 403, "contract.not_owner");
  t.match(await must(leave()), { status: "draft", organizationId: needOwner.organizationId });
  t.equal((await contractRow(market, made.id)).createdBy, needOwner.id);
  const again = { id: made.id, contract: await must(post(needOwner, made.id, "submit")) };
  await must(confirm(market, resultOwner, again));
  t.equal((await must(confirm(market, needOwner, again))).status, "effective");
});

t.test("an amendment ends with its contract", async (t) => {
  const made = await effectiveContract(market, parties);
  const open = await amend(made, { terms: "增加验收条款。" });
  await must(confirmAmendment(buyer, made.id, open));
  t.equal((await cancelBoth(made)).status, "cancelled");
  const [row] = await db
    .select()
    .from(contractAmendments)
    .where(eq(contractAmendments.id, open.id));
  t.equal(row?.status, "withdrawn");
  const path = `/v1/contracts/${made.id}/amendments/${open.id}`;
  t.match(await must(as(seller)("GET", path)), { allowedActions: [], confirmations: [] });
  refused(t, await confirmAmendment(seller, made.id, open), 409, "amendment.invalid_transition");
  t.match(await contractRow(market, made.id), { status: "cancelled", revision: 1 });

  const registered = await registeredCase(market, office, parties);
  const other = await amend(registered, { terms: "增加验收条款。" });
  await cancelBoth(registered);
  refused(
    t,
    await confirmAmendment(seller, registered.id, other),
    409,
    "amendment.invalid_transition",
  );
  t.match(await contractRow(market, registered.id), { status: "registered", revision: 1 });
});

t.test("nobody files what an open amendment changes, nor changes what is filed", async (t) => {
  const made = await effectiveContract(market, parties);
  const open = await amend(made, { terms: "增加验收条款。" });
  const read = await must(as(seller)("GET", `/v1/contracts/${made.id}`));
  t.notOk(read.allowedActions.includes("file"), "not offered either");
  refused(t, await post(seller, made.id, "file", {}), 409, "amendment.already_open");
  const [row] = await db
    .select()
    .from(contractAmendments)
    .where(eq(contractAmendments.id, open.id));
  await must(post(seller, made.id, `amendments/${open.id}/withdraw`));
  await must(post(seller, made.id, "file", {}));
  // One that was open when such a contract was filed, by an earlier version of this program.
  const left = { ...open, id: newId() };
  if (row) await db.insert(contractAmendments).values({ ...row, id: left.id });
  for (const who of [seller, buyer]) {
    refused(t, await confirmAmendment(who, made.id, left), 409, "contract.not_in_force");
  }
  t.match(await contractRow(market, made.id), { status: "filed", revision: 1 });
});

t.test("a signed copy confirms no amendment of a contract that is not in force", async (t) => {
  const made = await confirmingContract(market, { seller, content: { buyers: [outside] } });
  await must(confirm(market, seller, made));
  const copy = { subjectType: "contract", subjectId: made.id, side: "buyer", position: "0" };
  const signed = { ...copy, purpose: "signed_copy" };
  await must(upload(market, seller, signed, pdf("合同")));
  const open = await amend({ ...made, buyer }, { terms: "增加验收条款。" });
  await must(confirmAmendment(seller, made.id, open));
  await must(post(seller, made.id, "cancel", { reason: "项目取消。" }));
  await must(upload(market, seller, { ...copy, purpose: "cancellation_copy" }, pdf("解除")));
  refused(t, await upload(market, seller, signed, pdf("变更")), 409, "attachment.locked");
  t.match(await contractRow(market, made.id), { status: "cancelled", revision: 1 });
});

t.test("a revoked registration voids what was agreed on cancelling", async (t) => {
  const made = await registeredCase(market, office, parties);
  await cancelBoth(made);
  const agreed = await must(as(seller)("GET", `/v1/contracts/${made.id}`));
  t.same(agreed.allowedActions, [], "nothing is left to the parties");
  const ground = { ground: "false_material", note: "查实材料不实。" };
  await must(stepOf(market, office.first, made.caseId, "revoke", ground));
  await must(stepOf(market, office.second, made.caseId, "revoke", ground));
  const after = await must(as(seller)("GET", `/v1/contracts/${made.id}`));
  t.match(after, { status: "effective", cancellationAgreedAt: null, pending: null });
  t.same(after.allowedActions, ["cancel", "file"]);
  const nothing = await post(seller, made.id, "retract");
  const told = refused(t, nothing, 409, "contract.invalid_transition");
  t.same(told.allowedActions, ["cancel", "file"], "a refusal tells the same");
  const first = await must(post(seller, made.id, "cancel", { reason: "仍要解除。" }));
  t.match(first, { status: "effective", pending: { action: "cancel" } });
  t.same(
    first.allowedActions,
    ["retract"],
    "what is being cancelled is not filed, and it has said so",
  );
  const filing = await post(seller, made.id, "file", {});
  const body = refused(t, filing, 409, "contract.invalid_transition");
  t.same(body.allowedActions, ["retract"]);
  const last = await must(post(buyer, made.id, "cancel", { reason: "仍要解除。" }));
  t.equal(last.status, "cancelled");
});

t.test("a payment is above zero, and many large ones still add up", async (t) => {
  const made = await effectiveContract(market, parties);
  const pay = (amount: string) =>
    post(seller, made.id, "payments", { paidOn: today(), amount: yuan(amount) });
  const none = refused(t, await pay("0.00"), 400, "request.invalid");
  t.match(none.errors, [{ pointer: "/amount", code: "amount.positive" }]);
  for (let i = 0; i < 2; i += 1) await must(pay("9999999999999999.99"));
  const read = await must(as(seller)("GET", `/v1/contracts/${made.id}`));
  t.match(read.paidAmount, yuan("19999999999999999.98"));
  const filed = await filedCase(market, office, parties);
  for (let i = 0; i < 2; i += 1) {
    await must(
      post(seller, filed.id, "payments", {
        paidOn: today(),
        amount: yuan("9999999999999999.99"),
      }),
    );
  }
  await must(stepOf(market, office.first, filed.caseId, "accept"));
  await must(stepOf(market, office.second, filed.caseId, "register"));
  const volume = await must(
    as(office.first)("GET", "/v1/statistics/contract-volume?dateBasis=paid"),
  );
  t.equal(volume.total.count, 1);
});

t.test("a signed copy comes from the other side", async (t) => {
  const content = { buyers: [inside(buyer), outside] };
  const made = await confirmingContract(market, { ...parties, content });
  const copy = { subjectType: "contract", subjectId: made.id, side: "buyer", position: "1" };
  const signed = { ...copy, purpose: "signed_copy" };
  const own = await upload(market, buyer, signed, pdf("自己一方"));
  refused(t, own, 403, "attachment.other_side");
  t.equal((await upload(market, seller, signed, pdf("对方"))).status, 201);
  await must(confirm(market, seller, made));
  await must(confirm(market, buyer, made));
  await must(post(buyer, made.id, "cancel", { reason: "项目取消。" }));
  const ended = { ...copy, purpose: "cancellation_copy" };
  const too = await upload(market, buyer, ended, pdf("解除"));
  refused(t, too, 403, "attachment.other_side");
  t.equal((await upload(market, seller, ended, pdf("解除"))).status, 201);

  // Nobody of the other side is in the market: whoever is, attaches.
  const alone = { sellers: [outside], buyers: [inside(buyer), { ...outside, name: "某联合买方" }] };
  const other = await confirmingContract(market, { ...parties, by: buyer, content: alone });
  for (const [side, position] of [
    ["seller", "0"],
    ["buyer", "1"],
  ] as const) {
    const query = { ...signed, subjectId: other.id, side, position };
    t.equal((await upload(market, buyer, query, pdf(`${side}${position}`))).status, 201);
  }
});

t.test("an amendment that takes the result away, or gives it back, is followed", async (t) => {
  const result = await publishedResult(market, seller, operator);
  const licence = { type: "licence", subtype: "31", licenceKind: "ordinary" };
  const body = { ...licence, resultId: result.id };
  const made = await effectiveContract(market, { ...parties, content: body });
  const status = async () => (await rowOf(market, "result", result.id)).status;
  t.equal(await status(), "published");
  await amendedContract(market, made, { licenceKind: "exclusive" });
  t.equal(await status(), "transferred");
  await amendedContract(market, made, { terms: "增加验收条款。" });
  t.equal(await status(), "transferred", "another change leaves it");
  await amendedContract(market, made, { licenceKind: "ordinary" });
  t.equal(await status(), "published");
});
