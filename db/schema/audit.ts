import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  jsonb,
  pgTable,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { bytes, id, instant, transactionId } from "./columns.ts";

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
    /** The organization whose subject it is: its admin may read the record. */
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
    /** Further organizations whose admins may read it: the other parties of a deal. */
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

/**
 * The log: each audit record's place in commit order, and the hash chain over them. One sealer writes
 * it (`src/modules/audit/`); the database refuses to change or remove a row.
 */
export const auditLog = pgTable(
  "audit_log",
  {
    position: bigint("position", { mode: "number" }).primaryKey(),
    recordId: uuid("record_id")
      .notNull()
      .references(() => auditRecords.id),
    /** SHA-256 of the hash before and the canonical text of what is sealed. */
    hash: bytes("hash").notNull(),
    sealedAt: instant("sealed_at").notNull(),
    /**
     * What its hash is made of. 1: the record without its transaction and moment; 2: all of the record, position
     * and `sealed_at`. A process of 0.1.0 writes none, which is 1.
     */
    format: smallint("format").notNull().default(1),
    /** The record's, since format 2: a restore numbers those of the records anew. */
    transactionId: transactionId("transaction_id"),
  },
  (t) => [
    check("audit_log_format", sql`(format = 1) = (transaction_id is null) and format in (1, 2)`),
    uniqueIndex("audit_log_record").on(t.recordId),
    index("audit_log_sealed").on(t.sealedAt, t.position),
  ],
);

/** How far the sealer is: one row. Its lock lets one sealer work at a time. */
export const sealerState = pgTable(
  "sealer_state",
  {
    singleton: smallint("singleton").primaryKey().default(1),
    position: bigint("position", { mode: "number" }).notNull().default(0),
    hash: bytes("hash").notNull().default(sql`'\\x'`),
    /** Every record of an older transaction is sealed. */
    floor: transactionId("floor").notNull().default(sql`'0'`),
    /** Everything that was committed before this instant is sealed. */
    sealedThrough: instant("sealed_through").notNull().default(sql`now()`),
  },
  () => [check("sealer_state_one", sql`singleton = 1`)],
);
