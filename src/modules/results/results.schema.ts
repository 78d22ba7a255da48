import { z } from "zod";
import { priceKinds, resultStatuses } from "../../../db/schema/results.ts";
import { changeSorts } from "../../lib/changes.ts";
import { fault, issueOf } from "../../lib/faults.ts";
import { normalizeRight } from "../../lib/rights.ts";
import { shapeQuery } from "../../lib/shape.ts";
import {
  civilDate,
  codeOrNull,
  compareAmounts,
  line,
  Money,
  patchOf,
  taxonomyCode,
  wholeNumber,
} from "../../lib/wire.ts";
import {
  distinct,
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

const money = Money.nullable().default(null);

/** Fixed and appraised prices have an amount, a range has both ends, a negotiable one has nothing. */
const Price = z
  .strictObject({ kind: z.enum(priceKinds), amount: money, min: money, max: money })
  .superRefine(({ kind, amount, min, max }, context) => {
    const single = kind === "fixed" || kind === "appraised";
    const fits =
      (amount !== null) === single &&
      (min !== null) === (kind === "range") &&
      (max !== null) === (kind === "range");
    if (!fits) context.addIssue(issueOf("price.shape"));
    else if (min && max && compareAmounts(min.amount, max.amount) > 0) {
      context.addIssue({ ...issueOf("money.order"), path: ["max"] });
    }
  })
  .meta({
    id: "Price",
    description: "`fixed` and `appraised` carry `amount`, `range` carries `min` and `max`.",
  });

const sharePercent = z
  .string()
  .regex(/^(100(\.0{1,2})?|\d{1,2}(\.\d{1,2})?)$/)
  .refine((text) => Number(text) > 0, fault("share.invalid"))
  .meta({ example: "100" });

const Owner = z.strictObject({
  name: line(120),
  creditCode: line(18, 18).nullable().default(null),
  sharePercent: sharePercent.default("100"),
});

/** Exact to two decimals: shares are added as hundredths. */
const hundredths = (percent: string) => Math.round(Number(percent) * 100);

const owners = z
  .array(Owner)
  .max(20)
  .refine(
    (list) =>
      list.length === 0 || list.reduce((sum, o) => sum + hundredths(o.sharePercent), 0) === 10_000,
    fault("shares.total"),
  )
  .default([])
  .describe("Who owns the result; the shares add up to 100.");

const Inventor = z.strictObject({
  name: line(60),
  organization: line(120).nullable().default(null),
});

/** Numbers of Chinese patents are checked before the operator looks (`rightFaultsOf`), those of other rights never. */
const IntellectualProperty = z
  .strictObject({
    typeCode: taxonomyCode("intellectual-property-types"),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/)
      .default("CN")
      .describe("ISO 3166-1 alpha-2."),
    number: line(60)
      .nullable()
      .default(null)
      .describe(
        "Of a Chinese patent the check digit and the kind must be right. A draft keeps a wrong one and names it in `completeness.missing`; it is not submitted with it.",
      ),
    status: codeOrNull("ip-statuses"),
    title: line(200).nullable().default(null),
    owner: line(120).nullable().default(null),
  })
  .overwrite(normalizeRight)
  .meta({ id: "IntellectualProperty" });

/** What an owner writes of a result. */
export const ResultInput = z
  .strictObject({
    ...listingInput,
    description: proseOrNull(5000),
    resultType: codeOrNull("result-types"),
    resultForm: codeOrNull("result-forms"),
    resultNature: codeOrNull("result-natures"),
    applicationField: line(200).nullable().default(null),
    maturity: z
      .int()
      .min(1)
      .max(9)
      .nullable()
      .default(null)
      .describe("Technology readiness level 技术成熟度, 1 to 9 (taxonomy `maturity-levels`)."),
    maturityScale: z
      .enum(["GB/T 22900-2022", "GB/T 37264-2018"])
      .default("GB/T 22900-2022")
      .describe("The scale of the level: general, or new materials."),
    sampleStatus: codeOrNull("sample-statuses"),
    completedOn: civilDate.nullable().default(null),
    planSourceCode: codeOrNull("plan-sources"),
    funding: money.describe("What the research cost."),
    isServiceResult: z
      .boolean()
      .default(false)
      .describe(
        "Made in service 职务科技成果 (Civil Code art. 847): price publicity and reward rules apply.",
      ),
    owners,
    inventors: z.array(Inventor).max(30).default([]).describe("In order of contribution."),
    intellectualProperty: z.array(IntellectualProperty).max(30).default([]),
    technicalIndicators: proseOrNull(3000),
    advantages: proseOrNull(3000).describe("Over what is used today."),
    marketAnalysis: proseOrNull(3000),
    benefits: proseOrNull(3000).describe("Economic and social benefit."),
    awards: distinct(line(200), 20),
    appraisal: proseOrNull(1000).describe("Appraisal report: by whom, when, with what result."),
    licenceKinds: distinct(taxonomyCode("licence-kinds"), 4),
    price: Price.nullable().default(null),
  })
  .meta({
    id: "ResultInput",
    examples: [
      {
        title: "盐碱地玉米专用缓释肥制备技术",
        summary: "面向黄河滩区盐碱地的缓释配方与造粒工艺，亩均减肥两成。",
        description: "以腐植酸包膜控制养分释放，田间试验三年。",
        fieldCode: "09",
        industryCode: "C26",
        regionCode: "410711",
        maturity: 6,
        cooperationModes: ["licence", "joint_development"],
        price: {
          kind: "range",
          min: { amount: "300000.00", currency: "CNY" },
          max: { amount: "800000.00", currency: "CNY" },
        },
        contact: { name: "成果转化办公室", phone: "0373-3326000" },
      },
    ],
  });
