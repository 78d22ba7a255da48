import { hash as digest } from "node:crypto";
import { AppError } from "./errors.ts";

const hash = (text: string | Buffer): string => digest("sha1", text, "base64url").slice(0, 16);

/** A version, and of what: a resource's id, or its code where it has no id. */
export interface Versioned {
  version: number;
  id: string;
}

/** Which version of what a reply is, if it is one resource. */
export function versionedOf(body: unknown): Versioned | null {
  const { version, id, code } = (body ?? {}) as { version?: unknown; id?: unknown; code?: unknown };
  return typeof version === "number" ? { version, id: String(id ?? code ?? "") } : null;
}

/** Characters of a tag that tell whose version it is: another resource's of the same number is not meant. */
const markOf = (id: string): string => hash(id).slice(0, 4);

/**
 * A strong entity tag (RFC 9110 8.8.3). The part before the dash is the resource's version; behind it the
 * first characters tell which resource, the others tell apart what the owner, the public and a broker see of
 * one version. Without a version, a hash of the body alone.
 */
export const etagOf = (of: Versioned | null, body: string | Buffer): string =>
  of === null ? `"${hash(body)}"` : `"${of.version}-${markOf(of.id)}${hash(body)}"`;

/** The tags of an `If-Match` or `If-None-Match` header; `*` alone stands for any (RFC 9110 13.1.1). */
const tagsOf = (header: string): string[] =>
  header.trim() === "*" ? ["*"] : (header.match(/(?:W\/)?"[^"]*"/g) ?? []);

/** Whether `If-None-Match` names this tag (weak comparison, RFC 9110 13.1.2). */
export function noneMatches(header: string, etag: string): boolean {
  return tagsOf(header).some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag);
}

/** A version that the caller expects; `mark` is null where it says the number alone (`"7-"`). */
interface ExpectedTag {
  version: number;
  mark: string | null;
}

/** The versions that the caller expects, from `If-Match`: some, `*`, or none given. */
export type Expected = readonly ExpectedTag[] | "*" | null;

/** A tag of this API, or a version with less behind it; what a proxy puts there (`-gzip`) is none of ours. */
const versionTag = /^"(\d+)-(?:([\w-]{4})[\w-]{16}[^"]*|[^"]{0,19})"$/;

/** Reads `If-Match`. A tag that is weak or not of this API matches no version (RFC 9110 13.1.1). */
export function expectedVersion(header: string | undefined): Expected {
  if (header === undefined) return null;
  const tags = tagsOf(header);
  if (tags.includes("*")) return "*";
  return tags.flatMap((tag) => {
    const [, version, mark = null] = versionTag.exec(tag) ?? [];
    return version === undefined ? [] : [{ version: Number(version), mark }];
  });
}

/** Whether one of the tags is this version of this resource. */
const isAmong = ({ version, id }: Versioned, tags: readonly ExpectedTag[]): boolean =>
  tags.some((tag) => tag.version === version && (tag.mark === null || tag.mark === markOf(id)));

/**
 * @throws AppError `request.precondition_failed` (412) when the caller expected another version, or the
 *   version of another resource
 */
export function assertVersion(one: Versioned, expected: Expected): void {
  if (expected === null || expected === "*") return;
  if (isAmong(one, expected)) return;
  const detail = {
    en: `It is at version ${one.version}, which If-Match does not name.`,
    zh: `当前版本为 ${one.version}，与 If-Match 所列不符。`,
  };
  throw new AppError("request.precondition_failed", { detail });
}

/** What a change must not find, from its `If-None-Match`: a weak tag counts as well (RFC 9110 13.1.2). */
export const unwantedVersion = (header: string | undefined): Expected =>
  expectedVersion(header?.replaceAll(/W\/(?=")/g, ""));

/** @throws AppError `request.precondition_failed` (412) when there is what the caller did not want to find */
export function assertUnwanted(one: Versioned, unwanted: Expected): void {
  if (unwanted === null || (unwanted !== "*" && !isAmong(one, unwanted))) return;
  const detail = {
    en: `It is there, at version ${one.version}.`,
    zh: `该记录已存在，当前版本为 ${one.version}。`,
  };
  throw new AppError("request.precondition_failed", { detail });
}
