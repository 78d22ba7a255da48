/**
 * Social and economic objectives (社会经济目标).
 *
 * Source: GB/T 24450-2009, top level.
 * Uncertain: the wording is from memory, and technology market forms use a slightly different list
 * of 12 or 13 entries: compare with the form in use.
 */
import type { Taxonomy } from "./types.ts";

export const objectives: Taxonomy = {
  name: "objectives",
  zh: "社会经济目标",
  en: "Social and economic objectives",
  source: "GB/T 24450-2009, classification and codes of social and economic objectives, top level.",
  certainty: "partial",
  items: [
    {
      code: "01",
      zh: "环境保护、生态建设及污染防治",
      en: "Environmental protection, ecology and pollution control",
    },
    {
      code: "02",
      zh: "能源生产、分配和合理利用",
      en: "Production, distribution and rational use of energy",
    },
    { code: "03", zh: "卫生事业发展", en: "Development of public health" },
    { code: "04", zh: "教育事业发展", en: "Development of education" },
    {
      code: "05",
      zh: "基础设施以及城市和农村规划",
      en: "Infrastructure, urban and rural planning",
    },
    { code: "06", zh: "社会发展和社会服务", en: "Social development and social services" },
    {
      code: "07",
      zh: "地球和大气层的探索与利用",
      en: "Exploration and use of the earth and the atmosphere",
    },
    { code: "08", zh: "民用空间探测及开发", en: "Civil exploration and development of space" },
    {
      code: "09",
      zh: "农林牧渔业发展",
      en: "Development of agriculture, forestry, animal husbandry and fishery",
    },
    { code: "10", zh: "工商业发展", en: "Development of industry and commerce" },
    { code: "11", zh: "非定向研究", en: "Non-oriented research" },
    { code: "12", zh: "其他民用目标", en: "Other civil objectives" },
    { code: "13", zh: "国防", en: "National defence" },
  ],
};
