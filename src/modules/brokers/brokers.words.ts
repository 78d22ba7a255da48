import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "brokers", description: "Broker certificates and the public directory." },
  nouns: {
    broker: { en: "broker", zh: "技术经纪人" },
  },
} as const satisfies FeatureWords;
