/**
 * The rules that a registration office lives by, each a test, and what must hold when many work at once.
 * The numbers are those of the rules' own list.
 */
import { asc, eq, sql } from "drizzle-orm";
import t from "tap";
import { contracts } from "../../../db/schema/contracts.ts";
import { registrations } from "../../../db/schema/registrations.ts";
import { transact } from "../../../src/database/transact.ts";
import { clock, today } from "../../../src/lib/clock.ts";
import { addDays } from "../../../src/lib/working-days.ts";
import { releaseVolume } from "../../../src/modules/statistics/releases.service.ts";
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
import { auditsOf, sealAll } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import {
  acceptedCase,
  caseRow,
  filedCase,
  openOffice,
  registeredCase,
  stepOf,
} from "../../support/registrations.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const office = await openOffice(market);
const parties = await newParties(market);
const options = { ...parties };
const as = market.as;

/** Sets the one clock for a test. */
function at(test: { teardown: (undo: () => void) => void }, instant: string): void {
  const { now } = clock;
  clock.now = () => new Date(instant);
  test.teardown(() => {
    clock.now = now;
  });
}

const volume = (caller: Caller, query = "") =>
  must(as(caller)("GET", `/v1/statistics/contract-volume${query}`));

t.test(
  "1: the same contract again is found by screening; the same case twice is refused",
  async (t) => {
    const content = { title: "同名同日合同甲" };
    const first = await filedCase(market, office, { ...options, content });
    const twice = await as(first.seller)("POST", `/v1/contracts/${first.id}/file`, { body: {} });
    t.equal(twice.status, 409);
    t.equal(twice.body.code, "contract.invalid_transition");

    const second = await filedCase(market, office, { ...options, content });
    const seen = await must(as(office.first)("GET", `/v1/registrations/${second.caseId}`));
    const finding = seen.screening.find(
      (f: { kind: string }) => f.kind === "duplicate_registration",
    );
    t.same(finding?.contractIds, [first.id]);
    t.ok(finding.zh && finding.en, "in both languages");
    const asked = await must(as(second.seller)("GET", `/v1/registrations/${second.caseId}`));
    t.notOk("screening" in asked, "the applicant does not see what screening found");
    await must(stepOf(market, office.first, second.caseId, "accept"));
    const refusal = { grounds: ["duplicate_registration"], note: "与已申请合同重复。" };
    const done = await must(stepOf(market, office.second, second.caseId, "refuse", refusal));
    t.match(done, { status: "refused", grounds: ["duplicate_registration"] });
    t.equal((await contractRow(market, second.id)).status, "effective");
  },
);

t.test("2: the seller applies; of an import the domestic buyer", async (t) => {
  const made = await effectiveContract(market, options);
  const wrong = await as(made.buyer)("POST", `/v1/contracts/${made.id}/file`, { body: {} });
  refused(t, wrong, 403, "registration.not_applicant");
  t.equal((await contractRow(market, made.id)).status, "effective");

  // The seller abroad is outside the market: its word is a row that a signed copy would make.
  const abroad = { name: "Rhein Lager GmbH", natureCode: "300", countryCode: "DE" };
  const content = { ...completeContract(parties, { sellers: [abroad] }) };
  const draft = await must(as(parties.buyer)("POST", "/v1/contracts", { body: content }));
  const submitted = await must(as(parties.buyer)("POST", `/v1/contracts/${draft.id}/submit`));
  const { upload, pdf } = await import("../../support/files.ts");
  const copy = await upload(
    market,
    parties.buyer,
    {
      subjectType: "contract",
      subjectId: draft.id,
      purpose: "signed_copy",
      side: "seller",
      position: "0",
    },
    pdf("signed"),
  );
  t.equal(copy.status, 201, copy.text);
  const id: string = draft.id;
  const effective = await must(confirm(market, parties.buyer, { id, contract: submitted }));
  t.equal(effective.status, "effective", "the signed copy was the outside party's word");
  const filed = await must(as(parties.buyer)("POST", `/v1/contracts/${id}/file`, { body: {} }));
  t.match(filed, { status: "filed", applicantOrganizationId: parties.buyer.organizationId });
});

