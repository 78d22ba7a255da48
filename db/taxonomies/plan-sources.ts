/**
 * Plan sources (计划项目来源): the government programme that a contract belongs to, if any.
 *
 * Source: the national registration form's tree, which ends in "outside plan".
 * Uncertain: the form has about 88 leaves, which were not found; here are its main branches and the
 * named national programmes. The codes are this project's own.
 */
import type { Taxonomy } from "./types.ts";

export const planSources: Taxonomy = {
  name: "plan-sources",
  zh: "计划项目来源",
  en: "Plan sources",
  source:
    "Plan source tree of the national technology contract registration form, main branches; the codes are this project's own.",
  certainty: "partial",
  items: [
    { code: "10", zh: "国家科技计划", en: "National science and technology plans" },
    { code: "11", parent: "10", zh: "国家重点研发计划", en: "National key R&D programme" },
    {
      code: "12",
      parent: "10",
      zh: "国家科技重大专项",
      en: "National science and technology major projects",
    },
    {
      code: "13",
      parent: "10",
      zh: "国家自然科学基金",
      en: "National natural science fund",
    },
    {
      code: "14",
      parent: "10",
      zh: "技术创新引导专项（基金）",
      en: "Technology innovation guidance projects (funds)",
    },
    { code: "15", parent: "10", zh: "基地和人才专项", en: "Research base and talent projects" },
    { code: "19", parent: "10", zh: "其他国家科技计划", en: "Other national plans" },
    { code: "20", zh: "部门计划", en: "Plans of ministries" },
    {
      code: "30",
      zh: "省、自治区、直辖市及计划单列市计划",
      en: "Plans of provinces and of cities with a separate state plan",
    },
    { code: "40", zh: "地市县计划", en: "Plans of cities and counties" },
    { code: "90", zh: "计划外", en: "Outside plan" },
  ],
};
