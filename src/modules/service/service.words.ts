import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "service", description: "The service itself." },
  nouns: {
    problem: { en: "problem type", zh: "问题类型" },
    security_contact: { en: "contact for reports of security holes", zh: "安全漏洞报告联系方式" },
  },
} as const satisfies FeatureWords;
