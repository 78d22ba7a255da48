import { z } from "zod";
import { needStatuses } from "../../../db/schema/needs.ts";
import { changeSorts } from "../../lib/changes.ts";
import { issueOf } from "../../lib/faults.ts";
import { shapeQuery } from "../../lib/shape.ts";
import {
  civilDate,
  codeOrNull,
  compareAmounts,
  line,
  Money,
  patchOf,
  taxonomyCode,
  uuid,
  wholeNumber,
} from "../../lib/wire.ts";
import {
  innerSorts,
  inScope,
  listed,
  listingInput,
  listingOutput,
  listingQuery,
  listingRelations,
  ownSorts,
  proseOrNull,
  searchSorts,
} from "../listings/listings.schema.ts";

/** From, to, or a word that it is to be talked about. Both ends or none. */
const Budget = z
  .strictObject({
    min: Money.nullable().default(null),
    max: Money.nullable().default(null),
    negotiable: z.boolean().default(false),
  })
  .superRefine(({ min, max, negotiable }, context) => {
    // Who says what it would pay at most has said enough.
    if (max === null && (min !== null || !negotiable)) {
      context.addIssue(issueOf("price.shape"));
    } else if (min && max && compareAmounts(min.amount, max.amount) > 0) {
      context.addIssue({ ...issueOf("money.order"), path: ["max"] });
    }
  })
  .meta({ id: "Budget", description: "`max`, with or without `min`, or `negotiable`." });

const Indicator = z
  .strictObject({
    name: line(100),
    target: line(100).describe("The value to reach, such as `≤ 0.5`."),
    unit: line(30).nullable().default(null),
    current: line(100).nullable().default(null).describe("What is reached today."),
  })
  .meta({ id: "Indicator" });

/** What an enterprise writes of a need. */
export const NeedInput = z
  .strictObject({
    ...listingInput,
    needType: codeOrNull("need-types"),
    urgency: codeOrNull("urgencies"),
    background: proseOrNull(3000),
    existingBase: proseOrNull(3000).describe("What the enterprise has already."),
    bottleneck: proseOrNull(3000).describe("The difficulty that it cannot solve itself."),
    targetIndicators: z.array(Indicator).max(30).default([]).describe("Quantified targets."),
    solverRequirements: proseOrNull(2000).describe("What a solver must bring."),
    minimumMaturity: z
      .int()
      .min(1)
      .max(9)
      .nullable()
      .default(null)
      .describe("The least technology readiness level that can be used."),
    budget: Budget.nullable().default(null),
    deadline: civilDate.nullable().default(null).describe("By when the solution is wanted."),
    authenticityConfirmed: z
      .boolean()
      .default(false)
      .describe("The enterprise confirms that the need is its own, real and current."),
    anonymous: z
      .boolean()
      .default(false)
      .describe(
        "Hides organization, contact and exact region from all but owner and operator. The text must not name the owner.",
      ),
  })
  .meta({
    id: "NeedInput",
    examples: [
      {
        title: "电池极片涂布厚度在线检测",
        summary: "现有离线抽检漏检率高，需要在线、全幅、微米级的厚度检测方案。",
        bottleneck: "涂布速度 80 m/min 时，射线法响应慢，激光法受浆料反光影响。",
        needType: "key_technology",
        fieldCode: "03",
        industryCode: "C38",
        regionCode: "410782",
        deadline: "2027-06-30",
        cooperationModes: ["entrusted_development"],
        targetIndicators: [{ name: "测厚误差", target: "≤ 1", unit: "μm", current: "3" }],
        budget: {
          min: { amount: "500000.00", currency: "CNY" },
          max: { amount: "1200000.00", currency: "CNY" },
        },
        authenticityConfirmed: true,
        contact: { name: "技术部" },
      },
    ],
  });
export type NeedInput = z.output<typeof NeedInput>;
export const NeedPatch = patchOf(NeedInput).meta({
  id: "NeedPatch",
  examples: [
    {
      urgency: "urgent",
      bottleneck: "涂布速度提到 100 m/min 后，射线法响应更慢，激光法受浆料反光影响。",
      budget: {
        min: { amount: "800000.00", currency: "CNY" },
        max: { amount: "1500000.00", currency: "CNY" },
      },
      minimumMaturity: null,
    },
  ],
});

