/**
 * Technology fields (技术领域): the eleven top-level fields of technology contract statistics.
 *
 * Source: the national technology contract statistics; names and order are certain.
 * Uncertain: which fields count as high-tech (`highTech`, from memory). The form has a second level
 * (codes of the form `NNMM`), which was not found: the operator adds it.
 */
import type { Taxonomy } from "./types.ts";

export const technologyFields: Taxonomy = {
  name: "technology-fields",
  zh: "技术领域",
  en: "Technology fields",
  source:
    "National technology contract registration form and statistics (Torch Centre), top level only.",
  certainty: "partial",
  items: [
    {
      code: "01",
      zh: "电子信息技术",
      en: "Electronics and information technology",
      attributes: { highTech: true },
    },
    { code: "02", zh: "航空航天技术", en: "Aerospace technology", attributes: { highTech: true } },
    {
      code: "03",
      zh: "先进制造技术",
      en: "Advanced manufacturing technology",
      attributes: { highTech: true },
    },
    {
      code: "04",
      zh: "生物、医药和医疗器械技术",
      en: "Biological, pharmaceutical and medical device technology",
      attributes: { highTech: true },
    },
    {
      code: "05",
      zh: "新材料及其应用",
      en: "New materials and their application",
      attributes: { highTech: true },
    },
    {
      code: "06",
      zh: "新能源与高效节能",
      en: "New energy and efficient energy saving",
      attributes: { highTech: true },
    },
    {
      code: "07",
      zh: "环境保护与资源综合利用技术",
      en: "Environmental protection and comprehensive use of resources",
      attributes: { highTech: true },
    },
    {
      code: "08",
      zh: "核应用技术",
      en: "Nuclear application technology",
      attributes: { highTech: true },
    },
    { code: "09", zh: "农业技术", en: "Agricultural technology", attributes: { highTech: false } },
    { code: "10", zh: "现代交通", en: "Modern transport", attributes: { highTech: false } },
    {
      code: "11",
      zh: "城市建设与社会发展",
      en: "Urban construction and social development",
      attributes: { highTech: false },
    },
  ],
};
