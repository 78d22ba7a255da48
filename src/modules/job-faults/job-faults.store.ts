import { and, asc, desc, eq, inArray, isNotNull, isNull, lt, lte, sql } from "drizzle-orm";
import { jobFaults } from "../../../db/schema/job-faults.ts";
import type { Executor } from "../../database/connect.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { ListJobFaultsQuery } from "./job-faults.schema.ts";

export type FaultRow = typeof jobFaults.$inferSelect;

export const lockFaultOf = async (tx: Executor, job: string, subjectId: string) =>
  (
    await tx
      .select()
      .from(jobFaults)
      .where(and(eq(jobFaults.job, job), eq(jobFaults.subjectId, subjectId)))
      .for("update")
  )[0];

/** Writes down a failure; a rival that was first wins, who saw the same row fail. */
export const insertFault = (tx: Executor, values: typeof jobFaults.$inferInsert) =>
  tx.insert(jobFaults).values(values).onConflictDoNothing();

export async function updateFault(
  tx: Executor,
  id: string,
  changes: Partial<typeof jobFaults.$inferInsert>,
): Promise<FaultRow> {
  const [row] = await tx
    .update(jobFaults)
    .set({ ...changes, version: sql`version + 1` })
    .where(eq(jobFaults.id, id))
    .returning();
  if (!row) throw new Error("the fault was not locked");
  return row;
}

export const deleteFaultsOf = (tx: Executor, job: string, subjectIds: readonly string[]) =>
  tx
    .delete(jobFaults)
    .where(and(eq(jobFaults.job, job), inArray(jobFaults.subjectId, [...subjectIds])));

/** Removes the faults that were due for another try, which their job found nothing to do for. */
export const deleteObsolete = (db: Executor, job: string, subjectType: string, at: string) =>
  db
    .delete(jobFaults)
    .where(
      and(
        eq(jobFaults.job, job),
        eq(jobFaults.subjectType, subjectType),
        isNull(jobFaults.parkedAt),
        lte(jobFaults.nextAttemptAt, at),
        lt(jobFaults.lastFailedAt, at),
      ),
    );

/** How many rows of each job wait for another try, and how many are parked. */
export const countByJob = (db: Executor) =>
  db
    .select({
      job: jobFaults.job,
      waiting: sql<number>`(count(*) filter (where parked_at is null))::int`,
      parked: sql<number>`(count(*) filter (where parked_at is not null))::int`,
    })
    .from(jobFaults)
    .groupBy(jobFaults.job);

const conditions = ({ job, subjectType, parked }: ListJobFaultsQuery) =>
  and(
    job ? eq(jobFaults.job, job) : undefined,
    subjectType ? eq(jobFaults.subjectType, subjectType) : undefined,
    parked === undefined
      ? undefined
      : parked
        ? isNotNull(jobFaults.parkedAt)
        : isNull(jobFaults.parkedAt),
  );

/** The latest first. */
export const selectFaults = (
  db: Executor,
  query: ListJobFaultsQuery,
  after: { id: string } | null,
): Promise<FaultRow[]> =>
  db
    .select()
    .from(jobFaults)
    .where(and(conditions(query), after ? lt(jobFaults.id, after.id) : undefined))
    .orderBy(desc(jobFaults.id))
    .limit(query.limit + 1);

export const countFaults = (db: Executor, query: ListJobFaultsQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(jobFaults)
      .where(conditions(query))
      .limit(countLimit + 1)
      .as("counted"),
  );

export const selectFault = async (db: Executor, id: string): Promise<FaultRow | undefined> =>
  (await db.select().from(jobFaults).where(eq(jobFaults.id, id)))[0];

export const lockFault = async (tx: Executor, id: string): Promise<FaultRow | undefined> =>
  (await tx.select().from(jobFaults).where(eq(jobFaults.id, id)).for("update"))[0];

export const lockParked = (tx: Executor, job: string, limit: number): Promise<FaultRow[]> =>
  tx
    .select()
    .from(jobFaults)
    .where(and(eq(jobFaults.job, job), isNotNull(jobFaults.parkedAt)))
    .orderBy(asc(jobFaults.id))
    .limit(limit)
    .for("update");
