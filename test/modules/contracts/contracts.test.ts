/** Contracts: content and its rules, the way from draft to effect, amendments, payments, who sees what. */
import { eq, sql } from "drizzle-orm";
import fc from "fast-check";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { contracts } from "../../../db/schema/contracts.ts";
import { today } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import { addDays } from "../../../src/lib/working-days.ts";
import { ContractContent } from "../../../src/modules/contracts/content.schema.ts";
import {
  amendedContract,
  completeContract,
  confirm,
  confirmingContract,
  contractRow,
  draftedContract,
  effectiveContract,
  newParties,
} from "../../support/contracts.ts";
import { acceptedInterest } from "../../support/deals.ts";
import { pdf, upload } from "../../support/files.ts";
import { type Overrides, rowOf } from "../../support/listings.ts";
import { auditsOf } from "../../support/log.ts";
import { openMarket } from "../../support/market.ts";
import { agreedMatch, negotiatingMatch } from "../../support/matches.ts";
import { yuan } from "../../support/money.ts";
import { filedCase, openOffice, registeredCase } from "../../support/registrations.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const { as } = market;
const operator = await market.person("operator");
const parties = await newParties(market);
const { seller, buyer } = parties;
const stranger = await market.person("enterprise");
const machine = await market.client(seller, ["contracts:read", "contracts:write"]);
const office = await openOffice(market);

const create = (content: Overrides = {}, by = seller) =>
  as(by)("POST", "/v1/contracts", { body: completeContract(parties, content) });
const post = (who: typeof seller, id: string, action: string, body?: object) =>
  as(who)("POST", `/v1/contracts/${id}/${action}`, { body });
const patch = (who: typeof seller, id: string, body: object, version = "*") =>
  as(who)("PATCH", `/v1/contracts/${id}`, { body, headers: { "if-match": version } });
const one = { totalAmount: yuan("100.00"), technologyAmount: yuan("100.00") };
const plain = { ...one, deductions: [], paymentMode: "lump_sum", instalments: [] };

