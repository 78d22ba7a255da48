import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "matches", description: "A broker brings a result and a need together 对接." },
  scopes: ["matches:read"],
  nouns: {
    match: { en: "match", zh: "对接" },
  },
  errors: {
    "match.already_open": {
      status: 409,
      en: "An open match of this result and this need exists already",
      zh: "该成果与该需求之间已有进行中的对接",
    },
    "match.not_a_broker": {
      status: 403,
      en: "Only a person with a valid broker certificate may do this",
      zh: "仅持有有效证书的技术经纪人可执行此操作",
    },
    "match.own_organization": {
      status: 409,
      en: "A broker's own organization may be on neither side",
      zh: "技术经纪人所在机构不得为对接任何一方",
    },
    "match.same_owner": {
      status: 409,
      en: "The result and the need belong to one organization",
      zh: "成果与需求属于同一机构",
    },
    "match.listing_not_published": {
      status: 409,
      en: "The result or the need is not in public view, or its owner is not in good standing",
      zh: "成果或需求未公开发布，或其所属机构状态异常",
    },
  },
  faults: {
    "interest.not_of_pair": {
      en: "is not an accepted interest of one of the two owners in the other's listing",
      zh: "不是这两个项目的双方之间已接受的意向",
    },
    "match.not_of_pair": {
      en: "is not an ended match of your brokerage about the same result and need",
      zh: "不是贵机构就同一成果与需求已结束的对接",
    },
    "broker.not_of_brokerage": {
      en: "is not a person of the match's brokerage with a valid broker certificate",
      zh: "不是该对接所属经纪机构中持有有效证书的技术经纪人",
    },
  },
  constraints: {
    matches_one_open: "match.already_open",
  },
} as const satisfies FeatureWords;
