import { z } from "zod";
import { pageQuery } from "../../lib/pagination.ts";
import { instant, uuid } from "../../lib/wire.ts";

/** `<feature>.<verb>`. */
const job = z
  .string()
  .max(60)
  .regex(/^[a-z][a-z-]*\.[a-z][a-z-]*$/)
  .meta({ example: "needs.expire" });

const subjectType = z
  .string()
  .regex(/^[a-z_]{1,60}$/)
  .meta({ example: "need" });

export const JobFault = z
  .object({
    id: uuid,
    job,
    subjectType,
    subjectId: z.string().describe("An id; of a file's bytes their SHA-256."),
    attempts: z.int().describe("Tries that failed. An outage or a lock does not count."),
    reason: z
      .string()
      .describe("An error code, or an error's kind with its SQLSTATE and constraint.")
      .meta({ example: "error 23514 needs_status_known" }),
    firstFailedAt: instant,
    lastFailedAt: instant,
    nextAttemptAt: instant.nullable().describe("Null once it is parked."),
    parkedAt: instant.nullable().describe("Since when it is left alone until somebody retries it."),
    version: z.int(),
  })
  .meta({ id: "JobFault", description: "A row that a job could not do." });
export type JobFault = z.output<typeof JobFault>;

export const ListJobFaultsQuery = z.strictObject({
  ...pageQuery,
  job: job.optional(),
  subjectType: subjectType.optional(),
  parked: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional()
    .describe(
      "`true`: those that nobody tries any more; `false`: those that wait for the next try.",
    ),
});
export type ListJobFaultsQuery = z.output<typeof ListJobFaultsQuery>;

export const RetryJobInput = z
  .strictObject({ job: job.describe("The job whose parked rows are tried again.") })
  .meta({ id: "RetryJobInput", examples: [{ job: "needs.expire" }] });
export type RetryJobInput = z.output<typeof RetryJobInput>;

export const RetriedFaults = z
  .object({
    retried: z.int(),
    more: z.boolean().describe("There are more: call again. One call takes 500."),
  })
  .meta({ id: "RetriedFaults" });
export type RetriedFaults = z.output<typeof RetriedFaults>;
