import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "needs", description: "Technology needs 技术需求." },
  scopes: ["needs:read", "needs:write"],
  nouns: {
    need: { en: "need", zh: "技术需求" },
  },
  errors: {
    "need.external_id_taken": {
      status: 409,
      en: "Another need of the organization has this id",
      zh: "本机构的另一项技术需求已使用该自有编号",
    },
    "need.reveals_owner": {
      status: 409,
      en: "An anonymous need must not name its owner in its text",
      zh: "匿名需求的文字中不得出现需求方名称等信息",
    },
  },
  constraints: { needs_external_id: "need.external_id_taken" },
  faults: {
    reveals_owner: { en: "holds the owner's name or contact", zh: "含有需求方名称或联系方式" },
  },
} as const satisfies FeatureWords;
