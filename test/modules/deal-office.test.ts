/** What the office, the other side and the log may rely on: whose word a copy is, what is told, what is asked for. */
import t from "tap";
import { sessions } from "../../db/schema/accounts.ts";
import { instantIn, today } from "../../src/lib/clock.ts";
import { addDays } from "../../src/lib/working-days.ts";
import {
  amendedContract,
  confirm,
  confirmingContract,
  draftedContract,
  effectiveContract,
  must,
  newParties,
  yuan,
} from "../support/contracts.ts";
import { pdf, upload } from "../support/files.ts";
import { pointersOf, publishedResult, refused, rowOf } from "../support/listings.ts";
import { sealAll } from "../support/log.ts";
import { type Caller, openMarket } from "../support/market.ts";
import {
  acceptedCase,
  caseRow,
  filedCase,
  openOffice,
  registeredCase,
  stepOf,
} from "../support/registrations.ts";
import { later as shifted } from "../support/time.ts";

const market = await openMarket(t);
const { as } = market;
const { db } = market.database;
const operator = await market.person("operator");
const parties = await newParties(market);
const { seller, buyer } = parties;
const office = await openOffice(market);
const { first, second } = office;

const post = (who: Caller, id: string, action: string, body?: object) =>
  as(who)("POST", `/v1/contracts/${id}/${action}`, { body });
const outside = { name: "封丘县丰源农资有限公司", natureCode: "150", regionCode: "410727" };
const inside = (who: Caller, natureCode = "150") => ({
  organizationId: who.organizationId,
  natureCode,
});
const large = {
  totalAmount: yuan("9000000.00"),
  technologyAmount: yuan("8800000.00"),
  paymentMode: "lump_sum",
  instalments: [],
};

/** Some days later; sign-ins made before last as long. */
async function later<T>(days: number, run: () => Promise<T>): Promise<T> {
  await db.update(sessions).set({ expiresAt: instantIn((Math.max(days, 0) + 1) * 86_400) });
  return shifted(days * 86_400, run);
}

t.test("what was a trade secret stays one in the log", async (t) => {
  const secret = { confidentiality: "trade_secret", title: "绝密原标题的合同" };
  const made = await registeredCase(market, office, { ...parties, content: secret });
  await amendedContract(market, made, { confidentiality: "public", title: "可公开的标题" });
  await must(stepOf(market, seller, made.caseId, "amend", { contractRevision: 2 }));
  await must(stepOf(market, first, made.caseId, "amend", {}));
  await must(stepOf(market, second, made.caseId, "amend", {}));
  const draft = await draftedContract(market, { ...parties, content: secret });
  const change = { body: { confidentiality: "internal", title: "内部的标题" } };
  await must(
    as(seller)("PATCH", `/v1/contracts/${draft.id}`, { ...change, headers: { "if-match": "*" } }),
  );
  const told = await as(operator)("GET", "/v1/audit?limit=100");
  t.notMatch(told.text, /绝密原标题/);
  t.match((await as(seller)("GET", "/v1/audit?limit=100")).text, /绝密原标题/);
});

