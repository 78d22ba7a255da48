import { z } from "zod";
import type { Fault, FaultCode } from "./errors.ts";

/** Parameters for `.refine()`: `z.string().refine(isCreditCode, fault("credit_code.check_digit"))`. */
export const fault = (code: FaultCode) => ({ error: code, params: { fault: code } });

/** The same for `context.addIssue()` in a `superRefine`. */
export const issueOf = (code: FaultCode) => ({
  code: "custom" as const,
  message: code,
  params: { fault: code },
});

/** A fault at a place in the body, for checks that zod cannot make (taxonomy codes, completeness). */
export const bodyFault = (path: readonly PropertyKey[], code: FaultCode): Fault => ({
  pointer: pointerOf(path),
  code,
});

/** RFC 6901 pointer of a path. */
const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

const localeErrors = { en: z.locales.en().localeError, zh: z.locales.zhCN().localeError };

/** Zod's own sentence for an issue, in one language. The sentence names types and bounds, never the input. */
function sentence(issue: z.core.$ZodIssue, language: "en" | "zh"): string {
  const message = localeErrors[language](issue as z.core.$ZodRawIssue);
  return (typeof message === "string" ? message : message?.message) ?? issue.message;
}

/** Faults that one reply names; of the rest it tells how many there are. */
const mostFaults = 50;

/** Characters of a place that is named: a name that nobody knows may be as long as the request. */
const longestPlace = 200;

/** Faults as a reply names them: the first ones, and how many more there are. */
interface Named {
  faults: Fault[];
  more: number;
}

/** The first faults of a list, and how many more there are. */
export const firstOf = (faults: readonly Fault[], more = 0): Named => ({
  faults: faults.slice(0, mostFaults),
  more: Math.max(0, faults.length - mostFaults) + more,
});

/**
 * The issues of a failed parse as faults, each with its place, as many as are named, and how many more
 * there are: a sentence for each of a hundred thousand would cost far more than the request. `at` is the
 * part of the request that was parsed: bodies have pointers, the others parameter names.
 */
export function faultsOf(error: z.ZodError, at: "body" | "querystring" | "params"): Named {
  const faults: Fault[] = [];
  let all = 0;
  for (const issue of error.issues) {
    const count = issue.code === "unrecognized_keys" ? issue.keys.length : 1;
    all += count;
    if (faults.length < mostFaults) {
      faults.push(...issueFaults(issue, at, mostFaults - faults.length));
    }
  }
  return { faults, more: all - faults.length };
}

function issueFaults(
  issue: z.core.$ZodIssue,
  at: "body" | "querystring" | "params",
  most: number,
): Fault[] {
  if (issue.code === "unrecognized_keys") {
    const code = at === "body" ? "unknown_field" : "unknown_parameter";
    const keys = issue.keys.slice(0, most);
    return keys.map((key) => ({ ...place([...issue.path, key], at), code }));
  }
  if (issue.code === "custom") {
    const code: FaultCode = issue.params?.fault ?? "invalid_characters";
    return [{ ...place(issue.path, at), code }];
  }
  if (issue.code === "invalid_type" && issue.input === undefined) {
    return [{ ...place(issue.path, at), code: "required" }];
  }
  // A query string writes a blank as `+`, so that is what becomes of the `+` of an offset.
  const isBlank = at === "querystring" && / \d\d:?\d\d$/.test(String(issue.input));
  if (issue.code === "invalid_format" && isBlank) {
    return [{ ...place(issue.path, at), code: "plus_not_encoded" }];
  }
  const detail = { en: sentence(issue, "en"), zh: sentence(issue, "zh") };
  return [{ ...place(issue.path, at), code: issue.code, detail }];
}

function place(path: readonly PropertyKey[], at: "body" | "querystring" | "params") {
  if (at === "body") return { pointer: shortened(pointerOf(path)) };
  // A list stands in one parameter.
  return { parameter: shortened(String(path[0] ?? "")) };
}

const shortened = (text: string): string =>
  text.length > longestPlace ? `${text.slice(0, longestPlace)}…` : text;
