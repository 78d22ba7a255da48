import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: {
    name: "suggestions",
    description: "What fits a need or a result, why, and what callers think of it.",
  },
} as const satisfies FeatureWords;
