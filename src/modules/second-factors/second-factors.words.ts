import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    second_factor: { en: "second factor", zh: "第二验证因素" },
  },
  errors: {
    "auth.second_factor_required": {
      status: 401,
      en: "The password alone is not enough: prove the second factor too",
      zh: "仅凭密码不能登录，还须验证第二因素",
    },
    "auth.second_factor_needed": {
      status: 403,
      en: "This role needs a second factor: set one up first",
      zh: "该角色须使用第二验证因素，请先设置",
    },
    "auth.invalid_second_factor": {
      status: 401,
      en: "The code or passkey is not right, or was used before",
      zh: "验证码或通行密钥有误，或已被使用",
    },
    "second_factor.already_confirmed": {
      status: 409,
      en: "This second factor is set up already",
      zh: "该第二验证因素已设置完成",
    },
    "second_factor.own": {
      status: 409,
      en: "One's own second factors are removed with the password, at /v1/me/second-factors",
      zh: "本人的第二验证因素须凭密码在 /v1/me/second-factors 删除",
    },
    "second_factor.too_many": {
      status: 409,
      en: "No more second factors can be added: remove one first",
      zh: "第二验证因素数量已达上限，请先删除一个",
    },
  },
  faults: {
    "second_factor.one_proof": {
      en: "must hold one proof: a code, a recovery code or a passkey",
      zh: "须且只须提供一种验证：验证码、恢复码或通行密钥",
    },
  },
  constraints: {
    second_factors_credential: "second_factor.already_confirmed",
  },
} as const satisfies FeatureWords;
