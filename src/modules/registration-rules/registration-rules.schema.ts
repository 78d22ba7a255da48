import { z } from "zod";
import { civilDate, instant, Money, patchOf } from "../../lib/wire.ts";

const days = z.int().min(1).max(365);

/** The numbers of a rule set, as the operator sets them. */
export const Rules = z.strictObject({
  dayKind: z.enum(["working", "calendar"]),
  reviewDays: days.describe("From acceptance to the decision."),
  extendedReviewDays: days.describe("For large and disputed cases."),
  expertThreshold: Money.shape.amount
    .nullable()
    .describe("Technology amount in yuan from which a case is large; null: none is."),
  expertReviewCompulsory: z
    .boolean()
    .describe("Whether large and disputed cases need expert review before they are registered."),
  supplementDays: days.describe("For a supplement, when the registrar names no deadline."),
  twoReviewers: z.boolean().describe("Whether the second reviewer must be another person."),
  withinValidity: z.boolean().describe("Whether a contract is filed within its validity only."),
});
export type Rules = z.output<typeof Rules>;

/** What a merge patch has made: its null took the threshold away (RFC 7396), and none is left then. */
export const PatchedRules = Rules.extend({
  expertThreshold: Rules.shape.expertThreshold.default(null),
});

export const RegistrationRulesPatch = patchOf(Rules).meta({
  id: "RegistrationRulesPatch",
  examples: [{ reviewDays: 12, expertThreshold: "8000000.00" }],
});

export const RegistrationRules = z
  .object({
    code: z.string().meta({ example: "2026-MIIT" }),
    zh: z.string(),
    en: z.string(),
    appliesFrom: civilDate.describe("First day of acceptance on which they apply."),
    rules: Rules,
    version: z.int(),
    updatedAt: instant,
  })
  .meta({ id: "RegistrationRules" });
export type RegistrationRules = z.output<typeof RegistrationRules>;

export const RulesParams = z.strictObject({ code: z.string().regex(/^[0-9A-Za-z-]{1,40}$/) });
