/** Deals that move on while the server is killed: what was acknowledged, and what must then be there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../src/lib/root.ts";
import { type Body, type Caller, expect, type Reply } from "../tour/caller.ts";
import type { Cast } from "../tour/cast.ts";

const need = JSON.parse(readFileSync(join(projectRoot, "scripts/tour/need.json"), "utf8"));

const yuan = (amount: string) => ({ amount, currency: "CNY" });

const day = (offset: number) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" }).format(
    Date.now() + offset * 24 * 60 * 60 * 1000,
  );

export interface Deal {
  name: string;
  /** Whether it comes of two listings, an interest and a match. */
  isMatched: boolean;
  /** What becomes of it once it is registered. */
  ending: Ending;
  /** How many of its steps were acknowledged. */
  done: number;
  resultId: string;
  needId: string;
  interestId: string;
  matchId: string;
  contract: { id: string; revision: number; contentSha256: string };
  amendment: { id: string; revision: number; contentSha256: string };
  registrationId: string;
}

/** Where the nouns of a deal stand; null: there is none yet. */
interface Standing {
  interest: string | null;
  match: string | null;
  contract: string | null;
  registration: string | null;
  /** The revision of the contract. */
  revision: number;
}

interface Step extends Partial<Standing> {
  /** What is known of it. Each step has the members of `Standing` that it changes. */
  name: string;
  run: (cast: Cast, deal: Deal, key: string) => Promise<Reply>;
  keep?: (deal: Deal, body: Body) => void;
}

const post = (caller: Caller, path: string, key: string, body: unknown = {}) =>
  caller.call("POST", path, { body, headers: { "idempotency-key": key } });

/** Everything that a listing needs to be published. */
export const listing = {
  result: (name: string) => ({
    title: `电镀线逆流漂洗改造方案 ${name}`,
    summary: "三级逆流漂洗，清洗水用量降低六成以上。",
    description: "已在两家电镀企业的五条线上运行一年以上，漂洗水回用率稳定高于百分之六十。",
    fieldCode: "07",
    industryCode: "C33",
    regionCode: "410711",
    maturity: 7,
    cooperationModes: ["joint_development", "licence"],
    intellectualProperty: [{ typeCode: "21", number: "201110047567.0", status: "granted" }],
    price: { kind: "negotiable" },
    contact: { name: "成果转化办公室", phone: "0373-0000882" },
  }),
  need: (name: string) => ({ ...need, title: `电镀清洗线节水改造 ${name}`, deadline: day(240) }),
};

/** A step without a body. */
const bare = (caller: Caller, path: string, key: string) =>
  caller.call("POST", path, { headers: { "idempotency-key": key } });

