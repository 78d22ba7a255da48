import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: {
    name: "registrations",
    description: "Recognition and registration 认定登记: cases, offices, rules, certificates.",
  },
  scopes: ["registrations:read"],
  nouns: {
    registration: { en: "registration", zh: "认定登记" },
  },
  errors: {
    "registration.already_filed": {
      status: 409,
      en: "The contract has a registration that is under way or in force",
      zh: "该合同已有办理中或有效的登记",
    },
    "registration.no_office": {
      status: 409,
      en: "No registration office is competent for the applicant's region",
      zh: "申请方所在地没有对应的登记机构",
    },
    "registration.not_applicant": {
      status: 403,
      en: "Only the seller who leads applies; of an import the domestic buyer",
      zh: "仅主要卖方可申请登记；技术进口合同由境内买方申请",
    },
    "registration.same_reviewer": {
      status: 409,
      en: "Another person than the first reviewer must decide",
      zh: "须由初审人以外的人员复核",
    },
    "registration.not_first_reviewer": {
      status: 409,
      en: "Only the first reviewer of the case may do this",
      zh: "仅本案初审人可执行此操作",
    },
    "registration.reviewer_of_applicant": {
      status: 403,
      en: "Staff of the applicant may not review",
      zh: "申请方人员不得参与审核",
    },
    "registration.expert_review_needed": {
      status: 409,
      en: "The case needs expert review before it is decided: it is large or disputed",
      zh: "大额或有争议的合同须先经专家评审",
    },
    "registration.not_agreed": {
      status: 409,
      en: "The parties have not all agreed to this change or cancellation of the contract",
      zh: "合同各方尚未就该变更或注销达成一致",
    },
  },
  faults: {
    "date.before_accepted": {
      en: "must not lie before the day of acceptance",
      zh: "不得早于受理日期",
    },
  },
  constraints: {
    registrations_one_living: "registration.already_filed",
  },
} as const satisfies FeatureWords;
