import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "accounts", description: "Sign in, tokens, members, machine clients." },
  errors: {
    "auth.barred_after_reset": {
      status: 403,
      en: "Somebody else has reset this account: for a while it neither reviews cases nor confirms contracts",
      zh: "该账号近期由他人重置，限制期内不得审核登记或确认合同",
    },
  },
  faults: {
    "password.weak": { en: "is too easy to guess", zh: "过于容易被猜到" },
  },
} as const satisfies FeatureWords;
