/** What results and needs have in common on the wire. */
import { z } from "zod";
import { contactVisibilities } from "../../../db/schema/listings.ts";
import { organizationKinds } from "../../../db/schema/organizations.ts";
import { Attachment } from "../../lib/attachment.ts";
import { changeFilters, changeSorts } from "../../lib/changes.ts";
import type { FaultCode } from "../../lib/errors.ts";
import { fault, issueOf } from "../../lib/faults.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { rightFaults } from "../../lib/rights.ts";
import { expandedOf } from "../../lib/shape.ts";
import {
  Contact,
  civilDate,
  codeOrNull,
  externalIdFilter,
  externalIdOrNull,
  instant,
  instantInput,
  line,
  prose,
  taxonomyCode,
  uuid,
  wholeNumber,
} from "../../lib/wire.ts";
import { OrganizationSummary } from "../organizations/organizations.schema.ts";
import { moneyBands, SearchMatch, searchInclude } from "./search.schema.ts";

/** What a listing may be joined with. */
export const listingRelations = ["organization", "attachments"] as const;
const joined = expandedOf("ListingExpanded", {
  organization: OrganizationSummary.nullable(),
  attachments: z.array(Attachment).nullable(),
});

/** A list without duplicates. */
export const distinct = <T extends z.ZodType>(item: T, max: number) =>
  z
    .array(item)
    .max(max)
    .refine((list) => new Set(list).size === list.length, fault("duplicate"))
    .default([]);

/** Text of several lines, or none. */
export const proseOrNull = (max: number) => prose(max).nullable().default(null);

/** Input fields of every listing. Only the title is needed to draft. */
export const listingInput = {
  externalId: externalIdOrNull,
  title: line(120, 4).meta({ example: "盐碱地玉米专用缓释肥制备技术" }),
  summary: proseOrNull(500),
  keywords: distinct(line(30), 5),
  tags: distinct(line(30), 10),
  fieldCode: codeOrNull("technology-fields"),
  industryCode: codeOrNull("industries"),
  regionCode: taxonomyCode("regions")
    .nullable()
    .optional()
    .describe("When a draft is made without it, that of its organization; null is none."),
  cooperationModes: distinct(taxonomyCode("cooperation-modes"), 10),
  contact: Contact.nullable()
    .optional()
    .describe("When a draft is made without it, that of its organization; null is none."),
  contactVisibility: z
    .enum(contactVisibilities)
    .default("accepted")
    .describe(
      "Who sees the contact: everybody, the signed in, or those whose interest was accepted.",
    ),
  validUntil: civilDate
    .nullable()
    .default(null)
    .describe("Last day on which it is live, Asia/Shanghai. A year from publication when absent."),
};

export const ListingOrganization = z
  .object({
    id: uuid,
    name: z.string(),
    kind: z.enum(organizationKinds),
    regionCode: z.string(),
  })
  .meta({ id: "ListingOrganization" });
export type ListingOrganization = z.output<typeof ListingOrganization>;

/** Something that a listing lacks; filling it raises the score. */
export const Gap = z
  .object({
    field: z.string().describe("JSON pointer of the field."),
    required: z.boolean().describe("It cannot be submitted without."),
    code: z
      .enum(rightFaults)
      .optional()
      .describe("What is wrong with it, where it is not missing: the code that `submit` reports."),
    weight: z.int().describe("Points of 100 that filling it brings."),
    zh: z.string(),
    en: z.string(),
  })
  .meta({ id: "Gap" });
export type Gap = z.output<typeof Gap>;

/** What a row of a list adds to a summary. */
export const listed = {
  completeness: z.int().describe("Score of 100."),
  match: SearchMatch.optional().describe("Only with `q`."),
  gaps: z.array(Gap).optional().describe("What it lacks; only with `include=gaps`."),
  expanded: joined,
};

/** Output fields of every listing. */
export const listingOutput = {
  id: uuid,
  reference: z.string().meta({ example: "R-2026-000123" }),
  externalId: z
    .string()
    .nullable()
    .optional()
    .describe("What its owner calls it in its own system; only to the owner."),
  organization: ListingOrganization.nullable().describe("Null while the owner stays anonymous."),
  title: z.string(),
  summary: z.string().nullable(),
  keywords: z.array(z.string()),
  tags: z.array(z.string()),
  fieldCode: z.string().nullable(),
  industryCode: z.string().nullable(),
  regionCode: z.string().nullable(),
  cooperationModes: z.array(z.string()),
  contact: z
    .object({ name: z.string(), phone: z.string().nullable(), email: z.string().nullable() })
    .nullable()
    .describe("Null also when the caller may not see it."),
  contactVisibility: z.enum(contactVisibilities),
  validUntil: z.string().nullable(),
  completeness: z.object({
    score: z.int().min(0).max(100),
    missing: z.array(Gap),
  }),
  changedSinceReview: z
    .boolean()
    .describe("The owner changed it after the operator had published it."),
  review: z
    .object({ reason: z.string().nullable(), note: z.string().nullable() })
    .nullable()
    .optional()
    .describe("The operator's last word; only to the owner and the operator."),
  submittedAt: instant.nullable(),
  publishedAt: instant.nullable(),
  version: z.int(),
  createdAt: instant,
  updatedAt: instant,
  allowedActions: z.array(z.string()).optional().describe("For a signed-in caller."),
  expanded: joined,
};

