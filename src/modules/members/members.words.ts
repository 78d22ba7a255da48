import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  scopes: ["organization:read"],
  nouns: {
    member: { en: "member", zh: "成员" },
  },
  errors: {
    "member.email_taken": {
      status: 409,
      en: "This e-mail is already in use",
      zh: "该邮箱已被使用",
    },
    "member.last_admin": {
      status: 409,
      en: "The organization would be left without an active admin",
      zh: "机构将没有任何有效的管理员",
    },
  },
  constraints: {
    members_email: "member.email_taken",
  },
} as const satisfies FeatureWords;
