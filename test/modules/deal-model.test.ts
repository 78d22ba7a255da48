/**
 * Random walks of legal and illegal actions through interest, match, contract and registration. After
 * each step: what is stored is where the lifecycle allows it to be, a refusal has changed nothing, the
 * volume is the sum over what is registered, and the log verifies.
 */
import { eq, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import fc from "fast-check";
import t from "tap";
import { brokerCertificates } from "../../db/schema/broker-certificates.ts";
import { contracts } from "../../db/schema/contracts.ts";
import { interests } from "../../db/schema/interests.ts";
import { matches } from "../../db/schema/matches.ts";
import { registrations } from "../../db/schema/registrations.ts";
import { today } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import { type Lifecycle, statusPairs } from "../../src/lib/lifecycle.ts";
import { addDays } from "../../src/lib/working-days.ts";
import { contractLifecycle } from "../../src/modules/contracts/contracts.lifecycle.ts";
import { interestLifecycle } from "../../src/modules/interests/interests.lifecycle.ts";
import { matchLifecycle } from "../../src/modules/matches/matches.lifecycle.ts";
import { registrationLifecycle } from "../../src/modules/registrations/registrations.lifecycle.ts";
import { publishedNeed, publishedResult } from "../support/listings.ts";
import { sealAll } from "../support/log.ts";
import { type Caller, openMarket, type Reply } from "../support/market.ts";

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

const must = async (reply: Promise<Reply>): Promise<Reply["body"]> => {
  const { status, body, text } = await reply;
  if (status >= 300) throw new Error(`setting up failed with ${status}: ${text}`);
  return body;
};

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

const yuan = (amount: string) => ({ amount, currency: "CNY" });

/** The ids of one deal, as far as it has come; an id that nothing has stands for what is not there yet. */
interface Deal {
  result: string;
  need: string;
  interest: string;
  match: string;
  contract: string;
  registration: string;
  amount: number;
}

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
  buyers: [{ organizationId: enterprise.organizationId, natureCode: "150" }],
});

/** What can be done, by whom in the ordinary course, and how. */
interface Action {
  name: string;
  by: Who;
  url: (deal: Deal) => string;
  body?: (deal: Deal) => unknown | Promise<unknown>;
  /** What a success creates. */
  keep?: "interest" | "match" | "contract" | "registration";
}

const none = newId();
const on =
  (noun: "interest" | "match" | "contract" | "registration", action: string) => (deal: Deal) =>
    `/v1/${noun === "match" ? "matches" : `${noun}s`}/${deal[noun] || none}/${action}`;

/** The revision and hash that the contract shows now. */
async function confirmation({ contract }: Deal): Promise<unknown> {
  const [row] = await db
    .select()
    .from(contracts)
    .where(eq(contracts.id, contract || none));
  return { revision: row?.revision ?? 1, contentSha256: row?.contentSha256 ?? "0".repeat(64) };
}

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
  { name: "confirm", by: "enterprise", url: on("contract", "confirm"), body: confirmation },
  {
    name: "file",
    by: "office",
    url: on("contract", "file"),
    body: () => ({}),
    keep: "registration",
  },
  { name: "accept case", by: "first", url: on("registration", "accept") },
  { name: "register", by: "second", url: on("registration", "register") },
];

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
  ...(["office", "enterprise"] as const).map(
    (by): Action => ({
      name: "cancel",
      by,
      url: on("contract", "cancel"),
      body: () => ({ reason: "双方协商解除。" }),
    }),
  ),
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
  {
    name: "refuse",
    by: "second",
    url: on("registration", "refuse"),
    body: () => ({ grounds: ["subject_unclear"], note: "标的不明确。" }),
  },
  ...(["office", "first"] as const).map(
    (by): Action => ({
      name: "cancel registration",
      by,
      url: on("registration", "cancel"),
      body: () => ({}),
    }),
  ),
  ...(["first", "second"] as const).map(
    (by): Action => ({
      name: "revoke",
      by,
      url: on("registration", "revoke"),
      body: () => ({ ground: "false_material", note: "查实材料不实。" }),
    }),
  ),
];
const actions = [...course, ...detours];

const stages: readonly ["interest" | "match" | "contract" | "registration", PgTable, Lifecycle][] =
  [
    ["interest", interests, interestLifecycle as Lifecycle],
    ["match", matches, matchLifecycle as Lifecycle],
    ["contract", contracts, contractLifecycle as Lifecycle],
    ["registration", registrations, registrationLifecycle as Lifecycle],
  ];

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

