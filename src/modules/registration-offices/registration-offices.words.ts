import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    registration_office: { en: "registration office", zh: "登记机构" },
  },
  errors: {
    "registration_office.code_taken": {
      status: 409,
      en: "Another office has this code",
      zh: "该登记机构代码已被使用",
    },
    "registration_office.region_taken": {
      status: 409,
      en: "A region belongs to another office already",
      zh: "有地区已归属其他登记机构",
    },
  },
  constraints: {
    registration_offices_code: "registration_office.code_taken",
    registration_office_regions_region: "registration_office.region_taken",
  },
} as const satisfies FeatureWords;
