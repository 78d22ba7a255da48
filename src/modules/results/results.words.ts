import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "results", description: "Scientific and technological results 科技成果." },
  scopes: ["results:read", "results:write"],
  nouns: {
    result: { en: "result", zh: "科技成果" },
  },
  errors: {
    "result.external_id_taken": {
      status: 409,
      en: "Another result of the organization has this id",
      zh: "本机构的另一项科技成果已使用该自有编号",
    },
  },
  constraints: { results_external_id: "result.external_id_taken" },
  faults: {
    "shares.total": { en: "the shares must add up to 100", zh: "份额合计须为 100" },
  },
} as const satisfies FeatureWords;
