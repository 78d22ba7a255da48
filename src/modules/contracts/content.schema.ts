/** What the parties agree on, whole, with the rules that can be told from it alone. */
import { z } from "zod";
import {
  amountStatuses,
  confidentialityLevels,
  contractTypes,
} from "../../../db/schema/contracts.ts";
import { contractTypes as typeList } from "../../../db/taxonomies/contract-types.ts";
import { today } from "../../lib/clock.ts";
import { issueOf } from "../../lib/faults.ts";
import {
  civilDate,
  codeOrNull,
  compareAmounts,
  convertAmount,
  line,
  Money,
  patchOf,
  prose,
  subtractAmounts,
  sumAmounts,
  taxonomyCode,
  textOrNull,
} from "../../lib/wire.ts";
import { checkParty, Party, PartyOut, type Report } from "./parties.schema.ts";
import {
  Commission,
  Deduction,
  ForeignAmount,
  Instalment,
  Pricing,
  Right,
} from "./terms.schema.ts";

const moneyOrNull = Money.nullable().default(null);
const dateOrNull = civilDate.nullable().default(null);

const parties = z.array(Party).max(10).default([]);

/** What the parties agree on. Drafting needs the title, the type and a party; submitting the rest. */
export const contentFields = {
  title: line(200, 4),
  type: z.enum(contractTypes),
  subtype: taxonomyCode("contract-types").describe("A sub-type of the type, such as `11`."),
  subject: prose(5000).nullable().default(null).describe("Subject, scope and requirements."),
  fieldCode: codeOrNull("technology-fields"),
  industryCode: codeOrNull("industries"),
  intellectualPropertyType: codeOrNull("intellectual-property-types").describe(
    "The one under which it is counted; `00` when none is involved.",
  ),
  rights: z.array(Right).max(50).default([]),
  licenceKind: codeOrNull("licence-kinds"),
  planSourceCode: codeOrNull("plan-sources"),
  objectiveCode: codeOrNull("objectives"),
  relatedParties: z.boolean().default(false).describe("关联交易"),
  signedOn: dateOrNull,
  validFrom: dateOrNull,
  validUntil: dateOrNull,
  totalAmount: moneyOrNull.describe("合同成交总额, in yuan."),
  technologyAmount: moneyOrNull.describe("技术交易额: above zero, at most the total."),
  amountStatus: z.enum(amountStatuses).default("final"),
  deductions: z
    .array(Deduction)
    .max(20)
    .default([])
    .describe("They add up to the total less the technology amount."),
  foreignAmount: ForeignAmount.nullable().default(null),
  paymentMode: codeOrNull("payment-modes"),
  instalments: z.array(Instalment).max(60).default([]),
  expectedInvestment: moneyOrNull.describe("预计新增投入; a transfer needs it."),
  expectedOutput: moneyOrNull.describe("预计新增产值; a transfer needs it."),
  pricing: Pricing.nullable().default(null),
  commission: Commission.nullable().default(null),
  confidentiality: z
    .enum([...confidentialityLevels, "state_secret"])
    .default("internal")
    .describe("`state_secret` is refused: such a contract must not be stored here."),
  terms: prose(20000).nullable().default(null).describe("Further terms."),
  facilitator: textOrNull(120).describe(
    "促成方: the broker or intermediary who brought the deal about, also without a match here.",
  ),
  sellers: parties.describe("The first leads."),
  buyers: parties.describe("The first leads."),
};

/** The whole content, with the rules that can be told from it alone. */
export const ContractContent = z.strictObject(contentFields).superRefine(checkContent);
export type ContractContent = z.output<typeof ContractContent>;

/** A change of it. */
export const ContentPatch = patchOf(z.strictObject(contentFields));
/** Type of each sub-type. */
const typeOf = new Map(typeList.items.map(({ code, parent }) => [code, parent]));

/** For `superRefine`: everything about a content that needs nothing but itself. */
export function checkContent(content: Partial<ContractContent>, context: z.RefinementCtx): void {
  // Fields that are no right text, number or date are named already.
  if (context.issues.length > 0) return;
  const report: Report = (code, ...path) => context.addIssue({ ...issueOf(code), path });
  // Without issues, all fields have been parsed.
  const whole = content as ContractContent;
  checkKind(whole, report);
  checkAmounts(whole, report);
  checkDates(whole, report);
  for (const side of ["sellers", "buyers"] as const) {
    for (const [i, party] of whole[side].entries()) checkParty(party, report, side, i);
  }
  const inside = [...whole.sellers, ...whole.buyers].map((party) => party.organizationId);
  const known = inside.filter((id) => id !== null);
  if (new Set(known).size < known.length) report("party.twice", "buyers");
}

