import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "organizations", description: "Organizations and their verification." },
  nouns: {
    organization: { en: "organization", zh: "机构" },
  },
  errors: {
    "organization.draft_quota": {
      status: 409,
      en: "The organization has as many drafts as it can have: submit or delete some, or have it verified first",
      zh: "本机构的草稿数量已达上限：请提交或删除部分草稿；尚未核验的机构可先完成核验",
    },
    "organization.file_quota": {
      status: 409,
      en: "The organization has as many megabytes of files as it can have: delete some, or ask the operator",
      zh: "本机构的附件总量已达上限：请删除部分附件，或联系市场运营方",
    },
    "organization.not_verified": {
      status: 403,
      en: "The operator has not verified your organization yet",
      zh: "您的机构尚未通过核验",
    },
    "organization.suspended": {
      status: 403,
      en: "Your organization is suspended or closed: it reads its own and changes nothing",
      zh: "您的机构已被暂停或关闭：仅可查看自有数据，不能变更",
    },
    "organization.credit_code_taken": {
      status: 409,
      en: "Another organization with this unified social credit code is already verified",
      zh: "已有使用该统一社会信用代码的机构通过核验",
    },
    "organization.short_name_taken": {
      status: 409,
      en: "Another verified organization has this short name",
      zh: "该简称已被另一家通过核验的机构使用",
    },
    "organization.name_verified": {
      status: 409,
      en: "The name was verified: only the operator changes it",
      zh: "名称已通过核验：仅运营方可修改",
    },
    "organization.own": {
      status: 409,
      en: "The operator does not suspend or close its own organization: nobody could undo it",
      zh: "运营方不能暂停或关闭自己的机构：否则无人能够恢复",
    },
    "organization.has_open_deals": {
      status: 409,
      en: "The organization has open matches, contracts or registrations",
      zh: "该机构有未了结的对接、合同或登记",
    },
  },
  constraints: {
    organizations_credit_code_verified: "organization.credit_code_taken",
    organizations_short_name_verified: "organization.short_name_taken",
  },
} as const satisfies FeatureWords;
