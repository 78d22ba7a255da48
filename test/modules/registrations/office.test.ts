/** What an office is told before it decides: what blocks, what is late, what is asked for. */
import t from "tap";
import { today } from "../../../src/lib/clock.ts";
import { addDays } from "../../../src/lib/working-days.ts";
import { amendedContract, effectiveContract, newParties } from "../../support/contracts.ts";
import { sealAll } from "../../support/log.ts";
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
import { laterSignedIn } from "../../support/time.ts";

const market = await openMarket(t);
const { as } = market;
const operator = await market.person("operator");
const parties = await newParties(market);
const { seller, buyer } = parties;
const office = await openOffice(market);
const { first, second } = office;

const post = (who: Caller, id: string, action: string, body?: object) =>
  as(who)("POST", `/v1/contracts/${id}/${action}`, { body });
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

const later = <T>(days: number, work: () => Promise<T>) =>
  laterSignedIn(market, days * 86_400, work);

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

t.test("the region of a party in the market is its organization's", async (t) => {
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
