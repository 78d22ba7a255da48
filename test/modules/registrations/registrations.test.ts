/**
 * Cases at a registration office: each step, who may take it, and who sees what. The rules' own list,
 * the numbers and the races at registering are in rules.test.ts.
 */
import { and, eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { contractParties, contracts } from "../../../db/schema/contracts.ts";
import { registrations } from "../../../db/schema/registrations.ts";
import { sessions } from "../../../db/schema/sessions.ts";
import { clock, today } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import { addDays, dueDay } from "../../../src/lib/working-days.ts";
import {
  amendedContract,
  type ContractOptions,
  contractRow,
  draftedContract,
  effectiveContract,
  newParties,
} from "../../support/contracts.ts";
import { pdf, upload } from "../../support/files.ts";
import { auditsOf, auditTypes } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import {
  acceptedCase,
  caseRow,
  filedCase,
  type MadeCase,
  openOffice,
  registeredCase,
  stepOf,
} from "../../support/registrations.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";
import { laterSignedIn } from "../../support/time.ts";

const market = await openMarket(t);
const { db } = market.database;
const { as } = market;

// The clock stands still, so that no midnight falls between two lines of a test.
const started = clock.now();
clock.now = () => started;

const office = await openOffice(market);
const { first, second, operator } = office;
const third = await market.colleague(first);
const elsewhere = await openOffice(market, { code: "420101", regionCodes: ["420000"] });
const parties = await newParties(market);
const { seller, buyer } = parties;
const stranger = await market.person("enterprise");

const filed = (content = {}) => filedCase(market, office, { ...parties, content });
const accepted = (content = {}) => acceptedCase(market, office, { ...parties, content });
const registered = (content = {}) => registeredCase(market, office, { ...parties, content });
const effective = (options: ContractOptions = {}) =>
  effectiveContract(market, { ...parties, ...options });
const step = (caller: Caller | null, id: string, action: string, body?: object) =>
  stepOf(market, caller, id, action, body);
const read = (caller: Caller | null, id: string) => as(caller)("GET", `/v1/registrations/${id}`);
const file = (caller: Caller | null, id: string, query = "", body: object = {}) =>
  as(caller)("POST", `/v1/contracts/${id}/file${query}`, { body });
const lastOf = async (id: string) => (await auditsOf(market, id)).at(-1);

const supplementRequest = { note: "请补充设备费用的测算说明。", grounds: ["incomplete_material"] };
const supplied = { note: "已补充测算说明及合同附件二。" };
const refusal = { grounds: ["not_technology_contract"], note: "合同内容为设备买卖。" };
const revocation = { ground: "false_material", note: "发票经核查系伪造。" };
const conclusion = { conclusion: "专家组认为标的明确，技术交易额核定合理，建议登记。" };

const later = <T>(days: number, work: () => Promise<T>) =>
  laterSignedIn(market, days * 86_400, work);

/** A refused step: the reply says which, and the case is as it was. */
async function unchanged(
  t: Test,
  id: string,
  [status, code]: [number, string],
  call: () => ReturnType<typeof step>,
) {
  const [before, records] = [await caseRow(market, id), (await auditTypes(market, id)).length];
  const body = refused(t, await call(), status, code);
  t.same(await caseRow(market, id), before, "the case is as it was");
  t.equal((await auditTypes(market, id)).length, records, "nothing was written down");
  return body;
}

// ---- Filing ----

t.test("the applicant files", async (t) => {
  const made = await effective();
  const reply = await file(seller, made.id, "", { note: "合同文本及附件已上传。" });
  t.equal(reply.status, 201, reply.text);
  const { id } = reply.body;
  t.equal(reply.headers.location, `/v1/registrations/${id}`);
  t.match(reply.headers.etag, /^"1-/);
  t.match(reply.body, {
    status: "filed",
    origin: "here",
    contractId: made.id,
    contractReference: made.contract.reference,
    contractRevision: 1,
    officeId: office.id,
    officeCode: "410701",
    regionCode: "410702",
    applicantOrganizationId: seller.organizationId,
    title: made.contract.title,
    totalAmount: yuan("1200000.00"),
    technologyAmount: yuan("1000000.00"),
    ruleSet: "2026-MIIT",
    acceptedAt: null,
    dueOn: null,
    overdue: false,
    number: null,
    certificatePath: null,
    pending: null,
    version: 1,
    allowedActions: ["withdraw"],
  });
  t.match(await caseRow(market, id), {
    status: "filed",
    applicantMemberId: seller.id,
    officeOrganizationId: first.organizationId,
    facts: { contentSha256: made.contract.contentSha256, seller: { natureCode: "022" } },
  });
  t.equal((await contractRow(market, made.id)).status, "filed");
  const [record, ...more] = await auditsOf(market, id);
  t.same(more, []);
  t.match(record, {
    type: "registration.file",
    actorId: seller.id,
    organizationId: first.organizationId,
    readerIds: [seller.organizationId],
    reason: "合同文本及附件已上传。",
    before: null,
  });
});

t.test("a contract that cannot be filed", async (t) => {
  const before = await db.$count(registrations);
  const draft = await draftedContract(market, parties);
  refused(t, await file(seller, draft.id), 409, "contract.invalid_transition");
  refused(t, await file(stranger, draft.id), 404, "contract.not_found");
  refused(t, await file(seller, newId()), 404, "contract.not_found");

  const far = await market.person("university", { regionCode: "110000" });
  const away = await effective({ seller: far });
  const nobody = refused(t, await file(far, away.id), 409, "registration.no_office");
  t.match(nobody.detail, /行政区划/);
  t.match(await must(file(far, away.id, "?dryRun=true")), {
    dryRun: true,
    ok: false,
    code: "registration.no_office",
    errors: [{ code: "registration.no_office", zh: /登记机构/, en: /office/ }],
  });

  const over = await later(-60, () => {
    const validUntil = addDays(today(), 59);
    return effective({ content: { signedOn: today(), validFrom: today(), validUntil } });
  });
  const past = refused(t, await file(seller, over.id), 409, "registration.incomplete");
  t.same(pointersOf(past), ["/validUntil"]);
  const trial = await must(file(seller, over.id, "?dryRun=true"));
  t.match(trial, { ok: false, code: "registration.incomplete" });
  t.match(trial.errors, [{ pointer: "/validUntil", code: "date.past" }]);
  t.equal((await contractRow(market, over.id)).status, "effective");
  t.equal(await db.$count(registrations), before, "nothing was stored");
});

t.test("the rules of 2000 let an old contract be filed after its validity", async (t) => {
  // A filing in February 2026: how long ago that is depends on when this runs.
  const days = Math.round((Date.parse("2026-02-10") - Date.parse(today())) / 86_400_000);
  await later(days, async () => {
    const content = {
      signedOn: addDays(today(), -40),
      validFrom: addDays(today(), -40),
      validUntil: addDays(today(), -1),
    };
    t.match((await filed(content)).registration, { status: "filed", ruleSet: "2000-063" });
  });
});

t.test("a dry run of filing writes nothing", async (t) => {
  const made = await effective();
  const before = await db.$count(registrations);
  const reply = await must(file(seller, made.id, "?dryRun=true"));
  t.same(reply, { dryRun: true, ok: true, errors: [] });
  t.equal(await db.$count(registrations), before);
  t.equal((await contractRow(market, made.id)).status, "effective");
  const wrong = await file(buyer, made.id, "?dryRun=true");
  refused(t, wrong, 403, "registration.not_applicant");
});

t.test("filing twice: at the same moment, with a key, and with a case that is alive", async (t) => {
  const made = await effective();
  const replies = await Promise.all([1, 2, 3].map(() => file(seller, made.id)));
  t.same(replies.map(({ status }) => status).sort(), [201, 409, 409]);
  const cases = await db.select().from(registrations).where(eq(registrations.contractId, made.id));
  t.equal(cases.length, 1);

  const other = await effective();
  const headers = { "idempotency-key": newId() };
  const send = () => as(seller)("POST", `/v1/contracts/${other.id}/file`, { body: {}, headers });
  const [once, again] = [await send(), await send()];
  t.equal(again.headers["idempotent-replayed"], "true");
  t.same(again.body, once.body);

  // No step leads there: only the database's own rule is left to refuse.
  await db.update(contracts).set({ status: "effective" }).where(eq(contracts.id, other.id));
  refused(t, await file(seller, other.id), 409, "registration.already_filed");
});

t.test("only people of a verified organization file", async (t) => {
  const made = await effective();
  const client = await market.client(seller, ["contracts:write", "registrations:read"]);
  refused(t, await file(null, made.id), 401, "auth.required");
  t.equal((await file(client, made.id)).status, 403);
  refused(t, await file(first, made.id), 403, "auth.forbidden_role");
  const pending = await market.person("university", { status: "pending" });
  refused(t, await file(pending, made.id), 403, "organization.not_verified");
});

t.test("what screening finds", async (t) => {
  const kinds = async (content: object) => {
    const { caseId } = await filed(content);
    return (await must(read(first, caseId))).screening.map((one: { kind: string }) => one.kind);
  };
  const whole = { deductions: [], instalments: [], paymentMode: "lump_sum" };
  const sums = (amount: string) => ({
    ...whole,
    totalAmount: yuan(amount),
    technologyAmount: yuan(amount),
  });
  t.same(await kinds({ title: "筛查合同一", ...sums("310000.00") }), []);
  t.same(await kinds({ title: "筛查合同二", ...sums("310000.00") }), ["same_amount"]);
  t.same(await kinds({ title: "筛查合同三", ...sums("2000000.00") }), ["no_deductions"]);
  const odd = { relatedParties: true, amountStatus: "provisional", ...sums("320000.00") };
  t.same(await kinds({ title: "筛查合同四", ...odd }), ["related_parties", "provisional_amount"]);
  const longAgo = addDays(today(), -366);
  t.same(await kinds({ title: "筛查合同五", signedOn: longAgo, validFrom: longAgo }), ["late"]);
});

// ---- Who reads ----

t.test("who reads a case, and what of it", async (t) => {
  const made = await registered({ title: "供查看的合同" });
  const screened = await filed({ title: "供查看的合同" });
  const inside = ["screening", "firstReviewerId", "secondReviewerId"];
  for (const who of [first, second, third]) {
    const body = await must(read(who, made.caseId));
    t.match(body, { firstReviewerId: first.id, secondReviewerId: second.id, screening: [] });
    t.ok(body.certificatePath);
  }
  const client = await market.client(first, ["registrations:read"]);
  t.equal((await must(read(client, made.caseId))).id, made.caseId, "the office's machine reads");
  t.equal((await read(await market.client(first, ["needs:read"]), made.caseId)).status, 403);
  for (const who of [seller, buyer, await market.colleague(buyer)]) {
    const body = await must(read(who, made.caseId));
    t.same(
      inside.filter((field) => field in body),
      [],
    );
    t.match(body.certificatePath, /\/certificate\?code=.{12}$/);
  }
  const seen = await must(read(operator, made.caseId));
  t.same(
    inside.filter((field) => field in seen),
    [],
  );
  t.equal(seen.certificatePath, null, "the check code is the parties'");
  t.same(seen.allowedActions, []);
  refused(t, await read(stranger, made.caseId), 404, "registration.not_found");
  refused(t, await read(elsewhere.first, made.caseId), 404, "registration.not_found");
  refused(t, await read(null, made.caseId), 401, "auth.required");
  refused(t, await read(first, newId()), 404, "registration.not_found");

  const log = await must(as(seller)("GET", `/v1/audit?subjectId=${screened.caseId}`));
  t.equal(log.data[0].type, "registration.file", "the applicant reads the log of its case");
  t.same(log.data[0].after.screening, { changed: true }, "but not what screening found");
});

t.test("trade secrets do not exist for the operator", async (t) => {
  const made = await filed({ confidentiality: "trade_secret", title: "商业秘密合同" });
  refused(t, await read(operator, made.caseId), 404, "registration.not_found");
  t.equal((await must(read(first, made.caseId))).title, "商业秘密合同");
  t.equal((await must(read(buyer, made.caseId))).title, "商业秘密合同");
  const query = `/v1/registrations?contractId=${made.id}`;
  t.same((await must(as(operator)("GET", query))).data, []);
  t.equal((await must(as(first)("GET", query))).data.length, 1);
  t.equal((await auditsOf(market, made.caseId))[0]?.confidential, true);
});

t.test("nobody but the office and the applicant takes a step", async (t) => {
  const { caseId } = await filed();
  const steps: [string, object?][] = [
    ["accept"],
    ["request-supplement", supplementRequest],
    ["expert-review"],
    ["conclude-review", conclusion],
    ["dispute", { reason: "第三方提出异议。" }],
    ["set-due-date", { dueOn: addDays(today(), 9), reason: "专家外出，顺延五日。" }],
    ["register"],
    ["refuse", refusal],
    ["revoke", revocation],
  ];
  for (const [action, body] of steps) {
    refused(t, await step(null, caseId, action, body), 401, "auth.required");
    refused(t, await step(operator, caseId, action, body), 403, "auth.forbidden_role");
    refused(t, await step(seller, caseId, action, body), 403, "auth.forbidden_role");
    refused(t, await step(elsewhere.first, caseId, action, body), 404, "registration.not_found");
    const client = await market.client(first, ["registrations:read"]);
    t.equal((await step(client, caseId, action, body)).status, 403, "machines only read");
  }
  for (const [action, body] of [["supplement", supplied], ["withdraw"]] as [string, object?][]) {
    refused(t, await step(first, caseId, action, body), 403, "auth.forbidden_role");
    refused(t, await step(buyer, caseId, action, body), 403, "registration.not_owner");
    refused(t, await step(stranger, caseId, action, body), 404, "registration.not_found");
  }
  for (const [action, body] of [["amend", {}], ["cancel", {}], ["retract"]] as [
    string,
    object?,
  ][]) {
    refused(t, await step(operator, caseId, action, body), 403, "auth.forbidden_role");
    refused(t, await step(buyer, caseId, action, body), 403, "registration.not_owner");
    refused(t, await step(stranger, caseId, action, body), 404, "registration.not_found");
    refused(t, await step(elsewhere.first, caseId, action, body), 404, "registration.not_found");
  }
  t.equal((await caseRow(market, caseId)).version, 1);
});

t.test("staff of a party do not review", async (t) => {
  const { id, caseId } = await filed();
  // No office makes contracts: this is what an imported or merged organization could look like.
  await db
    .update(contractParties)
    .set({ organizationId: first.organizationId })
    .where(and(eq(contractParties.contractId, id), eq(contractParties.side, "buyer")));
  for (const [action, body] of [["accept"], ["refuse", refusal]] as [string, object?][]) {
    const call = () => step(first, caseId, action, body);
    await unchanged(t, caseId, [403, "registration.reviewer_of_applicant"], call);
  }
});

// ---- Accepting ----

t.test("a registrar accepts, and is the first reviewer", async (t) => {
  const made = await filed();
  const stale = await as(first)("POST", `/v1/registrations/${made.caseId}/accept`, {
    headers: { "if-match": '"7-x"' },
  });
  refused(t, stale, 412, "request.precondition_failed");
  const body = await must(step(first, made.caseId, "accept"));
  const due = dueDay(today(), 15, "working");
  t.match(body, {
    status: "accepted",
    firstReviewerId: first.id,
    secondReviewerId: null,
    acceptedAt: started.toISOString(),
    ruleSet: "2026-MIIT",
    dueOn: due.date,
    dueProvisional: due.provisional,
    expertReviewNeeded: false,
    version: 2,
  });
  t.match(await caseRow(market, made.caseId), { status: "accepted", firstReviewerId: first.id });
  t.match(await lastOf(made.caseId), { type: "registration.accept", actorId: first.id });
  const twice = () => step(second, made.caseId, "accept");
  const problem = await unchanged(t, made.caseId, [409, "registration.invalid_transition"], twice);
  t.equal(problem.currentStatus, "accepted");
  t.ok(problem.allowedActions.includes("register"));
});

t.test("two registrars who accept at the same moment: one is the first reviewer", async (t) => {
  const made = await filed();
  const replies = await Promise.all([first, second].map((who) => step(who, made.caseId, "accept")));
  t.same(replies.map(({ status }) => status).sort(), [200, 409]);
  const winner = replies[0]?.status === 200 ? first : second;
  t.equal((await caseRow(market, made.caseId)).firstReviewerId, winner.id);
  t.same(await auditTypes(market, made.caseId), ["registration.file", "registration.accept"]);
});

t.test("a due date beyond the holiday table is provisional", async (t) => {
  const days = Math.round((Date.parse("2031-03-03") - Date.parse(today())) / 86_400_000);
  await later(days, async () => {
    const made = await accepted();
    // Fifteen times Monday to Friday.
    t.match(made.registration, { dueOn: "2031-03-24", dueProvisional: true });
  });
});

// ---- Supplements ----

t.test("a supplement before acceptance: acceptance counts from its day", async (t) => {
  const made = await filed();
  const asked = await must(step(second, made.caseId, "request-supplement", supplementRequest));
  t.match(asked, {
    status: "supplement_requested",
    acceptedAt: null,
    supplement: {
      ...supplementRequest,
      dueOn: dueDay(today(), 15, "working").date,
      suppliedAt: null,
    },
  });
  t.match(await lastOf(made.caseId), {
    type: "registration.request_supplement",
    actorId: second.id,
    reason: supplementRequest.note,
  });
  const again = () => step(first, made.caseId, "request-supplement", supplementRequest);
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], again);
  const early = () => step(first, made.caseId, "accept");
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], early);

  const day = await later(2, async () => {
    const back = await must(step(seller, made.caseId, "supplement", supplied));
    t.match(back, { status: "filed", supplement: { suppliedAt: clock.now().toISOString() } });
    t.match(await lastOf(made.caseId), {
      type: "registration.supplement",
      actorId: seller.id,
      reason: supplied.note,
    });
    return { instant: clock.now().toISOString(), due: dueDay(today(), 15, "working").date };
  });
  await later(6, async () => {
    const taken = await must(step(first, made.caseId, "accept"));
    t.match(taken, { acceptedAt: day.instant, dueOn: day.due }, "from the day of the supplement");
  });
});

