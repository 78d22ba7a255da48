import { sql } from "drizzle-orm";
import { index, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { id, instant } from "./columns.ts";

/**
 * What happened: written with the change itself, in one transaction. The database refuses to change
 * or remove a row (trigger `audit_records_append_only`). It is the source of the later event feed.
 */
export const auditRecords = pgTable(
  "audit_records",
  {
    id: id(),
    at: instant("at").notNull().default(sql`now()`),
    /** `<subject type>.<verb>`, such as `need.publish`. */
    type: text("type").notNull(),
    subjectType: text("subject_type").notNull(),
    subjectId: uuid("subject_id").notNull(),
    /** The organisation whose subject it is: its admin may read the record. */
    organizationId: uuid("organization_id"),
    actorKind: text("actor_kind", { enum: ["member", "client", "anonymous", "system"] }).notNull(),
    actorId: uuid("actor_id"),
    actorOrganizationId: uuid("actor_organization_id"),
    requestId: text("request_id"),
    address: text("address"),
    reason: text("reason"),
    /** Changed fields only; of secrets and personal fields only that they changed. */
    before: jsonb("before").$type<Record<string, unknown>>(),
    after: jsonb("after").$type<Record<string, unknown>>(),
  },
  (t) => [
    index("audit_records_subject").on(t.subjectType, t.subjectId, t.id),
    index("audit_records_organization").on(t.organizationId, t.id),
  ],
);

/** Replies kept for 24 hours, so that a repeated request gets the first one's answer. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    /** SHA-256 of caller, method, path and key. */
    scope: text("scope").notNull(),
    requestHash: text("request_hash").notNull(),
    status: integer("status").notNull(),
    headers: jsonb("headers").$type<Record<string, string>>().notNull(),
    body: text("body").notNull(),
    createdAt: instant("created_at").notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ name: "idempotency_keys_scope", columns: [t.scope] }),
    index("idempotency_keys_created").on(t.createdAt),
  ],
);
