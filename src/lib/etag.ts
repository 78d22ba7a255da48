import { hash as digest } from "node:crypto";
import { AppError } from "./errors.ts";

const hash = (text: string | Buffer): string => digest("sha1", text, "base64url").slice(0, 16);

/**
 * A strong entity tag (RFC 9110 8.8.3). The part before the dash is the resource's version; the hash
 * tells apart what the owner, the public and a broker see of one version. Without a version, the hash alone.
 */
export const etagOf = (version: number | null, body: string | Buffer): string =>
  version === null ? `"${hash(body)}"` : `"${version}-${hash(body)}"`;

/** The tags of an `If-Match` or `If-None-Match` header. */
const tagsOf = (header: string): string[] => header.match(/(?:W\/)?"[^"]*"|\*/g) ?? [];

/** Whether `If-None-Match` names this tag (weak comparison, RFC 9110 13.1.2). */
export function noneMatches(header: string, etag: string): boolean {
  return tagsOf(header).some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag);
}

/** What the caller says the resource is like: versions out of `If-Match`, or `*`, or nothing. */
export type Expected = readonly number[] | "*" | null;

/** Reads `If-Match`. A tag that is weak or not of this API matches no version (RFC 9110 13.1.1). */
export function expectedVersion(header: string | undefined): Expected {
  if (header === undefined) return null;
  const tags = tagsOf(header);
  if (tags.includes("*")) return "*";
  return tags.map((tag) => Number(/^"(\d+)-/.exec(tag)?.[1] ?? Number.NaN));
}

/**
 * @throws AppError `request.precondition_failed` (412) when the caller expected another version
 */
export function assertVersion(version: number, expected: Expected): void {
  if (expected === null || expected === "*" || expected.includes(version)) return;
  throw new AppError("request.precondition_failed");
}
