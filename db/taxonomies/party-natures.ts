/**
 * Party natures (买方性质、卖方性质): what kind of body a contract's buyer or seller is.
 *
 * Source: the code list in the filling notes of the printed registration form.
 * Uncertain: the codes 500 and 600 (`certain: false`), and the name of 400, which is cut off in the
 * copy read. Left out until seen whole: the children of 200 (210-240) and 300 (310, 320, 340 ...),
 * and the four-digit codes which tell a legal person (ending in 1) from its branch (ending in 2).
 */
import type { Taxonomy } from "./types.ts";

export const partyNatures: Taxonomy = {
  name: "party-natures",
  zh: "买方、卖方性质",
  en: "Party natures",
  source: "Filling notes of the printed technology contract registration form.",
  certainty: "partial",
  items: [
    { code: "010", zh: "机关法人", en: "Government body" },
    { code: "011", parent: "010", zh: "国家级机关", en: "National government body" },
    { code: "012", parent: "010", zh: "省级机关", en: "Provincial government body" },
    { code: "013", parent: "010", zh: "地市级机关", en: "City government body" },
    {
      code: "014",
      parent: "010",
      zh: "县级及以下机关",
      en: "Government body of a county or below",
    },
    { code: "020", zh: "事业法人", en: "Public institution" },
    { code: "021", parent: "020", zh: "科研机构", en: "Research institute" },
    { code: "022", parent: "020", zh: "高等院校", en: "University or college" },
    { code: "023", parent: "020", zh: "医疗、卫生", en: "Medical or health institution" },
    { code: "024", parent: "020", zh: "其它事业法人", en: "Other public institution" },
    { code: "030", zh: "社团法人", en: "Association" },
    { code: "100", zh: "内资企业", en: "Domestic enterprise" },
    { code: "110", parent: "100", zh: "国有企业", en: "State-owned enterprise" },
    { code: "120", parent: "100", zh: "集体企业", en: "Collective enterprise" },
    { code: "130", parent: "100", zh: "股份合作企业", en: "Joint-stock cooperative enterprise" },
    { code: "140", parent: "100", zh: "联营企业", en: "Jointly operated enterprise" },
    { code: "150", parent: "100", zh: "有限责任公司", en: "Limited liability company" },
    { code: "160", parent: "100", zh: "股份有限公司", en: "Joint-stock company" },
    { code: "170", parent: "100", zh: "私营企业", en: "Private enterprise" },
    { code: "180", parent: "100", zh: "其他内资企业", en: "Other domestic enterprise" },
    {
      code: "200",
      zh: "港澳台商投资企业",
      en: "Enterprise with investment from Hong Kong, Macao or Taiwan",
    },
    { code: "300", zh: "外商投资企业", en: "Foreign-invested enterprise" },
    { code: "400", zh: "个体经营", en: "Individual business" },
    { code: "500", zh: "自然人", en: "Natural person", attributes: { certain: false } },
    { code: "600", zh: "其他组织", en: "Other organization", attributes: { certain: false } },
  ],
};
