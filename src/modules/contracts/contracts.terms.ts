/** The parts of a contract's content, and the rules that can be told from the content alone. */
import { z } from "zod";
import { contractTypes as typeList } from "../../../db/taxonomies/contract-types.ts";
import { today } from "../../lib/clock.ts";
import { isCreditCode, looksLikeCreditCode } from "../../lib/credit-code.ts";
import { type FaultCode, fault, issueOf } from "../../lib/faults.ts";
import { checkRightNumber, normalizeRight } from "../../lib/rights.ts";
import {
  civilDate,
  compareAmounts,
  convertAmount,
  line,
  Money,
  subtractAmounts,
  sumAmounts,
  taxonomyCode,
} from "../../lib/wire.ts";
import type { ContractContent, Party } from "./contracts.schema.ts";

export const Right = z
  .strictObject({
    typeCode: taxonomyCode("intellectual-property-types"),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/)
      .default("CN"),
    number: line(60).nullable().default(null),
    title: line(200).nullable().default(null),
  })
  .superRefine(checkRightNumber)
  .overwrite(normalizeRight)
  .meta({ id: "ContractRight", description: "Chinese patent numbers by their check digit." });

export const Deduction = z
  .strictObject({
    kind: taxonomyCode("deduction-kinds"),
    amount: Money,
    note: line(200).nullable().default(null),
  })
  .meta({ id: "Deduction", description: "A part of the total that is not technology." });

export const Instalment = z
  .strictObject({
    dueOn: civilDate.nullable().default(null),
    condition: line(300).nullable().default(null),
    amount: Money,
  })
  .refine(
    ({ dueOn, condition }) => (dueOn === null) !== (condition === null),
    fault("instalment.shape"),
  )
  .meta({ id: "Instalment", description: "Due on a day, or once something has happened." });

export const ForeignAmount = z
  .strictObject({
    currency: z
      .string()
      .regex(/^(?!CNY)[A-Z]{3}$/)
      .describe("ISO 4217."),
    amount: Money.shape.amount,
    rate: z
      .string()
      .refine(
        (text) => /^(0|[1-9]\d{0,5})(\.\d{1,8})?$/.test(text) && Number(text) > 0,
        fault("rate.invalid"),
      )
      .describe("Yuan for one unit."),
    rateDate: civilDate.describe("The day of the rate."),
  })
  .meta({ id: "ForeignAmount", description: "From which the total amount was reckoned." });

export const Pricing = z
  .strictObject({
    method: taxonomyCode("pricing-methods"),
    notice: z
      .strictObject({ from: civilDate, to: civilDate, reference: line(120) })
      .nullable()
      .default(null)
      .describe("The public notice of a negotiated price, at least 15 days."),
  })
  .meta({ id: "Pricing" });

export const Commission = z
  .strictObject({
    basis: taxonomyCode("commission-bases"),
    rate: z
      .string()
      .regex(/^(100(\.0{1,2})?|\d{1,2}(\.\d{1,2})?)$/)
      .refine((text) => Number(text) > 0, fault("share.invalid"))
      .nullable()
      .default(null)
      .describe("Percent of the basis."),
    fixed: Money.nullable().default(null),
    cap: Money.nullable().default(null),
    payer: taxonomyCode("commission-payers"),
  })
  .refine(
    ({ basis, rate, fixed }) =>
      (basis === "fixed") === (fixed !== null) && (basis === "fixed") === (rate === null),
    fault("commission.shape"),
  )
  .meta({ id: "Commission", description: "What the broker is owed (Civil Code art. 963)." });

/** Type of each sub-type. */
const typeOf = new Map(typeList.items.map(({ code, parent }) => [code, parent]));

type Report = (code: FaultCode, ...path: (string | number)[]) => void;

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

function checkParty(party: Party, report: Report, ...path: (string | number)[]): void {
  const { organizationId, name, creditCode, countryCode, regionCode } = party;
  if (organizationId === null && name === null) report("party.shape", ...path);
  if (creditCode !== null && countryCode === "CN") {
    if (!looksLikeCreditCode(creditCode)) report("credit_code.shape", ...path, "creditCode");
    else if (!isCreditCode(creditCode)) report("credit_code.check_digit", ...path, "creditCode");
  }
  if (regionCode !== null && countryCode !== "CN") {
    report("taxonomy.unknown_code", ...path, "regionCode");
  }
}
