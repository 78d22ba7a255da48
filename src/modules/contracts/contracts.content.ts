/** A contract's content between its three forms: as it travels, as columns and parties keep it, as it is hashed. */
import type { StoredFacts, StoredLead } from "../../../db/schema/registrations.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId, sha256 } from "../../lib/ids.ts";
import { toAmount, toMoney } from "../../lib/wire.ts";
import { ContractContent } from "./content.schema.ts";
import type { ContractRow, PartyRow } from "./contracts.store.ts";
import type { Party } from "./parties.schema.ts";

/**
 * The confidentiality that may be stored.
 * @throws AppError `contract.state_secret` (409): such a contract must not be on this platform
 */
export function storedConfidentiality({
  confidentiality,
}: Pick<ContractContent, "confidentiality">) {
  if (confidentiality === "state_secret") throw new AppError("contract.state_secret");
  return confidentiality;
}

/** A content as the columns of `contracts` keep it. */
export function toColumns(content: ContractContent) {
  const { sellers: _, buyers: __, ...rest } = content;
  return {
    ...rest,
    confidentiality: storedConfidentiality(content),
    totalAmount: content.totalAmount?.amount ?? null,
    technologyAmount: content.technologyAmount?.amount ?? null,
    expectedInvestment: content.expectedInvestment?.amount ?? null,
    expectedOutput: content.expectedOutput?.amount ?? null,
    deductions: content.deductions.map((d) => ({ ...d, amount: d.amount.amount })),
    instalments: content.instalments.map((i) => ({ ...i, amount: i.amount.amount })),
    commission: content.commission && {
      ...content.commission,
      fixed: content.commission.fixed?.amount ?? null,
      cap: content.commission.cap?.amount ?? null,
    },
  };
}

/** What an organization of the market brings into a contract where the author left it out. */
export interface Inside {
  id: string;
  kind: string;
  name: string;
  creditCode: string;
  regionCode: string;
  industryCode: string | null;
  scale: string | null;
  address: string | null;
}

type Known = Pick<
  Party,
  "name" | "creditCode" | "countryCode" | "regionCode" | "industryCode" | "scale" | "address"
>;

/** A party with what is known of it: by the market, or as the market told it before. */
export const completed = (party: Party, known: Known): Party => ({
  ...party,
  // Who it is, the market knows; the author does not say otherwise.
  name: known.name,
  creditCode: known.creditCode,
  countryCode: known.countryCode,
  // It makes an office competent, and the figures are counted by it.
  regionCode: known.regionCode,
  industryCode: party.industryCode ?? known.industryCode,
  scale: party.scale ?? known.scale,
  address: party.address ?? known.address,
});

/**
 * The parties with what the market knows of them.
 * @throws AppError `request.invalid` for an organization that is not verified, or not there
 */
export function completeParties(
  content: ContractContent,
  known: ReadonlyMap<string, Inside>,
): ContractContent {
  const faults: Fault[] = [];
  const complete = (side: "sellers" | "buyers") =>
    content[side].map((party, i): Party => {
      if (party.organizationId === null) return party;
      const own = known.get(party.organizationId);
      if (!own) {
        faults.push(bodyFault([side, i, "organizationId"], "party.unknown"));
        return party;
      }
      if (own.kind === "registry" || own.kind === "operator") {
        faults.push(bodyFault([side, i, "organizationId"], "party.office"));
        return party;
      }
      return completed(party, { ...own, countryCode: "CN" });
    });
  const whole = { ...content, sellers: complete("sellers"), buyers: complete("buyers") };
  if (faults.length > 0) throw new AppError("request.invalid", { faults });
  return whole;
}

/** The rows of a content's parties. */
export const toPartyRows = (contractId: string, content: ContractContent) =>
  (["sellers", "buyers"] as const).flatMap((side) =>
    content[side].map((party, position) => ({
      ...party,
      id: newId(),
      contractId,
      side: side === "sellers" ? ("seller" as const) : ("buyer" as const),
      position,
      name: party.name ?? "",
    })),
  );

function toParty({ id: _, contractId: __, side: ___, position: ____, ...party }: PartyRow): Party {
  return party;
}

