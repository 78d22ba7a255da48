import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "results", description: "Scientific and technological results 科技成果." },
  scopes: ["results:read", "results:write"],
  nouns: {
    result: { en: "result", zh: "科技成果" },
  },
  faults: {
    "shares.total": { en: "the shares must add up to 100", zh: "份额合计须为 100" },
  },
} as const satisfies FeatureWords;
