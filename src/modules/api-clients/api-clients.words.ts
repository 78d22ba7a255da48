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
    "api_client.two_secrets": {
      status: 409,
      en: "The API client has two secrets that work: end the older one first, or give no overlap",
      zh: "该 API 客户端已有两个有效密钥：请先停用较早的密钥，或不设并存时间",
    },
    "api_client.no_previous_secret": {
      status: 409,
      en: "The API client has no secret that works beside the newest one",
      zh: "该 API 客户端除最新密钥外没有其他有效密钥",
    },
  },
  constraints: {
    api_clients_name: "api_client.name_taken",
  },
} as const satisfies FeatureWords;