const sideOf = (parties: readonly PartyRow[], side: PartyRow["side"]): Party[] =>
  parties.filter((party) => party.side === side).map(toParty);

/** A stored contract as a content: what a patch is merged into, and what is hashed. */
export function toContent(row: ContractRow, parties: readonly PartyRow[]): ContractContent {
  const { commission } = row;
  const wire = {
    ...row,
    totalAmount: toMoney(row.totalAmount),
    technologyAmount: toMoney(row.technologyAmount),
    expectedInvestment: toMoney(row.expectedInvestment),
    expectedOutput: toMoney(row.expectedOutput),
    deductions: row.deductions.map((d) => ({ ...d, amount: money(d.amount) })),
    instalments: row.instalments.map((i) => ({ ...i, amount: money(i.amount) })),
    commission: commission && {
      ...commission,
      fixed: toMoney(commission.fixed),
      cap: toMoney(commission.cap),
    },
    sellers: sideOf(parties, "seller"),
    buyers: sideOf(parties, "buyer"),
  };
  // Its keys are exactly those of the content.
  return Object.fromEntries(
    Object.keys(ContractContent.shape).map((key) => [key, wire[key as keyof typeof wire]]),
  ) as ContractContent;
}

/** Whether two contents say the same; what is kept with two decimals may be given without. */
export const isSameContent = (a: ContractContent, b: ContractContent): boolean =>
  canonicalJson(withDecimals(a)) === canonicalJson(withDecimals(b));

const withDecimals = (content: ContractContent) => ({
  ...content,
  totalAmount: toAmount(content.totalAmount),
  technologyAmount: toAmount(content.technologyAmount),
  expectedInvestment: toAmount(content.expectedInvestment),
  expectedOutput: toAmount(content.expectedOutput),
});

const money = (amount: string) => ({ amount, currency: "CNY" as const });

/** What a revision's hash is made of: the content, the listings it is about, and its files. */
export interface Hashed {
  content: Record<string, unknown>;
  text: string;
  contentSha256: string;
}

/** The canonical form of a content and its SHA-256. */
export function hashContent(
  content: ContractContent,
  row: Pick<ContractRow, "reference" | "matchId" | "resultId" | "needId">,
  files: readonly { purpose: string; sha256: string }[],
): Hashed {
  const { reference, matchId, resultId, needId } = row;
  const whole = { ...content, reference, matchId, resultId, needId, files };
  const text = canonicalJson(whole);
  return { content: whole, text, contentSha256: sha256(text) };
}

/** What of a content is certified and counted. `content` is one that was complete when it was put up. */
export function toFacts(
  row: Pick<ContractRow, "id" | "reference">,
  revision: { revision: number; contentSha256: string; content: Record<string, unknown> },
): StoredFacts {
  // Written by `hashContent` from a content that `contractFaults` found whole.
  const content = revision.content as ContractContent & Record<string, unknown>;
  const code = (value: string | null) => value ?? "";
  return {
    contractId: row.id,
    contractReference: row.reference,
    contractRevision: revision.revision,
    contentSha256: revision.contentSha256,
    title: content.title,
    type: content.type,
    subtype: content.subtype,
    fieldCode: code(content.fieldCode),
    industryCode: code(content.industryCode),
    intellectualPropertyType: code(content.intellectualPropertyType),
    planSourceCode: code(content.planSourceCode),
    objectiveCode: code(content.objectiveCode),
    signedOn: code(content.signedOn),
    totalAmount: content.totalAmount?.amount ?? "",
    technologyAmount: content.technologyAmount?.amount ?? "",
    amountStatus: content.amountStatus,
    confidentiality: content.confidentiality,
    seller: toLead(content.sellers[0]),
    buyer: toLead(content.buyers[0]),
  };
}

function toLead(party: Party | undefined): StoredLead {
  if (!party) throw new Error("a contract that was put up has a lead on each side");
  const { name, natureCode, countryCode, regionCode } = party;
  return { name: name ?? "", natureCode: natureCode ?? "", countryCode, regionCode };
}