const money = z.object({ amount: z.string(), currency: z.string() }).nullable();
const code = z.string().nullable();

export const Need = z
  .object({
    ...listingOutput,
    status: z.enum(needStatuses),
    needType: code,
    urgency: code,
    background: z.string().nullable(),
    existingBase: z.string().nullable(),
    bottleneck: z.string().nullable(),
    targetIndicators: z.array(
      z.object({
        name: z.string(),
        target: z.string(),
        unit: z.string().nullable(),
        current: z.string().nullable(),
      }),
    ),
    solverRequirements: z.string().nullable(),
    minimumMaturity: z.int().nullable(),
    budget: z.object({ min: money, max: money, negotiable: z.boolean() }).nullable(),
    deadline: z.string().nullable(),
    authenticityConfirmed: z.boolean(),
    anonymous: z.boolean(),
    alias: z.string().nullable().describe("Stands for the name of an owner who stays anonymous."),
    solvedBy: z.string().nullable().optional().describe("Only to the owner and the operator."),
    solvedContractId: uuid.nullable().optional().describe("Likewise."),
  })
  .meta({ id: "Need" });
export type Need = z.output<typeof Need>;

export const NeedSummary = Need.pick({
  id: true,
  reference: true,
  externalId: true,
  status: true,
  organization: true,
  alias: true,
  anonymous: true,
  title: true,
  summary: true,
  tags: true,
  fieldCode: true,
  industryCode: true,
  regionCode: true,
  cooperationModes: true,
  needType: true,
  urgency: true,
  budget: true,
  deadline: true,
  publishedAt: true,
  validUntil: true,
  version: true,
  updatedAt: true,
})
  .extend(listed)
  .meta({ id: "NeedSummary" });

/** One that something else is joined with. */
export const RelatedNeed = NeedSummary.omit({ match: true, expanded: true }).meta({
  id: "RelatedNeed",
});

export const SolveInput = z
  .strictObject({
    solvedBy: line(200)
      .nullable()
      .default(null)
      .describe("The contract that solved it: number or title."),
    contractId: uuid
      .nullable()
      .default(null)
      .describe(
        "That contract, when it is one of this market. If it is cancelled, the need is open again.",
      ),
  })
  .meta({
    id: "SolveInput",
    examples: [{ solvedBy: "电池极片在线测厚系统技术开发合同（2026-豫新-0147）" }],
  });

export type SolveInput = z.output<typeof SolveInput>;

/** Orders of the public list. */
const publicSorts = ["-publishedAt", "newest", "publishedAt", "deadline", "validUntil"] as const;

export const ListNeedsQuery = z
  .strictObject({
    ...listingQuery,
    ...shapeQuery(NeedSummary, listingRelations),
    status: z.enum(needStatuses).optional().describe("In the scopes `own` and `all`."),
    sort: z
      .enum([
        ...new Set([...publicSorts, ...changeSorts, ...innerSorts, ...ownSorts, ...searchSorts]),
      ])
      .optional()
      .describe(
        "With `q` the best match first (`relevance`, at most 2,000 deep), else newest publication first in `public` (`newest` or `-publishedAt`; also `publishedAt`, `deadline`, `validUntil`), latest change first in `own` and `all` (`-updatedAt`; also `-createdAt`; in `own` also `validUntil` and `completeness`, either way). `updatedAt` and `-updatedAt` in each of them.",
      ),
    needType: taxonomyCode("need-types").optional(),
    urgency: taxonomyCode("urgencies").optional(),
    "minimumMaturity[lte]": wholeNumber(1, 9).optional(),
    "budget[gte]": Money.shape.amount.optional().describe("It would pay at least this, in yuan."),
    "deadline[gte]": civilDate.optional(),
    "deadline[lte]": civilDate.optional(),
  })
  .superRefine(inScope(publicSorts));
export type ListNeedsQuery = z.output<typeof ListNeedsQuery>;
