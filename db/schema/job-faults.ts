import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import { id, instant, version } from "./columns.ts";

/**
 * Rows that a job could not do, so that they do not keep the others waiting: each is tried again later
 * and later, then parked until the operator has it tried again.
 */
export const jobFaults = pgTable(
  "job_faults",
  {
    id: id(),
    version: version(),
    job: text("job").notNull(),
    subjectType: text("subject_type").notNull(),
    /** Of whatever the job does; most are ids, bytes of files have their hash. */
    subjectId: text("subject_id").notNull(),
    /** Failed ones that count. */
    attempts: integer("attempts").notNull(),
    /** An error code, or an error's kind with SQLSTATE and constraint: never what a row holds. */
    reason: text("reason").notNull(),
    firstFailedAt: instant("first_failed_at").notNull(),
    lastFailedAt: instant("last_failed_at").notNull(),
    nextAttemptAt: instant("next_attempt_at").notNull(),
    parkedAt: instant("parked_at"),
  },
  (t) => [
    uniqueIndex("job_faults_subject").on(t.job, t.subjectId),
    index("job_faults_job").on(t.job, t.id),
    index("job_faults_subject_type").on(t.subjectType, t.id),
    index("job_faults_parked").on(t.id).where(sql`parked_at is not null`),
    check("job_faults_attempts_counted", sql`attempts >= 0`),
  ],
);
