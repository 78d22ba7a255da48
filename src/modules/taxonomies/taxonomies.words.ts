import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "taxonomies", description: "Code lists with bilingual labels." },
  nouns: {
    taxonomy: { en: "taxonomy", zh: "分类表" },
    taxonomy_item: { en: "taxonomy item", zh: "分类项" },
  },
  errors: {
    "taxonomy.closed": {
      status: 409,
      en: "The program's rules are built on the codes of this taxonomy: none can be added",
      zh: "程序规则以该分类表的代码为依据，不能增加代码",
    },
    "taxonomy_item.code_taken": {
      status: 409,
      en: "The taxonomy already has this code",
      zh: "该分类表已有此代码",
    },
    "taxonomy_item.built_in": {
      status: 409,
      en: "A built-in item comes with the program: it is not changed here",
      zh: "内置分类项随程序发布，不能在此修改",
    },
  },
  faults: {
    "taxonomy.unknown_code": { en: "is not a code of its taxonomy", zh: "不是该分类表中的代码" },
  },
  constraints: {
    taxonomy_items_code: "taxonomy_item.code_taken",
  },
} as const satisfies FeatureWords;