t.test(
  "a supplement after acceptance: only the first reviewer asks, the clock restarts",
  async (t) => {
    const made = await accepted();
    const other = () => step(second, made.caseId, "request-supplement", supplementRequest);
    await unchanged(t, made.caseId, [409, "registration.not_first_reviewer"], other);
    const deadline = addDays(today(), 3);
    const request = { ...supplementRequest, deadline };
    const asked = await must(step(first, made.caseId, "request-supplement", request));
    t.match(asked, { status: "supplement_requested", supplement: { dueOn: deadline } });
    await later(2, async () => {
      const back = await must(step(seller, made.caseId, "supplement", supplied));
      t.match(back, {
        status: "accepted",
        acceptedAt: clock.now().toISOString(),
        dueOn: dueDay(today(), 15, "working").date,
      });
    });
    const idle = () => step(seller, made.caseId, "supplement", supplied);
    await unchanged(t, made.caseId, [409, "registration.invalid_transition"], idle);
  },
);

t.test("a supplement request that cannot be", async (t) => {
  const { caseId } = await filed();
  const ask = (changes: object) => () =>
    step(first, caseId, "request-supplement", { ...supplementRequest, ...changes });
  const pointers = async (changes: object) =>
    pointersOf(await unchanged(t, caseId, [400, "request.invalid"], ask(changes)));
  t.same(await pointers({ deadline: addDays(today(), -1), grounds: ["whim"] }), [
    "/deadline",
    "/grounds/0",
  ]);
  t.same(await pointers({ note: " " }), ["/note"]);
  t.same(await pointers({ grounds: ["party_unclear", "party_unclear"] }), ["/grounds"]);
});

