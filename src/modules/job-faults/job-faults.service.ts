/** Rows that jobs could not do: tried again later and later, then parked until the operator retries. */
import type { Executor } from "../../database/connect.ts";
import { hastenJob } from "../../database/job-runs.ts";
import type { Call } from "../../lib/call.ts";
import { instantIn, nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { newId } from "../../lib/ids.ts";
import { driverError } from "../../lib/loggable.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { recordAudit } from "../audit/audit.service.ts";
import type {
  JobFault,
  ListJobFaultsQuery,
  RetriedFaults,
  RetryJobInput,
} from "./job-faults.schema.ts";
import * as store from "./job-faults.store.ts";

export const countFaultsByJob = store.countByJob;

/** Tries after which a row is parked. */
export const triesAtMost = 5;

/** Seconds to the next try after so many failed ones: 1, 4, 16 and 64 minutes. */
const delayAfter = (attempts: number): number => 60 * 4 ** Math.max(0, attempts - 1);

/** What failed: an error code, or kind, SQLSTATE or system code, and constraint. Never a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AppError) return error.code;
  const { code, constraint } = driverError(error) ?? {};
  const name = error instanceof Error ? error.name : "Error";
  const isDatabase = typeof driverError(error)?.severity === "string";
  return [isDatabase ? "database" : name, code, constraint].filter(Boolean).join(" ");
}

/** What is said of a try that failed. */
export interface Noted {
  attempts: number;
  parked: boolean;
}

/**
 * Notes that a job could not do a row. In a transaction of its own: the row's was rolled back.
 * @param counts false when it was not the row's fault: it is tried again, and never parked for it
 */
export async function noteFault(
  tx: Executor,
  { job, subjectType, subjectId }: { job: string; subjectType: string; subjectId: string },
  error: unknown,
  counts: boolean,
): Promise<Noted> {
  const before = await store.lockFaultOf(tx, job, subjectId);
  const attempts = (before?.attempts ?? 0) + (counts ? 1 : 0);
  const parked = attempts >= triesAtMost;
  const now = nowInstant();
  const changes = {
    attempts,
    reason: reasonOf(error),
    lastFailedAt: now,
    nextAttemptAt: instantIn(delayAfter(attempts)),
    parkedAt: parked ? now : null,
  };
  if (before) await store.updateFault(tx, before.id, changes);
  else {
    const subject = { id: newId(), job, subjectType, subjectId };
    await store.insertFault(tx, { ...subject, ...changes, firstFailedAt: now });
  }
  return { attempts, parked };
}

/** Forgets the faults of rows that a job has done. */
export async function clearFaults(
  tx: Executor,
  job: string,
  subjectIds: readonly string[],
): Promise<void> {
  await store.deleteFaultsOf(tx, job, subjectIds);
}

/** After a whole run that began at `at`: forgets faults of rows that there is nothing to do for any more. */
export async function forgetObsolete(
  db: Executor,
  job: string,
  subjectType: string,
  at: string,
): Promise<void> {
  await store.deleteObsolete(db, job, subjectType, at);
}

const toFault = ({ nextAttemptAt, ...row }: store.FaultRow): JobFault => ({
  ...row,
  nextAttemptAt: row.parkedAt ? null : nextAttemptAt,
});

/** The latest first. */
export async function listJobFaults(
  db: Executor,
  query: ListJobFaultsQuery,
): Promise<Page<JobFault>> {
  const list = "job-faults";
  const rows = await store.selectFaults(db, query, readCursor(list, query));
  const page = toPage(list, query, rows, () => "", toFault);
  if (query.include) page.total = totalOf(await store.countFaults(db, query));
  return page;
}

/** @throws AppError `job_fault.not_found` (404) */
export async function readJobFault(db: Executor, id: string): Promise<JobFault> {
  const row = await store.selectFault(db, id);
  if (!row) throw new AppError("job_fault.not_found");
  return toFault(row);
}

/** All tries again, the first one now. */
async function retry(tx: Executor, call: Call, before: store.FaultRow): Promise<store.FaultRow> {
  const changes = { attempts: 0, nextAttemptAt: nowInstant(), parkedAt: null };
  const after = await store.updateFault(tx, before.id, changes);
  const subject = { id: before.id, organizationId: null };
  await recordAudit(tx, call, { type: "job_fault.retry", subject, before, after });
  return after;
}

/**
 * Has the job try a row again at once.
 * @throws AppError `job_fault.not_found` (404) when it was done meanwhile
 */
export async function retryJobFault(tx: Executor, call: Call, id: string): Promise<JobFault> {
  const before = await store.lockFault(tx, id);
  if (!before) throw new AppError("job_fault.not_found");
  assertVersion(before, call.expected);
  const after = await retry(tx, call, before);
  await hastenJob(tx, before.job);
  return toFault(after);
}

const retriedAtOnce = 500;

/** The same for all rows of a job that are parked. */
export async function retryJobFaults(
  tx: Executor,
  call: Call,
  { job }: RetryJobInput,
): Promise<RetriedFaults> {
  const parked = await store.lockParked(tx, job, retriedAtOnce);
  for (const row of parked) await retry(tx, call, row);
  await hastenJob(tx, job);
  return { retried: parked.length, more: parked.length === retriedAtOnce };
}
