import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    registration_rules: { en: "rule set", zh: "登记规则" },
  },
} as const satisfies FeatureWords;