function checkKind({ type, subtype, licenceKind }: ContractContent, report: Report): void {
  if (typeOf.get(subtype) !== type) report("contract.subtype", "subtype");
  if (licenceKind !== null && type !== "licence") report("contract.licence_only", "licenceKind");
}

/** Domain rules on amounts (Rules of 2001; `technology amount = total - what is not technology`). */
function checkAmounts(content: ContractContent, report: Report): void {
  const { totalAmount, technologyAmount, deductions, foreignAmount, instalments } = content;
  for (const name of ["totalAmount", "technologyAmount"] as const) {
    const money = content[name];
    if (money && compareAmounts(money.amount, "0") === 0) report("amount.positive", name);
  }
  if (totalAmount && technologyAmount) {
    const rest = subtractAmounts(totalAmount.amount, technologyAmount.amount);
    const deducted = sumAmounts(deductions.map(({ amount }) => amount.amount));
    if (rest === null) report("amount.technology_above_total", "technologyAmount");
    else if (rest !== deducted) report("amount.deductions", "deductions");
  }
  if (totalAmount && instalments.length > 0) {
    const sum = sumAmounts(instalments.map(({ amount }) => amount.amount));
    if (compareAmounts(sum, totalAmount.amount) !== 0) report("amount.instalments", "instalments");
  }
  if (totalAmount && foreignAmount) {
    const yuan = convertAmount(foreignAmount.amount, foreignAmount.rate);
    if (compareAmounts(yuan, totalAmount.amount) !== 0) report("amount.foreign", "totalAmount");
  }
}

function checkDates(content: ContractContent, report: Report): void {
  const { signedOn, validFrom, validUntil, pricing, foreignAmount } = content;
  if (signedOn && signedOn > today()) report("date.future", "signedOn");
  if (validFrom && validUntil && validUntil < validFrom) report("date.order", "validUntil");
  const notice = pricing?.notice;
  if (notice && notice.to < notice.from) report("date.order", "pricing", "notice", "to");
  if (foreignAmount && foreignAmount.rateDate > today()) {
    report("date.future", "foreignAmount", "rateDate");
  }
}

const text = z.string().nullable();
/** An amount as it is shown. */
export const money = z.object({ amount: z.string(), currency: z.string() });
const moneyOut = money.nullable();

/** The same as it is shown. */
export const contentOut = {
  title: z.string(),
  type: z.enum(contractTypes),
  subtype: z.string(),
  subject: text,
  fieldCode: text,
  industryCode: text,
  intellectualPropertyType: text,
  rights: z.array(
    z.object({ typeCode: z.string(), country: z.string(), number: text, title: text }),
  ),
  licenceKind: text,
  planSourceCode: text,
  objectiveCode: text,
  relatedParties: z.boolean(),
  signedOn: text,
  validFrom: text,
  validUntil: text,
  totalAmount: moneyOut,
  technologyAmount: moneyOut,
  amountStatus: z.enum(amountStatuses),
  deductions: z.array(z.object({ kind: z.string(), amount: money, note: text })),
  foreignAmount: z
    .object({ currency: z.string(), amount: z.string(), rate: z.string(), rateDate: z.string() })
    .nullable(),
  paymentMode: text,
  instalments: z.array(z.object({ dueOn: text, condition: text, amount: money })),
  expectedInvestment: moneyOut,
  expectedOutput: moneyOut,
  pricing: z
    .object({
      method: z.string(),
      notice: z.object({ from: z.string(), to: z.string(), reference: z.string() }).nullable(),
    })
    .nullable(),
  commission: z
    .object({ basis: z.string(), rate: text, fixed: moneyOut, cap: moneyOut, payer: z.string() })
    .nullable(),
  confidentiality: z.enum(confidentialityLevels),
  terms: text,
  facilitator: text,
  sellers: z.array(PartyOut),
  buyers: z.array(PartyOut),
};
