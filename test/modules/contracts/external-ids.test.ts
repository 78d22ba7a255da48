/** Ids that organizations give contracts and payments themselves: each party its own, told to nobody else. */
import { eq } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { contractExternalIds } from "../../../db/schema/contracts.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { today } from "../../../src/lib/clock.ts";
import {
  completeContract,
  confirmingContract,
  contractRow,
  draftedContract,
  effectiveContract,
  newParties,
} from "../../support/contracts.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { agreedMatch } from "../../support/matches.ts";
import { yuan } from "../../support/money.ts";
import { idsOf, must, pointersOf, refused, statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const stranger = await market.person("enterprise");
const parties = await newParties(market);
const { seller, buyer } = parties;

const get = (caller: Caller, path: string) => market.as(caller)("GET", `/v1/contracts${path}`);
const put = (caller: Caller, externalId: string, body: object, headers = {}) =>
  market.as(caller)("PUT", `/v1/contracts/by-external-id/${encodeURIComponent(externalId)}`, {
    body,
    headers,
  });
const patch = (caller: Caller, id: string, version: number, body: object) =>
  market.as(caller)("PATCH", `/v1/contracts/${id}`, {
    body,
    headers: { "if-match": `"${version}-"` },
  });

await t.test("each party calls a contract as it likes", async (t) => {
  const content = { externalId: "S-1" };
  const { id, contract } = await confirmingContract(market, { ...parties, content });
  t.equal(contract.externalId, "S-1");
  t.equal((await get(buyer, `/${id}`)).body.externalId, null, "the buyer has not called it");
  const before = await contractRow(market, id);
  const called = await patch(buyer, id, before.version, { externalId: "B-1" });
  t.match(called.body, { externalId: "B-1", status: "confirming", revision: 1 });
  t.same(await contractRow(market, id), before, "the contract is what it was, its version too");
  t.equal((await get(seller, `/${id}`)).body.externalId, "S-1");
  t.same(idsOf(await get(buyer, "?externalId=B-1")), [id]);
  t.same(idsOf(await get(buyer, "?externalId=S-1")), []);
  t.equal((await get(buyer, "?externalId=B-1")).body.data[0].externalId, "B-1");
  t.match((await get(seller, "?externalId=S-1")).body.data[0], {
    externalId: "S-1",
    version: before.version,
  });
  const seen = await get(operator, `/${id}`);
  t.equal(seen.body.externalId, null);
  t.same(idsOf(await get(operator, "?externalId=B-1")), []);
  const stale = await patch(buyer, id, before.version - 1, { externalId: "B-2" });
  refused(t, stale, 412, "request.precondition_failed");
  refused(t, await patch(stranger, id, 1, { externalId: "X" }), 404, "contract.not_found");
  t.equal((await patch(buyer, id, before.version, { externalId: null })).body.externalId, null);
  t.same(idsOf(await get(buyer, "?externalId=B-1")), []);
  const records = await db.select().from(auditRecords).where(eq(auditRecords.subjectId, id));
  t.notOk(/S-1|B-1/.test(JSON.stringify(records)), "the log tells only that it changed");
  const calls = records.filter(({ type }) => type === "contract.call");
  t.same(calls.map(({ organizationId }) => organizationId).sort(), [
    ...[seller.organizationId, buyer.organizationId, buyer.organizationId].sort(),
  ]);
  t.ok(calls.every(({ readerIds }) => readerIds.length === 0));
});

await t.test("in every state, and unique for the organization", async (t) => {
  const { id } = await effectiveContract(market, parties);
  const { version } = await contractRow(market, id);
  t.equal((await patch(seller, id, version, { externalId: "E-1" })).body.externalId, "E-1");
  const content = completeContract(parties, { externalId: "E-1" });
  const again = await market.as(seller)("POST", "/v1/contracts", { body: content });
  t.same(pointersOf(refused(t, again, 409, "contract.external_id_taken")), ["/externalId"]);
  const other = await draftedContract(market, parties);
  const moved = await patch(seller, other.id, 1, { externalId: "E-1", title: "另一份合同的名称" });
  t.same(pointersOf(refused(t, moved, 409, "contract.external_id_taken")), ["/externalId"]);
  t.equal((await contractRow(market, other.id)).version, 1);
  t.equal((await patch(buyer, id, version, { externalId: "E-1" })).status, 200, "its own");
  await t.rejects(
    db.insert(contractExternalIds).values({
      contractId: other.id,
      organizationId: seller.organizationId,
      externalId: "E-1",
    }),
    "the database keeps it as well",
  );
  const both = await patch(seller, other.id, 1, { externalId: "E-2", title: "另一份合同的名称" });
  t.match(both.body, { externalId: "E-2", title: "另一份合同的名称", version: 2 });
});

await t.test("PUT creates, replaces, and the same again changes nothing", async (t) => {
  const content = completeContract(parties, { totalAmount: yuan("1200000") });
  const any = await put(seller, "P-1", content, { "if-match": "*" });
  refused(t, any, 412, "request.precondition_failed");
  const made = await put(seller, "P-1", content, { "if-none-match": "*" });
  t.equal(made.status, 201, made.text);
  const { id } = made.body;
  t.equal(made.headers.location, `/v1/contracts/${id}`);
  t.match(made.body, { externalId: "P-1", status: "draft", version: 1 });
  const onlyNew = await put(seller, "P-1", content, { "if-none-match": "*" });
  refused(t, onlyNew, 412, "request.precondition_failed");
  t.match((await put(seller, "P-1", content)).body, { id, version: 1 });
  const changed = { ...content, terms: null };
  const tag = String(made.headers.etag);
  t.match((await put(seller, "P-1", changed, { "if-match": tag })).body, {
    terms: null,
    version: 2,
  });
  const stale = await put(seller, "P-1", content, { "if-match": tag });
  refused(t, stale, 412, "request.precondition_failed");
  const wrong = await put(seller, "P-1", { ...content, externalId: "P-2" });
  t.same(pointersOf(refused(t, wrong, 400, "request.invalid")), ["/externalId"]);

  const submitted = await must(market.as(seller)("POST", `/v1/contracts/${id}/submit`));
  const body = { revision: 1, contentSha256: submitted.contentSha256 };
  await must(market.as(buyer)("POST", `/v1/contracts/${id}/confirm`, { body }));
  const same = await put(seller, "P-1", changed);
  t.match(same.body, { status: "confirming", confirmations: { length: 1 } }, "nothing is void");
  const reopened = await put(seller, "P-1", { ...changed, title: "改过名称的合同" });
  t.match(reopened.body, { status: "draft", revision: 2, confirmations: [] });

  const again = await must(market.as(seller)("POST", `/v1/contracts/${id}/submit`));
  const word = { revision: 2, contentSha256: again.contentSha256 };
  for (const one of [seller, buyer]) {
    await must(market.as(one)("POST", `/v1/contracts/${id}/confirm`, { body: word }));
  }
  t.equal((await put(seller, "P-1", { ...changed, title: "改过名称的合同" })).status, 200);
  const late = refused(t, await put(seller, "P-1", content), 409, "contract.invalid_transition");
  t.match(late, { currentStatus: "effective" });
  t.equal((await contractRow(market, id)).title, "改过名称的合同");
  const without = completeContract({ seller: buyer, buyer: stranger });
  refused(t, await put(seller, "P-3", without), 403, "contract.not_owner");
  t.same(idsOf(await get(seller, "?externalId=P-3")), [], "what is refused leaves no id");
});

await t.test(
  "PUT: what the market told of a party stays, whatever it says of itself now",
  async (t) => {
    const content = completeContract(parties);
    const made = await put(seller, "M-1", content);
    t.equal(made.status, 201, made.text);
    await db
      .update(organizations)
      .set({ address: "新地址一号", status: "suspended" })
      .where(eq(organizations.id, buyer.organizationId));
    const same = await put(seller, "M-1", content);
    t.match(same.body, { id: made.body.id, version: 1, buyers: made.body.buyers });
    await db
      .update(organizations)
      .set({ status: "verified" })
      .where(eq(organizations.id, buyer.organizationId));
  },
);

await t.test("PUT: nobody is on both sides, also where a side stays as it was", async (t) => {
  const made = await agreedMatch(market);
  const putAs = (body: object) =>
    market.as(made.broker)("PUT", "/v1/contracts/by-external-id/B-9", {
      body: { type: "licence", subtype: "31", matchId: made.id, ...body },
    });
  const first = await putAs({});
  t.equal(first.status, 201, first.text);
  const [{ organizationId: ofSeller }] = first.body.sellers;
  const [{ organizationId: ofBuyer }] = first.body.buyers;
  const both = await putAs({
    buyers: [ofBuyer, ofSeller].map((organizationId) => ({ organizationId })),
  });
  refused(t, both, 400, "request.invalid");
});

await t.test("of many at the same moment one is made", async (t) => {
  const replies = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      put(seller, "R-1", completeContract(parties, { title: `第 ${i} 次写入的合同` })),
    ),
  );
  t.same(statusesOf(replies), [200, 200, 200, 200, 200, 201]);
  t.equal(new Set(replies.map(({ body }) => body.id)).size, 1);
  t.equal((await get(seller, "?externalId=R-1")).body.data[0].version, 6);
});