t.test("3: the technology amount is above zero and at most the total", async (t) => {
  const create = (content: Record<string, unknown>) =>
    as(parties.seller)("POST", "/v1/contracts", { body: completeContract(parties, content) });
  const amounts = (total: string, technology: string, deducted: string | null) => ({
    totalAmount: yuan(total),
    technologyAmount: yuan(technology),
    deductions: deducted ? [{ kind: "equipment", amount: yuan(deducted) }] : [],
    paymentMode: "lump_sum",
    instalments: [],
  });
  const before = await db.$count(contracts);
  const above = refused(t, await create(amounts("100.00", "100.01", null)), 400, "request.invalid");
  t.same(pointersOf(above), ["/technologyAmount"]);
  const zero = refused(
    t,
    await create(amounts("100.00", "0.00", "100.00")),
    400,
    "request.invalid",
  );
  t.same(pointersOf(zero), ["/technologyAmount"]);
  const apart = refused(
    t,
    await create(amounts("100.00", "90.00", "9.99")),
    400,
    "request.invalid",
  );
  t.same(pointersOf(apart), ["/deductions"]);
  t.equal(await db.$count(contracts), before, "nothing was stored");
  t.equal(
    (await create(amounts("100.00", "100.00", null))).status,
    201,
    "equal without deductions",
  );
  t.equal((await create(amounts("100.00", "90.01", "9.99"))).status, 201);
});

t.test(
  "4: the clock counts working days, starts again with a supplement, is longer for large cases",
  async (t) => {
    // A Friday, 16:00 in Xinxiang, before Mid-Autumn (to 27 September) and National Day (1 to 7 October).
    at(t, "2026-09-25T08:00:00.000Z");
    const plain = await acceptedCase(market, office, options);
    const holidays = plain.registration.dueOn;
    // 28-30 September 3, 8-10 October 3 (10 October is a make-up Saturday), 12-16 5, 19-22 4.
    t.equal(holidays, "2026-10-22");
    const large = await filedCase(market, office, {
      ...options,
      content: {
        totalAmount: yuan("5000000.00"),
        technologyAmount: yuan("5000000.00"),
        deductions: [],
        instalments: [],
        paymentMode: "lump_sum",
      },
    });
    const accepted = await must(stepOf(market, office.first, large.caseId, "accept"));
    t.equal(accepted.dueOn, "2026-11-12", "thirty working days at the threshold");
    t.equal(accepted.expertReviewNeeded, true);
    const early = await stepOf(market, office.second, large.caseId, "register");
    refused(t, early, 409, "registration.expert_review_needed");

    const disputed = await must(
      stepOf(market, office.first, plain.caseId, "dispute", { reason: "第三方提出异议。" }),
    );
    t.equal(disputed.dueOn, "2026-11-12", "a dispute makes it thirty");

    const other = await acceptedCase(market, office, options);
    const request = { note: "请补充附件。", grounds: [] };
    await must(stepOf(market, office.first, other.caseId, "request-supplement", request));
    clock.now = () => new Date("2026-10-12T02:00:00.000Z");
    const supplied = await must(
      stepOf(market, other.seller, other.caseId, "supplement", { note: "已补充。" }),
    );
    t.match(supplied, { status: "accepted", dueOn: "2026-11-02" });
    t.equal(supplied.acceptedAt, "2026-10-12T02:00:00.000Z");
  },
);

t.test("4: before March 2026 the rules of 2000 count thirty calendar days", async (t) => {
  at(t, "2026-02-10T02:00:00.000Z");
  const made = await acceptedCase(market, office, options);
  t.match(made.registration, { ruleSet: "2000-063", dueOn: "2026-03-12" });
});

t.test("5: the first reviewer does not decide; the applicant's people do not review", async (t) => {
  const made = await acceptedCase(market, office, options);
  const own = await stepOf(market, office.first, made.caseId, "register");
  refused(t, own, 409, "registration.same_reviewer");
  const refusal = { grounds: ["subject_unclear"], note: "标的不明确。" };
  const no = await stepOf(market, office.first, made.caseId, "refuse", refusal);
  refused(t, no, 409, "registration.same_reviewer");
  t.equal((await caseRow(market, made.caseId)).status, "accepted");

  // The office's own organization is a buyer here.
  const bought = await effectiveContract(market, {
    seller: parties.seller,
    buyer: office.first,
  }).catch(() => null);
  t.equal(bought, null, "an office confirms no contract: it has no part in deals");
});

