/**
 * The built-in rule sets of registration.
 *
 * `2000-063`: Measures of 2000 (国科发政字〔2000〕063号), repealed on 2026-03-01: thirty days from acceptance.
 * `2026-MIIT`: Measures issued by MIIT on 2026-01-23, in force from 2026-03-01. The final text was not
 * seen: the numbers are those of articles 12 and 14 of the draft of 2024 (fifteen working days; thirty
 * for a technology amount of generally five million yuan and more, or a disputed case, with expert
 * review). They are settings: the operator changes them at `/v1/registration-rules`.
 */
import type { StoredRules } from "../schema/registration-rules.ts";

export interface RuleSet {
  code: string;
  zh: string;
  en: string;
  /** First day of acceptance on which it applies. */
  appliesFrom: string;
  rules: StoredRules;
}

export const ruleSets: readonly RuleSet[] = [
  {
    code: "2000-063",
    zh: "技术合同认定登记管理办法（国科发政字〔2000〕063号）",
    en: "Measures for the Recognition and Registration of Technology Contracts of 2000",
    appliesFrom: "2000-02-16",
    rules: {
      dayKind: "calendar",
      reviewDays: 30,
      extendedReviewDays: 30,
      expertThreshold: null,
      expertReviewCompulsory: false,
      supplementDays: 30,
      twoReviewers: true,
      withinValidity: false,
    },
  },
  {
    code: "2026-MIIT",
    zh: "技术合同认定登记管理办法（工业和信息化部，2026年）",
    en: "Measures for the Recognition and Registration of Technology Contracts (MIIT, 2026)",
    appliesFrom: "2026-03-01",
    rules: {
      dayKind: "working",
      reviewDays: 15,
      extendedReviewDays: 30,
      expertThreshold: "5000000.00",
      expertReviewCompulsory: true,
      supplementDays: 15,
      twoReviewers: true,
      withinValidity: true,
    },
  },
];
