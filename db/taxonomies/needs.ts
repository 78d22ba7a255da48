/**
 * Needs (技术需求): their types and urgencies.
 *
 * Source: what city and provincial collections of enterprises' needs commonly ask; no standard fixes
 * either list.
 */
import type { Taxonomy } from "./types.ts";

export const needTypes: Taxonomy = {
  name: "need-types",
  zh: "需求类型",
  en: "Need types",
  source: "Types commonly used when cities and provinces collect enterprises' technology needs.",
  certainty: "proposed",
  items: [
    { code: "key_technology", zh: "关键技术研发", en: "Development of a key technology" },
    { code: "result_conversion", zh: "成果转化", en: "Conversion of a result" },
    { code: "process_improvement", zh: "技术改造、工艺改进", en: "Upgrade or process improvement" },
    { code: "talent", zh: "引进人才、团队", en: "Bringing in talent or a team" },
    { code: "testing", zh: "检验检测", en: "Inspection and testing" },
    { code: "technology_finance", zh: "科技金融", en: "Technology finance" },
    { code: "other", zh: "其他", en: "Other" },
  ],
};

export const urgencies: Taxonomy = {
  name: "urgencies",
  zh: "紧急程度",
  en: "Urgencies",
  source: "This project's own three steps.",
  certainty: "proposed",
  items: [
    { code: "normal", zh: "一般", en: "Normal" },
    { code: "urgent", zh: "紧急", en: "Urgent" },
    { code: "critical", zh: "特别紧急", en: "Critical" },
  ],
};
