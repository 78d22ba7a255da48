import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { JobFault, ListJobFaultsQuery, RetriedFaults, RetryJobInput } from "./job-faults.schema.ts";
import {
  listJobFaults,
  readJobFault,
  retryJobFault,
  retryJobFaults,
} from "./job-faults.service.ts";

const tags = ["service"];
const operator = { roles: ["operator"] } as const;

export default async function jobFaultRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/job-faults",
    {
      config: { access: operator },
      schema: {
        operationId: "listJobFaults",
        summary: "Rows that jobs could not do",
        description:
          "A row that fails does not keep the others waiting: it is tried five times, after 1, 4, 16 and 64 minutes, then parked. The latest first.",
        tags,
        querystring: ListJobFaultsQuery,
        response: { 200: pageOf(JobFault) },
      },
    },
    (request) => listJobFaults(db, request.query),
  );

  app.post(
    "/v1/job-faults/retry",
    {
      config: { access: operator, idempotency: "accepted" },
      schema: {
        operationId: "retryJobFaults",
        summary: "Try a job's parked rows again",
        description: "When what they failed of is mended. Each gets all its tries again.",
        tags,
        body: RetryJobInput,
        response: { 200: RetriedFaults },
      },
    },
    (request, reply) => write(request, reply, (tx, call) => retryJobFaults(tx, call, request.body)),
  );

  app.get(
    "/v1/job-faults/:id",
    {
      config: { access: operator, etag: "version", errors: ["job_fault.not_found"] },
      schema: {
        operationId: "readJobFault",
        summary: "One row that a job could not do",
        description: "Gone once the job has done it, or there is nothing to do for it any more.",
        tags,
        params: IdParams,
        response: { 200: JobFault },
      },
    },
    (request) => readJobFault(db, request.params.id),
  );

  app.post(
    "/v1/job-faults/:id/retry",
    {
      config: {
        access: operator,
        idempotency: "accepted",
        ifMatch: "honoured",
        etag: "version",
        errors: ["job_fault.not_found"],
      },
      schema: {
        operationId: "retryJobFault",
        summary: "Try a row again",
        description: "At once, and with all its tries again. Parked or not.",
        tags,
        params: IdParams,
        response: { 200: JobFault },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => retryJobFault(tx, call, request.params.id)),
  );
}
