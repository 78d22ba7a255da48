import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { jobFaults } from "../../db/schema/job-faults.ts";
import type { Executor } from "./connect.ts";

/** Which rows a job takes at once. */
export interface Take {
  job: string;
  /** How many at most. */
  limit: number;
  /** When the run began: a row that fails in it is not taken again in it. */
  at: string;
  /** The last row that was dealt with, for work whose rows stay where they are: done in the order of ids. */
  after: string | null;
}

/** That a row does not wait for another try of this job, and is not parked. */
export const isFreeFor = ({ job, at }: Pick<Take, "job" | "at">, subjectId: SQLWrapper): SQL =>
  sql`not exists (select from ${jobFaults} where ${jobFaults.job} = ${job}
    and ${jobFaults.subjectId} = ${subjectId}::text
    and (${jobFaults.parkedAt} is not null or ${jobFaults.nextAttemptAt} > ${at}))`;

/** The ids of the rows of a kind that this job has failed to do. */
export const failedOf = ({ job }: Pick<Take, "job">, subjectType: string): SQL =>
  sql`(select ${jobFaults.subjectId}::uuid from ${jobFaults}
    where ${jobFaults.job} = ${job} and ${jobFaults.subjectType} = ${subjectType})`;

/** Whether something that no table holds waits for another try of this job, or is parked. */
export async function isHeld(
  db: Executor,
  take: Pick<Take, "job" | "at">,
  subjectId: string,
): Promise<boolean> {
  const found = await db.execute<{ free: boolean }>(
    sql`select ${isFreeFor(take, sql`${subjectId}`)} as free`,
  );
  return found.rows[0]?.free === false;
}
