import { and, asc, desc, eq, gt, inArray, sql } from "drizzle-orm";
import { attachments } from "../../../db/schema/attachments.ts";
import { interests } from "../../../db/schema/interests.ts";
import { matches } from "../../../db/schema/matches.ts";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { results } from "../../../db/schema/results.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import type { Subject } from "./attachments.schema.ts";

/** Text whose hash is the advisory lock that a backup holds. */
export const backupLock = "grand-market backup";

export type AttachmentRow = typeof attachments.$inferSelect;

/** Removes a row and returns it; undefined when another transaction was first. */
export const deleteAttachment = async (tx: Executor, id: string) =>
  (await tx.delete(attachments).where(eq(attachments.id, id)).returning())[0];

/** Files of listings that no longer exist, locked. */
export const lockLost = (tx: Executor, take: Take): Promise<AttachmentRow[]> =>
  tx
    .select()
    .from(attachments)
    .where(
      and(
        sql`((${attachments.subjectType} = 'result' and not exists (select from ${results} r where r.id = ${attachments.subjectId}))
        or (${attachments.subjectType} = 'need' and not exists (select from ${needs} n where n.id = ${attachments.subjectId})))`,
        isFreeFor(take, attachments.id),
      ),
    )
    .orderBy(asc(attachments.id))
    .limit(take.limit)
    .for("update", { skipLocked: true });

export const selectAttachment = async (db: Executor, id: string) =>
  (await db.select().from(attachments).where(eq(attachments.id, id)))[0];

const ofSubject = ({ subjectType, subjectId }: Subject) =>
  and(eq(attachments.subjectType, subjectType), eq(attachments.subjectId, subjectId));

export const selectAttachments = (db: Executor, subject: Subject): Promise<AttachmentRow[]> =>
  db.select().from(attachments).where(ofSubject(subject)).orderBy(asc(attachments.id));

/** The same of several subjects of a kind. */
export const selectAttachmentsOf = (
  db: Executor,
  subjectType: Subject["subjectType"],
  ids: readonly string[],
): Promise<AttachmentRow[]> =>
  db
    .select()
    .from(attachments)
    .where(and(eq(attachments.subjectType, subjectType), inArray(attachments.subjectId, [...ids])))
    .orderBy(asc(attachments.id));

export const countAttachments = (db: Executor, subject: Subject) =>
  db.$count(attachments, ofSubject(subject));

/** Bytes of all files of an organization. */
export async function sumBytes(db: Executor, organizationId: string): Promise<number> {
  const [found] = await db
    .select({ bytes: sql<string>`coalesce(sum(${attachments.size}), 0)` })
    .from(attachments)
    .where(eq(attachments.organizationId, organizationId));
  return Number(found?.bytes);
}

/** One at a time adds to the files of an organization, so that the sum holds. */
export const lockFilesOf = (tx: Executor, organizationId: string) =>
  tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`files of ${organizationId}`}, 0))`,
  );

/** One at a time adds to a subject, so that the count holds. */
export const lockSubject = (tx: Executor, { subjectType, subjectId }: Subject) =>
  tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`files of ${subjectType} ${subjectId}`}, 0))`,
  );

