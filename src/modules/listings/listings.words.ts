import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  errors: {
    "cursor.expired": {
      status: 400,
      en: "The term statistics were counted again since this page: scores are others now. Start from the first page",
      zh: "词项统计已更新，得分随之变化：请从第一页重新检索",
    },
    "search.too_many_words": {
      status: 400,
      en: "The search has more words than it may have: use fewer, or sign in",
      zh: "检索词过多：请减少检索词，或登录后检索",
    },
  },
  faults: {
    "money.order": { en: "must not be less than the minimum", zh: "不得小于最小值" },
    "price.shape": { en: "the amounts do not fit the kind of price", zh: "金额与价格类型不符" },
    "sort.unavailable": { en: "this order is not offered in this scope", zh: "该范围不支持此排序" },
    "include.unavailable": { en: "this is not shown in this scope", zh: "该范围不提供此内容" },
    "filter.unavailable": {
      en: "this filter is not offered in this scope",
      zh: "该范围不支持此筛选",
    },
  },
} as const satisfies FeatureWords;
