import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  nouns: {
    broker_certificate: { en: "broker certificate", zh: "技术经纪人证书" },
  },
  errors: {
    "broker_certificate.already_applied": {
      status: 409,
      en: "The person already has an application under review",
      zh: "该人员已有待审的证书申请",
    },
    "broker_certificate.already_in_force": {
      status: 409,
      en: "The person, or another with this number, already has a certificate in force",
      zh: "该人员已有有效证书，或该证书编号已被使用",
    },
    "broker_certificate.validity_passed": {
      status: 409,
      en: "The certificate's validity has passed",
      zh: "证书有效期已过",
    },
  },
  constraints: {
    broker_certificates_one_applied: "broker_certificate.already_applied",
    broker_certificates_one_in_force: "broker_certificate.already_in_force",
    broker_certificates_number_in_force: "broker_certificate.already_in_force",
  },
} as const satisfies FeatureWords;
