import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    sign_in: { en: "sign-in", zh: "登录" },
  },
} as const satisfies FeatureWords;
