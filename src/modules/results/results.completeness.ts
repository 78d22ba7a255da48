import type { results } from "../../../db/schema/results.ts";
import { rightNumberFault } from "../../lib/rights.ts";
import { gapsFrom } from "../listings/listings.completeness.ts";
import type { Gap } from "../listings/listings.schema.ts";

type Row = Pick<
  typeof results.$inferSelect,
  "priceKind" | "description" | "summary" | "intellectualProperty"
>;

/** Faults of the numbers of its rights, each with the place of the right. */
export const rightFaultsOf = ({ intellectualProperty }: Pick<Row, "intellectualProperty">) =>
  intellectualProperty.flatMap((right, index) => {
    const code = rightNumberFault(right);
    return code ? [{ index, code }] : [];
  });

/** What a reader of a result looks for, and what is wrong. */
export function gapsOf(row: Row): Gap[] {
  const missing = missingOf(row);
  // One weight for the field, however much of it is missing or wrong.
  const isCounted = missing.some(({ field }) => field === "/intellectualProperty");
  const wrong = rightFaultsOf(row).map(
    ({ index, code }, i): Gap => ({
      field: `/intellectualProperty/${index}/number`,
      required: true,
      weight: i === 0 && !isCounted ? rightsWeight : 0,
      code,
      zh: "更正专利号",
      en: "correct the patent number",
    }),
  );
  return [...missing, ...wrong];
}

const rightsWeight = 8;

/** The required ones are those of the database's own check. */
const missingOf = gapsFrom<Row>([
  { field: "summary", weight: 10, required: true, zh: "填写摘要", en: "write a summary" },
  {
    field: "description",
    weight: 10,
    required: true,
    zh: "填写详细介绍",
    en: "describe the result",
  },
  {
    field: "fieldCode",
    weight: 8,
    required: true,
    zh: "选择技术领域",
    en: "state the technology field",
  },
  { field: "regionCode", weight: 4, required: true, zh: "填写所在地区", en: "state the region" },
  { field: "maturity", weight: 8, required: true, zh: "填写技术成熟度", en: "state the maturity" },
  {
    field: "cooperationModes",
    weight: 8,
    required: true,
    zh: "选择合作方式",
    en: "state how you would cooperate",
  },
  {
    field: "price",
    weight: 8,
    required: true,
    zh: "填写价格或选择面议",
    en: "state a price, or that it is negotiable",
    has: (row) => row.priceKind !== null,
  },
  { field: "contact", weight: 6, required: true, zh: "填写联系人", en: "name a contact" },
  { field: "industryCode", weight: 4, zh: "选择应用行业", en: "state the industry" },
  { field: "keywords", weight: 4, zh: "填写关键词", en: "give keywords" },
  { field: "resultType", weight: 3, zh: "选择成果类型", en: "state the type of result" },
  { field: "sampleStatus", weight: 4, zh: "说明样品情况", en: "state how far samples have come" },
  {
    field: "intellectualProperty",
    weight: rightsWeight,
    zh: "填写知识产权及专利号",
    en: "give the intellectual property and patent number",
    has: ({ intellectualProperty }) =>
      intellectualProperty.length > 0 &&
      intellectualProperty.every(
        ({ typeCode, number }) => !typeCode.startsWith("2") || number !== null,
      ),
  },
  {
    field: "advantages",
    weight: 6,
    zh: "说明与现有技术相比的优势",
    en: "say what is better than what is used today",
  },
  { field: "technicalIndicators", weight: 5, zh: "填写技术指标", en: "give technical indicators" },
  { field: "inventors", weight: 2, zh: "填写完成人", en: "name the inventors" },
  { field: "owners", weight: 2, zh: "填写权利人", en: "name the owners" },
]);