t.test(
  "files of a case: the applicant's while something is asked of it, the office's",
  async (t) => {
    const { caseId } = await filed();
    const query = { subjectType: "registration", subjectId: caseId, purpose: "supplement" };
    const attach = (caller: Caller, text: string) => upload(market, caller, query, pdf(text));
    refused(t, await attach(seller, "早"), 409, "attachment.locked");
    await must(step(first, caseId, "request-supplement", supplementRequest));
    const added = await attach(seller, "测算说明");
    t.equal(added.status, 201, added.text);
    const content = `/v1/attachments/${added.body.id}/content`;
    for (const who of [first, buyer, seller]) t.equal((await as(who)("GET", content)).status, 200);
    t.equal((await as(stranger)("GET", content)).status, 404);
    refused(t, await attach(buyer, "他人"), 403, "registration.not_owner");
    refused(t, await attach(stranger, "他人"), 404, "registration.not_found");
  },
);

t.test("a missed deadline withdraws the case; the contract may be filed again", async (t) => {
  const run = () => market.app.jobs.find(({ name }) => name === "registrations.withdraw")!.run(db);
  const missed = await filed();
  const waiting = await filed();
  const answered = await filed();
  const deadline = addDays(today(), 2);
  for (const { caseId } of [missed, answered]) {
    await must(step(first, caseId, "request-supplement", { ...supplementRequest, deadline }));
  }
  const longer = { ...supplementRequest, deadline: addDays(today(), 3) };
  await must(step(first, waiting.caseId, "request-supplement", longer));
  await must(step(seller, answered.caseId, "supplement", supplied));
  await later(2, run);
  t.equal((await caseRow(market, missed.caseId)).status, "supplement_requested", "its last day");
  await later(3, async () => {
    await Promise.all([run(), run()]);
  });
  t.match(await caseRow(market, missed.caseId), { status: "withdrawn", version: 3 });
  t.match(await lastOf(missed.caseId), {
    type: "registration.withdraw",
    actorKind: "system",
    actorId: null,
    reason: "supplement deadline missed",
  });
  t.equal((await contractRow(market, missed.id)).status, "effective");
  t.equal((await caseRow(market, waiting.caseId)).status, "supplement_requested");
  t.equal((await caseRow(market, answered.caseId)).status, "filed");
  const again = await file(seller, missed.id);
  t.equal(again.status, 201, again.text);
  t.not(again.body.id, missed.caseId);
});