/** What the volume says, and what the registered contracts add up to. */
async function volumes(): Promise<{ counted: unknown; stored: unknown }> {
  const { total } = await must(market.as(first)("GET", "/v1/statistics/contract-volume"));
  const sums = await db.execute<{ count: number; total: string }>(sql`
    select count(*)::int as count, coalesce(sum((facts ->> 'totalAmount')::numeric), 0)::numeric(18, 2)::text as total
    from registrations where status = 'registered'`);
  return {
    counted: { count: total.count, total: total.totalAmount.amount },
    stored: { count: sums.rows[0]?.count, total: sums.rows[0]?.total },
  };
}

async function newDeal(amount: number): Promise<Deal> {
  const result = await publishedResult(market, office, operator);
  const need = await publishedNeed(market, enterprise, operator);
  const nothing = { interest: "", match: "", contract: "", registration: "" };
  return { result: result.id, need: need.id, ...nothing, amount };
}

/** Takes one action as somebody and checks what came of it. */
async function take(deal: Deal, action: Action, who: Caller): Promise<boolean> {
  const before = await stateOf(deal);
  const body = await action.body?.(deal);
  const reply = await market.as(who)("POST", action.url(deal), body ? { body } : {});
  const where = `${action.name}: ${reply.status} ${reply.text.slice(0, 300)}`;
  if (reply.status >= 500) throw new Error(`${where}: a failure of ours`);
  const done = reply.status < 300;
  if (!done) {
    t.strictSame(await stateOf(deal), before, `${where}: a refusal changes nothing`);
    return false;
  }
  if (action.keep) deal[action.keep] = reply.body.id;
  const after = await stateOf(deal);
  for (const [noun, , lifecycle] of stages) {
    const [was, is] = [before[noun]?.status, after[noun]?.status];
    if (was === undefined || is === undefined || was === is || action.keep === noun) continue;
    t.ok(statusPairs(lifecycle).includes(`${was}>${is}`), `${where}: ${noun} from ${was} to ${is}`);
  }
  return true;
}

let verified = 0;

/** The volume is the sum over what is registered, before and after sealing, and the log's new part verifies. */
async function assertCounted(): Promise<void> {
  const { counted, stored } = await volumes();
  t.strictSame(counted, stored, "the volume is the sum over what is registered");
  await sealAll(market);
  const sealed = await volumes();
  t.strictSame(sealed.counted, sealed.stored, "and so it is once the log is sealed");
  const query = `?from=${verified + 1}`;
  const { ok, head } = await must(market.as(operator)("GET", `/v1/audit/verify${query}`));
  t.equal(ok, true, "the log verifies");
  verified = head.position;
}

const detour = fc.record({
  action: fc.constantFrom(...detours),
  /** Mostly whoever may; else anybody. */
  who: fc.option(fc.constantFrom(...(Object.keys(people) as Who[])), { freq: 3 }),
});
const anything = fc.record({
  action: fc.constantFrom(...actions),
  who: fc.constantFrom(...(Object.keys(people) as Who[])),
});
const walk = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant("onward" as const) },
    { weight: 1, arbitrary: detour },
    { weight: 2, arbitrary: anything },
  ),
  { minLength: 15, maxLength: 45, size: "max" },
);

t.test("random walks end where the lifecycles allow", async (t) => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(walk, fc.integer({ min: 1, max: 9_000_000 }), async (steps, amount) => {
      const deal = await newDeal(amount);
      let next = 0;
      for (const step of steps) {
        if (step === "onward") {
          const action = course[next];
          if (action && (await take(deal, action, people[action.by]))) next += 1;
        } else await take(deal, step.action, people[step.who ?? step.action.by]);
        const state = await stateOf(deal);
        for (const [noun, { status }] of Object.entries(state)) reached.add(`${noun} ${status}`);
        await assertCounted();
      }
    }),
    { numRuns: 18, seed: 20261124 },
  );
  for (const state of [
    "interest accepted",
    "match contracted",
    "contract effective",
    "contract filed",
    "registration accepted",
    "registration registered",
  ]) {
    t.ok(reached.has(state), `the walks come to: ${state}`);
  }
});
