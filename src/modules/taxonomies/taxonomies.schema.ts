import { z } from "zod";
import { line, patchOf } from "../../lib/wire.ts";

export const TaxonomyParams = z.strictObject({ name: line(60) });
export const TaxonomyItemParams = z.strictObject({ name: line(60), code: line(40) });

export const TaxonomyItem = z
  .object({
    code: z.string(),
    parentCode: z.string().nullable(),
    zh: z.string(),
    en: z.string(),
    attributes: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .nullable()
      .describe("What else is known of the item, such as `highTech` or `civilCode`."),
    origin: z.enum(["built_in", "operator"]),
    active: z.boolean().describe("A retired item stays readable, but nothing new takes it."),
    version: z.int(),
  })
  .meta({ id: "TaxonomyItem" });

export const TaxonomySummary = z
  .object({
    name: z.string(),
    zh: z.string(),
    en: z.string(),
    source: z.string().describe("The standard, law or form that the list comes from."),
    certainty: z
      .enum(["official", "partial", "proposed"])
      .describe(
        "`official`: complete and sourced; `partial`: what is certain, the operator adds the rest; `proposed`: this market's own codes.",
      ),
  })
  .meta({ id: "TaxonomySummary" });

export const TaxonomyList = z
  .object({ data: z.array(TaxonomySummary) })
  .meta({ id: "TaxonomyList" });

export const Taxonomy = TaxonomySummary.extend({ items: z.array(TaxonomyItem) }).meta({
  id: "Taxonomy",
});

const labels = {
  zh: line(100),
  en: line(100),
};

const code = z.string().regex(/^[0-9A-Za-z_]{1,40}$/);

export const TaxonomyItemInput = z
  .strictObject({
    code,
    parentCode: code.nullable().default(null),
    ...labels,
  })
  .meta({
    id: "TaxonomyItemInput",
    examples: [{ code: "0301", parentCode: "03", zh: "数控机床", en: "CNC machine tools" }],
  });
export type TaxonomyItemInput = z.output<typeof TaxonomyItemInput>;

export const TaxonomyItemDetails = z.strictObject({ ...labels, active: z.boolean() });
export const TaxonomyItemPatch = patchOf(TaxonomyItemDetails).meta({
  id: "TaxonomyItemPatch",
  examples: [{ zh: "数控机床与加工中心", en: "CNC machine tools and machining centres" }],
});