// ---- Withdrawing ----

t.test("the applicant takes a case back, before acceptance", async (t) => {
  const made = await filed();
  const body = await must(step(seller, made.caseId, "withdraw"));
  t.match(body, { status: "withdrawn", decidedAt: started.toISOString(), allowedActions: [] });
  t.match(await lastOf(made.caseId), { type: "registration.withdraw", actorId: seller.id });
  t.equal((await contractRow(market, made.id)).status, "effective");
  const twice = () => step(seller, made.caseId, "withdraw");
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], twice);

  const asked = await filed();
  await must(step(first, asked.caseId, "request-supplement", supplementRequest));
  t.equal((await must(step(seller, asked.caseId, "withdraw"))).status, "withdrawn");
  const late = await accepted();
  const call = () => step(seller, late.caseId, "withdraw");
  await unchanged(t, late.caseId, [409, "registration.invalid_transition"], call);
});

t.test("withdraw and accept at the same moment end in one clear state", async (t) => {
  for (let i = 0; i < 4; i++) {
    const made = await filed();
    const [withdrawn, taken] = await Promise.all([
      step(seller, made.caseId, "withdraw"),
      step(first, made.caseId, "accept"),
    ]);
    t.same([withdrawn.status, taken.status].sort(), [200, 409]);
    const row = await caseRow(market, made.caseId);
    t.equal(row.status, taken.status === 200 ? "accepted" : "withdrawn");
    const { status } = await contractRow(market, made.id);
    t.equal(status, taken.status === 200 ? "filed" : "effective");
  }
});

