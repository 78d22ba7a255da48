import { integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/** The timed jobs: when each is due, and how its last runs went. All instants are the database's. */
export const jobRuns = pgTable("job_runs", {
  job: text("job").primaryKey(),
  /** When it is to run next. Stays until the run has ended: one whose process dies is taken up again. */
  dueAt: instant("due_at").notNull(),
  startedAt: instant("started_at"),
  finishedAt: instant("finished_at"),
  succeededAt: instant("succeeded_at"),
  /** Failures since the last success. */
  failures: integer("failures").notNull().default(0),
  /** The process that runs it, which says so again and again; after this instant it is taken for dead. */
  leasedBy: uuid("leased_by"),
  leasedUntil: instant("leased_until"),
});
