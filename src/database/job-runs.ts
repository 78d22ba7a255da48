/** When the timed jobs run, and which process runs one: all of it by the database's clock. */
import { and, eq, inArray, sql } from "drizzle-orm";
import { jobFaults } from "../../db/schema/job-faults.ts";
import { jobRuns } from "../../db/schema/job-runs.ts";
import type { Executor } from "./connect.ts";

export type JobRun = typeof jobRuns.$inferSelect;

const now = sql`clock_timestamp()`;

/** A process that runs a job and has not said so for this long is taken for dead. */
const leased = sql`clock_timestamp() + interval '60 seconds'`;

/** Nobody runs it. A process asks for what it does not run: what it says of itself is of a run it could not end. */
const isFreeFor = (by: string) =>
  sql`(${jobRuns.leasedUntil} is null or ${jobRuns.leasedUntil} < ${now} or ${jobRuns.leasedBy} = ${by})`;

/**
 * Makes a job known that is due by `nextAt` at the latest; one that was missed while no process ran
 * stays due since then. A new one is due at once, and so is one that runs at each start.
 */
export const enlistJob = (db: Executor, job: string, nextAt: string, atStart: boolean) =>
  db
    .insert(jobRuns)
    .values({ job, dueAt: now })
    .onConflictDoUpdate({
      target: jobRuns.job,
      set: { dueAt: sql`least(${jobRuns.dueAt}, ${atStart ? now : sql`${nextAt}::timestamptz`})` },
    });

/** Every job, the one that has been due longest first, and whether it waits for a process to run it. */
export const selectRuns = (db: Executor, by: string) =>
  db
    .select({
      job: jobRuns.job,
      dueAt: jobRuns.dueAt,
      succeededAt: jobRuns.succeededAt,
      failures: jobRuns.failures,
      isWaiting: sql<boolean>`${jobRuns.dueAt} <= ${now} and ${isFreeFor(by)}`,
    })
    .from(jobRuns)
    .orderBy(jobRuns.dueAt, jobRuns.job);

/** Takes a job that is due for this process; false when another one was faster. */
export async function claimJob(db: Executor, job: string, by: string): Promise<boolean> {
  const claimed = await db
    .update(jobRuns)
    .set({ leasedBy: by, leasedUntil: leased, startedAt: now })
    .where(and(eq(jobRuns.job, job), sql`${jobRuns.dueAt} <= ${now}`, isFreeFor(by)));
  return claimed.rowCount === 1;
}

/** Says that this process still runs these jobs. */
export const renewLeases = (db: Executor, jobs: readonly string[], by: string) =>
  db
    .update(jobRuns)
    .set({ leasedUntil: leased })
    .where(and(inArray(jobRuns.job, jobs), eq(jobRuns.leasedBy, by)));

/** Seconds until a job that failed as a whole is tried again: longer each time, to ten minutes. */
const retryAfter = sql`least(600, 15 * 2 ^ least(${jobRuns.failures} + 1, 10))`;

/**
 * Ends a run of this process. The job is due again at `nextAt`, or earlier: when it failed, or when a row
 * that it could not do is to be tried again.
 */
export const finishJob = (
  db: Executor,
  job: string,
  by: string,
  { succeeded, nextAt }: { succeeded: boolean; nextAt: string },
) =>
  db
    .update(jobRuns)
    .set({
      finishedAt: now,
      leasedBy: null,
      leasedUntil: null,
      ...(succeeded
        ? {
            succeededAt: now,
            failures: 0,
            dueAt: sql`least(${nextAt}::timestamptz, (select min(${jobFaults.nextAttemptAt}) from ${jobFaults}
              where ${jobFaults.job} = ${job} and ${jobFaults.parkedAt} is null))`,
          }
        : {
            failures: sql`${jobRuns.failures} + 1`,
            dueAt: sql`least(${nextAt}::timestamptz, ${now} + ${retryAfter} * interval '1 second')`,
          }),
    })
    .where(and(eq(jobRuns.job, job), eq(jobRuns.leasedBy, by)));

/** Gives a job back that this process has no time for any more; it stays due. */
export const releaseJob = (db: Executor, job: string, by: string) =>
  db
    .update(jobRuns)
    .set({ leasedBy: null, leasedUntil: null })
    .where(and(eq(jobRuns.job, job), eq(jobRuns.leasedBy, by)));

/** Has a job run as soon as a process is free. */
export const hastenJob = (db: Executor, job: string) =>
  db
    .update(jobRuns)
    .set({ dueAt: sql`least(${jobRuns.dueAt}, ${now})` })
    .where(eq(jobRuns.job, job));
