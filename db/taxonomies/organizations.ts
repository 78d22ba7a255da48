/**
 * Organizations: their kind in the market, which gives the role, and their legal type.
 *
 * Source: the kinds are this project's own; the legal types come from GB 32100-2015, whose unified
 * social credit code tells the registering authority and the entity class in its first two
 * characters (`creditCodePrefix`).
 * Uncertain: bodies registered with other authorities (judicial, foreign affairs, trade unions ...)
 * are not told apart: they are `other`.
 */
import type { Taxonomy } from "./types.ts";

export const organizationKinds: Taxonomy = {
  name: "organization-kinds",
  closed: true,
  zh: "机构类别",
  en: "Organization kinds",
  source: "This project's own: the kind gives an organization's members their role.",
  certainty: "proposed",
  items: [
    { code: "university", zh: "高校院所", en: "University or research institution" },
    { code: "enterprise", zh: "企业", en: "Enterprise" },
    { code: "brokerage", zh: "技术转移服务机构", en: "Technology brokerage" },
    { code: "registry", zh: "技术合同登记机构", en: "Registration office" },
    { code: "operator", zh: "科技大市场运营机构", en: "Market operator" },
  ],
};

export const legalTypes: Taxonomy = {
  name: "legal-types",
  closed: true,
  zh: "机构法律类型",
  en: "Legal types of organizations",
  source: "GB 32100-2015, unified social credit code, first two characters.",
  certainty: "partial",
  items: [
    {
      code: "government_agency",
      zh: "机关",
      en: "Government agency",
      attributes: { creditCodePrefix: "11" },
    },
    {
      code: "public_institution",
      zh: "事业单位",
      en: "Public institution",
      attributes: { creditCodePrefix: "12" },
    },
    {
      code: "mass_organization",
      zh: "群众团体",
      en: "Mass organization",
      attributes: { creditCodePrefix: "13" },
    },
    {
      code: "social_organization",
      zh: "社会团体",
      en: "Social organization (association)",
      attributes: { creditCodePrefix: "51" },
    },
    {
      code: "private_non_enterprise",
      zh: "民办非企业单位",
      en: "Private non-enterprise unit",
      attributes: { creditCodePrefix: "52" },
    },
    {
      code: "foundation",
      zh: "基金会",
      en: "Foundation",
      attributes: { creditCodePrefix: "53" },
    },
    {
      code: "enterprise",
      zh: "企业",
      en: "Enterprise",
      attributes: { creditCodePrefix: "91" },
    },
    {
      code: "individual_business",
      zh: "个体工商户",
      en: "Individual business",
      attributes: { creditCodePrefix: "92" },
    },
    {
      code: "farmers_cooperative",
      zh: "农民专业合作社",
      en: "Farmers' cooperative",
      attributes: { creditCodePrefix: "93" },
    },
    { code: "other", zh: "其他", en: "Other" },
  ],
};
