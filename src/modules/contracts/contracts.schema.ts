import { z } from "zod";
import {
  amountStatuses,
  confidentialityLevels,
  contractSides,
  contractStatuses,
  contractTypes,
} from "../../../db/schema/contracts.ts";
import { fault } from "../../lib/faults.ts";
import { pageOf, pageQuery } from "../../lib/pagination.ts";
import {
  Contact,
  civilDate,
  compareAmounts,
  instant,
  line,
  Money,
  patchOf,
  prose,
  taxonomyCode,
  uuid,
} from "../../lib/wire.ts";
import {
  Commission,
  checkContent,
  Deduction,
  ForeignAmount,
  Instalment,
  Pricing,
  Right,
} from "./contracts.terms.ts";

const codeOrNull = (taxonomy: string) => taxonomyCode(taxonomy).nullable().default(null);
const textOrNull = (max: number) => line(max).nullable().default(null);
const moneyOrNull = Money.nullable().default(null);
const dateOrNull = civilDate.nullable().default(null);

/** A seller or buyer as it is written: an organisation of the market by its id, or an outside party. */
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

const parties = z.array(Party).max(10).default([]);

/** What the parties agree on. Drafting needs the title, the type and a party; submitting the rest. */
const fields = {
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

const example = {
  title: "盐碱地玉米专用缓释肥制备技术实施许可",
  type: "licence",
  subtype: "32",
  subject: "许可方将缓释肥配方与造粒工艺许可被许可方在新乡市范围内实施，并提供技术指导。",
  fieldCode: "09",
  industryCode: "C26",
  intellectualPropertyType: "10",
  licenceKind: "ordinary",
  planSourceCode: "90",
  objectiveCode: "09",
  signedOn: "2026-03-02",
  validFrom: "2026-03-02",
  validUntil: "2029-03-01",
  totalAmount: { amount: "600000.00", currency: "CNY" },
  technologyAmount: { amount: "600000.00", currency: "CNY" },
  paymentMode: "lump_sum",
  sellers: [{ organizationId: "019a1b2c-3d4e-7f50-8123-456789abcdef", natureCode: "022" }],
  buyers: [{ name: "封丘县丰源农资有限公司", natureCode: "150", regionCode: "410727" }],
} as const;

/** The whole content, with the rules that can be told from it alone. */
export const ContractContent = z.strictObject(fields).superRefine(checkContent);
export type ContractContent = z.output<typeof ContractContent>;

const link = uuid.nullable().default(null);

const links = {
  matchId: link.describe("The match it comes from; listings and broker are taken from it."),
  interestId: link.describe("An accepted interest it comes from."),
  resultId: link,
  needId: link,
};
const ContractLinks = z.object(links);
export type ContractLinks = z.output<typeof ContractLinks>;

export const ContractInput = z
  .strictObject({
    ...fields,
    ...links,
  })
  .superRefine(checkContent)
  .meta({ id: "ContractInput", examples: [example] });
export type ContractInput = z.output<typeof ContractInput>;

const patch = patchOf(z.strictObject(fields));
export const ContractPatch = patchOf(z.strictObject({ ...fields, ...links })).meta({
  id: "ContractPatch",
  examples: [{ validUntil: "2030-03-01", terms: "被许可方每季度报送施用面积。" }],
});

export const ConfirmInput = z
  .strictObject({
    revision: z.int().min(1),
    contentSha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("Of the content that the party has read."),
  })
  .meta({
    id: "ConfirmInput",
    examples: [{ revision: 1, contentSha256: "0123456789abcdef".repeat(4) }],
  });
export type ConfirmInput = z.output<typeof ConfirmInput>;

export const AmendmentInput = z
  .strictObject({
    reason: prose(1000),
    patch: patch.describe("JSON merge patch (RFC 7396) of the contract's content."),
  })
  .meta({
    id: "AmendmentInput",
    examples: [{ reason: "延长许可期限。", patch: { validUntil: "2031-03-01" } }],
  });
export type AmendmentInput = z.output<typeof AmendmentInput>;

export const PaymentInput = z
  .strictObject({
    paidOn: civilDate.describe(
      "The day on which the money arrived; not in the future, nor before the contract was signed.",
    ),
    amount: Money.refine(({ amount }) => compareAmounts(amount, "0") > 0, fault("amount.positive")),
    voucherNumber: textOrNull(60),
    invoiceNumber: textOrNull(60),
    note: textOrNull(500),
  })
  .meta({
    id: "PaymentInput",
    examples: [
      {
        paidOn: "2026-03-20",
        amount: { amount: "200000.00", currency: "CNY" },
        voucherNumber: "2026-0417",
      },
    ],
  });
export type PaymentInput = z.output<typeof PaymentInput>;

const money = z.object({ amount: z.string(), currency: z.string() });
const moneyOut = money.nullable();
const text = z.string().nullable();

const PartyOut = z
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

const contentOut = {
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

/** A step that several people take, under way. */
export const Pending = z
  .object({
    action: z.string(),
    by: uuid.nullable().describe("The organization that began."),
    since: instant,
    revision: z.int().nullable(),
  })
  .meta({ id: "Pending" });

const Confirmation = z
  .object({
    action: z.enum(["confirm", "cancel"]),
    side: z.enum(contractSides),
    position: z.int(),
    organizationId: uuid.nullable(),
    attachmentId: uuid.nullable().describe("The signed copy of a party outside the market."),
    at: instant,
  })
  .meta({ id: "Confirmation" });

export const Contract = z
  .object({
    id: uuid,
    reference: z.string().meta({ example: "C-2026-000123" }),
    status: z.enum(contractStatuses),
    revision: z.int(),
    contentSha256: z
      .string()
      .nullable()
      .describe("SHA-256 of the revision's content, files included; null in a draft."),
    organizationId: uuid.describe("Who drafted it."),
    matchId: uuid.nullable(),
    interestId: uuid.nullable(),
    resultId: uuid.nullable(),
    needId: uuid.nullable(),
    brokerId: uuid.nullable(),
    brokerOrganizationId: uuid.nullable(),
    ...contentOut,
    paidAmount: money.describe("Payments received so far."),
    confirmations: z.array(Confirmation).describe("Of the current revision."),
    pending: Pending.nullable(),
    submittedAt: instant.nullable(),
    effectiveAt: instant.nullable(),
    cancellationAgreedAt: instant
      .nullable()
      .describe("All parties agreed; a registered contract then waits for its office."),
    cancelledAt: instant.nullable(),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()),
  })
  .meta({ id: "Contract" });
export type Contract = z.output<typeof Contract>;

export const ContractSummary = z
  .object({
    id: uuid,
    reference: z.string(),
    status: z.enum(contractStatuses),
    revision: z.int(),
    title: z.string(),
    type: z.enum(contractTypes),
    subtype: z.string(),
    seller: z.string().nullable().describe("The seller that leads."),
    buyer: z.string().nullable().describe("The buyer that leads."),
    signedOn: text,
    totalAmount: moneyOut,
    technologyAmount: moneyOut,
    confidentiality: z.enum(confidentialityLevels),
    matchId: uuid.nullable(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: "ContractSummary" });
export type ContractSummary = z.output<typeof ContractSummary>;
export const ContractPage = pageOf(ContractSummary);

export const ListContractsQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(contractStatuses).optional(),
  type: z.enum(contractTypes).optional(),
  role: z
    .enum(["seller", "buyer", "broker"])
    .optional()
    .describe("Only those in which the caller's organization has this part."),
  matchId: uuid.optional(),
  resultId: uuid.optional(),
  needId: uuid.optional(),
  "signedOn[gte]": civilDate.optional(),
  "signedOn[lte]": civilDate.optional(),
});
export type ListContractsQuery = z.output<typeof ListContractsQuery>;

export const ContractRevision = z
  .object({
    revision: z.int(),
    contentSha256: z.string(),
    createdAt: instant,
    content: z.string().describe("The canonical JSON text that was hashed (RFC 8785)."),
  })
  .meta({ id: "ContractRevision" });

export const Amendment = z
  .object({
    id: uuid,
    contractId: uuid,
    status: z.enum(["confirming", "effective", "withdrawn"]),
    revision: z.int().describe("The revision that it makes."),
    organizationId: uuid,
    reason: z.string(),
    contentSha256: z.string(),
    content: z.string().describe("The canonical JSON text that is confirmed."),
    confirmations: z.array(Confirmation),
    effectiveAt: instant.nullable(),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()),
  })
  .meta({ id: "Amendment" });
export type Amendment = z.output<typeof Amendment>;

export const Payment = z
  .object({
    id: uuid,
    contractId: uuid,
    paidOn: z.string(),
    amount: money,
    voucherNumber: text,
    invoiceNumber: text,
    note: text,
    organizationId: uuid,
    voidedAt: instant.nullable(),
    voidReason: text,
    version: z.int(),
    createdAt: instant,
  })
  .meta({ id: "Payment" });
export type Payment = z.output<typeof Payment>;
