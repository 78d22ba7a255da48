import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import {
  AuditHead,
  AuditRecord,
  ListAuditQuery,
  LogVerification,
  VerifyLogQuery,
} from "./audit.schema.ts";
import { signHead } from "./head.service.ts";
import { listAuditRecords, readAuditRecord, verifyLog } from "./log.service.ts";

const tags = ["audit"];

export default async function auditRoutes(app: App) {
  const { db } = app.database;
  const { publicUrl } = app.config;

  app.get(
    "/v1/audit",
    {
      config: { access: { admin: true } },
      schema: {
        operationId: "listAuditRecords",
        summary: "What happened",
        description:
          "To an organization's own subjects and the deals that it is a party of; for the operator everything, but not what matches' notes and trade secrets say. Newest first: what is not sealed yet, then by position.",
        tags,
        querystring: ListAuditQuery,
        response: { 200: pageOf(AuditRecord) },
      },
    },
    (request) => listAuditRecords(db, request.caller, request.query),
  );

  app.get(
    "/v1/audit/verify",
    {
      config: { access: { roles: ["operator"] } },
      schema: {
        operationId: "verifyLog",
        summary: "Is the log what was sealed",
        description:
          "Recomputes the hash chain from the records as they are stored. `npm run verify-log` does it for the whole log.",
        tags,
        querystring: VerifyLogQuery,
        response: { 200: LogVerification },
      },
    },
    (request) => verifyLog(db, request.query),
  );

  app.get(
    "/v1/audit/head",
    {
      config: { access: { roles: ["registry", "operator"], scope: "registrations:read" } },
      schema: {
        operationId: "signHead",
        summary: "The log's head, signed",
        description:
          "Kept outside the database it shows later what the chain alone cannot: that the log's end was cut off, or that it was written anew. `npm run verify-log -- --head FILE` compares.",
        tags,
        response: { 200: AuditHead },
      },
    },
    () => signHead(db, { publicUrl, key: app.signingKeys.active }),
  );

  app.get(
    "/v1/audit/:id",
    {
      config: { access: { admin: true }, errors: ["audit_record.not_found"] },
      schema: {
        operationId: "readAuditRecord",
        summary: "One audit record",
        description: "With its place in the log and its hash once it is sealed.",
        tags,
        params: IdParams,
        response: { 200: AuditRecord },
      },
    },
    (request) => readAuditRecord(db, request.caller, request.params.id),
  );
}
