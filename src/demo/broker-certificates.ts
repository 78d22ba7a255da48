/** The certificates of the demo market's brokers. The issuer and the numbers are invented. */
import type { Day, DemoCertificate } from "./types.ts";

const issuer = "河南省技术转移人才培养基地（演示）";

export const demoCertificates = (day: Day): DemoCertificate[] => [
  {
    person: "broker",
    level: "senior",
    certificateNumber: "DEMO-JJ-2023-0017",
    issuer,
    fieldCodes: ["03", "05", "06"],
    issuedOn: "2023-06-16",
    validUntil: null,
    applied: 186,
    certified: 183,
  },
  {
    person: "broker2",
    level: "primary",
    certificateNumber: "DEMO-JJ-2024-0236",
    issuer,
    fieldCodes: ["04", "07", "09"],
    issuedOn: day(-400),
    validUntil: day(695),
    applied: 120,
    certified: 116,
  },
  {
    person: "applicant",
    level: "intermediate",
    certificateNumber: "DEMO-JJ-2025-0108",
    issuer,
    fieldCodes: ["04", "09"],
    issuedOn: day(-70),
    validUntil: day(1025),
    applied: 5,
  },
];
