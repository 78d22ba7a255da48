/** What a contract needs before its parties can confirm it (the registration form's fields and its rules). */
import { today } from "../../lib/clock.ts";
import type { Fault, FaultCode } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { isPatentType } from "../../lib/rights.ts";
import { addDays } from "../../lib/working-days.ts";
import type { ContractContent } from "./content.schema.ts";
import type { Party } from "./parties.schema.ts";

const required = [
  "subject",
  "fieldCode",
  "industryCode",
  "intellectualPropertyType",
  "planSourceCode",
  "objectiveCode",
  "signedOn",
  "validFrom",
  "validUntil",
  "totalAmount",
  "technologyAmount",
  "paymentMode",
] as const;

/** The intellectual property that a sub-type is about, where it names one. */
const rightOf: Readonly<Record<string, readonly string[]>> = {
  21: ["20", "21", "22", "23"],
  22: ["20", "21", "22", "23"],
  23: ["10"],
  24: ["30"],
  25: ["50"],
  26: ["40"],
  27: ["60"],
  28: ["70"],
  31: ["20", "21", "22", "23"],
  32: ["10"],
  33: ["30"],
  34: ["50"],
  35: ["40"],
  36: ["60"],
};

/** Transfer and licence of a patent in force: its number must be there. */
const patentSubtypes = new Set(["21", "31"]);

const royalties = new Set(["royalty", "entry_fee_plus_royalty"]);

/** Days that the notice of a negotiated price must last, its first day not counted. */
const noticeDays = 15;

/** Public institutions, whose negotiated prices are put up (科技成果转化法 art. 18). */
const publicInstitutions = new Set(["020", "021", "022", "023", "024"]);

/**
 * Everything that the content lacks.
 * @param universities ids of the parties that are of kind `university`
 */
export function contractFaults(
  content: ContractContent,
  universities: ReadonlySet<string>,
): Fault[] {
  const faults: Fault[] = [];
  const report = (code: FaultCode, ...path: (string | number)[]) => {
    faults.push(bodyFault(path, code));
  };
  for (const name of required) if (content[name] === null) report("required", name);
  const { type, subtype, intellectualPropertyType, rights, sellers, buyers } = content;
  if (type === "licence" && content.licenceKind === null) report("required", "licenceKind");
  if (type === "transfer") {
    if (!content.expectedInvestment) report("required", "expectedInvestment");
    if (!content.expectedOutput) report("required", "expectedOutput");
  }
  const wanted = rightOf[subtype];
  if (wanted && intellectualPropertyType && !wanted.includes(intellectualPropertyType)) {
    report("contract.right_mismatch", "intellectualPropertyType");
  }
  const hasPatent = rights.some((right) => isPatentType(right.typeCode) && right.number !== null);
  if (patentSubtypes.has(subtype) && !hasPatent) report("contract.patent_number", "rights");
  const { paymentMode } = content;
  if (paymentMode && royalties.has(paymentMode) && content.amountStatus === "final") {
    report("contract.amount_estimated", "amountStatus");
  }
  if (paymentMode === "installment" && content.instalments.length === 0) {
    report("required", "instalments");
  }
  reportLead(sellers, "sellers", report);
  reportLead(buyers, "buyers", report);
  if (![...sellers, ...buyers].some((party) => party.organizationId !== null)) {
    report("party.none_inside", "sellers");
  }
  reportPricing(content, universities, report);
  return faults;
}

type Report = (code: FaultCode, ...path: (string | number)[]) => void;

/** Statistics count by the party that leads: its nature and place must be known. */
function reportLead([lead]: readonly Party[], side: string, report: Report): void {
  if (!lead) {
    report("required", side);
    return;
  }
  if (lead.natureCode === null) report("required", side, 0, "natureCode");
  if (lead.countryCode === "CN" && lead.regionCode === null) {
    report("required", side, 0, "regionCode");
  }
}

function reportPricing(
  { sellers, pricing }: ContractContent,
  universities: ReadonlySet<string>,
  report: Report,
): void {
  const isPublic = sellers.some(
    ({ natureCode, organizationId }) =>
      (natureCode !== null && publicInstitutions.has(natureCode)) ||
      (organizationId !== null && universities.has(organizationId)),
  );
  if (!isPublic) return;
  const notice = pricing?.notice;
  if (!pricing) report("required", "pricing");
  else if (pricing.method === "negotiated" && !notice) report("required", "pricing", "notice");
  else if (pricing.method === "negotiated" && notice) {
    const isLong = notice.to >= addDays(notice.from, noticeDays);
    if (!isLong || notice.to > today()) report("pricing.notice_days", "pricing", "notice");
  }
}
