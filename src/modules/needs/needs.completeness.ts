import type { needs } from "../../../db/schema/needs.ts";
import { gapsFrom } from "../listings/listings.completeness.ts";

type Row = Pick<typeof needs.$inferSelect, "budgetMax" | "budgetNegotiable">;

/** What a solver of a need looks for. The required ones are those of the database's own check. */
export const gapsOf = gapsFrom<Row>([
  { field: "summary", weight: 10, required: true, zh: "填写摘要", en: "write a summary" },
  {
    field: "bottleneck",
    weight: 12,
    required: true,
    zh: "说明技术难点",
    en: "describe the bottleneck",
  },
  {
    field: "needType",
    weight: 6,
    required: true,
    zh: "选择需求类型",
    en: "state the type of need",
  },
  {
    field: "fieldCode",
    weight: 8,
    required: true,
    zh: "选择技术领域",
    en: "state the technology field",
  },
  { field: "regionCode", weight: 4, required: true, zh: "填写所在地区", en: "state the region" },
  {
    field: "deadline",
    weight: 6,
    required: true,
    zh: "填写期望完成时间",
    en: "state by when it is wanted",
  },
  {
    field: "cooperationModes",
    weight: 6,
    required: true,
    zh: "选择合作方式",
    en: "state how you would cooperate",
  },
  { field: "contact", weight: 6, required: true, zh: "填写联系人", en: "name a contact" },
  {
    field: "authenticityConfirmed",
    weight: 4,
    required: true,
    zh: "确认需求真实有效",
    en: "confirm that the need is real and your own",
  },
  { field: "targetIndicators", weight: 12, zh: "填写量化目标指标", en: "give quantified targets" },
  {
    field: "budget",
    weight: 8,
    zh: "填写预算或选择面议",
    en: "state a budget, or that it is negotiable",
    has: (row) => row.budgetMax !== null || row.budgetNegotiable,
  },
  { field: "background", weight: 5, zh: "说明需求背景", en: "give the background" },
  { field: "existingBase", weight: 5, zh: "说明已有基础", en: "say what you have already" },
  { field: "industryCode", weight: 4, zh: "选择所属行业", en: "state the industry" },
  { field: "keywords", weight: 4, zh: "填写关键词", en: "give keywords" },
]);