// ---- Experts, disputes, due dates ----

const large = {
  totalAmount: yuan("5000000.00"),
  technologyAmount: yuan("5000000.00"),
  deductions: [],
  instalments: [],
  paymentMode: "lump_sum",
};

t.test("experts look at a large case before it is registered", async (t) => {
  const made = await accepted(large);
  t.equal(made.registration.expertReviewNeeded, true);
  const early = () => step(second, made.caseId, "register");
  await unchanged(t, made.caseId, [409, "registration.expert_review_needed"], early);
  const path = `/v1/registrations/${made.caseId}/register?dryRun=true`;
  const trial = await must(as(second)("POST", path));
  t.match(trial, { ok: false, code: "registration.expert_review_needed" });

  const other = () => step(second, made.caseId, "expert-review");
  await unchanged(t, made.caseId, [409, "registration.not_first_reviewer"], other);
  const idle = () => step(first, made.caseId, "conclude-review", conclusion);
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], idle);
  t.equal((await must(step(first, made.caseId, "expert-review"))).status, "expert_review");
  const during = () => step(second, made.caseId, "register");
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], during);
  const others = () => step(second, made.caseId, "conclude-review", conclusion);
  await unchanged(t, made.caseId, [409, "registration.not_first_reviewer"], others);
  const done = await must(step(first, made.caseId, "conclude-review", conclusion));
  t.match(done, { status: "accepted", expertConclusion: conclusion.conclusion });
  t.same((await auditTypes(market, made.caseId)).slice(-2), [
    "registration.expert_review",
    "registration.conclude_review",
  ]);
  t.equal((await must(step(second, made.caseId, "register"))).status, "registered");
});

t.test("experts do not stand in the way of a refusal", async (t) => {
  const made = await accepted(large);
  t.equal((await must(step(second, made.caseId, "refuse", refusal))).status, "refused");
});

t.test("a dispute lengthens the time and asks for experts", async (t) => {
  const made = await filed();
  const reason = "第三方主张该成果权属。";
  const before = await must(step(second, made.caseId, "dispute", { reason }));
  t.match(before, { disputed: true, dueOn: null }, "before acceptance too");
  const taken = await must(step(first, made.caseId, "accept"));
  const due = dueDay(today(), 30, "working").date;
  t.match(taken, { disputed: true, expertReviewNeeded: true, dueOn: due });
  t.match((await auditsOf(market, made.caseId))[1], { type: "registration.dispute", reason });

  const decided = await registered();
  const late = () => step(first, decided.caseId, "dispute", { reason });
  await unchanged(t, decided.caseId, [409, "registration.invalid_transition"], late);
  const mute = () => step(first, made.caseId, "dispute", {});
  await unchanged(t, made.caseId, [400, "request.invalid"], mute);
});