t.test("a party drafts; what the market knows of the parties is filled in", async (t) => {
  const reply = await create();
  t.equal(reply.status, 201);
  t.equal(reply.headers.location, `/v1/contracts/${reply.body.id}`);
  t.match(reply.headers.etag, /^"1-/);
  t.match(reply.body, {
    reference: /^C-20\d\d-\d{6}$/,
    status: "draft",
    revision: 1,
    contentSha256: null,
    organizationId: seller.organizationId,
    paidAmount: yuan("0.00"),
    pending: null,
    confirmations: [],
    allowedActions: ["submit", "cancel"],
  });
  t.match(reply.body.sellers, [
    {
      organizationId: seller.organizationId,
      name: /^测试机构/,
      regionCode: "410702",
      natureCode: "022",
    },
  ]);
  const row = await contractRow(market, reply.body.id);
  t.match(row, { totalAmount: "1200000.00", technologyAmount: "1000000.00", createdBy: seller.id });
  const [audit] = await auditsOf(market, row.id);
  t.match(audit, { type: "contract.create", organizationId: seller.organizationId });
  t.same([...audit!.readerIds].sort(), [seller.organizationId, buyer.organizationId].sort());
  t.notMatch(JSON.stringify(audit), /杜敏|3326001|许国华/, "no person is in the record");
  t.same((await must(as(buyer)("GET", `/v1/contracts/${row.id}`))).title, reply.body.title);
});

t.test("who brought it about, and what the form asks of each party, is kept", async (t) => {
  const inside = { organizationId: seller.organizationId, natureCode: "022" };
  const flags = { isConvertedInstitute: true, isResearchInstitution: true };
  const facilitator = "新乡市某技术转移服务中心";
  const made = await confirmingContract(market, {
    ...parties,
    content: { facilitator, sellers: [{ ...inside, ...flags }] },
  });
  t.match(made.contract, { facilitator, matchId: null, sellers: [flags] });
  t.match(made.contract.buyers, [{ isConvertedInstitute: false }]);
  const { data } = await must(as(buyer)("GET", `/v1/contracts/${made.id}/revisions`));
  t.match(JSON.parse(data[0].content), { facilitator, sellers: [flags] }, "and is confirmed");
  t.equal((await contractRow(market, made.id)).facilitator, facilitator);
});

t.test("a machine client drafts and changes; it neither submits nor confirms", async (t) => {
  const { body, status } = await create({}, machine);
  t.equal(status, 201);
  t.equal((await contractRow(market, body.id)).createdBy, null);
  t.equal((await patch(machine, body.id, { terms: "机器补充条款。" })).status, 200);
  for (const action of ["submit", "confirm", "cancel", "return", "retract"]) {
    refused(t, await post(machine, body.id, action, {}), 403, "auth.person_required");
  }
});

t.test("who has no part in it drafts no contract, and knows of none", async (t) => {
  const before = await db.$count(contracts);
  refused(t, await create({}, stranger), 403, "contract.not_owner");
  t.equal(await db.$count(contracts), before);
  const made = await draftedContract(market, parties);
  refused(t, await as(stranger)("GET", `/v1/contracts/${made.id}`), 404, "contract.not_found");
  refused(t, await patch(stranger, made.id, { terms: "x" }), 404, "contract.not_found");
  refused(t, await post(stranger, made.id, "cancel", { reason: "x" }), 404, "contract.not_found");
  const lists = await must(as(stranger)("GET", "/v1/contracts?include=total"));
  t.match(lists, { data: [], total: { exact: 0 } });
  refused(t, await as(operator)("POST", "/v1/contracts", { body: {} }), 403, "auth.forbidden_role");
});

t.test("a state secret is refused before anything of it is kept", async (t) => {
  const before = await db.$count(contracts);
  const audits = await db.$count(auditRecords);
  const reply = await create({ confidentiality: "state_secret", title: "某涉密装备研制合同" });
  const body = refused(t, reply, 409, "contract.state_secret");
  t.match(body.title, /涉密/);
  const made = await draftedContract(market, parties);
  refused(
    t,
    await patch(seller, made.id, { confidentiality: "state_secret" }),
    409,
    "contract.state_secret",
  );
  t.equal(await db.$count(contracts), before + 1);
  t.equal(await db.$count(auditRecords), audits + 1);
  t.equal((await contractRow(market, made.id)).confidentiality, "internal");
});

t.test("a trade secret is there for its parties, not for the operator", async (t) => {
  const made = await effectiveContract(market, {
    ...parties,
    content: { confidentiality: "trade_secret" },
  });
  refused(t, await as(operator)("GET", `/v1/contracts/${made.id}`), 404, "contract.not_found");
  t.equal((await as(buyer)("GET", `/v1/contracts/${made.id}`)).status, 200);
  const open = await effectiveContract(market, parties);
  const seen = await must(as(operator)("GET", `/v1/contracts/${open.id}`));
  t.match(seen.sellers, [{ contact: null, legalRepresentative: null, address: null }]);
  const own = await must(as(buyer)("GET", `/v1/contracts/${open.id}`));
  t.match(own.sellers, [{ contact: { name: "杜敏" }, legalRepresentative: "许国华" }]);
});

t.test("what contradicts itself is named, place by place", async (t) => {
  const cases: [Overrides, string[]][] = [
    [{ subtype: "51" }, ["/subtype"]],
    [{ licenceKind: "ordinary" }, ["/licenceKind"]],
    [{ subtype: "99" }, ["/subtype"]],
    [{ fieldCode: "77" }, ["/fieldCode"]],
    [{ validUntil: addDays(today(), -1) }, ["/validUntil"]],
    [{ signedOn: addDays(today(), 2) }, ["/signedOn"]],
    [{ instalments: [{ dueOn: today(), amount: yuan("1.00") }] }, ["/instalments"]],
    [{ instalments: [{ amount: yuan("1200000.00") }] }, ["/instalments/0"]],
    [{ rights: [{ typeCode: "21", number: "201110047567.1" }] }, ["/rights/0/number"]],
    [{ rights: [{ typeCode: "22", number: "201110047567.0" }] }, ["/rights/0/number"]],
    [
      { foreignAmount: { currency: "EUR", amount: "100000.00", rate: "7.9", rateDate: today() } },
      ["/totalAmount"],
    ],
    [{ commission: { basis: "fixed", rate: "3", payer: "seller" } }, ["/commission"]],
    [{ buyers: [{ natureCode: "150" }] }, ["/buyers/0"]],
    [{ buyers: [{ name: "某公司", creditCode: "91410782MA9T000263" }] }, ["/buyers/0/creditCode"]],
    [{ buyers: [{ organizationId: newId() }] }, ["/buyers/0/organizationId"]],
    [{ buyers: [{ organizationId: seller.organizationId }] }, ["/buyers"]],
    [{ resultId: newId() }, ["/resultId"]],
    [{ needId: newId() }, ["/needId"]],
    [{ interestId: newId() }, ["/interestId"]],
    [{ unknown: 1 }, ["/unknown"]],
  ];
  const before = await db.$count(contracts);
  for (const [content, pointers] of cases) {
    const body = refused(t, await create(content), 400, "request.invalid");
    t.same(pointersOf(body), pointers, JSON.stringify(content));
  }
  t.equal(await db.$count(contracts), before);
});

t.test("submit names everything that is missing, and a dry run only says so", async (t) => {
  const { body } = await as(seller)("POST", "/v1/contracts", {
    body: {
      title: "只有标题的转让合同",
      type: "transfer",
      subtype: "21",
      sellers: [{ organizationId: seller.organizationId }],
    },
  });
  const problem = refused(t, await post(seller, body.id, "submit"), 409, "contract.incomplete");
  const wanted = [
    ...["/subject", "/fieldCode", "/industryCode", "/intellectualPropertyType", "/planSourceCode"],
    ...["/objectiveCode", "/signedOn", "/validFrom", "/validUntil", "/totalAmount"],
    ...["/technologyAmount", "/paymentMode", "/expectedInvestment", "/expectedOutput", "/rights"],
    ...["/sellers/0/natureCode", "/buyers", "/pricing"],
  ];
  t.same(pointersOf(problem), wanted.sort());
  const dry = await must(as(seller)("POST", `/v1/contracts/${body.id}/submit?dryRun=true`));
  t.match(dry, { dryRun: true, ok: false, code: "contract.incomplete" });
  t.same(dry.errors.map((error: { pointer: string }) => error.pointer).sort(), wanted);
  t.ok(dry.errors.every((error: { zh: string; en: string }) => error.zh && error.en));
  const whole = await draftedContract(market, parties);
  t.same(await must(as(seller)("POST", `/v1/contracts/${whole.id}/submit?dryRun=true`)), {
    dryRun: true,
    ok: true,
    errors: [],
  });
  t.match(await contractRow(market, whole.id), { status: "draft", version: 1 });
});

t.test("each sub-type asks for its own intellectual property", async (t) => {
  const transfer = {
    type: "transfer",
    expectedInvestment: yuan("1000000.00"),
    expectedOutput: yuan("9000000.00"),
  };
  const wrong: [Overrides, string[]][] = [
    [{ ...transfer, subtype: "24", intellectualPropertyType: "21" }, ["/intellectualPropertyType"]],
    [{ ...transfer, subtype: "21", rights: [] }, ["/rights"]],
    [{ type: "licence", subtype: "31" }, ["/licenceKind"]],
    [{ ...plain, paymentMode: "royalty" }, ["/amountStatus"]],
    [{ pricing: null }, ["/pricing"]],
  ];
  for (const [content, pointers] of wrong) {
    const made = await draftedContract(market, { ...parties, content });
    const body = refused(t, await post(seller, made.id, "submit"), 409, "contract.incomplete");
    t.same(pointersOf(body), pointers, JSON.stringify(content));
  }
  for (const content of [
    { ...transfer, subtype: "21" },
    { ...transfer, subtype: "24", intellectualPropertyType: "30", rights: [] },
    { type: "licence", subtype: "31", licenceKind: "ordinary" },
    { ...plain, paymentMode: "royalty", amountStatus: "provisional" },
  ]) {
    const made = await draftedContract(market, { ...parties, content });
    t.equal((await post(seller, made.id, "submit")).status, 200, JSON.stringify(content));
  }
});

t.test("amounts are taken exactly when they add up", async () => {
  const fen = fc.bigInt({ min: 0n, max: 10n ** 13n });
  const text = (amount: bigint) => `${amount / 100n}.${String(amount % 100n).padStart(2, "0")}`;
  const base = completeContract(parties, plain);
  fc.assert(
    fc.property(
      fen,
      fc.array(fen, { maxLength: 5 }),
      fc.bigInt({ min: -2n, max: 2n }),
      (technology, parts, off) => {
        const total = technology + parts.reduce((sum, part) => sum + part, 0n) + off;
        fc.pre(total >= 0n);
        const content = {
          ...base,
          totalAmount: yuan(text(total)),
          technologyAmount: yuan(text(technology)),
          deductions: parts.map((part) => ({ kind: "parts", amount: yuan(text(part)) })),
        };
        const fits = off === 0n && technology > 0n && total > 0n;
        return ContractContent.safeParse(content).success === fits;
      },
    ),
    { numRuns: 500 },
  );
});

t.test("a foreign amount is worked out in yuan, rounded to the fen", async (t) => {
  const foreignAmount = {
    currency: "EUR",
    amount: "100000.05",
    rate: "7.83125",
    rateDate: today(),
  };
  const exact = yuan("783125.39");
  const content = { ...plain, foreignAmount, totalAmount: exact, technologyAmount: exact };
  t.equal((await create(content)).status, 201);
});

t.test("the hash is that of the canonical text, and of its files", async (t) => {
  const made = await draftedContract(market, parties);
  const query = { subjectType: "contract", subjectId: made.id, purpose: "contract_text" };
  await must(upload(market, seller, query, pdf("第一稿")));
  const first = await must(post(seller, made.id, "submit"));
  const { data } = await must(as(buyer)("GET", `/v1/contracts/${made.id}/revisions`));
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256").update(data[0].content).digest("hex");
  t.equal(hash, first.contentSha256);
  t.match(data[0].content, /contract_text/);
  refused(t, await upload(market, seller, query, pdf("第二稿")), 409, "attachment.locked");
  await must(post(buyer, made.id, "return", { reason: "请换附件。" }));
  await must(upload(market, seller, query, pdf("第二稿")));
  const second = await must(post(seller, made.id, "submit"));
  t.equal(second.revision, 2);
  t.not(second.contentSha256, first.contentSha256);
});

t.test("a party confirms what it has read, once; the last one makes it effective", async (t) => {
  const made = await confirmingContract(market, parties);
  const stale = { ...made, contract: { ...made.contract, contentSha256: "0".repeat(64) } };
  const changed = refused(
    t,
    await confirm(market, seller, stale),
    409,
    "contract.revision_changed",
  );
  t.match(changed.detail, new RegExp(`第 ${changed.revision} 版`));
  t.ok(changed.revision > 0);
  const first = await must(confirm(market, seller, made));
  t.match(first, {
    status: "confirming",
    pending: { action: "confirm", by: seller.organizationId, revision: 1 },
    confirmations: [{ side: "seller", position: 0, organizationId: seller.organizationId }],
  });
  refused(t, await confirm(market, seller, made), 409, "contract.already_confirmed");
  const second = await must(confirm(market, buyer, made));
  t.match(second, { status: "effective", pending: null, effectiveAt: String });
  refused(t, await confirm(market, buyer, made), 409, "contract.invalid_transition");
});

t.test("retract ends what was begun; return makes the next revision", async (t) => {
  const made = await confirmingContract(market, parties);
  refused(t, await post(seller, made.id, "retract"), 409, "contract.invalid_transition");
  await must(confirm(market, seller, made));
  const retracted = await must(post(buyer, made.id, "retract"));
  t.match(retracted, { status: "confirming", revision: 1, pending: null, confirmations: [] });
  await must(confirm(market, seller, made));
  const returned = await must(post(buyer, made.id, "return", { reason: "技术指标需细化。" }));
  t.match(returned, { status: "draft", revision: 2, contentSha256: null, confirmations: [] });
  refused(t, await post(buyer, made.id, "submit"), 403, "contract.not_owner");
  const again = await must(post(seller, made.id, "submit"));
  t.match(again, { status: "confirming", revision: 2 });
});

t.test("a change while parties confirm voids what they said", async (t) => {
  const made = await confirmingContract(market, parties);
  await must(confirm(market, seller, made));
  const changed = await must(patch(buyer, made.id, { terms: "增加验收条款。" }));
  t.match(changed, { status: "draft", revision: 2, confirmations: [], terms: "增加验收条款。" });
  refused(t, await confirm(market, buyer, made), 409, "contract.invalid_transition");
  const stale = await patch(seller, made.id, { terms: "又改。" }, `"1-x"`);
  refused(t, stale, 412, "request.precondition_failed");
  const missing = await as(seller)("PATCH", `/v1/contracts/${made.id}`, { body: { terms: "x" } });
  refused(t, missing, 428, "request.precondition_required");
});

t.test("before effect one party cancels, afterwards all; retract ends it", async (t) => {
  const reason = { reason: "项目取消。" };
  const draft = await draftedContract(market, parties);
  t.equal((await must(post(buyer, draft.id, "cancel", reason))).status, "cancelled");
  const made = await effectiveContract(market, parties);
  const begun = await must(post(buyer, made.id, "cancel", reason));
  t.match(begun, { status: "effective", pending: { action: "cancel", by: buyer.organizationId } });
  refused(t, await post(buyer, made.id, "cancel", reason), 409, "contract.already_confirmed");
  const filing = await as(seller)("POST", `/v1/contracts/${made.id}/file`, { body: {} });
  refused(t, filing, 409, "contract.invalid_transition");
  t.match(await must(post(seller, made.id, "retract")), { status: "effective", pending: null });
  await must(post(buyer, made.id, "cancel", reason));
  const done = await must(post(seller, made.id, "cancel", reason));
  t.match(done, { status: "cancelled", pending: null, cancelledAt: String });
  refused(t, await post(seller, made.id, "cancel", reason), 409, "contract.invalid_transition");
});

t.test(
  "from a match: its parties, its broker; effective, it is concluded, cancelled, it has failed",
  async (t) => {
    const match = await negotiatingMatch(market);
    const sides = { seller: match.resultOwner, buyer: match.needOwner };
    const transfer = {
      matchId: match.id,
      type: "transfer",
      subtype: "21",
      expectedInvestment: yuan("1.00"),
      expectedOutput: yuan("2.00"),
      commission: { basis: "technology_amount", rate: "2.5", payer: "both" },
    };
    const foreign = await as(seller)("POST", "/v1/contracts", {
      body: completeContract(parties, { matchId: match.id }),
    });
    refused(t, foreign, 404, "match.not_found");
    const swapped = await as(match.broker)("POST", "/v1/contracts", {
      body: completeContract({ seller: sides.buyer, buyer: sides.seller }, transfer),
    });
    t.same(pointersOf(refused(t, swapped, 400, "request.invalid")), ["/matchId"]);

    const made = await confirmingContract(market, {
      ...sides,
      content: transfer,
      by: match.broker,
    });
    t.match(made.contract, {
      matchId: match.id,
      resultId: match.resultId,
      needId: match.needId,
      brokerId: match.broker.id,
      organizationId: match.broker.organizationId,
    });
    const second = await as(match.broker)("POST", "/v1/contracts", {
      body: completeContract(sides, transfer),
    });
    refused(t, second, 409, "contract.match_has_contract");
    refused(t, await confirm(market, match.broker, made), 403, "contract.not_owner");
    await must(confirm(market, sides.seller, made));
    await must(confirm(market, sides.buyer, made));
    const concluded = await must(as(match.broker)("GET", `/v1/matches/${match.id}`));
    t.equal(concluded.status, "contracted");
    t.match(await rowOf(market, "result", match.resultId), {
      status: "transferred",
      transferredContractId: made.id,
    });
    for (const party of [sides.seller, sides.buyer]) {
      await must(post(party, made.id, "cancel", { reason: "协商解除。" }));
    }
    t.equal((await must(as(match.broker)("GET", `/v1/matches/${match.id}`))).status, "failed");
    t.match(await rowOf(market, "result", match.resultId), {
      status: "published",
      transferredContractId: null,
    });
  },
);

t.test("an ordinary licence leaves its result published", async (t) => {
  const match = await agreedMatch(market);
  const sides = { seller: match.resultOwner, buyer: match.needOwner };
  const content = { matchId: match.id, type: "licence", subtype: "31", licenceKind: "ordinary" };
  await effectiveContract(market, { ...sides, content });
  t.equal((await rowOf(market, "result", match.resultId)).status, "published");
});

t.test("an accepted interest may be named by those two", async (t) => {
  const interest = await acceptedInterest(market);
  const row = (
    await db.execute<{ owner: string; asker: string }>(
      sql`select owner_organization_id as owner, asker_organization_id as asker from interests where id = ${interest.id}`,
    )
  ).rows[0]!;
  const named = await create({ interestId: interest.id });
  t.same(pointersOf(refused(t, named, 400, "request.invalid")), ["/interestId"]);
  t.ok(row.owner !== row.asker);
});

t.test("a signed copy is an outside party's word, and agrees to cancel as well", async (t) => {
  const outside = { name: "郑州远方技术公司", natureCode: "150", regionCode: "410100" };
  const content = completeContract(parties, { buyers: [outside] });
  const draft = await must(as(seller)("POST", "/v1/contracts", { body: content }));
  const copy = { subjectType: "contract", subjectId: draft.id, side: "buyer", position: "0" };
  const sign = (purpose: string) =>
    upload(market, seller, { ...copy, purpose }, pdf(purpose + draft.id));
  refused(t, await sign("signed_copy"), 409, "attachment.locked");
  const contract = await must(post(seller, draft.id, "submit"));
  t.equal((await sign("signed_copy")).status, 201);
  refused(t, await sign("signed_copy"), 409, "contract.already_confirmed");
  const done = await must(confirm(market, seller, { id: draft.id, contract }));
  t.equal(done.status, "effective");
  t.ok(done.confirmations.some((c: { attachmentId: string | null }) => c.attachmentId !== null));
  refused(t, await sign("cancellation_copy"), 409, "attachment.locked");
  await must(post(seller, draft.id, "cancel", { reason: "对方停业。" }));
  t.equal(
    (await contractRow(market, draft.id)).status,
    "effective",
    "the other side has not said so",
  );
  t.equal((await sign("cancellation_copy")).status, 201);
  t.equal((await contractRow(market, draft.id)).status, "cancelled");
});

t.test("an amendment is confirmed by all, then the next revision", async (t) => {
  const made = await effectiveContract(market, parties);
  const path = `/v1/contracts/${made.id}/amendments`;
  const amend = (patch: object, who = seller) =>
    as(who)("POST", path, { body: { reason: "调整。", patch } });
  refused(
    t,
    await patch(seller, made.id, { terms: "直接改。" }),
    409,
    "contract.invalid_transition",
  );
  refused(t, await amend({ technologyAmount: yuan("9999999.00") }), 400, "request.invalid");
  refused(t, await amend({ subject: null }), 409, "contract.incomplete");
  const swap = await amend({
    buyers: [{ organizationId: stranger.organizationId, natureCode: "150" }],
  });
  t.same(pointersOf(refused(t, swap, 400, "request.invalid")), ["/patch/sellers"]);
  const open = await must(amend({ terms: "增加培训。" }));
  t.match(open, { status: "confirming", revision: 2 });
  refused(t, await amend({ terms: "又一份。" }, buyer), 409, "amendment.already_open");
  const word = { revision: 2, contentSha256: open.contentSha256 };
  const wrong = await as(seller)("POST", `${path}/${open.id}/confirm`, {
    body: { ...word, revision: 3 },
  });
  refused(t, wrong, 409, "contract.revision_changed");
  await must(as(seller)("POST", `${path}/${open.id}/confirm`, { body: word }));
  const given = await must(as(buyer)("POST", `${path}/${open.id}/withdraw`));
  t.equal(given.status, "withdrawn");
  t.match(await contractRow(market, made.id), { revision: 1, status: "effective" });

  const done = await amendedContract(market, made, { terms: "增加两次培训。" });
  t.match(done, { status: "effective", revision: 2 });
  const row = await contractRow(market, made.id);
  t.match(row, { revision: 2, terms: "增加两次培训。", contentSha256: done.contentSha256 });
  const revisions = await must(as(seller)("GET", `/v1/contracts/${made.id}/revisions`));
  t.same(
    revisions.data.map((r: { revision: number }) => r.revision),
    [1, 2],
  );
  t.equal((await must(as(buyer)("GET", path))).data.length, 2);
  refused(t, await as(buyer)("GET", `${path}/${newId()}`), 404, "amendment.not_found");
  const draft = await draftedContract(market, parties);
  const early = await as(seller)("POST", `/v1/contracts/${draft.id}/amendments`, {
    body: { reason: "x", patch: {} },
  });
  refused(t, early, 409, "contract.not_in_force");
});

t.test("two parties confirm an amendment at the same moment", async (t) => {
  const made = await effectiveContract(market, parties);
  const path = `/v1/contracts/${made.id}/amendments`;
  const body = { reason: "调整。", patch: { terms: "同时确认。" } };
  const open = await must(as(seller)("POST", path, { body }));
  const word = { body: { revision: 2, contentSha256: open.contentSha256 } };
  const replies = await Promise.all(
    [seller, buyer].map((who) => as(who)("POST", `${path}/${open.id}/confirm`, word)),
  );
  t.same(
    replies.map(({ status }) => status),
    [200, 200],
  );
  t.match(await contractRow(market, made.id), { revision: 2, terms: "同时确认。" });
});

t.test("payments are recorded under a contract in force, and voided, not changed", async (t) => {
  const draft = await draftedContract(market, parties);
  const paid = { paidOn: today(), amount: yuan("1000.00"), voucherNumber: "V-1" };
  refused(t, await post(seller, draft.id, "payments", paid), 409, "contract.not_in_force");
  const { id } = await effectiveContract(market, parties);
  const late = await post(seller, id, "payments", { ...paid, paidOn: addDays(today(), 1) });
  t.same(pointersOf(refused(t, late, 400, "request.invalid")), ["/paidOn"]);
  const first = await as(machine)("POST", `/v1/contracts/${id}/payments`, { body: paid });
  t.equal(first.status, 201);
  refused(t, await post(buyer, id, "payments", paid), 409, "payment.voucher_taken");
  await must(post(buyer, id, "payments", { ...paid, voucherNumber: null, amount: yuan("0.01") }));
  t.same((await must(as(buyer)("GET", `/v1/contracts/${id}`))).paidAmount, yuan("1000.01"));
  const path = `payments/${first.body.id}/void`;
  const voided = await must(post(seller, id, path, { reason: "录入错误。" }));
  t.match(voided, { voidReason: "录入错误。", voidedAt: String });
  refused(t, await post(seller, id, path, { reason: "x" }), 409, "payment.invalid_transition");
  refused(
    t,
    await post(seller, id, `payments/${newId()}/void`, { reason: "x" }),
    404,
    "payment.not_found",
  );
  t.same((await must(as(seller)("GET", `/v1/contracts/${id}`))).paidAmount, yuan("0.01"));
  t.equal((await must(as(seller)("GET", `/v1/contracts/${id}/payments`))).data.length, 2);
  t.equal((await post(buyer, id, "payments", paid)).status, 201, "the voucher is free again");
});

t.test("what is paid counts in the volume by its day, each contract once", async (t) => {
  const volume = async () =>
    (await must(as(office.first)("GET", "/v1/statistics/contract-volume?dateBasis=paid"))).total;
  const before = await volume();
  // Signed before the earliest payment.
  const content = { signedOn: addDays(today(), -400) };
  const made = await registeredCase(market, office, { ...parties, content });
  const pay = (amount: string) =>
    must(post(seller, made.id, "payments", { paidOn: today(), amount: yuan(amount) }));
  await pay("300.00");
  const second = await pay("200.50");
  const after = await volume();
  t.equal(after.count, before.count + 1);
  t.equal(Number(after.totalAmount.amount), Number(before.totalAmount.amount) + 500.5);
  t.equal(after.technologyAmount, null);
  const last = { paidOn: addDays(today(), -370), amount: yuan("10.00") };
  const earlier = await must(post(seller, made.id, "payments", last));
  t.equal((await volume()).count, after.count, "paid in two years, it is one contract");
  await must(post(seller, made.id, `payments/${earlier.id}/void`, { reason: "录入错误。" }));
  await must(post(seller, made.id, `payments/${second.id}/void`, { reason: "退款。" }));
  t.equal(Number((await volume()).totalAmount.amount), Number(before.totalAmount.amount) + 300);
});

t.test("the list has the caller's own, newest first, with its filters", async (t) => {
  const own = await newParties(market);
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await draftedContract(market, own)).id);
  const { id: effective } = await effectiveContract(market, {
    ...own,
    content: {
      ...plain,
      type: "service",
      subtype: "51",
      rights: [],
      intellectualPropertyType: "00",
    },
  });
  const list = async (query: string, who = own.seller) =>
    (await must(as(who)("GET", `/v1/contracts${query}`))).data.map(({ id }: { id: string }) => id);
  t.same(await list(""), [effective, ...ids.reverse()]);
  t.same(await list("?status=effective"), [effective]);
  t.same(await list("?type=service"), [effective]);
  t.same(await list("?role=seller"), [effective, ...ids]);
  t.same(await list("?role=seller", own.buyer), []);
  t.same(await list(`?signedOn[gte]=${addDays(today(), 1)}`), []);
  const page = await must(as(own.seller)("GET", "/v1/contracts?limit=2&include=total"));
  t.match(page, { total: { exact: 4 }, page: { hasMore: true } });
  const next = await must(as(own.seller)("GET", `/v1/contracts?limit=2&cursor=${page.page.next}`));
  t.same(
    [...page.data, ...next.data].map(({ id }: { id: string }) => id),
    [effective, ...ids],
  );
  const foreign = await as(stranger)("GET", `/v1/contracts?limit=2&cursor=${page.page.next}`);
  refused(t, foreign, 400, "request.invalid");
  t.match(page.data[0], { seller: /^测试机构/, totalAmount: yuan("100.00") });
});

t.test("an office reads the contracts that were filed with it", async (t) => {
  const made = await filedCase(market, office, parties);
  const path = `/v1/contracts/${made.id}`;
  t.equal((await as(office.second)("GET", path)).status, 200);
  const other = await market.person("registry");
  refused(t, await as(other)("GET", path), 404, "contract.not_found");
  const quiet = await effectiveContract(market, parties);
  refused(t, await as(office.first)("GET", `/v1/contracts/${quiet.id}`), 404, "contract.not_found");
});

t.test("the same key creates once", async (t) => {
  const body = completeContract(parties, { title: "幂等创建的合同" });
  const headers = { "idempotency-key": newId() };
  const first = await as(seller)("POST", "/v1/contracts", { body, headers });
  const again = await as(seller)("POST", "/v1/contracts", { body, headers });
  t.equal(again.headers["idempotent-replayed"], "true");
  t.equal(again.body.id, first.body.id);
  t.equal(await db.$count(contracts, eq(contracts.title, "幂等创建的合同")), 1);
});
