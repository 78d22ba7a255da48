/**
 * Random walks of legal and illegal actions through interest, match, contract, amendment and
 * registration. After each step: what is stored is where the lifecycle allows it to be and fits what the
 * others are, a refusal has changed nothing, the volume is the sum over what is registered, and the log
 * verifies.
 */
import { eq, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import fc from "fast-check";
import t from "tap";
import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import { contractAmendments } from "../../../db/schema/contract-amendments.ts";
import { contracts } from "../../../db/schema/contracts.ts";
import { interests } from "../../../db/schema/interests.ts";
import { matches } from "../../../db/schema/matches.ts";
import { registrations } from "../../../db/schema/registrations.ts";
import { today } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import { addDays } from "../../../src/lib/working-days.ts";
import { statusPairs } from "../../../src/lifecycle/resource.ts";
import { amendment, contract } from "../../../src/modules/contracts/contracts.lifecycle.ts";
import { interest } from "../../../src/modules/interests/interests.lifecycle.ts";
import { match } from "../../../src/modules/matches/matches.lifecycle.ts";
import { registration } from "../../../src/modules/registrations/registrations.lifecycle.ts";
import { pdf, upload } from "../../support/files.ts";
import { publishedNeed, publishedResult } from "../../support/listings.ts";
import { sealAll } from "../../support/log.ts";
import { type Caller, openMarket, type Reply } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import { must } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;

const office = await market.person("university");
const enterprise = await market.person("enterprise");
const broker = await market.person("brokerage");
const operator = await market.person("operator");
const first = await market.person("registry");
const second = await market.colleague(first);
const stranger = await market.person("enterprise");
const people = { office, enterprise, broker, operator, first, second, stranger };
type Who = keyof typeof people;

await db.insert(brokerCertificates).values({
  id: newId(),
  memberId: broker.id,
  organizationId: broker.organizationId,
  status: "certified",
  level: "senior",
  certificateNumber: "MODEL-1",
  issuer: "牧野技术转移培训基地",
  fieldCodes: ["03"],
  issuedOn: "2025-06-18",
  certifiedAt: new Date().toISOString(),
});

await must(
  market.as(operator)("POST", "/v1/registration-offices", {
    body: {
      organizationId: first.organizationId,
      code: "410701",
      name: "牧野市技术合同登记处",
      regionCodes: ["410700"],
    },
  }),
);

/** The ids of one deal, as far as it has come; an id that nothing has stands for what is not there yet. */
interface Deal {
  result: string;
  need: string;
  interest: string;
  match: string;
  contract: string;
  amendment: string;
  registration: string;
  amount: number;
  /** A second buyer is outside the market: its word is a signed copy. */
  outside: boolean;
}

type Noun = "interest" | "match" | "contract" | "amendment" | "registration";

const contractBody = (deal: Deal) => ({
  ...(deal.match ? { matchId: deal.match } : {}),
  title: `轴承表面强化工艺委托开发 ${deal.result}`,
  type: "development",
  subtype: "11",
  subject: "开发轴承套圈激光冲击强化工艺并完成样件验证。",
  fieldCode: "03",
  industryCode: "C34",
  intellectualPropertyType: "00",
  planSourceCode: "90",
  objectiveCode: "10",
  signedOn: today(),
  validFrom: today(),
  validUntil: addDays(today(), 365),
  totalAmount: yuan(`${deal.amount}.50`),
  technologyAmount: yuan(`${deal.amount}.50`),
  paymentMode: "lump_sum",
  pricing: { method: "listed" },
  sellers: [{ organizationId: office.organizationId, natureCode: "022" }],
  buyers: [
    { organizationId: enterprise.organizationId, natureCode: "150" },
    ...(deal.outside ? [{ name: "某联合买方有限公司", natureCode: "150" }] : []),
  ],
});

/** What can be done, by whom in the ordinary course, and how. */
interface Action {
  name: string;
  by: Who;
  url: (deal: Deal) => string;
  method?: "PATCH";
  body?: (deal: Deal) => unknown | Promise<unknown>;
  /** A file that is sent instead. */
  file?: (deal: Deal) => Record<string, string>;
  /** What a success creates. */
  keep?: Noun;
  /** Whether it belongs to the course of this deal. */
  when?: (deal: Deal) => boolean;
}

const none = newId();
const on =
  (noun: Exclude<Noun, "amendment">, action: string) =>
  (deal: Deal): string =>
    `/v1/${noun === "match" ? "matches" : `${noun}s`}/${deal[noun] || none}/${action}`;
const onAmendment = (action: string) => (deal: Deal) =>
  `${on("contract", "amendments")(deal)}/${deal.amendment || none}/${action}`;

/** The revision and hash that the contract shows now. */
async function confirmation({ contract }: Deal): Promise<unknown> {
  const [row] = await db
    .select()
    .from(contracts)
    .where(eq(contracts.id, contract || none));
  return { revision: row?.revision ?? 1, contentSha256: row?.contentSha256 ?? "0".repeat(64) };
}

/** The revision and hash of the amendment. */
async function amended({ amendment }: Deal): Promise<unknown> {
  const [row] = await db
    .select()
    .from(contractAmendments)
    .where(eq(contractAmendments.id, amendment || none));
  return { revision: row?.revision ?? 1, contentSha256: row?.contentSha256 ?? "0".repeat(64) };
}

/** The next amount: now and then over the threshold from which experts look at it. */
const next = (deal: Deal) => {
  deal.amount = (deal.amount * 2) % 9_000_000 || 1;
  const amount = yuan(`${deal.amount}.50`);
  return { totalAmount: amount, technologyAmount: amount };
};

let copies = 0;
const copyOf =
  (purpose: string) =>
  ({ contract }: Deal) => ({
    subjectType: "contract",
    subjectId: contract || none,
    purpose,
    side: "buyer",
    position: "1",
  });
const sign: Action = {
  name: "sign for the outside buyer",
  by: "office",
  url: () => "/v1/attachments",
  file: copyOf("signed_copy"),
  when: ({ outside }) => outside,
};
const signCancelling: Action = {
  ...sign,
  name: "sign the cancelling",
  file: copyOf("cancellation_copy"),
};

const decline = () => ({ reason: "price_gap", note: "报价超出预算。" });

/** The ordinary course, in order. */
const course: readonly Action[] = [
  {
    name: "ask",
    by: "enterprise",
    url: ({ result }) => `/v1/results/${result}/interests`,
    body: () => ({ message: "想了解样件验证的数据与合作条件。" }),
    keep: "interest",
  },
  { name: "answer", by: "office", url: on("interest", "accept"), body: () => ({}) },
  {
    name: "propose",
    by: "broker",
    url: () => "/v1/matches",
    body: ({ result, need }) => ({ resultId: result, needId: need, proposal: "指标与工况吻合。" }),
    keep: "match",
  },
  { name: "accept match", by: "office", url: on("match", "accept"), body: () => ({}) },
  { name: "accept match", by: "enterprise", url: on("match", "accept"), body: () => ({}) },
  { name: "negotiate", by: "broker", url: on("match", "negotiate") },
  { name: "draft", by: "broker", url: () => "/v1/contracts", body: contractBody, keep: "contract" },
  { name: "submit", by: "broker", url: on("contract", "submit") },
  { name: "confirm", by: "office", url: on("contract", "confirm"), body: confirmation },
  sign,
  { name: "confirm", by: "enterprise", url: on("contract", "confirm"), body: confirmation },
  {
    name: "file",
    by: "office",
    url: on("contract", "file"),
    body: () => ({}),
    keep: "registration",
  },
  { name: "accept case", by: "first", url: on("registration", "accept") },
  {
    name: "expert review",
    by: "first",
    url: on("registration", "expert-review"),
    when: ({ amount }) => amount >= 4_000_000,
  },
  {
    name: "conclude review",
    by: "first",
    url: on("registration", "conclude-review"),
    body: () => ({ conclusion: "专家建议登记。" }),
    when: ({ amount }) => amount >= 4_000_000,
  },
];

const register: Action = { name: "register", by: "second", url: on("registration", "register") };
const refuse: Action = {
  name: "refuse",
  by: "second",
  url: on("registration", "refuse"),
  body: () => ({ grounds: ["subject_unclear"], note: "标的不明确。" }),
};
const cancels = (["office", "enterprise"] as const).map(
  (by): Action => ({
    name: "cancel",
    by,
    url: on("contract", "cancel"),
    body: () => ({ reason: "双方协商解除。" }),
  }),
);
const cancelCase = (["office", "first"] as const).map(
  (by): Action => ({
    name: "cancel registration",
    by,
    url: on("registration", "cancel"),
    body: () => ({}),
  }),
);
const revokes = (["first", "second"] as const).map(
  (by): Action => ({
    name: "revoke",
    by,
    url: on("registration", "revoke"),
    body: () => ({ ground: "false_material", note: "查实材料不实。" }),
  }),
);
const amends: readonly Action[] = [
  {
    name: "amend",
    by: "enterprise",
    url: on("contract", "amendments"),
    body: (deal) => ({ reason: "双方协商调整。", patch: next(deal) }),
    keep: "amendment",
  },
  ...(["office", "enterprise"] as const).map(
    (by): Action => ({
      name: "confirm amendment",
      by,
      url: onAmendment("confirm"),
      body: amended,
    }),
  ),
  sign,
];
const amendCase = (["office", "first", "second"] as const).map(
  (by): Action => ({
    name: "amend registration",
    by,
    url: on("registration", "amend"),
    body: async (deal) =>
      by === "office"
        ? { contractRevision: Math.max(2, (await contractOf(deal))?.revision ?? 2) }
        : { conclusion: "专家认为金额合理。" },
  }),
);
const pay: Action = {
  name: "pay",
  by: "enterprise",
  url: on("contract", "payments"),
  body: () => ({ paidOn: today(), amount: yuan("1234.56") }),
};

const contractOf = async ({ contract }: Deal) =>
  (
    await db
      .select()
      .from(contracts)
      .where(eq(contracts.id, contract || none))
  )[0];

/** How the case may end, or go on after it was registered. */
const endings: Record<string, readonly Action[]> = {
  registered: [pay, register],
  refused: [refuse],
  amended: [register, pay, ...amends, ...amendCase],
  cancelled: [register, ...amends, ...cancels, signCancelling, ...cancelCase],
  revoked: [register, ...cancels, signCancelling, ...revokes, ...cancels, signCancelling],
};

/** What leads elsewhere. */
const detours: readonly Action[] = [
  { name: "decline interest", by: "office", url: on("interest", "decline"), body: decline },
  { name: "withdraw interest", by: "enterprise", url: on("interest", "withdraw") },
  { name: "retract match", by: "office", url: on("match", "retract") },
  { name: "decline match", by: "enterprise", url: on("match", "decline"), body: decline },
  { name: "withdraw match", by: "broker", url: on("match", "withdraw") },
  { name: "fail", by: "office", url: on("match", "fail"), body: decline },
  { name: "retract", by: "office", url: on("contract", "retract") },
  {
    name: "return",
    by: "enterprise",
    url: on("contract", "return"),
    body: () => ({ reason: "付款条款需修改。" }),
  },
  ...cancels,
  signCancelling,
  ...amends,
  { name: "withdraw amendment", by: "office", url: onAmendment("withdraw") },
  pay,
  {
    name: "change",
    by: "enterprise",
    url: ({ contract }) => `/v1/contracts/${contract || none}`,
    method: "PATCH",
    body: () => ({ terms: `第${++copies}次修改。` }),
  },
  {
    name: "leave the match",
    by: "office",
    url: ({ contract }) => `/v1/contracts/${contract || none}`,
    method: "PATCH",
    body: () => ({ matchId: null }),
  },
  {
    name: "dispute",
    by: "second",
    url: on("registration", "dispute"),
    body: () => ({ reason: "对技术交易额有异议。" }),
  },
  { name: "end what was begun", by: "first", url: on("registration", "retract") },
  {
    name: "ask for a supplement",
    by: "first",
    url: on("registration", "request-supplement"),
    body: () => ({ note: "请补充技术附件。", grounds: ["incomplete_material"] }),
  },
  {
    name: "supplement",
    by: "office",
    url: on("registration", "supplement"),
    body: () => ({ note: "已补充。" }),
  },
  { name: "withdraw case", by: "office", url: on("registration", "withdraw") },
  refuse,
  ...amendCase,
  ...cancelCase,
  ...revokes,
];
const actions = [...course, register, ...detours];

const stages: readonly [Noun, PgTable, readonly string[]][] = [
  ["interest", interests, statusPairs(interest)],
  ["match", matches, statusPairs(match)],
  ["contract", contracts, statusPairs(contract)],
  ["amendment", contractAmendments, statusPairs(amendment)],
  ["registration", registrations, statusPairs(registration)],
];

/** What of one noun does not fit what the others are: of each, the ids. */
async function misfits(): Promise<unknown[]> {
  const inForce = sql`('effective', 'filed', 'registered')`;
  const found = await db.execute(sql`
    select 'registered without its registration, or the other way round' as what, c.id from contracts c
    where (c.status = 'registered') <> exists (
      select from registrations r where r.contract_id = c.id and r.status = 'registered')
    union all
    select 'filed without a case, or the other way round', c.id from contracts c
    where (c.status = 'filed') <> exists (
      select from registrations r where r.contract_id = c.id
      and r.status in ('filed', 'supplement_requested', 'accepted', 'expert_review'))
    union all
    select 'amendment open on a contract that is not in force', c.id from contracts c
    join contract_amendments a on a.contract_id = c.id and a.status = 'confirming'
    where c.status not in ('effective', 'registered') or c.cancellation_agreed_at is not null
    union all
    select 'cancelling agreed, yet in force without a registration', c.id from contracts c
    where c.status in ('effective', 'filed') and c.cancellation_agreed_at is not null
    union all
    select 'contracted without a contract in force, or the other way round', m.id from matches m
    where (m.status = 'contracted') <> exists (
      select from contracts c where c.match_id = m.id and c.status in ${inForce})
    union all
    select 'registered another revision than its parties confirmed', r.id from registrations r
    join contracts c on c.id = r.contract_id
    where r.contract_revision > c.revision`);
  return found.rows;
}

/** Where everything of the deal stands. */
async function stateOf(deal: Deal): Promise<Record<string, { status: string; version: number }>> {
  const state: Record<string, { status: string; version: number }> = {};
  for (const [noun, table] of stages) {
    const found = await db.execute<{ status: string; version: number }>(
      sql`select status, version from ${table} where id = ${deal[noun] || none}`,
    );
    if (found.rows[0]) state[noun] = found.rows[0];
  }
  return state;
}

/** What the volume says, and what the registered contracts and their payments add up to. */
async function volumes(): Promise<{ counted: unknown; stored: unknown }> {
  const path = "/v1/statistics/contract-volume";
  const { total } = await must(market.as(first)("GET", path));
  const { total: paid } = await must(market.as(first)("GET", `${path}?dateBasis=paid`));
  const sums = await db.execute<{ count: number; total: string }>(sql`
    select count(*)::int as count, coalesce(sum((facts ->> 'totalAmount')::numeric), 0)::numeric(18, 2)::text as total
    from registrations where status = 'registered'`);
  const payments = await db.execute<{ paid: string }>(sql`
    select coalesce(sum(p.amount), 0)::numeric(18, 2)::text as paid
    from contract_payments p join registrations r on r.contract_id = p.contract_id
    where p.voided_at is null and r.status = 'registered'`);
  return {
    counted: {
      count: total.count,
      total: total.totalAmount.amount,
      paid: paid.totalAmount.amount,
    },
    stored: { ...sums.rows[0], ...payments.rows[0] },
  };
}

async function newDeal(amount: number, outside: boolean): Promise<Deal> {
  const result = await publishedResult(market, office, operator);
  const need = await publishedNeed(market, enterprise, operator);
  const nothing = { interest: "", match: "", contract: "", amendment: "", registration: "" };
  return { result: result.id, need: need.id, ...nothing, amount, outside };
}

async function send(deal: Deal, action: Action, who: Caller): Promise<Reply> {
  if (action.file) return upload(market, who, action.file(deal), pdf(`${++copies}`));
  const body = await action.body?.(deal);
  return market.as(who)(action.method ?? "POST", action.url(deal), {
    ...(body ? { body } : {}),
    ...(action.method ? { headers: { "if-match": "*" } } : {}),
  });
}

/** Takes one action as somebody and checks what came of it. */
async function take(deal: Deal, action: Action, who: Caller): Promise<boolean> {
  const before = await stateOf(deal);
  const reply = await send(deal, action, who);
  const where = `${action.name}: ${reply.status} ${reply.text.slice(0, 300)}`;
  if (reply.status >= 500) throw new Error(`${where}: a failure of ours`);
  const done = reply.status < 300;
  if (!done) {
    t.strictSame(await stateOf(deal), before, `${where}: a refusal changes nothing`);
    return false;
  }
  if (action.keep) deal[action.keep] = reply.body.id;
  const after = await stateOf(deal);
  for (const [noun, , pairs] of stages) {
    const [was, is] = [before[noun]?.status, after[noun]?.status];
    if (was === undefined || is === undefined || was === is || action.keep === noun) continue;
    t.ok(pairs.includes(`${was}>${is}`), `${where}: ${noun} from ${was} to ${is}`);
  }
  t.strictSame(await misfits(), [], `${where}: all nouns fit each other`);
  return true;
}

/** Goes on along the course; what is refused again and again is left behind. */
function follower(deal: Deal, ending: readonly Action[]): () => Promise<void> {
  const steps = [...course, ...ending];
  let [at, misses] = [0, 0];
  return async () => {
    while (steps[at]?.when && !steps[at]?.when?.(deal)) at += 1;
    const action = steps[at];
    if (!action) return;
    const done = await take(deal, action, people[action.by]);
    misses = done ? 0 : misses + 1;
    if (!done && misses < 3) return;
    at += 1;
    misses = 0;
  };
}

let verified = 0;

/** The volume is the sum over what is registered, before and after sealing, and the log's new part verifies. */
async function assertCounted(): Promise<void> {
  const { counted, stored } = await volumes();
  t.strictSame(counted, stored, "the volume is the sum over what is registered");
  await sealAll(market);
  const sealed = await volumes();
  t.strictSame(sealed.counted, sealed.stored, "and so it is once the log is sealed");
  // From the last entry that was verified: there may be none beyond it.
  const query = `?from=${Math.max(verified, 1)}`;
  const { ok, head } = await must(market.as(operator)("GET", `/v1/audit/verify${query}`));
  t.equal(ok, true, "the log verifies");
  verified = head.position;
}

const detour = fc.record({
  action: fc.constantFrom(...detours),
  /** Mostly one who may; else anybody. */
  who: fc.option(fc.constantFrom(...(Object.keys(people) as Who[])), { freq: 3 }),
});
const anything = fc.record({
  action: fc.constantFrom(...actions),
  who: fc.constantFrom(...(Object.keys(people) as Who[])),
});
const walk = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant("onward" as const) },
    { weight: 1, arbitrary: detour },
    { weight: 2, arbitrary: anything },
  ),
  { minLength: 25, maxLength: 50, size: "max" },
);

const amounts = fc.integer({ min: 1, max: 9_000_000 });
const ending = fc.constantFrom(...Object.keys(endings));

t.test("random walks end where the lifecycles allow", async (t) => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(walk, amounts, fc.boolean(), ending, async (steps, amount, outside, end) => {
      const deal = await newDeal(amount, outside);
      const onward = follower(deal, endings[end] ?? []);
      for (const step of steps) {
        if (step === "onward") await onward();
        else await take(deal, step.action, people[step.who ?? step.action.by]);
        const state = await stateOf(deal);
        for (const [noun, { status }] of Object.entries(state)) reached.add(`${noun} ${status}`);
        await assertCounted();
      }
    }),
    { numRuns: 22, seed: 20261124 },
  );
  for (const state of [
    "interest accepted",
    "match contracted",
    "contract effective",
    "contract filed",
    "registration accepted",
    "registration registered",
    "contract cancelled",
    "amendment effective",
    "registration expert_review",
    "registration refused",
    "registration cancelled",
    "registration revoked",
  ]) {
    t.ok(reached.has(state), `the walks come to: ${state}`);
  }
});
