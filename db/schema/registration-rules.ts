import { date, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { timestamps, version } from "./columns.ts";

/** Numbers of a rule set. Days are of the kind that `dayKind` says. */
export interface StoredRules {
  dayKind: "working" | "calendar";
  reviewDays: number;
  /** For a technology amount from `expertThreshold` on, and for disputed cases. */
  extendedReviewDays: number;
  /** In yuan; null: no amount asks for expert review. */
  expertThreshold: string | null;
  /** Whether large or disputed cases need expert review before they are registered. */
  expertReviewCompulsory: boolean;
  /** Days that an applicant gets for a supplement when the registrar names no deadline. */
  supplementDays: number;
  /** Whether the second reviewer must be another person than the first. */
  twoReviewers: boolean;
  /** Whether the contract must still be within its validity when it is filed. */
  withinValidity: boolean;
}

/**
 * The rules of a registration: which day counts, thresholds and reviewers. Built-in ones come with the
 * program (`db/rules/`); the operator changes the numbers. Each case keeps those that it began under.
 */
export const registrationRules = pgTable("registration_rules", {
  code: text("code").primaryKey(),
  zh: text("zh").notNull(),
  en: text("en").notNull(),
  /** First day of acceptance on which they apply, Asia/Shanghai. */
  appliesFrom: date("applies_from", { mode: "string" }).notNull(),
  rules: jsonb("rules").$type<StoredRules>().notNull(),
  version: version(),
  ...timestamps(),
});
