/** Due dates of a case, by the rules that it is under. */
import type { StoredRules } from "../../../db/schema/registration-rules.ts";
import { compareAmounts } from "../../lib/wire.ts";
import { dueDay } from "../../lib/working-days.ts";

interface Size {
  technologyAmount: string;
  disputed: boolean;
}

/** Large or disputed: experts look at it, and it may take longer (draft art. 14). */
export const isExtended = (rules: StoredRules, { technologyAmount, disputed }: Size): boolean =>
  disputed ||
  (rules.expertThreshold !== null && compareAmounts(technologyAmount, rules.expertThreshold) >= 0);

/**
 * The last day for the decision on a case that was accepted on `day`, and whether experts must look at
 * it first.
 */
export function dueOf(rules: StoredRules, size: Size, day: string) {
  const extended = isExtended(rules, size);
  const days = extended ? rules.extendedReviewDays : rules.reviewDays;
  const { date, provisional } = dueDay(day, days, rules.dayKind);
  return {
    dueOn: date,
    dueProvisional: provisional,
    expertReviewNeeded: extended && rules.expertReviewCompulsory,
  };
}
