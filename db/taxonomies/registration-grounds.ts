/**
 * Registration grounds: why a registration office asks for a supplement or does not register.
 *
 * Source: the tests and general grounds of the Rules for the Recognition of Technology Contracts of
 * 2001 (国科发政字〔2001〕253号), repealed on 2026-03-01.
 * Uncertain: the rules annexed to the Measures of 2026 were not seen; the codes are this project's own.
 */
import type { Taxonomy } from "./types.ts";

export const registrationGrounds: Taxonomy = {
  name: "registration-grounds",
  zh: "不予登记理由",
  en: "Registration grounds",
  source:
    "Rules for the Recognition of Technology Contracts of 2001; the codes are this project's own.",
  certainty: "proposed",
  items: [
    { code: "party_unclear", zh: "合同主体不明确", en: "Parties unclear" },
    {
      code: "subject_unclear",
      zh: "合同标的不明确",
      en: "Subject too vague to show the technical content",
    },
    {
      code: "price_unclear",
      zh: "价款、报酬、使用费等约定不明确",
      en: "Price, remuneration or royalty unclear",
    },
    { code: "not_technology_contract", zh: "不属于技术合同", en: "Not a technology contract" },
    { code: "oral_form", zh: "非书面合同", en: "Not in written form" },
    { code: "duplicate_registration", zh: "重复登记", en: "Already registered" },
    { code: "out_of_jurisdiction", zh: "不属于本机构登记范围", en: "Another office is competent" },
    {
      code: "illegal_content",
      zh: "内容违法或侵害他人合法权益",
      en: "Against the law or others' rights",
    },
    { code: "incomplete_material", zh: "材料不齐全", en: "Material incomplete" },
    { code: "expired", zh: "合同已超过有效期", en: "Contract no longer within its validity" },
  ],
};