/** One at a time decides whether the bytes of a hash are kept or removed. */
export const lockBytes = (tx: Executor, sha256: string) =>
  tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`file ${sha256}`}, 0))`);

/** Whether no backup is being made (`scripts/backup/`); none begins before this transaction ends. */
export async function mayRemove(tx: Executor): Promise<boolean> {
  const found = await tx.execute<{ free: boolean }>(
    sql`select pg_try_advisory_xact_lock_shared(hashtextextended(${backupLock}, 0)) as free`,
  );
  return found.rows[0]?.free ?? false;
}

export async function isReferred(db: Executor, sha256: string): Promise<boolean> {
  const found = await db
    .select({ id: attachments.id })
    .from(attachments)
    .where(eq(attachments.sha256, sha256))
    .limit(1);
  return found.length > 0;
}

/** How many files rows refer to: the same bytes are one. */
export async function countFiles(db: Executor): Promise<number> {
  const [counted] = await db
    .select({ count: sql<number>`count(distinct ${attachments.sha256})::int` })
    .from(attachments);
  return counted?.count ?? 0;
}

/** Files after a hash, in their order, each with the attachments that have these bytes. */
export const selectFiles = (db: Executor, after: string, limit: number) =>
  db
    .select({
      sha256: attachments.sha256,
      size: sql<number>`max(${attachments.size})`.mapWith(Number),
      ids: sql<string[]>`array_agg(${attachments.id}::text order by ${attachments.id})`,
    })
    .from(attachments)
    .where(gt(attachments.sha256, after))
    .groupBy(attachments.sha256)
    .orderBy(asc(attachments.sha256))
    .limit(limit);

/** Those of these hashes that a row refers to. */
export async function selectReferred(
  db: Executor,
  hashes: readonly string[],
): Promise<ReadonlySet<string>> {
  if (hashes.length === 0) return new Set();
  const found = await db
    .selectDistinct({ sha256: attachments.sha256 })
    .from(attachments)
    .where(inArray(attachments.sha256, [...hashes]));
  return new Set(found.map(({ sha256 }) => sha256));
}

/** Hashes of the files that came last. */
export async function selectNewestHashes(db: Executor, limit: number): Promise<string[]> {
  const found = await db
    .select({ sha256: attachments.sha256 })
    .from(attachments)
    .orderBy(desc(attachments.id))
    .limit(limit);
  return found.map(({ sha256 }) => sha256);
}

/** What decides who may see a listing's files. */
export interface ListingAccess {
  organizationId: string;
  isOpen: boolean;
  anonymous: boolean;
  /** The owner accepted an interest of the caller's organization, or a match that it is part of and that goes on. */
  accepted: boolean;
  /** When the last of the accepted matches ended that came to nothing: what was there then stays in view. */
  acceptedUntil: string | null;
}

/** How a listing stands to a caller's organization; undefined when there is none of this id. */
export const selectListingAccess = async (
  db: Executor,
  noun: "result" | "need",
  id: string,
  callerOrganizationId: string | null,
): Promise<ListingAccess | undefined> =>
  (await selectListingAccesses(db, noun, [id], callerOrganizationId))[0];

/** The same of several, in no order. */
export async function selectListingAccesses(
  db: Executor,
  noun: "result" | "need",
  ids: readonly string[],
  callerOrganizationId: string | null,
): Promise<(ListingAccess & { id: string })[]> {
  const table = noun === "result" ? results : needs;
  const own = sql.raw(noun);
  const other = sql.raw(noun === "result" ? "need" : "result");
  const caller = sql`${callerOrganizationId}::uuid`;
  const isOver = sql`m.status in ('failed', 'declined', 'withdrawn', 'lapsed')`;
  const acceptedMatches = sql`from ${matches} m where m.${own}_id = ${table.id} and m.${own}_accepted_at is not null
    and ${caller} in (m.broker_organization_id, m.${other}_organization_id)`;
  return db
    .select({
      id: table.id,
      organizationId: table.organizationId,
      isOpen: sql<boolean>`${table.publishedAt} is not null and ${table.status} in ('published', 'expired', 'transferred', 'solved', 'closed') and ${organizations.status} = 'verified'`,
      anonymous: noun === "need" ? needs.anonymous : sql<boolean>`false`,
      accepted: sql<boolean>`exists (select from ${interests} i where i.${own}_id = ${table.id}
          and i.asker_organization_id = ${caller} and i.status = 'accepted')
        or exists (select ${acceptedMatches} and not ${isOver})`,
      acceptedUntil: sql<
        string | null
      >`(select max(m.ended_at) ${acceptedMatches} and ${isOver})`.mapWith(matches.endedAt),
    })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(inArray(table.id, [...ids]));
}