t.test("a registrar sets another due date, which a dispute leaves", async (t) => {
  const made = await accepted();
  const dueOn = addDays(today(), 90);
  const reason = "专家外出，顺延至下季度。";
  const body = await must(step(second, made.caseId, "set-due-date", { dueOn, reason }));
  t.match(body, { dueOn, dueReason: reason, dueProvisional: false });
  t.match(await lastOf(made.caseId), { type: "registration.set_due_date", reason });
  t.equal((await must(read(seller, made.caseId))).dueReason, reason, "the applicant reads why");
  const disputed = await must(step(first, made.caseId, "dispute", { reason: "有异议。" }));
  t.match(disputed, { dueOn, dueReason: reason, expertReviewNeeded: true });
  const early = await filed();
  const before = () => step(first, early.caseId, "set-due-date", { dueOn, reason });
  await unchanged(t, early.caseId, [409, "registration.invalid_transition"], before);
  const mute = () => step(first, made.caseId, "set-due-date", { dueOn });
  await unchanged(t, made.caseId, [400, "request.invalid"], mute);
  const decided = await registered();
  const late = () => step(first, decided.caseId, "set-due-date", { dueOn, reason });
  await unchanged(t, decided.caseId, [409, "registration.invalid_transition"], late);
});

// ---- Decisions ----

t.test("the second reviewer registers", async (t) => {
  const made = await accepted();
  const body = await must(step(second, made.caseId, "register"));
  t.match(body, {
    status: "registered",
    number: /^20\d\d410701\d{6}$/,
    registeredOn: today(),
    registeredAt: started.toISOString(),
    decidedAt: started.toISOString(),
    revision: 1,
    secondReviewerId: second.id,
  });
  t.equal(body.number.slice(0, 4), today().slice(0, 4), "the year of the day in Shanghai");
  const row = await caseRow(market, made.caseId);
  t.match(row, { status: "registered", number: body.number, checkCode: /^[\w-]{12}$/ });
  t.equal((await contractRow(market, made.id)).status, "registered");
  const record = await lastOf(made.caseId);
  t.match(record, { type: "registration.register", actorId: second.id });
  t.notOk(JSON.stringify(record).includes(row.checkCode!), "the check code is in no record");
  for (const action of ["register", "accept", "expert-review"]) {
    const call = () => step(second, made.caseId, action);
    await unchanged(t, made.caseId, [409, "registration.invalid_transition"], call);
  }
  const again = () => step(third, made.caseId, "refuse", refusal);
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], again);
  const early = await filed();
  const jump = () => step(second, early.caseId, "register");
  await unchanged(t, early.caseId, [409, "registration.invalid_transition"], jump);
});

t.test("the year of a number is the one in Shanghai", async (t) => {
  const made = await accepted();
  const { now } = clock;
  const year = Number(today().slice(0, 4));
  const eve = new Date(`${year}-12-31T16:00:01Z`);
  await db.update(sessions).set({ expiresAt: new Date(eve.getTime() + 3_600_000).toISOString() });
  clock.now = () => eve;
  t.teardown(() => {
    clock.now = now;
  });
  const body = await must(step(second, made.caseId, "register"));
  t.match(body, { number: `${year + 1}410701000001`, registeredOn: `${year + 1}-01-01` });
});

t.test("a refusal names its grounds, and lets the contract be filed again", async (t) => {
  const made = await filed();
  const bare = () => step(first, made.caseId, "refuse", { grounds: [], note: "不予登记。" });
  t.same(pointersOf(await unchanged(t, made.caseId, [400, "request.invalid"], bare)), ["/grounds"]);
  const odd = () => step(first, made.caseId, "refuse", { ...refusal, grounds: ["mood"] });
  t.same(pointersOf(await unchanged(t, made.caseId, [400, "request.invalid"], odd)), [
    "/grounds/0",
  ]);
  const body = await must(step(first, made.caseId, "refuse", refusal));
  t.match(body, {
    status: "refused",
    grounds: refusal.grounds,
    decisionNote: refusal.note,
    decidedAt: started.toISOString(),
    number: null,
  });
  t.match(await lastOf(made.caseId), { type: "registration.refuse", reason: refusal.note });
  t.equal((await contractRow(market, made.id)).status, "effective");
  t.match(await must(read(seller, made.caseId)), { decisionNote: refusal.note });
  const again = await file(seller, made.id);
  t.equal(again.status, 201);

  const late = await accepted();
  const own = () => step(first, late.caseId, "refuse", refusal);
  await unchanged(t, late.caseId, [409, "registration.same_reviewer"], own);
  await must(step(second, late.caseId, "refuse", refusal));
  t.match(await caseRow(market, late.caseId), { status: "refused", secondReviewerId: second.id });
});

t.test("register and refuse at the same moment end in one clear state", async (t) => {
  for (let i = 0; i < 4; i++) {
    const made = await accepted();
    const [yes, no] = await Promise.all([
      step(second, made.caseId, "register"),
      step(third, made.caseId, "refuse", refusal),
    ]);
    t.same([yes.status, no.status].sort(), [200, 409]);
    const row = await caseRow(market, made.caseId);
    t.equal(row.status, yes.status === 200 ? "registered" : "refused");
    t.equal(row.number !== null, yes.status === 200);
    const { status } = await contractRow(market, made.id);
    t.equal(status, yes.status === 200 ? "registered" : "effective");
  }
});

// ---- Later events ----

const smaller = {
  totalAmount: yuan("900000.00"),
  technologyAmount: yuan("900000.00"),
  deductions: [],
  instalments: [],
  paymentMode: "lump_sum",
};

