import { z } from "zod";
import { interestStatuses } from "../../../db/schema/interests.ts";
import { organizationKinds } from "../../../db/schema/organizations.ts";
import { changesQuery } from "../../lib/changes.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { expandedOf, shapeQuery } from "../../lib/shape.ts";
import { Contact, instant, prose, taxonomyCode, uuid } from "../../lib/wire.ts";
import { RelatedNeed } from "../needs/needs.schema.ts";
import { RelatedResult } from "../results/results.schema.ts";

/** What an asker writes about somebody else's listing. */
export const InterestInput = z
  .strictObject({
    message: prose(2000, 4),
    fieldCode: taxonomyCode("technology-fields")
      .nullable()
      .default(null)
      .describe("The field that the asker works in; the listing's when absent."),
    cooperationMode: taxonomyCode("cooperation-modes").nullable().default(null),
    questions: z
      .array(
        z.strictObject({
          topic: taxonomyCode("interest-topics"),
          question: prose(500),
        }),
      )
      .max(20)
      .default([]),
    contact: Contact.nullable()
      .default(null)
      .describe("Whom to speak to; the owner sees it after acceptance."),
  })
  .meta({
    id: "InterestInput",
    examples: [
      {
        message: "我公司种植玉米三千亩，想了解缓释肥在重度盐碱地的表现。",
        cooperationMode: "licence",
        questions: [{ topic: "performance", question: "土壤含盐量千分之四时亩产如何？" }],
        contact: { name: "生产部", phone: "0373-6218000" },
      },
    ],
  });
export type InterestInput = z.output<typeof InterestInput>;

export const AcceptInterestInput = z
  .strictObject({
    note: prose(2000).nullable().default(null),
    answers: z
      .array(z.strictObject({ index: z.int().min(0).max(19), answer: prose(1000) }))
      .max(20)
      .default([])
      .describe("By the question's place in the list."),
  })
  .meta({
    id: "AcceptInterestInput",
    examples: [{ note: "欢迎来校面谈。", answers: [{ index: 0, answer: "亩产约五百公斤。" }] }],
  });
export type AcceptInterestInput = z.output<typeof AcceptInterestInput>;

export const DeclineInput = z
  .strictObject({
    reason: taxonomyCode("decline-reasons"),
    note: prose(1000).nullable().default(null),
  })
  .meta({ id: "DeclineInput", examples: [{ reason: "capacity", note: "本年度中试排期已满。" }] });
export type DeclineInput = z.output<typeof DeclineInput>;

const Side = z
  .object({
    organizationId: uuid.nullable().describe("Null until the interest is accepted."),
    name: z.string().nullable(),
    kind: z
      .enum(organizationKinds)
      .nullable()
      .describe(
        "Until the interest is accepted, null as city and section are where fewer than three organizations are of this kind, city and section.",
      ),
    regionCode: z.string().nullable().describe("The city only, until the interest is accepted."),
    industryCode: z
      .string()
      .nullable()
      .describe("The section's letter only, until the interest is accepted."),
    contact: z
      .object({ name: z.string(), phone: z.string().nullable(), email: z.string().nullable() })
      .nullable(),
  })
  .meta({ id: "InterestSide" });

export const Interest = z
  .object({
    id: uuid,
    status: z.enum(interestStatuses),
    resultId: uuid.nullable(),
    needId: uuid.nullable(),
    listing: z.object({ reference: z.string(), title: z.string() }),
    owner: Side.describe("Whose listing it is, as far as the caller may know."),
    asker: Side.describe("Who asks, as far as the caller may know."),
    fieldCode: z.string().nullable(),
    cooperationMode: z.string().nullable(),
    message: z.string(),
    questions: z.array(
      z.object({ topic: z.string(), question: z.string(), answer: z.string().nullable() }),
    ),
    dueOn: z.string().describe("By when the owner should answer: ten working days."),
    overdue: z.boolean(),
    answeredAt: instant.nullable(),
    declineReason: z.string().nullable(),
    note: z.string().nullable().describe("What the owner said when answering."),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()),
    expanded: expandedOf("InterestExpanded", {
      result: RelatedResult.nullable(),
      need: RelatedNeed.nullable(),
    }),
  })
  .meta({ id: "Interest" });
export type Interest = z.output<typeof Interest>;

/** What is joined with one of them, or with each of a list. */
const shape = shapeQuery(Interest, ["result", "need"]);
export const ReadInterestQuery = z.strictObject(shape);

export const ListInterestsQuery = z.strictObject({
  ...pageQuery,
  ...changesQuery("-createdAt"),
  ...shape,
  side: z
    .enum(["owner", "asker"])
    .optional()
    .describe("Only those about the caller's listings, or only those that it wrote."),
  status: z.enum(interestStatuses).optional(),
  overdue: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional()
    .describe("`true`: open and past the day by which they should be answered."),
  resultId: uuid.optional(),
  needId: uuid.optional(),
});
export type ListInterestsQuery = z.output<typeof ListInterestsQuery>;

/** The list under one listing. */
export const ListingInterestsQuery = ListInterestsQuery.omit({ resultId: true, needId: true });
