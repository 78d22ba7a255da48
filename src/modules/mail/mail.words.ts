import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    mail_preferences: { en: "mail preferences", zh: "邮件偏好" },
  },
} as const satisfies FeatureWords;