t.test("6: fifty registrations at once get fifty numbers without a gap", async (t) => {
  const other = await openOffice(market, { code: "110100", regionCodes: ["110000"] });
  const seller = await market.person("enterprise", { regionCode: "110000" });
  const cases = [];
  for (let i = 0; i < 50; i++) {
    const content = {
      sellers: [{ organizationId: seller.organizationId, natureCode: "150" }],
      pricing: null,
      title: `并发登记合同${i}`,
    };
    const made = await acceptedCase(market, other, { seller, buyer: parties.buyer, content });
    cases.push(made.caseId);
  }
  const replies = await Promise.all(
    cases.map((id) => stepOf(market, other.second, id, "register")),
  );
  t.ok(replies.every(({ status }) => status === 200));
  const year = today().slice(0, 4);
  const numbers = replies.map(({ body }) => body.number as string).sort();
  const wanted = Array.from(
    { length: 50 },
    (_, i) => `${year}110100${String(i + 1).padStart(6, "0")}`,
  );
  t.same(numbers, wanted);
  const stored = await db
    .select({ serial: registrations.serial })
    .from(registrations)
    .where(eq(registrations.officeCode, "110100"))
    .orderBy(asc(registrations.serial));
  t.same(
    stored.map(({ serial }) => serial),
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
});

t.test("6: a registration that fails gives its number back", async (t) => {
  const made = await acceptedCase(market, office, options);
  const trial = await must(
    as(office.second)("POST", `/v1/registrations/${made.caseId}/register?dryRun=true`),
  );
  t.same(trial, { dryRun: true, ok: true, errors: [] });
  t.equal((await caseRow(market, made.caseId)).status, "accepted");
  const before = (await must(stepOf(market, office.second, made.caseId, "register"))).number;
  const next = await registeredCase(market, office, options);
  t.equal(Number(next.registration.number.slice(-6)), Number(before.slice(-6)) + 1);
});

t.test("7: a cancelled contract leaves the volume; the past still says what it said", async (t) => {
  const made = await registeredCase(market, office, options);
  await sealAll(market);
  const { body: feed } = await as(office.first)("GET", "/v1/registry/contracts/control");
  const position = `?asOf=position:${feed.to}`;
  const earlier = (await volume(office.first, position)).total;
  t.same(earlier, (await volume(office.first)).total);

  for (const party of [made.seller, made.buyer]) {
    await must(
      as(party)("POST", `/v1/contracts/${made.id}/cancel`, { body: { reason: "协商解除。" } }),
    );
  }
  t.equal((await contractRow(market, made.id)).status, "registered", "it waits for the office");
  await must(stepOf(market, made.seller, made.caseId, "cancel", {}));
  const done = await must(stepOf(market, office.first, made.caseId, "cancel", {}));
  t.equal(done.status, "cancelled");
  t.equal((await contractRow(market, made.id)).status, "cancelled");
  const now = (await volume(office.first)).total;
  t.equal(now.count, earlier.count - 1, "read at once, before anything is sealed");
  await sealAll(market);
  t.same((await volume(office.first)).total, now);
  t.same((await volume(office.first, position)).total, earlier);
});

t.test("8: a change of the amount keeps the number and makes a revision", async (t) => {
  const made = await registeredCase(market, office, options);
  const patch = {
    totalAmount: yuan("1500000.00"),
    technologyAmount: yuan("1300000.00"),
    instalments: [],
    paymentMode: "lump_sum",
  };
  await amendedContract(market, made, patch);
  const early = await stepOf(market, made.seller, made.caseId, "amend", { contractRevision: 3 });
  refused(t, early, 409, "registration.not_agreed");
  await must(stepOf(market, made.seller, made.caseId, "amend", { contractRevision: 2 }));
  await must(stepOf(market, office.first, made.caseId, "amend", {}));
  const alone = await stepOf(market, office.first, made.caseId, "amend", {});
  refused(t, alone, 409, "registration.same_reviewer");
  const done = await must(stepOf(market, office.second, made.caseId, "amend", {}));
  t.match(done, { status: "registered", revision: 2, number: made.registration.number });
  const certificate = await must(as(null)("GET", made.registration.certificatePath));
  t.match(certificate, {
    number: made.registration.number,
    revision: 2,
    totalAmount: { amount: "1500000.00" },
    technologyAmount: { amount: "1300000.00" },
  });
  const kinds = (await auditsOf(market, made.caseId)).map(({ type }) => type);
  t.same(kinds.slice(-3), [
    "registration.amend_request",
    "registration.amend_request",
    "registration.amend",
  ]);
});

t.test("9: output, absorption and local are different totals", async (t) => {
  const counts = async () => {
    const found: Record<string, number> = {};
    for (const flow of ["output", "absorption", "local"]) {
      found[flow] = (await volume(office.first, `?region=410700&flow=${flow}`)).total.count;
    }
    return found;
  };
  const before = await counts();
  const buyerIn = (regionCode: string) => market.person("enterprise", { regionCode });
  await registeredCase(market, office, { ...options, buyer: await buyerIn("110000") });
  const away = await counts();
  t.same(away, { ...before, output: (before.output ?? 0) + 1 });
  await registeredCase(market, office, { ...options, buyer: await buyerIn("410711") });
  t.same(await counts(), {
    output: (away.output ?? 0) + 1,
    absorption: (away.absorption ?? 0) + 1,
    local: (away.local ?? 0) + 1,
  });
});

t.test("10: a negotiated price was put up for fifteen days; fourteen are too few", async (t) => {
  const submit = async (days: number) => {
    const from = addDays(today(), -30);
    const notice = { from, to: addDays(from, days), reference: "校公示〔2026〕11号" };
    const pricing = { method: "negotiated", notice };
    const made = await draftedContract(market, { ...options, content: { pricing } });
    return as(made.seller)("POST", `/v1/contracts/${made.id}/submit`);
  };
  const short = refused(t, await submit(14), 409, "contract.incomplete");
  t.same(pointersOf(short), ["/pricing/notice"]);
  t.equal((await submit(15)).status, 200);
});

t.test(
  "14: cells of one or two contracts are hidden from the public, not from the office",
  async (t) => {
    // Two of one type, in a quarter that is over.
    const first = addDays(today(), -200);
    at(t, `${first}T02:00:00.000Z`);
    const dated = { signedOn: first, validFrom: first, validUntil: addDays(first, 700) };
    const noticed = { method: "listed" };
    for (let i = 0; i < 2; i++) {
      const service = {
        type: "service",
        subtype: "51",
        rights: [],
        intellectualPropertyType: "00",
      };
      const content = { ...dated, ...service, pricing: noticed };
      await registeredCase(market, office, { ...options, content });
    }
    for (let i = 0; i < 4; i++) {
      await registeredCase(market, office, { ...options, content: { ...dated, pricing: noticed } });
    }
    clock.now = () => new Date(`${addDays(first, 200)}T02:00:00.000Z`);
    await sealAll(market);
    await transact(market.database.pool, releaseVolume);
    const query = "?period=quarter&by=type";
    const open = (await must(as(null)("GET", `/v1/statistics/contract-volume${query}`))).rows;
    const small = open.find((row: { type: string }) => row.type === "service");
    t.match(small, { count: null, totalAmount: null, suppressed: true });
    const seen = (await volume(office.first, query)).rows;
    const period = small.period;
    const whole = seen.find(
      (row: { type: string; period: string }) => row.type === "service" && row.period === period,
    );
    t.match(whole, { count: 2, suppressed: false });
    const other = open.find(
      (row: { type: string; period: string }) =>
        row.type === "development" && row.period === period,
    );
    t.equal(other.suppressed, true, "with it the other cell of its row: the total would tell");
  },
);

t.test("two confirmations at the same moment make one effective contract", async (t) => {
  const made = await confirmingContract(market, options);
  const replies = await Promise.all([
    confirm(market, made.seller, made),
    confirm(market, made.buyer, made),
  ]);
  t.same(
    replies.map(({ status }) => status),
    [200, 200],
  );
  t.equal((await contractRow(market, made.id)).status, "effective");
  const steps = (await auditsOf(market, made.id)).filter(
    ({ after }) => after?.status === "effective",
  );
  t.equal(steps.length, 1);
});

t.test("confirm and edit at the same moment end in one clear state", async (t) => {
  for (let i = 0; i < 6; i++) {
    const made = await confirmingContract(market, options);
    await must(confirm(market, made.seller, made));
    const [confirmed, edited] = await Promise.all([
      confirm(market, made.buyer, made),
      as(made.seller)("PATCH", `/v1/contracts/${made.id}`, {
        body: { terms: "改为三期付款。" },
        headers: { "if-match": "*" },
      }),
    ]);
    const row = await contractRow(market, made.id);
    if (edited.status === 200) {
      t.equal(confirmed.status, 409, "what was confirmed is not there any more");
      t.match(row, { status: "draft", revision: 2, terms: "改为三期付款。" });
    } else {
      t.equal(edited.body.code, "contract.invalid_transition");
      t.match(row, { status: "effective", revision: 1 });
    }
  }
});

t.test("one case is registered once, however many try", async (t) => {
  const made = await acceptedCase(market, office, options);
  const third = await market.colleague(office.first);
  const replies = await Promise.all(
    [office.second, third, office.second].map((who) =>
      stepOf(market, who, made.caseId, "register"),
    ),
  );
  t.same(replies.map(({ status }) => status).sort(), [200, 409, 409]);
  const { serial } = await caseRow(market, made.caseId);
  const [last] = (
    await db.execute<{ last: number }>(
      sql`select last from registration_counters where office_code = ${office.code} order by year desc limit 1`,
    )
  ).rows;
  t.equal(serial, last?.last, "no number was lost on those who were too late");
});

t.test("accept and refuse at the same moment end in one clear state", async (t) => {
  const made = await filedCase(market, office, options);
  const refusal = { grounds: ["price_unclear"], note: "价款约定不明。" };
  const replies = await Promise.all([
    stepOf(market, office.first, made.caseId, "accept"),
    stepOf(market, office.second, made.caseId, "refuse", refusal),
  ]);
  const row = await caseRow(market, made.caseId);
  const statuses = replies.map(({ status }) => status);
  // Refusing may also come second, by another person than who accepted.
  if (statuses[1] === 200) t.equal(row.status, "refused");
  else t.same([statuses, row.status], [[200, 409], "accepted"]);
  const contract = await contractRow(market, made.id);
  t.equal(contract.status, row.status === "refused" ? "effective" : "filed");
});
