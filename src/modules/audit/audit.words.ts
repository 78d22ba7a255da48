import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "audit", description: "The log of everything that happened." },
  nouns: {
    audit_record: { en: "audit record", zh: "审计记录" },
  },
  faults: {
    "position.beyond_head": {
      en: "lies beyond the last sealed position of the log",
      zh: "超出日志已封存的最后位置",
    },
  },
} as const satisfies FeatureWords;
