import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "service", description: "The service itself." },
  nouns: {
    problem: { en: "problem type", zh: "问题类型" },
  },
} as const satisfies FeatureWords;
