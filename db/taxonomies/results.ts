/**
 * Results (科技成果): their types, forms and natures.
 *
 * Source: guidance on the registration of science and technology results for form and nature; common
 * usage of results platforms for the type.
 * Uncertain: the guidance's full lists were not seen.
 */
import type { Taxonomy } from "./types.ts";

export const resultTypes: Taxonomy = {
  name: "result-types",
  zh: "成果类型",
  en: "Result types",
  source: "Types commonly used by Chinese results platforms.",
  certainty: "proposed",
  items: [
    { code: "new_technology", zh: "新技术", en: "New technology" },
    { code: "new_product", zh: "新产品", en: "New product" },
    { code: "new_process", zh: "新工艺", en: "New process" },
    { code: "new_material", zh: "新材料", en: "New material" },
    { code: "new_variety", zh: "新品种", en: "New variety" },
    { code: "software", zh: "软件", en: "Software" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};

export const resultForms: Taxonomy = {
  name: "result-forms",
  zh: "成果体现形式",
  en: "Result forms",
  source: "Guidance on the registration of science and technology results.",
  certainty: "partial",
  items: [
    { code: "paper", zh: "论文", en: "Paper" },
    { code: "monograph", zh: "专著", en: "Monograph" },
    { code: "report", zh: "研究报告", en: "Research report" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};

export const resultNatures: Taxonomy = {
  name: "result-natures",
  zh: "成果属性",
  en: "Result natures",
  source: "Guidance on the registration of science and technology results.",
  certainty: "partial",
  items: [
    { code: "original", zh: "原始性创新", en: "Original" },
    { code: "imported_absorbed", zh: "引进消化吸收", en: "Imported and absorbed" },
    {
      code: "domestic_redevelopment",
      zh: "国内技术二次开发",
      en: "Redeveloped from domestic work",
    },
  ],
};
