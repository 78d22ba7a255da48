import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "attachments", description: "Files of listings, contracts and registrations." },
  scopes: ["attachments:read", "attachments:write"],
  nouns: {
    attachment: { en: "attachment", zh: "附件" },
  },
  errors: {
    "attachment.type_refused": {
      status: 415,
      en: "Files of this type are not taken",
      zh: "不接受该类型的文件",
    },
    "attachment.infected": {
      status: 400,
      en: "The scanner found malware in this file: it was not kept",
      zh: "该文件经安全扫描检出恶意代码，未予保存",
    },
    "attachment.not_scanned": {
      status: 503,
      en: "Files cannot be scanned at the moment, and are not kept unscanned: try again shortly",
      zh: "文件安全扫描服务暂不可用，未经扫描的文件不予保存：请稍后重试",
    },
    "attachment.damaged": {
      status: 500,
      en: "The stored bytes of this file are missing or not what was uploaded: upload it again to mend it",
      zh: "该附件的存储内容缺失或已损坏：请重新上传同一文件以修复",
    },
    "attachment.locked": {
      status: 409,
      en: "Such a file can be neither added nor removed now",
      zh: "当前不能增删此类附件",
    },
    "attachment.other_side": {
      status: 403,
      en: "The signed copy of an outside party is attached by a party of the other side",
      zh: "场外当事人的签署件须由合同另一方上传",
    },
    "attachment.limit": {
      status: 409,
      en: "It has as many files as it can have",
      zh: "附件数量已达上限",
    },
  },
  faults: {
    "form.broken": {
      en: "the form must hold one file, named `file`, and end as it should",
      zh: "表单须且仅须含有一个名为 file 的文件，并完整结束",
    },
  },
} as const satisfies FeatureWords;
