/**
 * Intellectual property: types, and the status of one right.
 *
 * Source: the national registration form's tree (知识产权构成), whose last entry is "none involved"; the
 * rights agree with those of the 2020 pilot plan on empowering researchers.
 * Uncertain: the codes are this project's own; the form's exact 13 nodes were not seen (11 here).
 */
import type { Taxonomy } from "./types.ts";

export const intellectualPropertyTypes: Taxonomy = {
  name: "intellectual-property-types",
  zh: "知识产权类型",
  en: "Intellectual property types",
  source:
    "Intellectual property tree of the national technology contract registration form; the codes are this project's own.",
  certainty: "proposed",
  items: [
    { code: "10", zh: "技术秘密", en: "Know-how (technical secret)" },
    { code: "20", zh: "专利", en: "Patent" },
    { code: "21", parent: "20", zh: "发明专利", en: "Invention patent" },
    { code: "22", parent: "20", zh: "实用新型专利", en: "Utility model patent" },
    { code: "23", parent: "20", zh: "外观设计专利", en: "Design patent" },
    { code: "30", zh: "计算机软件著作权", en: "Software copyright" },
    { code: "40", zh: "动、植物新品种权", en: "Animal or plant variety right" },
    { code: "50", zh: "集成电路布图设计专有权", en: "Integrated circuit layout design" },
    { code: "60", zh: "生物、医药新品种权", en: "Biological or pharmaceutical variety right" },
    { code: "70", zh: "设计著作权", en: "Design copyright" },
    { code: "00", zh: "未涉及知识产权", en: "No intellectual property involved" },
  ],
};

export const ipStatuses: Taxonomy = {
  name: "ip-statuses",
  zh: "知识产权状态",
  en: "Intellectual property statuses",
  source: "Stages in the life of a right as results platforms list them.",
  certainty: "proposed",
  items: [
    { code: "applied", zh: "申请", en: "Applied for" },
    { code: "published", zh: "公开", en: "Application published" },
    { code: "granted", zh: "授权", en: "Granted" },
    { code: "lapsed", zh: "失效", en: "Lapsed" },
  ],
};
