import { z } from "zod";
import {
  confidentialityLevels,
  contractStatuses,
  contractTypes,
  prefillSources,
} from "../../../db/schema/contracts.ts";
import { Attachment } from "../../lib/attachment.ts";
import { changesQuery } from "../../lib/changes.ts";
import { issueOf } from "../../lib/faults.ts";
import { pageOf, pageQuery } from "../../lib/pagination.ts";
import { expandedOf, relations, shapeQuery } from "../../lib/shape.ts";
import {
  civilDate,
  externalIdFilter,
  externalIdOrNull,
  instant,
  patchOf,
  uuid,
} from "../../lib/wire.ts";
import { RelatedNeed } from "../needs/needs.schema.ts";
import { OrganizationSummary } from "../organizations/organizations.schema.ts";
import { RelatedResult } from "../results/results.schema.ts";
import { Confirmation } from "./confirmations.schema.ts";
import { checkContent, contentFields, contentOut, money } from "./content.schema.ts";

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

const link = uuid.nullable().default(null);

const links = {
  matchId: link.describe("The match it comes from; listings and broker are taken from it."),
  interestId: link.describe("An accepted interest it comes from."),
  resultId: link,
  needId: link,
};
const ContractLinks = z.object(links);
export type ContractLinks = z.output<typeof ContractLinks>;

const ofOrigin = "When absent, taken from its match or interest.";

/** What a draft takes over where its author leaves it out; null and `[]` are given, and stay. */
const taken = {
  title: contentFields.title
    .optional()
    .describe("When absent, that of the result, else of the need, that it comes of."),
  fieldCode: contentFields.fieldCode.unwrap().optional(),
  industryCode: contentFields.industryCode.unwrap().optional(),
  intellectualPropertyType: contentFields.intellectualPropertyType
    .unwrap()
    .optional()
    .describe(
      "The one under which it is counted; `00` when none is involved. When absent, that of the rights taken from a result, if all are of one type.",
    ),
  rights: contentFields.rights.unwrap().optional().describe("When absent, those of its result."),
  facilitator: contentFields.facilitator
    .unwrap()
    .optional()
    .describe(
      "促成方: the broker or intermediary who brought the deal about, also without a match here. When absent, the brokerage of its match.",
    ),
  sellers: contentFields.sellers.unwrap().optional().describe(`The first leads. ${ofOrigin}`),
  buyers: contentFields.buyers.unwrap().optional().describe(`The first leads. ${ofOrigin}`),
  resultId: uuid.nullable().optional().describe(ofOrigin),
  needId: uuid.nullable().optional().describe(ofOrigin),
};

/** The same where nothing was taken. */
export const untaken = {
  fieldCode: null,
  industryCode: null,
  intellectualPropertyType: null,
  rights: [],
  facilitator: null,
  sellers: [],
  buyers: [],
  resultId: null,
  needId: null,
};

export const ContractInput = z
  .strictObject({ externalId: externalIdOrNull, ...contentFields, ...links, ...taken })
  .superRefine((input, context) => {
    checkContent({ ...untaken, ...input }, context);
    if (input.title === undefined && !input.matchId && !input.interestId) {
      context.addIssue({ ...issueOf("required"), path: ["title"] });
    }
  })
  .meta({ id: "ContractInput", examples: [example] });
export type ContractInput = z.output<typeof ContractInput>;

/** A contract as a patch makes it: nothing is taken over any more. */
export const ContractWhole = z
  .strictObject({ externalId: externalIdOrNull, ...contentFields, ...links })
  .superRefine(checkContent);
export type ContractWhole = z.output<typeof ContractWhole>;

export const ContractPatch = patchOf(
  z.strictObject({ externalId: externalIdOrNull, ...contentFields, ...links }),
).meta({
  id: "ContractPatch",
  examples: [{ validUntil: "2030-03-01", terms: "被许可方每季度报送施用面积。" }],
});

const Prefilled = z
  .object({
    pointer: z
      .string()
      .describe("RFC 6901 pointer to what was taken.")
      .meta({ example: "/rights" }),
    from: z.enum(prefillSources),
    id: uuid.describe("Which match, interest, result, need or organization."),
  })
  .meta({ id: "Prefilled" });

/** A step that several people take, under way. */
export const Pending = z
  .object({
    action: z.string(),
    by: uuid.nullable().describe("The organization that began."),
    since: instant,
    revision: z.int().nullable(),
  })
  .meta({ id: "Pending" });

/** What a contract may be joined with: who drafted it, what it is about, its files. */
const joined = expandedOf("ContractExpanded", {
  organization: OrganizationSummary.nullable(),
  result: RelatedResult.nullable(),
  need: RelatedNeed.nullable(),
  attachments: z.array(Attachment).nullable(),
});

export const Contract = z
  .object({
    id: uuid,
    reference: z.string().meta({ example: "C-2026-000123" }),
    externalId: z
      .string()
      .nullable()
      .describe("What the caller's organization calls it; others have their own."),
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
    prefilled: z
      .array(Prefilled)
      .describe(
        "What its author left out and was taken over when it was drafted, and from where, as long as the contract names that. Later changes do not touch it.",
      ),
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
    expanded: joined,
  })
  .meta({ id: "Contract" });
export type Contract = z.output<typeof Contract>;

export const ContractSummary = z
  .object({
    id: uuid,
    reference: z.string(),
    externalId: z.string().nullable().describe("What the caller's organization calls it."),
    status: z.enum(contractStatuses),
    revision: z.int(),
    title: z.string(),
    type: z.enum(contractTypes),
    subtype: z.string(),
    seller: z.string().nullable().describe("The seller that leads."),
    buyer: z.string().nullable().describe("The buyer that leads."),
    signedOn: z.string().nullable(),
    totalAmount: money.nullable(),
    technologyAmount: money.nullable(),
    confidentiality: z.enum(confidentialityLevels),
    organizationId: uuid.describe("Who drafted it."),
    matchId: uuid.nullable(),
    resultId: uuid.nullable(),
    needId: uuid.nullable(),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    expanded: joined,
  })
  .meta({ id: "ContractSummary" });
export type ContractSummary = z.output<typeof ContractSummary>;
export const ContractPage = pageOf(ContractSummary);

export const ReadContractQuery = z.strictObject(shapeQuery(Contract, relations));

export const ListContractsQuery = z.strictObject({
  ...pageQuery,
  ...changesQuery("-createdAt"),
  ...shapeQuery(ContractSummary, relations),
  status: z.enum(contractStatuses).optional(),
  type: z.enum(contractTypes).optional(),
  role: z
    .enum(["seller", "buyer", "broker"])
    .optional()
    .describe("Only those in which the caller's organization has this part."),
  externalId: externalIdFilter,
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