t.test("amending: asked for, agreed to, done, each by another", async (t) => {
  const made = await registered();
  const nothing = () => step(seller, made.caseId, "amend", { contractRevision: 2 });
  await unchanged(t, made.caseId, [409, "registration.not_agreed"], nothing);
  const unasked = () => step(first, made.caseId, "amend", {});
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], unasked);
  await amendedContract(market, made, smaller);
  const unnamed = () => step(seller, made.caseId, "amend", {});
  await unchanged(t, made.caseId, [409, "registration.not_agreed"], unnamed);
  const asked = await must(step(seller, made.caseId, "amend", { contractRevision: 2 }));
  t.match(asked, {
    status: "registered",
    revision: 1,
    totalAmount: yuan("1200000.00"),
    pending: { action: "amend", by: seller.organizationId, revision: 2 },
  });
  const twice = () => step(seller, made.caseId, "amend", { contractRevision: 2 });
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], twice);
  const other = () => step(first, made.caseId, "revoke", revocation);
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], other);
  // Any two registrars: who had the case at first need not be one of them.
  await must(step(third, made.caseId, "amend", {}));
  const done = await must(step(first, made.caseId, "amend", {}));
  t.match(done, {
    number: made.registration.number,
    revision: 2,
    contractRevision: 2,
    pending: null,
    totalAmount: yuan("900000.00"),
  });
  t.match(await caseRow(market, made.caseId), {
    revision: 2,
    technologyAmount: "900000.00",
    facts: { contractRevision: 2, totalAmount: "900000.00" },
    pendingBy: null,
    pendingReviewerId: null,
  });
  t.equal((await contractRow(market, made.id)).status, "registered");
});

t.test("an amendment that was overtaken by another one is asked for again", async (t) => {
  const made = await registered();
  await amendedContract(market, made, smaller);
  await must(step(seller, made.caseId, "amend", { contractRevision: 2 }));
  await amendedContract(market, made, { title: "轴承套圈激光冲击强化工艺二次开发" });
  const overtaken = () => step(first, made.caseId, "amend", {});
  await unchanged(t, made.caseId, [409, "registration.not_agreed"], overtaken);
  await must(step(seller, made.caseId, "retract"));
  await must(step(seller, made.caseId, "amend", { contractRevision: 3 }));
  await must(step(first, made.caseId, "amend", {}));
  const done = await must(step(second, made.caseId, "amend", {}));
  t.match(done, { revision: 2, contractRevision: 3, title: "轴承套圈激光冲击强化工艺二次开发" });
});

t.test("two second reviewers who amend at the same moment make one revision", async (t) => {
  const made = await registered();
  await amendedContract(market, made, smaller);
  await must(step(seller, made.caseId, "amend", { contractRevision: 2 }));
  await must(step(first, made.caseId, "amend", {}));
  const replies = await Promise.all(
    [second, third].map((who) => step(who, made.caseId, "amend", {})),
  );
  t.same(replies.map(({ status }) => status).sort(), [200, 409]);
  t.equal((await caseRow(market, made.caseId)).revision, 2);
});

t.test(
  "cancelling: when all parties have agreed, the applicant asks, a registrar does",
  async (t) => {
    const made = await registered();
    const alone = () => step(seller, made.caseId, "cancel", {});
    await unchanged(t, made.caseId, [409, "registration.not_agreed"], alone);
    const agree = (who: Caller) =>
      must(as(who)("POST", `/v1/contracts/${made.id}/cancel`, { body: { reason: "协商解除。" } }));
    await agree(seller);
    await unchanged(t, made.caseId, [409, "registration.not_agreed"], alone);
    await agree(buyer);
    const unasked = () => step(first, made.caseId, "cancel", {});
    await unchanged(t, made.caseId, [409, "registration.invalid_transition"], unasked);
    const note = "合同已由双方协议解除。";
    const asked = await must(step(seller, made.caseId, "cancel", { note }));
    t.match(asked, { status: "registered", pending: { action: "cancel", revision: null } });
    const done = await must(step(second, made.caseId, "cancel", {}));
    t.match(done, { status: "cancelled", decisionNote: note, pending: null, allowedActions: [] });
    t.equal((await contractRow(market, made.id)).status, "cancelled");
    t.same((await auditTypes(market, made.caseId)).slice(-2), [
      "registration.cancel_request",
      "registration.cancel",
    ]);
    const again = () => step(seller, made.caseId, "cancel", {});
    await unchanged(t, made.caseId, [409, "registration.invalid_transition"], again);
  },
);

t.test("revoking: one proposes, another does, the contract may be filed again", async (t) => {
  const made = await registered();
  const odd = () => step(first, made.caseId, "revoke", { ...revocation, ground: "mood" });
  t.same(pointersOf(await unchanged(t, made.caseId, [400, "request.invalid"], odd)), ["/ground"]);
  const proposed = await must(step(second, made.caseId, "revoke", revocation));
  t.match(proposed, { status: "registered", pending: { action: "revoke" } });
  const own = () => step(second, made.caseId, "revoke", revocation);
  await unchanged(t, made.caseId, [409, "registration.same_reviewer"], own);
  const done = await must(step(third, made.caseId, "revoke", revocation));
  t.match(done, {
    status: "revoked",
    grounds: ["false_material"],
    decisionNote: revocation.note,
    pending: null,
    number: made.registration.number,
  });
  t.match(await lastOf(made.caseId), { type: "registration.revoke", actorId: third.id });
  t.equal((await contractRow(market, made.id)).status, "effective");

  const { caseId } = await acceptedAgain(made);
  const fresh = await must(step(second, caseId, "register"));
  t.ok(fresh.number > made.registration.number, "a number is never given twice");
});

