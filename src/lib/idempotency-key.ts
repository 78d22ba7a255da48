import type { IncomingHttpHeaders } from "node:http";
import type { Fault } from "./errors.ts";

const longest = 255;

/** `Idempotency-Key: "abc"` or `abc` (draft-07 of the header's specification quotes it; many clients do not). */
export function idempotencyKeyOf(headers: IncomingHttpHeaders): string | null {
  const header = headers["idempotency-key"];
  return header === undefined ? null : String(header).replace(/^"(.*)"$/, "$1");
}

/** What is wrong with the key of a request; null when nothing is, or there is none. */
export function idempotencyKeyFault(headers: IncomingHttpHeaders): Fault | null {
  const key = idempotencyKeyOf(headers);
  const fits = key === null || (key.length > 0 && key.length <= longest);
  return fits ? null : { header: "Idempotency-Key", code: "header.length" };
}
