/** Deals that move on while the server is killed: what was acknowledged, and what must then be there. */
import { type Body, type Caller, expect, type Reply } from "../tour/caller.ts";
import type { Cast } from "../tour/cast.ts";

const yuan = (amount: string) => ({ amount, currency: "CNY" });

const day = (offset: number) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" }).format(
    Date.now() + offset * 24 * 60 * 60 * 1000,
  );

export interface Deal {
  name: string;
  /** How many of its steps were acknowledged. */
  done: number;
  contract: { id: string; revision: number; contentSha256: string };
  registrationId: string;
}

interface Step {
  name: string;
  /** Where the contract and its registration stand once this is done. */
  contract: string;
  registration: string | null;
  run: (cast: Cast, deal: Deal, key: string) => Promise<Reply>;
  keep?: (deal: Deal, body: Body) => void;
}

const post = (caller: Caller, path: string, key: string, body: unknown = {}) =>
  caller.call("POST", path, { body, headers: { "idempotency-key": key } });

const content = (cast: Cast, name: string) => ({
  title: `电镀线节水改造技术服务 ${name}`,
  type: "service",
  subtype: "51",
  subject: "诊断三条电镀线的清洗工序，给出逆流漂洗改造方案并调试到位。",
  fieldCode: "07",
  industryCode: "C33",
  intellectualPropertyType: "00",
  planSourceCode: "90",
  objectiveCode: "01",
  signedOn: day(0),
  validFrom: day(0),
  validUntil: day(360),
  totalAmount: yuan("120000.00"),
  technologyAmount: yuan("120000.00"),
  paymentMode: "lump_sum",
  pricing: { method: "listed" },
  sellers: [{ organizationId: cast.officeOrganizationId, natureCode: "022" }],
  buyers: [{ organizationId: cast.enterpriseOrganizationId, natureCode: "150" }],
});

const confirm = (by: "office" | "enterprise"): Step["run"] => {
  return (cast, { contract: { id, revision, contentSha256 } }, key) =>
    post(cast[by], `/v1/contracts/${id}/confirm`, key, { revision, contentSha256 });
};

/** What a contract goes through until it is registered, in order. */
const steps: readonly Step[] = [
  {
    name: "create",
    contract: "draft",
    registration: null,
    run: (cast, { name }, key) => post(cast.office, "/v1/contracts", key, content(cast, name)),
    keep: (deal, { id }) => {
      deal.contract.id = id;
    },
  },
  {
    name: "submit",
    contract: "confirming",
    registration: null,
    run: (cast, { contract }, key) =>
      cast.office.call("POST", `/v1/contracts/${contract.id}/submit`, {
        headers: { "idempotency-key": key },
      }),
    keep: (deal, { revision, contentSha256 }) =>
      Object.assign(deal.contract, { revision, contentSha256 }),
  },
  { name: "confirm", contract: "confirming", registration: null, run: confirm("office") },
  { name: "confirm", contract: "effective", registration: null, run: confirm("enterprise") },
  {
    name: "file",
    contract: "filed",
    registration: "filed",
    run: (cast, { contract }, key) => post(cast.office, `/v1/contracts/${contract.id}/file`, key),
    keep: (deal, { id }) => {
      deal.registrationId = id;
    },
  },
  {
    name: "accept",
    contract: "filed",
    registration: "accepted",
    run: (cast, { registrationId }, key) =>
      cast.firstReviewer.call("POST", `/v1/registrations/${registrationId}/accept`, {
        headers: { "idempotency-key": key },
      }),
  },
  {
    name: "register",
    contract: "registered",
    registration: "registered",
    run: (cast, { registrationId }, key) =>
      cast.secondReviewer.call("POST", `/v1/registrations/${registrationId}/register`, {
        headers: { "idempotency-key": key },
      }),
  },
];

export const newDeal = (name: string): Deal => ({
  name,
  done: 0,
  contract: { id: "", revision: 0, contentSha256: "" },
  registrationId: "",
});

export const isFinished = (deal: Deal): boolean => deal.done === steps.length;

/**
 * Takes the next step. A key of its own makes it safe to repeat: whether the first attempt was carried
 * out before the server died, nobody needs to know.
 * @throws TypeError of `fetch` when the server is gone
 */
export async function advance(cast: Cast, deal: Deal): Promise<void> {
  const step = steps[deal.done];
  if (!step) return;
  const { body } = await step.run(cast, deal, `${deal.name}-${deal.done}`);
  step.keep?.(deal, body);
  deal.done += 1;
}

/**
 * Whether everything that was acknowledged is there, and nothing is half done: the contract stands
 * where the last acknowledged step or the one under way put it, and its registration with it.
 */
export async function assertKept(cast: Cast, deal: Deal): Promise<void> {
  if (deal.done === 0) return;
  const possible = steps.slice(deal.done - 1, deal.done + 1);
  const contract = await cast.office.get(`/v1/contracts/${deal.contract.id}`);
  const { data } = await cast.firstReviewer.get(`/v1/registrations?contractId=${deal.contract.id}`);
  expect(data.length <= 1, `${deal.name} has ${data.length} registrations`);
  const [registration] = data;
  const status = registration?.status ?? null;
  const fits = possible.some((s) => s.contract === contract.status && s.registration === status);
  const wanted = possible.map((s) => `${s.contract}/${s.registration}`).join(" or ");
  expect(fits, `${deal.name} is ${contract.status}/${status}, not ${wanted}`);
  const hasNumber = registration?.number != null;
  expect(hasNumber === (status === "registered"), `${deal.name}: number ${registration?.number}`);
}
