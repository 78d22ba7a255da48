import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "interests", description: "One side asks about the other's listing 意向." },
  scopes: ["interests:read", "interests:write"],
  nouns: {
    interest: { en: "interest", zh: "意向" },
  },
  errors: {
    "interest.already_open": {
      status: 409,
      en: "Your organization already has an open interest in this listing",
      zh: "贵机构对该项目已有待答复的意向",
    },
    "interest.own_listing": {
      status: 409,
      en: "The listing is your own",
      zh: "该项目属于贵机构自己",
    },
  },
  faults: {
    "answer.no_question": {
      en: "is not the place of a question that was asked",
      zh: "没有与之对应的问题",
    },
  },
  constraints: {
    interests_one_open_result: "interest.already_open",
    interests_one_open_need: "interest.already_open",
  },
} as const satisfies FeatureWords;