export const ReviewInput = z
  .strictObject({
    reason: taxonomyCode("review-reasons"),
    note: prose(1000).describe("What is wrong and how to mend it; the owner reads it."),
  })
  .meta({ id: "ReviewInput", examples: [{ reason: "incomplete", note: "请补充技术指标。" }] });
export type ReviewInput = z.output<typeof ReviewInput>;

export const RenewInput = z
  .strictObject({
    validUntil: civilDate.optional().describe("A year from today when absent."),
  })
  .meta({ id: "RenewInput", examples: [{ validUntil: "2027-12-31" }] });
export type RenewInput = z.output<typeof RenewInput>;

const listOf = (item: z.ZodString) =>
  z
    .string()
    .min(1)
    .max(500)
    .transform((text) => text.split(","))
    .pipe(z.array(item).max(20));

/** `[in]` filter: several values, comma-separated. */
export const anyOf = (taxonomy: string) =>
  listOf(z.string().regex(/^[0-9A-Za-z_]{1,40}$/)).describe(
    `Any of these codes of \`${taxonomy}\`, comma-separated.`,
  );

/** Query parameters of every list of listings. */
export const listingQuery = {
  ...pageQuery,
  include: searchInclude.optional(),
  scope: z
    .enum(["public", "own", "all"])
    .default("public")
    .describe(
      "`public`: what is published; `own`: the caller's organization's, in every state; `all`: everything, for the operator.",
    ),
  q: line(100)
    .optional()
    .describe(
      "Words to find in title, summary, keywords, tags and text; all of them, or their synonyms. Chinese is cut into words; full-width, traditional and capital forms are the same.",
    ),
  fieldCode: taxonomyCode("technology-fields").optional(),
  "fieldCode[in]": anyOf("technology-fields").optional(),
  industryCode: taxonomyCode("industries")
    .optional()
    .describe("A section such as `C` includes what lies in it."),
  regionCode: taxonomyCode("regions")
    .optional()
    .describe("A province or city includes what lies in it."),
  cooperationMode: taxonomyCode("cooperation-modes").optional(),
  tag: line(30).optional(),
  moneyBand: z
    .enum(moneyBands)
    .optional()
    .describe("By the least price, or by the budget, in yuan."),
  organizationId: uuid.optional(),
  externalId: externalIdFilter.describe("In the scope `own`: what the organization calls it."),
  "publishedAt[gte]": instantInput.optional(),
  "publishedAt[lte]": instantInput.optional(),
  "validUntil[gte]": civilDate.optional().describe("Of its last day; in the scope `own`."),
  "validUntil[lte]": civilDate.optional().describe("Likewise: what ends by this day."),
  "completeness[gte]": wholeNumber(0, 100).optional().describe("In the scope `own`."),
  "completeness[lte]": wholeNumber(0, 100).optional().describe("Likewise."),
  ...changeFilters,
};

/** Filters of the owner's list alone. */
const ownFilters = [
  "externalId",
  "validUntil[gte]",
  "validUntil[lte]",
  "completeness[gte]",
  "completeness[lte]",
] as const;

/** Orders of the owner's and the operator's lists, where dates of publication may be missing. */
export const innerSorts = ["-createdAt"] as const;

/** Orders of the owner's list alone. */
export const ownSorts = ["validUntil", "-validUntil", "completeness", "-completeness"] as const;

/** Orders of every scope with `q`. */
export const searchSorts = ["relevance"] as const;

/**
 * Refuses what a scope does not offer: the public list has one status and orders of its own, the
 * caller's own list one organization.
 */
export const inScope =
  (publicSorts: readonly string[]) =>
  (
    query: {
      scope: string;
      q?: string;
      sort?: string;
      status?: string;
      organizationId?: string;
      include?: readonly string[];
    } & Partial<Record<(typeof ownFilters)[number], unknown>>,
    context: z.RefinementCtx,
  ): void => {
    const refuse = (code: FaultCode, parameter: string) =>
      context.addIssue({ ...issueOf(code), path: [parameter] });
    const { scope, sort, status, organizationId, include } = query;
    const sorts: readonly string[] = [
      ...(scope === "public" ? publicSorts : innerSorts),
      ...(scope === "own" ? ownSorts : []),
      ...changeSorts,
      ...(query.q === undefined ? [] : searchSorts),
    ];
    if (sort && !sorts.includes(sort)) refuse("sort.unavailable", "sort");
    if (scope === "public" && status) refuse("filter.unavailable", "status");
    if (scope === "public" && include?.includes("gaps")) refuse("include.unavailable", "include");
    for (const filter of scope === "own" ? [] : ownFilters) {
      if (query[filter] !== undefined) refuse("filter.unavailable", filter);
    }
    if (scope === "own" && organizationId) refuse("filter.unavailable", "organizationId");
  };
