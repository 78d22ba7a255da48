import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    job_fault: { en: "job fault", zh: "后台作业故障" },
  },
} as const satisfies FeatureWords;
