import { sql } from "drizzle-orm";
import {
  boolean,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { id, instant } from "./columns.ts";

/** A transaction's number, which never wraps (xid8); travels as a decimal string. */
export const transactionId = customType<{ data: string; driverData: string }>({
  dataType: () => "xid8",
});

/** A moment to the microsecond, of the server's clock; only compared, never sent out. */
const moment = customType<{ data: string; driverData: string }>({
  dataType: () => "timestamp(6) with time zone",
});

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
    /** Further organisations whose admins may read it: the other parties of a deal. */
    readerIds: uuid("reader_ids").array().notNull().default(sql`'{}'`),
    /** A match's notes or a trade secret: the operator sees that it happened, not what. */
    confidential: boolean("confidential").notNull().default(false),
    /** For the sealer, which puts records in commit order: transaction, and moment of the insert. */
    transactionId: transactionId("transaction_id").notNull().default(sql`pg_current_xact_id()`),
    recordedAt: moment("recorded_at").notNull().default(sql`clock_timestamp()`),
  },
  (t) => [
    index("audit_records_subject").on(t.subjectType, t.subjectId, t.id),
    index("audit_records_organization").on(t.organizationId, t.id),
    index("audit_records_readers").using("gin", t.readerIds).where(sql`reader_ids <> '{}'`),
    index("audit_records_transaction").on(t.transactionId),
    index("audit_records_type").on(t.type, t.id),
    index("audit_records_actor").on(t.actorId, t.id),
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