await t.test("whoever has no part in it any more calls it nothing", async (t) => {
  const { id } = await draftedContract(market, parties);
  t.equal((await patch(buyer, id, 1, { externalId: "G-1" })).status, 200);
  const buyers = [{ organizationId: stranger.organizationId, natureCode: "150" }];
  await must(patch(seller, id, 1, { buyers }));
  const made = await put(buyer, "G-1", completeContract(parties));
  t.equal(made.status, 201, "the id is free");
  t.not(made.body.id, id);
});

await t.test("payments", async (t) => {
  const { id } = await effectiveContract(market, parties);
  const second = await effectiveContract(market, parties);
  const pay = (caller: Caller, contractId: string, externalId: string | null) =>
    market.as(caller)("POST", `/v1/contracts/${contractId}/payments`, {
      body: { paidOn: today(), amount: yuan("1.00"), externalId },
    });
  const first = await must(pay(seller, id, "PAY-1"));
  t.equal(first.externalId, "PAY-1");
  for (const contractId of [id, second.id]) {
    const again = await pay(seller, contractId, "PAY-1");
    t.same(pointersOf(refused(t, again, 409, "payment.external_id_taken")), ["/externalId"]);
  }
  t.equal((await pay(buyer, id, "PAY-1")).status, 201, "the other party's is another");
  await must(pay(seller, id, null));
  const own = await get(seller, `/${id}/payments?externalId=PAY-1`);
  t.same(idsOf(own), [first.id]);
  const all = (await get(buyer, `/${id}/payments`)).body.data;
  t.equal(all.length, 3);
  t.notOk("externalId" in all.find((one: { id: string }) => one.id === first.id));
  t.notOk((await get(operator, `/${id}/payments`)).text.includes("PAY-1"));
  const { rows } = await market.database.pool.query(
    "select before, after from audit_records where subject_type = 'payment'",
  );
  t.ok(rows.length > 0);
  t.notOk(JSON.stringify(rows).includes("PAY-1"));
  const path = `/v1/contracts/${id}/payments/${first.id}/void`;
  await must(market.as(seller)("POST", path, { body: { reason: "录入错误。" } }));
  const replies = await Promise.all([1, 2, 3].map(() => pay(seller, id, "PAY-1")));
  t.same(statusesOf(replies), [201, 409, 409], "a void one may be entered again, once");
});
