import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    synonym: { en: "synonym group", zh: "同义词组" },
  },
  errors: {
    "synonym.words_taken": {
      status: 409,
      en: "Another group has the same words",
      zh: "已有词语完全相同的同义词组",
    },
  },
  faults: {
    "synonym.nothing_to_find": {
      en: "holds nothing to look for: neither a Chinese character nor a letter or digit",
      zh: "没有可供检索的内容：须含有汉字、字母或数字",
    },
  },
  constraints: {
    synonyms_words: "synonym.words_taken",
  },
} as const satisfies FeatureWords;
