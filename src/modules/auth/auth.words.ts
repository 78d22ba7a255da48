import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "accounts", description: "Sign in, tokens, members, machine clients." },
  faults: {
    "password.weak": { en: "is too easy to guess", zh: "过于容易被猜到" },
  },
} as const satisfies FeatureWords;