t.test("who reviews is the office's own: not in what the applicant reads of the log", async (t) => {
  const made = await registeredCase(market, office, parties);
  const ground = { ground: "false_material", note: "查实材料不实。" };
  await must(stepOf(market, first, made.caseId, "revoke", ground));
  await must(stepOf(market, second, made.caseId, "revoke", ground));
  for (const subject of [made.caseId, made.id]) {
    const read = await as(seller)("GET", `/v1/audit?subjectId=${subject}`);
    t.notMatch(read.text, first.id);
    t.notMatch(read.text, second.id);
    t.match(read.text, first.organizationId, "of which organisation, it reads");
    t.match(read.text, seller.id, "and its own people");
  }
  const path = `/v1/audit?subjectId=${made.caseId}`;
  t.same((await must(as(seller)("GET", `${path}&actorId=${first.id}`))).data, []);
  const one = (await must(as(seller)("GET", `${path}&type=registration.accept`))).data[0];
  t.match(await must(as(seller)("GET", `/v1/audit/${one.id}`)), { actorId: null });
  for (const who of [first, operator]) {
    const { data } = await must(as(who)("GET", `${path}&actorId=${first.id}`));
    t.ok(data.length > 0 && data.every((r: { actorId: string }) => r.actorId === first.id));
  }
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

t.test("a dry run names everything that blocks", async (t) => {
  const away = await market.person("university", { regionCode: "320102" });
  const made = await later(-60, () => {
    const validUntil = addDays(today(), 59);
    const content = { signedOn: today(), validFrom: today(), validUntil };
    return effectiveContract(market, { seller: away, buyer, content });
  });
  await must(post(away, made.id, "cancel", { reason: "项目取消。" }));
  await must(post(away, made.id, "amendments", { reason: "调整。", patch: { terms: "新条款。" } }));
  const dry = await must(post(away, made.id, "file?dryRun=true", {}));
  t.match(dry, { ok: false, code: "contract.invalid_transition" });
  t.same(
    dry.errors.map(({ code }: { code: string }) => code),
    [
      "contract.invalid_transition",
      "amendment.already_open",
      "registration.no_office",
      "date.past",
    ],
  );
  t.ok(dry.errors.every(({ zh, en }: Record<string, string>) => zh && en));
  refused(t, await post(away, made.id, "file", {}), 409, "contract.invalid_transition");

  const big = await acceptedCase(market, office, { ...parties, content: large });
  const trial = await must(stepOf(market, first, big.caseId, "register?dryRun=true"));
  t.match(trial, { ok: false, code: "registration.same_reviewer" });
  t.same(
    trial.errors.map(({ code }: { code: string }) => code),
    ["registration.same_reviewer", "registration.expert_review_needed"],
  );
  const filed = await filedCase(market, office, parties);
  const early = await must(stepOf(market, first, filed.caseId, "register?dryRun=true"));
  t.same(
    early.errors.map(({ code }: { code: string }) => code),
    ["registration.invalid_transition"],
  );
});

t.test("an amendment over the threshold needs what experts found", async (t) => {
  const made = await registeredCase(market, office, parties);
  await amendedContract(market, made, large);
  await must(stepOf(market, seller, made.caseId, "amend", { contractRevision: 2 }));
  const without = await stepOf(market, first, made.caseId, "amend", {});
  refused(t, without, 409, "registration.expert_review_needed");
  const conclusion = "专家认为金额与工作量相符。";
  const agreed = await must(stepOf(market, first, made.caseId, "amend", { conclusion }));
  t.match(agreed, { revision: 1, pending: { action: "amend" } });
  const done = await must(stepOf(market, second, made.caseId, "amend", {}));
  t.match(done, { revision: 2, totalAmount: large.totalAmount, expertReviewNeeded: true });
  t.match(await caseRow(market, made.caseId), { expertConclusion: conclusion });
  // It is large already: another amendment asks for nothing more.
  await amendedContract(market, made, { terms: "增加验收条款。" });
  await must(stepOf(market, seller, made.caseId, "amend", { contractRevision: 3 }));
  await must(stepOf(market, first, made.caseId, "amend", {}));
  t.equal((await must(stepOf(market, second, made.caseId, "amend", {}))).revision, 3);
});

t.test("nobody is closed who has something to do", async (t) => {
  const close = (who: Caller) =>
    as(operator)("POST", `/v1/organizations/${who.organizationId}/close`, {
      body: { reason: "机构注销。" },
    });
  const busy = async (who: Caller, why: string) =>
    t.equal((await close(who)).body?.code, "organization.has_open_deals", why);
  const two = await newParties(market);
  const made = await effectiveContract(market, two);
  await must(post(two.seller, made.id, "cancel", { reason: "项目取消。" }));
  await busy(two.buyer, "is asked to cancel");
  await must(post(two.seller, made.id, "retract"));
  const path = `amendments`;
  const change = { reason: "调整。", patch: { terms: "新条款。" } };
  const open = await must(post(two.seller, made.id, path, change));
  await busy(two.buyer, "is asked to confirm an amendment");
  await must(post(two.seller, made.id, `amendments/${open.id}/withdraw`));
  const registered = await registeredCase(market, office, two);
  await must(post(two.seller, registered.id, "cancel", { reason: "项目取消。" }));
  await must(post(two.buyer, registered.id, "cancel", { reason: "项目取消。" }));
  await busy(two.seller, "the office has yet to cancel");
  await must(stepOf(market, two.seller, registered.caseId, "cancel", {}));
  await must(stepOf(market, first, registered.caseId, "cancel", {}));
  const own = await openOffice(market, { code: "320199", regionCodes: ["320100"] });
  const far = await market.person("enterprise", { regionCode: "320102" });
  const content = { sellers: [inside(far)], pricing: null };
  await filedCase(market, own, { seller: far, buyer: two.buyer, content });
  await busy(own.first, "has cases to decide");
  t.equal((await close(two.seller)).status, 200, "nothing is left");
});

t.test("the region of a party in the market is its organisation's", async (t) => {
  const content = { sellers: [{ ...inside(seller, "022"), regionCode: "110000" }] };
  const made = await effectiveContract(market, { ...parties, content });
  t.equal(made.contract.sellers[0].regionCode, "410702");
  const filed = await must(post(seller, made.id, "file", {}));
  t.equal((await caseRow(market, filed.id)).officeCode, office.code);
});

t.test("the queue shows what is undecided, and what is late", async (t) => {
  const own = await openOffice(market, { code: "320102", regionCodes: ["320000"] });
  const maker = await market.person("enterprise", { regionCode: "320505" });
  const options = { seller: maker, buyer, content: { sellers: [inside(maker)], pricing: null } };
  const done = await registeredCase(market, own, options);
  const waiting = await acceptedCase(market, own, options);
  const asked = await acceptedCase(market, own, options);
  const fresh = await filedCase(market, own, options);
  const deadline = addDays(today(), 300);
  const note = { note: "请补充技术附件。", grounds: ["incomplete_material"], deadline };
  await must(stepOf(market, own.first, asked.caseId, "request-supplement", note));
  const list = async (query: string): Promise<string[]> =>
    (await must(as(own.first)("GET", `/v1/registrations?${query}`))).data.map(
      ({ id }: { id: string }) => id,
    );
  const [a, b, c, d] = [done, waiting, asked, fresh].map(({ caseId }) => caseId);
  t.same(await list("status[in]=accepted,filed"), [d, b]);
  t.same(await list("open=true"), [d, c, b]);
  t.same(await list("open=false"), [a]);
  t.same(await list("sort=dueOn&open=true"), [b, c]);
  await later(200, async () => {
    t.same(await list("overdue=true"), [b], "not the one that waits for the applicant");
    t.same(await list("overdue=false"), [d, c, a]);
    const late = await must(as(own.first)("GET", `/v1/registrations/${c}`));
    t.equal(late.overdue, false);
  });
  for (const query of ["status[in]=accepted,lost", "status[in]=", "open=yes"]) {
    const reply = await as(own.first)("GET", `/v1/registrations?${query}`);
    refused(t, reply, 400, "request.invalid");
  }
});

t.test("days that cannot be", async (t) => {
  const made = await acceptedCase(market, office, parties);
  const due = { dueOn: addDays(today(), -1), reason: "加急办理。" };
  const early = await stepOf(market, first, made.caseId, "set-due-date", due);
  t.same(pointersOf(refused(t, early, 400, "request.invalid")), ["/dueOn"]);
  const payment = { paidOn: addDays(today(), -1), amount: yuan("1.00") };
  const before = await post(seller, made.id, "payments", payment);
  t.same(pointersOf(refused(t, before, 400, "request.invalid")), ["/paidOn"]);
  t.equal((await post(seller, made.id, "payments", { ...payment, paidOn: today() })).status, 201);
  await sealAll(market);
  const { head } = await must(as(operator)("GET", "/v1/audit/verify"));
  const beyond = await as(operator)("GET", `/v1/audit/verify?from=${head.position + 1}`);
  refused(t, beyond, 400, "request.invalid");
  t.equal((await must(as(operator)("GET", `/v1/audit/verify?from=${head.position}`))).ok, true);
});
