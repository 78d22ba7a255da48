/**
 * A refusal, and what is particular about it. Thrown as `AppError(code)`, sent as an RFC 9457 problem
 * document; what the codes are, with their statuses and titles: src/words.ts.
 */
import type { Text } from "./language.ts";
import type { Vocabulary } from "./words.ts";

/** What a code can be about. */
export type Noun = Vocabulary["noun"];

/** Every refusal this API can give. */
export type ErrorCode = Vocabulary["error"];

/** What can be wrong with one field beyond its type. */
export type FaultCode = Vocabulary["fault"];

/** Where the fault is. Exactly one of the three is set. */
interface Place {
  pointer?: string;
  parameter?: string;
  header?: string;
}

/**
 * One fault of the input, or one thing that a resource lacks. What it says is the sentence of its code
 * (`sentenceOf` in src/words.ts), unless it says more itself.
 */
export type Fault = Place & { code: FaultCode; detail?: Text | undefined };

export interface ErrorDetails {
  /** What is particular about this occurrence, in both languages. Never personal data or a secret. */
  detail?: Text;
  faults?: Fault[];
  /** How many faults there are beside these. */
  more?: number;
  /** Further members of the problem document, such as `currentStatus`. */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** What else stands in the way: a dry run tells it all. */
  others?: AppError[];
}

/** A refusal with a code of the closed list above. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

/**
 * Makes every check, also after one has refused.
 * @throws AppError the first refusal, with the others beside it
 */
export function assertAll(checks: readonly (() => unknown)[]): void {
  const refusals: AppError[] = [];
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refusals.push(error);
    }
  }
  const [first, ...others] = refusals;
  if (first) throw new AppError(first.code, { ...first.details, others });
}