export type ResultInput = z.output<typeof ResultInput>;
export const ResultPatch = patchOf(ResultInput).meta({
  id: "ResultPatch",
  examples: [
    {
      summary: "面向黄河滩区盐碱地的缓释配方与造粒工艺，亩均减肥两成半。",
      maturity: 7,
      sampleStatus: "pilot_tested",
      price: {
        kind: "fixed",
        amount: { amount: "600000.00", currency: "CNY" },
        min: null,
        max: null,
      },
    },
  ],
});

const moneyOut = z.object({ amount: z.string(), currency: z.string() }).nullable();

const PriceOut = z
  .object({ kind: z.enum(priceKinds), amount: moneyOut, min: moneyOut, max: moneyOut })
  .nullable();

const code = z.string().nullable();

export const Result = z
  .object({
    ...listingOutput,
    status: z.enum(resultStatuses),
    description: z.string().nullable(),
    resultType: code,
    resultForm: code,
    resultNature: code,
    applicationField: z.string().nullable(),
    maturity: z.int().nullable(),
    maturityScale: z.string(),
    sampleStatus: code,
    completedOn: z.string().nullable(),
    planSourceCode: code,
    funding: moneyOut,
    isServiceResult: z.boolean(),
    owners: z.array(
      z.object({ name: z.string(), creditCode: z.string().nullable(), sharePercent: z.string() }),
    ),
    inventors: z.array(z.object({ name: z.string(), organization: z.string().nullable() })),
    intellectualProperty: z.array(
      z.object({
        typeCode: z.string(),
        country: z.string(),
        number: z.string().nullable(),
        status: code,
        title: z.string().nullable(),
        owner: z.string().nullable(),
      }),
    ),
    technicalIndicators: z.string().nullable(),
    advantages: z.string().nullable(),
    marketAnalysis: z.string().nullable(),
    benefits: z.string().nullable(),
    awards: z.array(z.string()),
    appraisal: z.string().nullable(),
    licenceKinds: z.array(z.string()),
    price: PriceOut,
  })
  .meta({ id: "Result" });
export type Result = z.output<typeof Result>;

export const ResultSummary = Result.pick({
  id: true,
  reference: true,
  externalId: true,
  status: true,
  organization: true,
  title: true,
  summary: true,
  tags: true,
  fieldCode: true,
  industryCode: true,
  regionCode: true,
  cooperationModes: true,
  resultType: true,
  maturity: true,
  price: true,
  publishedAt: true,
  validUntil: true,
  version: true,
  updatedAt: true,
})
  .extend(listed)
  .meta({ id: "ResultSummary" });

/** One that something else is joined with. */
export const RelatedResult = ResultSummary.omit({ match: true, expanded: true }).meta({
  id: "RelatedResult",
});

/** Orders of the public list. */
const publicSorts = [
  "-publishedAt",
  "newest",
  "publishedAt",
  "-maturity",
  "validUntil",
  "deadline",
] as const;

export const ListResultsQuery = z
  .strictObject({
    ...listingQuery,
    ...shapeQuery(ResultSummary, listingRelations),
    status: z.enum(resultStatuses).optional().describe("In the scopes `own` and `all`."),
    sort: z
      .enum([
        ...new Set([...publicSorts, ...changeSorts, ...innerSorts, ...ownSorts, ...searchSorts]),
      ])
      .optional()
      .describe(
        "With `q` the best match first (`relevance`, at most 2,000 deep), else newest publication first in `public` (`newest` or `-publishedAt`; also `publishedAt`, `-maturity`, `validUntil` or `deadline`), latest change first in `own` and `all` (`-updatedAt`; also `-createdAt`; in `own` also `validUntil` and `completeness`, either way). `updatedAt` and `-updatedAt` in each of them.",
      ),
    resultType: taxonomyCode("result-types").optional(),
    sampleStatus: taxonomyCode("sample-statuses").optional(),
    intellectualPropertyType: taxonomyCode("intellectual-property-types").optional(),
    priceKind: z.enum(priceKinds).optional(),
    maturity: wholeNumber(1, 9).optional(),
    "maturity[gte]": wholeNumber(1, 9).optional(),
    "maturity[lte]": wholeNumber(1, 9).optional(),
    "price[lte]": Money.shape.amount
      .optional()
      .describe("Its least price, in yuan, is at most this."),
  })
  .superRefine(inScope(publicSorts));
export type ListResultsQuery = z.output<typeof ListResultsQuery>;
