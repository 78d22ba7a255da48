import { z } from "zod";
import { contractTypes } from "../../../db/schema/contracts.ts";
import { registrationOrigins } from "../../../db/schema/registrations.ts";
import { fault, issueOf } from "../../lib/faults.ts";
import { civilDate, instant, instantInput, taxonomyCode } from "../../lib/wire.ts";

/** What the volume can be split by. */
export const volumeDimensions = [
  "type",
  "subtype",
  "field",
  "intellectualProperty",
  "planSource",
  "industry",
  "sellerNature",
  "buyerNature",
  "sizeBand",
  "sellerRegion",
  "buyerRegion",
  "origin",
  "direction",
] as const;

const bands = ["lt_10k", "10k_100k", "100k_1m", "1m_10m", "10m_100m", "gte_100m"] as const;

export const ContractVolumeQuery = z
  .strictObject({
    period: z.enum(["year", "quarter", "month"]).default("year"),
    from: civilDate.optional().describe("Widened to the period that it lies in."),
    to: civilDate.optional().describe("Widened to the period that it lies in."),
    by: z
      .string()
      .max(100)
      .transform((text) => text.split(","))
      .pipe(
        z
          .array(z.enum(volumeDimensions))
          .max(3)
          .refine((list) => new Set(list).size === list.length, fault("duplicate")),
      )
      .default([])
      .describe(`Up to three dimensions, comma-separated: ${volumeDimensions.join(", ")}.`),
    dateBasis: z
      .enum(["registered", "signed", "paid"])
      .default("registered")
      .describe(
        "`registered`: by registration day; `signed`: the same contracts by signing day; `paid`: payments in the period, each contract counted once.",
      ),
    region: taxonomyCode("regions")
      .regex(/^\d{6}$/)
      .optional()
      .describe("A province or city includes what lies in it."),
    flow: z
      .enum(["output", "absorption", "local"])
      .default("output")
      .describe(
        "With `region`: output, the lead seller lies in it; absorption, the lead buyer does; local, both.",
      ),
    regionLevel: z
      .enum(["province", "city", "county"])
      .default("county")
      .describe("Of `by=sellerRegion` and `by=buyerRegion`."),
    type: z.enum(contractTypes).optional(),
    subtype: taxonomyCode("contract-types").optional(),
    fieldCode: taxonomyCode("technology-fields").optional(),
    intellectualPropertyType: taxonomyCode("intellectual-property-types").optional(),
    planSourceCode: taxonomyCode("plan-sources").optional(),
    industryCode: taxonomyCode("industries").optional(),
    sellerNature: taxonomyCode("party-natures").optional(),
    buyerNature: taxonomyCode("party-natures").optional(),
    sizeBand: z.enum(bands).optional(),
    origin: z.enum(registrationOrigins).optional(),
    asOf: z
      .union([civilDate, instantInput, z.string().regex(/^position:\d{1,15}$/)])
      .optional()
      .describe(
        "What was known then: an instant, a day (24:00 in Asia/Shanghai) or `position:` and a position of the feed.",
      ),
  })
  .superRefine(({ from, to, by, region }, context) => {
    if (from && to && to < from) context.addIssue({ ...issueOf("date.order"), path: ["to"] });
    // The direction is told as seen from a region.
    if (by.includes("direction") && !region) {
      context.addIssue({ ...issueOf("required"), path: ["region"] });
    }
  });
export type ContractVolumeQuery = z.output<typeof ContractVolumeQuery>;

const money = z.object({ amount: z.string(), currency: z.string() }).nullable();

const figure = {
  count: z.int().nullable().describe("Contracts; null when suppressed."),
  totalAmount: money.describe("合同成交额, in yuan."),
  technologyAmount: money.describe("技术交易额; null for `paid`."),
  suppressed: z
    .boolean()
    .describe(
      "Hidden in the public view: fewer than three sellers or buyers, or one of them with more than 85 % of an amount, or it would tell such a figure.",
    ),
};

const VolumeRow = z
  .object({
    period: z.string().meta({ example: "2026-Q1" }),
    ...Object.fromEntries(volumeDimensions.map((name) => [name, z.string().optional()])),
    ...figure,
    releasedAt: instant
      .nullable()
      .describe(
        "Public view: when these figures were released, of a year the last of its quarters. What was corrected since is in a later release. Null in the full view, which is current.",
      ),
  })
  .meta({ id: "VolumeRow" });

export const ContractVolume = z
  .object({
    dateBasis: z.enum(["registered", "signed", "paid"]),
    period: z.enum(["year", "quarter", "month"]),
    by: z.array(z.string()),
    view: z.enum(["full", "public"]),
    timeZone: z.literal("Asia/Shanghai"),
    currency: z.literal("CNY"),
    asOf: z.object({
      position: z
        .int()
        .nullable()
        .describe(
          "Of the log: what is sealed up to here is in the figures. Current ones hold more.",
        ),
      instant: instant
        .nullable()
        .describe("In the public view that of the last release; null before the first one."),
    }),
    rows: z.array(VolumeRow),
    total: z.object(figure),
  })
  .meta({ id: "ContractVolume" });
export type ContractVolume = z.output<typeof ContractVolume>;

const Text = z.object({ zh: z.string(), en: z.string() });

export const Definitions = z
  .object({
    data: z.array(z.object({ name: z.string(), kind: z.string(), label: Text, definition: Text })),
  })
  .meta({ id: "Definitions" });
