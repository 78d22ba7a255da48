/** Sellers and buyers: as they are written, as they are shown, and what can be told of one alone. */
import { z } from "zod";
import { isCreditCode, looksLikeCreditCode } from "../../lib/credit-code.ts";
import type { FaultCode } from "../../lib/errors.ts";
import { Contact, codeOrNull, textOrNull, uuid } from "../../lib/wire.ts";

const text = z.string().nullable();

/** A seller or buyer as it is written: an organization of the market by its id, or an outside party. */
export const Party = z
  .strictObject({
    organizationId: uuid
      .nullable()
      .default(null)
      .describe("An organization of this market; what is left out is taken from it."),
    name: textOrNull(120),
    creditCode: textOrNull(18).describe("Of a party in mainland China; its check digit counts."),
    natureCode: codeOrNull("party-natures"),
    countryCode: z
      .string()
      .regex(/^[A-Z]{2}$/)
      .default("CN")
      .describe("ISO 3166-1 alpha-2."),
    regionCode: codeOrNull("regions").describe("Of a party in mainland China."),
    industryCode: codeOrNull("industries"),
    scale: codeOrNull("enterprise-scales"),
    address: textOrNull(200),
    postalCode: z
      .string()
      .regex(/^[0-9A-Za-z -]{3,12}$/)
      .nullable()
      .default(null),
    legalRepresentative: textOrNull(60),
    contact: Contact.nullable().default(null),
    isTransferInstitution: z.boolean().default(false).describe("技术转移机构"),
    isResearchInstitution: z.boolean().default(false).describe("研发机构"),
    isConvertedInstitute: z.boolean().default(false).describe("转制科研院所"),
    isHighTechZone: z.boolean().default(false).describe("高新区内企业"),
    isListed: z.boolean().default(false).describe("上市公司"),
  })
  .meta({ id: "PartyInput" });
export type Party = z.output<typeof Party>;

/** The same as it is shown. */
export const PartyOut = z
  .object({
    organizationId: uuid.nullable(),
    name: z.string(),
    creditCode: text,
    natureCode: text,
    countryCode: z.string(),
    regionCode: text,
    industryCode: text,
    scale: text,
    address: text,
    postalCode: text,
    legalRepresentative: text,
    contact: z.object({ name: z.string(), phone: text, email: text }).nullable(),
    isTransferInstitution: z.boolean(),
    isResearchInstitution: z.boolean(),
    isConvertedInstitute: z.boolean(),
    isHighTechZone: z.boolean(),
    isListed: z.boolean(),
  })
  .meta({ id: "Party" });

/** Names a fault, and where it is. */
export type Report = (code: FaultCode, ...path: (string | number)[]) => void;

export function checkParty(party: Party, report: Report, ...path: (string | number)[]): void {
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
