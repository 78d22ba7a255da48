import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "statistics", description: "Contract volume 技术合同成交额." },
  scopes: ["statistics:read"],
  errors: {
    "statistics.as_of_unsealed": {
      status: 400,
      en: "The moment lies after the last seal of the log: ask for an earlier one",
      zh: "该时点晚于日志最近一次封存：请指定更早的时点",
    },
    "statistics.public_view": {
      status: 403,
      en: "The public view has one dimension by year or quarter, without other filters",
      zh: "公开统计仅提供按年或季度的单一维度，不支持其他筛选",
    },
  },
} as const satisfies FeatureWords;