const content = (cast: Cast, { name, matchId, interestId }: Deal) => ({
  matchId: matchId || null,
  interestId: interestId || null,
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

const acceptMatch = (by: "office" | "enterprise"): Step["run"] => {
  return (cast, { matchId }, key) => post(cast[by], `/v1/matches/${matchId}/accept`, key);
};

/** The two listings that a deal comes of. */
const listings = (["result", "need"] as const).flatMap((noun): Step[] => {
  const owner = noun === "result" ? "office" : "enterprise";
  const idOf = (deal: Deal) => (noun === "result" ? deal.resultId : deal.needId);
  return [
    {
      name: `draft the ${noun}`,
      run: (cast, { name }, key) => post(cast[owner], `/v1/${noun}s`, key, listing[noun](name)),
      keep: (deal, { id }) => {
        if (noun === "result") deal.resultId = id;
        else deal.needId = id;
      },
    },
    {
      name: `submit the ${noun}`,
      run: (cast, deal, key) => bare(cast[owner], `/v1/${noun}s/${idOf(deal)}/submit`, key),
    },
    {
      name: `publish the ${noun}`,
      run: (cast, deal, key) => bare(cast.operator, `/v1/${noun}s/${idOf(deal)}/publish`, key),
    },
  ];
});

/** What leads two listings to a contract, in order. */
const opening: readonly Step[] = [
  ...listings,
  {
    name: "ask",
    interest: "open",
    run: (cast, { resultId }, key) =>
      post(cast.enterprise, `/v1/results/${resultId}/interests`, key, {
        message: "想了解三条线的节水量与改造周期。",
        contact: { name: "技术部", phone: "0373-0000881" },
      }),
    keep: (deal, { id }) => {
      deal.interestId = id;
    },
  },
  {
    name: "answer",
    interest: "accepted",
    run: (cast, { interestId }, key) =>
      post(cast.office, `/v1/interests/${interestId}/accept`, key),
  },
  {
    name: "propose",
    match: "proposed",
    run: (cast, { resultId, needId }, key) =>
      post(cast.broker, "/v1/matches", key, {
        resultId,
        needId,
        proposal: "改造方案与该企业的三条线吻合，节水量在预期之内。",
      }),
    keep: (deal, { id }) => {
      deal.matchId = id;
    },
  },
  { name: "accept the match", run: acceptMatch("office") },
  { name: "accept the match", match: "agreed", run: acceptMatch("enterprise") },
];

/** What a contract goes through until it is registered. */
const course: readonly Step[] = [
  {
    name: "create",
    contract: "draft",
    revision: 1,
    run: (cast, deal, key) => post(cast.office, "/v1/contracts", key, content(cast, deal)),
    keep: (deal, { id }) => {
      deal.contract.id = id;
    },
  },
  {
    name: "submit",
    contract: "confirming",
    run: (cast, { contract }, key) => bare(cast.office, `/v1/contracts/${contract.id}/submit`, key),
    keep: (deal, { revision, contentSha256 }) =>
      Object.assign(deal.contract, { revision, contentSha256 }),
  },
  { name: "confirm", run: confirm("office") },
  { name: "confirm", contract: "effective", match: "contracted", run: confirm("enterprise") },
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
    registration: "accepted",
    run: (cast, { registrationId }, key) =>
      bare(cast.firstReviewer, `/v1/registrations/${registrationId}/accept`, key),
  },
  {
    name: "register",
    contract: "registered",
    registration: "registered",
    run: (cast, { registrationId }, key) =>
      bare(cast.secondReviewer, `/v1/registrations/${registrationId}/register`, key),
  },
];

const confirmAmendment = (by: "office" | "enterprise"): Step["run"] => {
  return (cast, { contract, amendment: { id, revision, contentSha256 } }, key) =>
    post(cast[by], `/v1/contracts/${contract.id}/amendments/${id}/confirm`, key, {
      revision,
      contentSha256,
    });
};

/** A step of the registration that several people take. */
const ofCase =
  (by: "office" | "firstReviewer" | "secondReviewer", action: string, body = {}): Step["run"] =>
  (cast, { registrationId }, key) =>
    post(cast[by], `/v1/registrations/${registrationId}/${action}`, key, body);

const cancel = (by: "office" | "enterprise"): Step["run"] => {
  return (cast, { contract }, key) =>
    post(cast[by], `/v1/contracts/${contract.id}/cancel`, key, { reason: "双方协商解除。" });
};

const revocation = { ground: "false_material", note: "经复查材料不实。" };

/** What may follow: the feed and the figures are corrected by it. */
const endings = {
  registered: [],
  amended: [
    {
      name: "amend",
      run: (cast, { contract }, key) =>
        post(cast.office, `/v1/contracts/${contract.id}/amendments`, key, {
          reason: "增加一条生产线。",
          patch: { totalAmount: yuan("150000.00"), technologyAmount: yuan("150000.00") },
        }),
      keep: (deal, { id, revision, contentSha256 }) =>
        Object.assign(deal.amendment, { id, revision, contentSha256 }),
    },
    { name: "confirm the amendment", run: confirmAmendment("office") },
    { name: "confirm the amendment", revision: 2, run: confirmAmendment("enterprise") },
    { name: "ask to amend", run: ofCase("office", "amend", { contractRevision: 2 }) },
    { name: "agree to amend", run: ofCase("firstReviewer", "amend") },
    { name: "amend the registration", run: ofCase("secondReviewer", "amend") },
  ],
  cancelled: [
    { name: "cancel", run: cancel("enterprise") },
    { name: "cancel", run: cancel("office") },
    { name: "ask to cancel", run: ofCase("office", "cancel") },
    {
      name: "cancel the registration",
      contract: "cancelled",
      match: "failed",
      registration: "cancelled",
      run: ofCase("firstReviewer", "cancel"),
    },
  ],
  revoked: [
    { name: "propose to revoke", run: ofCase("firstReviewer", "revoke", revocation) },
    {
      name: "revoke",
      contract: "effective",
      registration: "revoked",
      run: ofCase("secondReviewer", "revoke", revocation),
    },
  ],
} as const satisfies Record<string, readonly Step[]>;

type Ending = keyof typeof endings;
const kinds = Object.keys(endings) as Ending[];

function stepsOf({ isMatched, ending }: Deal): readonly Step[] {
  const steps: readonly Step[] = [...course, ...endings[ending]];
  if (isMatched) return [...opening, ...steps];
  // A contract without listings has no match that goes along.
  return steps.map(({ match: _, ...step }) => step);
}

/** @param number of the deal: every other one comes of listings; one kind of ending after the other */
export const newDeal = (number: number): Deal => ({
  name: `deal ${number}`,
  isMatched: number % 2 === 0,
  ending: kinds[Math.floor(number / 2) % kinds.length] ?? "registered",
  done: 0,
  resultId: "",
  needId: "",
  interestId: "",
  matchId: "",
  contract: { id: "", revision: 0, contentSha256: "" },
  amendment: { id: "", revision: 0, contentSha256: "" },
  registrationId: "",
});

export const isFinished = (deal: Deal): boolean => deal.done === stepsOf(deal).length;

/**
 * Takes the next step. A key of its own makes it safe to repeat: whether the first attempt was carried
 * out before the server died, nobody needs to know.
 * @throws TypeError of `fetch` when the server is gone
 */
export async function advance(cast: Cast, deal: Deal): Promise<void> {
  const step = stepsOf(deal)[deal.done];
  if (!step) return;
  const { body } = await step.run(cast, deal, `${deal.name}-${deal.done}`);
  step.keep?.(deal, body);
  deal.done += 1;
}

const nothing: Standing = {
  interest: null,
  match: null,
  contract: null,
  registration: null,
  revision: 0,
};

/** Where a deal stands after its first steps. */
function standingAfter(deal: Deal, steps: number): Standing {
  const standing = { ...nothing };
  for (const { name: _, run: __, keep: ___, ...changes } of stepsOf(deal).slice(0, steps)) {
    Object.assign(standing, changes);
  }
  return standing;
}

/**
 * Whether everything that was acknowledged is there, and nothing is half done: interest, match,
 * contract and registration stand where the last acknowledged step or the one under way put them,
 * all four together.
 */
export async function assertKept(cast: Cast, deal: Deal): Promise<void> {
  const read = async (caller: Caller, path: string, id: string): Promise<Body | null> =>
    id ? caller.get(`${path}/${id}`) : null;
  const interest = await read(cast.office, "/v1/interests", deal.interestId);
  const match = await read(cast.broker, "/v1/matches", deal.matchId);
  const contract = await read(cast.office, "/v1/contracts", deal.contract.id);
  const { data } = deal.contract.id
    ? await cast.firstReviewer.get(`/v1/registrations?contractId=${deal.contract.id}`)
    : { data: [] };
  expect(data.length <= 1, `${deal.name} has ${data.length} registrations`);
  const [registration] = data;
  const found: Standing = {
    interest: interest?.status ?? null,
    match: match?.status ?? null,
    contract: contract?.status ?? null,
    registration: registration?.status ?? null,
    revision: contract?.revision ?? 0,
  };
  const seen = JSON.stringify(found);
  // What the step under way creates has no id here yet, as nobody was told it.
  const hidden = (standing: Standing): Standing => ({
    interest: deal.interestId ? standing.interest : null,
    match: deal.matchId ? standing.match : null,
    contract: deal.contract.id ? standing.contract : null,
    registration: standing.registration,
    revision: deal.contract.id ? standing.revision : 0,
  });
  const possible = [deal.done, deal.done + 1].map((steps) =>
    JSON.stringify(hidden(standingAfter(deal, steps))),
  );
  expect(possible.includes(seen), `${deal.name} is ${seen}, not ${possible.join(" or ")}`);
  const wasRegistered = ["registered", "cancelled", "revoked"].includes(found.registration ?? "");
  const hasNumber = registration?.number != null;
  expect(hasNumber === wasRegistered, `${deal.name}: number ${registration?.number}`);
}
