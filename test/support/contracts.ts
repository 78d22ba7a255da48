/** Contracts to test with: a believable content, and contracts in any state, brought about through the API. */
import { eq } from "drizzle-orm";
import { contracts } from "../../db/schema/contracts.ts";
import { today } from "../../src/lib/clock.ts";
import { addDays } from "../../src/lib/working-days.ts";
import type { Overrides } from "./listings.ts";
import type { Caller, Market, Reply } from "./market.ts";
import { yuan } from "./money.ts";
import { must } from "./replies.ts";

/** Two organizations that contract with each other. */
export interface Parties {
  seller: Caller;
  buyer: Caller;
}

export const newParties = async (market: Market): Promise<Parties> => ({
  seller: await market.person("university"),
  buyer: await market.person("enterprise"),
});

/** Everything that a registration needs of a contract, between these two. */
export const completeContract = (
  { seller, buyer }: Parties,
  overrides: Overrides = {},
): Overrides => ({
  title: "轴承套圈激光冲击强化工艺委托开发",
  type: "development",
  subtype: "11",
  subject: "开发轴承套圈激光冲击强化工艺，完成样件疲劳试验，提交工艺规程与技术报告。",
  fieldCode: "03",
  industryCode: "C34",
  intellectualPropertyType: "21",
  rights: [{ typeCode: "21", country: "CN", number: "201110047567.0", title: "一种强化装置" }],
  planSourceCode: "90",
  objectiveCode: "10",
  relatedParties: false,
  signedOn: today(),
  validFrom: today(),
  validUntil: addDays(today(), 720),
  totalAmount: yuan("1200000.00"),
  technologyAmount: yuan("1000000.00"),
  amountStatus: "final",
  deductions: [{ kind: "equipment", amount: yuan("200000.00"), note: "试验工装" }],
  paymentMode: "installment",
  instalments: [
    { dueOn: addDays(today(), 30), amount: yuan("400000.00") },
    { condition: "样件验收合格后十五日内", amount: yuan("800000.00") },
  ],
  pricing: {
    method: "negotiated",
    notice: {
      from: addDays(today(), -20),
      to: addDays(today(), -5),
      reference: "校公示〔2026〕9号",
    },
  },
  confidentiality: "internal",
  terms: "成果归委托方所有，开发方可用于教学。",
  sellers: [
    {
      organizationId: seller.organizationId,
      natureCode: "022",
      legalRepresentative: "许国华",
      contact: { name: "杜敏", phone: "0373-3326001", email: null },
    },
  ],
  buyers: [{ organizationId: buyer.organizationId, natureCode: "150" }],
  ...overrides,
});

export interface MadeContract extends Parties {
  id: string;
  /** As the seller reads it. */
  contract: Reply["body"];
}

export interface ContractOptions extends Partial<Parties> {
  content?: Overrides;
  /** Who drafts it; the seller when absent. */
  by?: Caller;
}

/** A draft, by the seller. */
export async function draftedContract(
  market: Market,
  options: ContractOptions = {},
): Promise<MadeContract> {
  const seller = options.seller ?? (await market.person("university"));
  const buyer = options.buyer ?? (await market.person("enterprise"));
  const body = completeContract({ seller, buyer }, options.content);
  const by = options.by ?? seller;
  const contract = await must(market.as(by)("POST", "/v1/contracts", { body }));
  return { seller, buyer, id: contract.id, contract };
}

/** A contract that waits for its parties. */
export async function confirmingContract(
  market: Market,
  options: ContractOptions = {},
): Promise<MadeContract> {
  const made = await draftedContract(market, options);
  const by = options.by ?? made.seller;
  const contract = await must(market.as(by)("POST", `/v1/contracts/${made.id}/submit`));
  return { ...made, contract };
}

/** A party's call that confirms what it has read. */
export const confirm = (
  market: Market,
  caller: Caller | null,
  { id, contract }: Pick<MadeContract, "id" | "contract">,
): Promise<Reply> =>
  market.as(caller)("POST", `/v1/contracts/${id}/confirm`, {
    body: { revision: contract.revision, contentSha256: contract.contentSha256 },
  });

/** A contract that all parties have confirmed. */
export async function effectiveContract(
  market: Market,
  options: ContractOptions = {},
): Promise<MadeContract> {
  const made = await confirmingContract(market, options);
  await must(confirm(market, made.seller, made));
  await must(confirm(market, made.buyer, made));
  const contract = await must(market.as(made.seller)("GET", `/v1/contracts/${made.id}`));
  return { ...made, contract };
}

/** An amendment that all parties have confirmed; the contract is at its revision then. */
export async function amendedContract(
  market: Market,
  { id, seller, buyer }: MadeContract,
  patch: Overrides,
): Promise<Reply["body"]> {
  const path = `/v1/contracts/${id}/amendments`;
  const made = await must(
    market.as(seller)("POST", path, { body: { reason: "双方协商调整。", patch } }),
  );
  const body = { revision: made.revision, contentSha256: made.contentSha256 };
  await must(market.as(seller)("POST", `${path}/${made.id}/confirm`, { body }));
  return must(market.as(buyer)("POST", `${path}/${made.id}/confirm`, { body }));
}

/** What is stored of a contract. */
export async function contractRow({ database: { db } }: Market, id: string) {
  const [row] = await db.select().from(contracts).where(eq(contracts.id, id));
  if (!row) throw new Error(`no contract ${id}`);
  return row;
}
