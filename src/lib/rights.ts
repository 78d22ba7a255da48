import type { z } from "zod";
import { issueOf } from "./faults.ts";
import { isChinesePatentNumber, normalizePatentNumber, patentTypeCode } from "./patent-number.ts";

/** What a right says of itself, in a listing or in a contract. */
interface Right {
  typeCode: string;
  /** ISO 3166-1 alpha-2. */
  country: string;
  number: string | null;
}

// `20` is a patent of any kind: its number is checked, its kind is not told.
const patents = new Set(["20", "21", "22", "23"]);

const isChinesePatent = ({ typeCode, country }: Right) => country === "CN" && patents.has(typeCode);

/**
 * Whether a number belongs to a patent of any country: the types 20 to 23 of
 * `intellectual-property-types`.
 */
export const isPatentType = (typeCode: string): boolean => patents.has(typeCode);

/** What may be wrong with a number. */
export const rightFaults = ["patent_number.check_digit", "patent_number.type_mismatch"] as const;
type RightFault = (typeof rightFaults)[number];

/** What is wrong with a right's number: Chinese patents by check digit and kind; others are taken as given. */
export function rightNumberFault(right: Right): RightFault | null {
  if (!right.number || !isChinesePatent(right)) return null;
  if (!isChinesePatentNumber(right.number)) return "patent_number.check_digit";
  const named = patentTypeCode(right.number);
  const differs = named && right.typeCode !== "20" && named !== right.typeCode;
  return differs ? "patent_number.type_mismatch" : null;
}

/** For `superRefine`. */
export function checkRightNumber(right: Right, context: z.RefinementCtx): void {
  const code = rightNumberFault(right);
  if (code) context.addIssue({ ...issueOf(code), path: ["number"] });
}

/** A Chinese patent's number in its one form. */
export const normalizeRight = <T extends Right>(right: T): T =>
  right.number && isChinesePatent(right)
    ? { ...right, number: normalizePatentNumber(right.number) }
    : right;
