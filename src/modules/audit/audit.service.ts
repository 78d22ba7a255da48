import { isDeepStrictEqual } from "node:util";
import { searchColumns } from "../../../db/schema/listings.ts";
import type { Executor } from "../../database/connect.ts";
import type { Origin } from "../../lib/access.ts";
import { newId } from "../../lib/ids.ts";
import * as store from "./audit.store.ts";

type Row = Record<string, unknown>;

/** Columns that are secret, personal or the owner's alone: a record says that they changed, never their values. */
const withheld = new Set([
  "passwordHash",
  "secretHash",
  "previousSecretHash",
  "email",
  "phone",
  "contact",
  "inventors",
  "externalId",
]);

/** Columns that tell nothing about the change. */
const ignored = new Set<string>([
  "updatedAt",
  ...searchColumns,
  "provinceCode",
  "cityCode",
  "fieldTop",
  "industrySection",
]);

export interface AuditEntry {
  /** The subject's noun and the verb: `need.publish`. */
  type: `${string}.${string}`;
  subject: { id: string; organizationId: string | null };
  /** The row before, null when it was created. */
  before: Row | null;
  /** The row after, null when it was deleted. */
  after: Row | null;
  reason?: string | null;
  /** Further organizations whose admins may read it: the other parties of a deal. */
  readers?: readonly (string | null)[];
  /** A match's note or a trade secret: the operator reads that it happened, not what. */
  confidential?: boolean;
  /** Further columns that are personal in this subject, such as a person's name. */
  personal?: readonly string[];
}

/**
 * Writes down what happened, in the transaction of the change itself: both are there, or neither.
 * Keeps the changed columns only.
 * @returns the record's id: what is counted or fed from it names it
 */
export async function recordAudit(
  tx: Executor,
  origin: Origin,
  entry: AuditEntry,
): Promise<string> {
  const { actor } = origin;
  const { before, after } = difference(entry);
  const record = {
    id: newId(),
    type: entry.type,
    subjectType: entry.type.slice(0, entry.type.indexOf(".")),
    subjectId: entry.subject.id,
    organizationId: entry.subject.organizationId,
    actorKind: actor?.kind ?? (origin.requestId ? "anonymous" : "system"),
    actorId: actor?.id ?? null,
    actorOrganizationId: actor?.organizationId ?? null,
    requestId: origin.requestId,
    address: origin.address,
    reason: entry.reason ?? null,
    before,
    after,
    readerIds: [...new Set(entry.readers ?? [])].filter((id) => id !== null),
    confidential: entry.confidential ?? false,
  };
  await store.insertRecord(tx, record);
  return record.id;
}

function difference({ before, after, personal = [] }: AuditEntry) {
  const keys = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const old: Row = {};
  const fresh: Row = {};
  for (const key of keys) {
    if (ignored.has(key)) continue;
    const [was, is] = [before?.[key] ?? null, after?.[key] ?? null];
    if (isDeepStrictEqual(was, is)) continue;
    const hidden = withheld.has(key) || personal.includes(key);
    if (before) old[key] = hidden ? { changed: true } : was;
    if (after) fresh[key] = hidden ? { changed: true } : is;
  }
  return { before: before && old, after: after && fresh };
}