async function acceptedAgain(made: MadeCase) {
  const { id: caseId } = await must(file(seller, made.id));
  await must(step(first, caseId, "accept"));
  return { caseId };
}

t.test("what was begun ends by its own side, or by any registrar", async (t) => {
  const made = await registered();
  for (const who of [seller, first]) {
    const call = () => step(who, made.caseId, "retract");
    await unchanged(t, made.caseId, [409, "registration.invalid_transition"], call);
  }
  await must(step(first, made.caseId, "revoke", revocation));
  const foreign = () => step(seller, made.caseId, "retract");
  await unchanged(t, made.caseId, [409, "registration.invalid_transition"], foreign);
  const ended = await must(step(third, made.caseId, "retract"));
  t.match(ended, { status: "registered", pending: null });
  t.match(await caseRow(market, made.caseId), { pendingGround: null, pendingNote: null });
  t.match(await lastOf(made.caseId), { type: "registration.retract", actorId: third.id });

  await amendedContract(market, made, smaller);
  for (const who of [seller, second]) {
    await must(step(seller, made.caseId, "amend", { contractRevision: 2 }));
    await must(step(first, made.caseId, "amend", {}));
    t.equal((await must(step(who, made.caseId, "retract"))).pending, null);
  }
  await must(step(seller, made.caseId, "amend", { contractRevision: 2 }));
  const body = await must(step(first, made.caseId, "amend", {}));
  t.equal(body.revision, 1, "who agreed before the retraction does not count");
});

// ---- Lists ----

t.test("the queue: filters, order, pages", async (t) => {
  const own = await openOffice(market, { code: "320101", regionCodes: ["320000"] });
  const maker = await market.person("enterprise", { regionCode: "320000" });
  const sellers = [{ organizationId: maker.organizationId, natureCode: "150" }];
  const options = { seller: maker, buyer, content: { sellers, pricing: null } };
  const due = await acceptedCase(market, own, options);
  const sooner = await acceptedCase(market, own, options);
  const fresh = await filedCase(market, own, options);
  const done = await registeredCase(market, own, options);
  const dueOn = addDays(today(), 1);
  await must(step(own.first, sooner.caseId, "set-due-date", { dueOn, reason: "加急办理。" }));
  await must(step(own.first, fresh.caseId, "dispute", { reason: "有异议。" }));
  const list = async (query = "", caller: Caller = own.first) =>
    (await must(as(caller)("GET", `/v1/registrations${query}`))).data.map(
      ({ id }: { id: string }) => id,
    );
  const ids = [done, fresh, sooner, due].map(({ caseId }) => caseId);
  t.same(await list(), ids, "newest first, the office's own only");
  t.same(await list("", maker), ids, "the applicant's own");
  const [a, b, c, d] = ids;
  t.same(await list("?status=accepted"), [c, d]);
  t.same(await list("?status=registered"), [a]);
  t.same(await list("?disputed=true"), [b]);
  t.same(await list("?disputed=false"), [a, c, d]);
  t.same(await list(`?number=${done.registration.number}`), [a]);
  t.same(await list(`?contractId=${due.id}`), [d]);
  t.same(await list(`?officeId=${own.id}`), ids);
  t.same(await list(`?officeId=${office.id}`), []);
  t.same(await list(`?dueOn[lte]=${dueOn}`), [c]);
  t.same(await list(`?dueOn[gte]=${addDays(dueOn, 1)}`), [a, d]);
  t.same((await list("?sort=dueOn")).slice(0, 1), [c]);
  t.same((await list("?sort=dueOn")).length, 3, "without those that have no due date");
  t.same(await list("?overdue=true"), []);
  t.same((await list("?overdue=false")).length, 4);
  await later(2, async () => {
    t.same(await list("?overdue=true"), [c]);
    t.same(await list("?overdue=false"), [a, b, d]);
    t.equal((await must(read(maker, sooner.caseId))).overdue, true);
  });
  await later(200, async () => t.same(await list("?overdue=true"), [c, d], "not the decided one"));

  const operators = await list(`?officeId=${own.id}`, operator);
  t.same(operators, ids);
  t.same(await list("", stranger), []);
  t.ok((await list(`?contractId=${due.id}`, buyer)).includes(d), "the other party too");
  const body = await must(as(maker)("GET", `/v1/registrations?contractId=${due.id}`));
  t.notOk("screening" in body.data[0]);

  for (const sort of ["-filedAt", "dueOn"]) {
    const query = `/v1/registrations?sort=${sort}&limit=2&include=total`;
    const page = await must(as(own.first)("GET", query));
    const next = await must(as(own.first)("GET", `${query}&cursor=${page.page.next}`));
    const all = [...page.data, ...next.data].map(({ id }: { id: string }) => id);
    t.same(all, await list(`?sort=${sort}`), `${sort}: pages make the whole`);
    t.equal(page.total.exact, all.length);
    const foreign = `/v1/registrations?sort=${sort}&limit=2&cursor=${page.page.next}`;
    refused(t, await as(first)("GET", foreign), 400, "request.invalid");
  }
  for (const query of ["sort=number", "overdue=yes", "title=x", "number=12", "status=open"]) {
    const reply = await as(own.first)("GET", `/v1/registrations?${query}`);
    refused(t, reply, 400, "request.invalid");
  }
  refused(t, await as(null)("GET", "/v1/registrations"), 401, "auth.required");
});
