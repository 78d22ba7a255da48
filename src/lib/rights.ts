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

/** For `superRefine`: Chinese patents by check digit and kind; numbers of other rights are taken as given. */
export function checkRightNumber(right: Right, context: z.RefinementCtx): void {
  if (!right.number || !isChinesePatent(right)) return;
  const path = ["number"];
  if (!isChinesePatentNumber(right.number)) {
    context.addIssue({ ...issueOf("patent_number.check_digit"), path });
    return;
  }
  const named = patentTypeCode(right.number);
  if (named && right.typeCode !== "20" && named !== right.typeCode) {
    context.addIssue({ ...issueOf("patent_number.type_mismatch"), path });
  }
}

/** A Chinese patent's number in its one form. */
export const normalizeRight = <T extends Right>(right: T): T =>
  right.number && isChinesePatent(right)
    ? { ...right, number: normalizePatentNumber(right.number) }
    : right;
