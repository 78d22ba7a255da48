import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    api_client: { en: "API client", zh: "API 客户端" },
  },
  errors: {
    "api_client.name_taken": {
      status: 409,
      en: "Another active API client of the organization has this name",
      zh: "本机构已有同名的有效 API 客户端",
    },
  },
  constraints: {
    api_clients_name: "api_client.name_taken",
  },
} as const satisfies FeatureWords;
