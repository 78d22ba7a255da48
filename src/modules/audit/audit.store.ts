import {
  and,
  arrayContains,
  asc,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  isNotNull,
  isNull,
  lte,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import { unionAll } from "drizzle-orm/pg-core";
import { auditLog, auditRecords, sealerState } from "../../../db/schema/audit.ts";
import { toInstant } from "../../../db/schema/columns.ts";
import type { Executor } from "../../database/connect.ts";
import { placeholdersFor, prepared } from "../../database/prepared.ts";
import { send } from "../../database/transact.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { ListAuditQuery } from "./audit.schema.ts";

export type AuditRow = typeof auditRecords.$inferSelect;

/** All but those that the database sets: the moment and the transaction. */
const recordColumns = [
  "id",
  "type",
  "subjectType",
  "subjectId",
  "organizationId",
  "actorKind",
  "actorId",
  "actorOrganizationId",
  "requestId",
  "address",
  "reason",
  "before",
  "after",
  "readerIds",
  "confidential",
] as const;

/** Sends a record on its way; it is waited for with the commit. */
export const insertRecord = (
  tx: Executor,
  record: Record<(typeof recordColumns)[number], unknown>,
): Promise<void> => {
  const insert = prepared(tx, "insert_audit_record", (name) =>
    tx.insert(auditRecords).values(placeholdersFor(auditRecords, recordColumns)).prepare(name),
  );
  return send(tx, insert.execute(record));
};

/** The sealer's row, for this transaction alone; undefined while another sealer has it. */
export const lockState = async (tx: Executor) =>
  (await tx.select().from(sealerState).for("update", { skipLocked: true }))[0];

export const readState = async (db: Executor) => (await db.select().from(sealerState))[0];

export const updateState = (tx: Executor, changes: Partial<typeof sealerState.$inferInsert>) =>
  tx.update(sealerState).set(changes);

/** Where the running transactions stand, all older than `oldest` having ended, and what time it is. */
export async function readHorizon(tx: Executor) {
  const found = await tx.execute<{ oldest: string; restarted: boolean; now: string }>(sql`
    select pg_snapshot_xmin(pg_current_snapshot())::text as oldest,
      date_trunc('milliseconds', clock_timestamp())::text as now,
      (select floor from ${sealerState}) > pg_snapshot_xmax(pg_current_snapshot()) as restarted`);
  const [horizon] = found.rows;
  if (!horizon) throw new Error("a query without a table has one row");
  return { ...horizon, now: toInstant(horizon.now) };
}

const unsealed = (floor: string | null) => sql`
  ${floor === null ? sql`true` : sql`r.transaction_id >= ${floor}::xid8`}
  and not exists (select from ${auditLog} l where l.record_id = r.id)`;

/** Whether anything waits to be sealed, by what the sealer's row said a moment ago. */
export async function hasUnsealed(db: Executor, floor: string): Promise<boolean> {
  // The floor is a value that the planner knows: it leads to the few records above it.
  const found = await db.execute<{ found: boolean }>(sql`
    select exists (select from ${auditRecords} r where ${unsealed(floor)})
      or ${floor}::xid8 > pg_snapshot_xmax(pg_current_snapshot()) as found`);
  return found.rows[0]?.found ?? false;
}

/**
 * Committed records that have no place yet, those that were recorded first.
 * @param floor all records of older transactions are sealed; null: look at every record
 */
export const selectSealable = (
  tx: Executor,
  floor: string | null,
  limit: number,
): Promise<AuditRow[]> =>
  tx
    .select()
    .from(auditRecords)
    .where(
      sql`${auditRecords.id} in (select r.id from ${auditRecords} r where ${unsealed(floor)}
        order by r.recorded_at, r.id limit ${limit})`,
    )
    .orderBy(asc(auditRecords.recordedAt), asc(auditRecords.id));

/** The oldest transaction whose records are not all sealed; null when none is left. */
export async function selectWaiting(tx: Executor, floor: string | null): Promise<string | null> {
  const found = await tx.execute<{ transaction: string | null }>(sql`
    select min(r.transaction_id::text::numeric)::text as transaction
    from ${auditRecords} r where ${unsealed(floor)}`);
  return found.rows[0]?.transaction ?? null;
}

/** How many records wait to be sealed, counted to 100,000, and since when the oldest does. */
export async function countUnsealed(db: Executor, floor: string) {
  const found = await db.execute<{ depth: number; since: string | null }>(sql`
    select count(*)::int as depth, date_trunc('milliseconds', min(recorded_at))::text as since
    from (select r.recorded_at from ${auditRecords} r where ${unsealed(floor)} limit 100000) as waiting`);
  const { depth = 0, since = null } = found.rows[0] ?? {};
  return { depth, since: since && toInstant(since) };
}

/**
 * The first entry beyond the log's head; undefined when that is the last one. The head is read in the same
 * statement: one that was read before is left behind by a sealer that works meanwhile.
 */
export const selectBeyondHead = async (db: Executor) =>
  (
    await db
      .select({ position: auditLog.position, recordId: auditLog.recordId })
      .from(auditLog)
      .where(sql`${auditLog.position} > (select ${sealerState.position} from ${sealerState})`)
      .orderBy(asc(auditLog.position))
      .limit(1)
  )[0];

export const insertEntries = (tx: Executor, rows: (typeof auditLog.$inferInsert)[]) =>
  tx.insert(auditLog).values(rows);

const entryColumns = {
  position: auditLog.position,
  format: auditLog.format,
  hash: auditLog.hash,
  sealedAt: auditLog.sealedAt,
  transactionId: auditLog.transactionId,
};

/** Entries of the log with their records, by position. */
export const selectEntries = (db: Executor, from: number, to: number) =>
  db
    .select({ ...entryColumns, record: getTableColumns(auditRecords) })
    .from(auditLog)
    .innerJoin(auditRecords, eq(auditRecords.id, auditLog.recordId))
    .where(and(gte(auditLog.position, from), lte(auditLog.position, to)))
    .orderBy(asc(auditLog.position));

/** Whatever stands in the log behind a position, with its record if that is there, by position. */
export const selectWhatever = (db: Executor, after: number | null, limit: number) =>
  db
    .select({ ...entryColumns, recordId: auditLog.recordId, record: auditRecords })
    .from(auditLog)
    .leftJoin(auditRecords, eq(auditRecords.id, auditLog.recordId))
    .where(after === null ? undefined : gt(auditLog.position, after))
    .orderBy(asc(auditLog.position))
    .limit(limit);

/**
 * Records without an entry, those that were recorded first, and of each whether the sealer has passed it by:
 * then it never seals it. Where transactions are numbered anew since, no number tells.
 */
export const selectWithoutEntry = (db: Executor, limit: number) =>
  db
    .select({
      id: auditRecords.id,
      type: auditRecords.type,
      recordedAt: sql<string>`date_trunc('milliseconds', ${auditRecords.recordedAt})::text`,
      transactionId: auditRecords.transactionId,
      isPassed: sql<boolean>`coalesce(
        (select ${auditRecords.transactionId} < s.floor
          and s.floor <= pg_snapshot_xmax(pg_current_snapshot()) from ${sealerState} s), false)`,
    })
    .from(auditRecords)
    .where(sql`not exists (select from ${auditLog} l where l.record_id = ${auditRecords.id})`)
    .orderBy(asc(auditRecords.recordedAt), asc(auditRecords.id))
    .limit(limit);

/** The log's head as the sealer left it, and when its last entry was sealed. */
export const readHead = async (db: Executor) =>
  (
    await db
      .select({
        position: sealerState.position,
        hash: sealerState.hash,
        sealedThrough: sealerState.sealedThrough,
        sealedAt: auditLog.sealedAt,
      })
      .from(sealerState)
      .leftJoin(auditLog, eq(auditLog.position, sealerState.position))
  )[0];

/** For who reads the whole log: a statement may take its time. */
export const allowTime = (tx: Executor) => tx.execute(sql`set local statement_timeout = 0`);

export const selectHash = async (db: Executor, position: number) =>
  (
    await db.select({ hash: auditLog.hash }).from(auditLog).where(eq(auditLog.position, position))
  )[0]?.hash;

const columns = {
  ...getTableColumns(auditRecords),
  position: auditLog.position,
  hash: auditLog.hash,
  sealedAt: auditLog.sealedAt,
};

/** An organization's own subjects and those that it may read of; for the operator all. */
const visibleTo = (actor: Actor): SQL | undefined =>
  isOperator(actor)
    ? undefined
    : or(
        eq(auditRecords.organizationId, actor.organizationId),
        // Said as the partial index says it: without, the whole table is read (540 ms of 300,000 records
        // for an organization's 270; with it 20 ms).
        and(
          arrayContains(auditRecords.readerIds, [actor.organizationId]),
          sql`${auditRecords.readerIds} <> '{}'`,
        ),
      );

const conditions = (actor: Actor, query: ListAuditQuery): SQL | undefined =>
  and(
    visibleTo(actor),
    query.subjectType ? eq(auditRecords.subjectType, query.subjectType) : undefined,
    query.subjectId ? eq(auditRecords.subjectId, query.subjectId) : undefined,
    query.type ? eq(auditRecords.type, query.type) : undefined,
    query.actorId ? eq(auditRecords.actorId, query.actorId) : undefined,
    // Others' records do not tell which person acted; nor does whether they are found.
    query.actorId && !isOperator(actor)
      ? eq(auditRecords.actorOrganizationId, actor.organizationId)
      : undefined,
    query.organizationId ? eq(auditRecords.organizationId, query.organizationId) : undefined,
    query["at[gte]"] ? gte(auditRecords.at, query["at[gte]"]) : undefined,
    query["at[lte]"] ? lte(auditRecords.at, query["at[lte]"]) : undefined,
  );

/** From where on there may be unsealed records, as `floor` of `selectSealable`, but "0" for every one. */
async function readFloor(db: Executor): Promise<string> {
  const found = await db.execute<{ floor: string }>(sql`
    select case when floor > pg_snapshot_xmax(pg_current_snapshot()) then '0' else floor::text end as floor
    from ${sealerState}`);
  return found.rows[0]?.floor ?? "0";
}

/**
 * The log backwards: first what has no place in it yet, by the moment of its recording, then by position.
 * The sealer puts waiting records in that same order and never places anything before what is sealed, so
 * a record keeps its place among those that a reader has seen when it is sealed between two pages. Where
 * the page before ended is looked up in the statement itself, by its record: both see one state.
 */
export async function selectRecords(
  db: Executor,
  actor: Actor,
  query: ListAuditQuery,
  after: { id: string } | null,
) {
  const floor = await readFloor(db);
  const part = (where: SQL | undefined) =>
    db
      .select(columns)
      .from(auditRecords)
      .leftJoin(auditLog, eq(auditLog.recordId, auditRecords.id))
      .where(and(conditions(actor, query), where));
  const limit = query.limit + 1;
  const last = after && {
    position: sql`(select c.position from ${auditLog} c where c.record_id = ${after.id})`,
    recordedAt: sql`(select c.recorded_at from ${auditRecords} c where c.id = ${after.id})`,
  };
  const unsealed = part(
    and(
      isNull(auditLog.position),
      sql`${auditRecords.transactionId} >= ${floor}::xid8`,
      last
        ? sql`${last.position} is null and (${auditRecords.recordedAt}, ${auditRecords.id}) < (${last.recordedAt}, ${after.id})`
        : undefined,
    ),
  )
    .orderBy(desc(auditRecords.recordedAt), desc(auditRecords.id))
    .limit(limit);
  const sealed = part(
    last
      ? sql`${auditLog.position} < coalesce(${last.position}, 9223372036854775807)`
      : isNotNull(auditLog.position),
  )
    .orderBy(desc(auditLog.position))
    .limit(limit);
  return unionAll(unsealed, sealed)
    .orderBy(sql`position desc nulls first, recorded_at desc, id desc`)
    .limit(limit);
}
export type FoundRecord = Awaited<ReturnType<typeof selectRecords>>[number];

export const selectRecord = async (db: Executor, actor: Actor, id: string) =>
  (
    await db
      .select(columns)
      .from(auditRecords)
      .leftJoin(auditLog, eq(auditLog.recordId, auditRecords.id))
      .where(and(eq(auditRecords.id, id), visibleTo(actor)))
  )[0];

export const countRecords = (db: Executor, actor: Actor, query: ListAuditQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(auditRecords)
      .where(conditions(actor, query))
      .limit(countLimit + 1)
      .as("counted"),
  );
