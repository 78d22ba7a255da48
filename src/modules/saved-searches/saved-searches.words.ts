import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "searches", description: "Saved searches, and the synonyms that searches know." },
  nouns: {
    saved_search: { en: "saved search", zh: "已存检索" },
  },
  errors: {
    "saved_search.too_many": {
      status: 409,
      en: "You have as many saved searches as you can have: delete one first",
      zh: "已存检索数量已达上限：请先删除",
    },
  },
} as const satisfies FeatureWords;
