import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  customType,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { id, instant, known } from "./columns.ts";
import { auditRecords, transactionId } from "./plumbing.ts";
import { registrations, type StoredFacts } from "./registrations.ts";

const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => "bytea" });

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
    /** SHA-256 of the hash before and this record's canonical text. */
    hash: bytes("hash").notNull(),
    sealedAt: instant("sealed_at").notNull(),
  },
  (t) => [
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

export const registryEntryKinds = ["registered", "amended", "cancelled", "revoked"] as const;

/** What the registry's pull feed tells: one row a registration and each later change. Append-only. */
export const registryEntries = pgTable(
  "registry_entries",
  {
    id: id(),
    auditRecordId: uuid("audit_record_id")
      .notNull()
      .references(() => auditRecords.id),
    transactionId: transactionId("transaction_id").notNull().default(sql`pg_current_xact_id()`),
    kind: text("kind", { enum: registryEntryKinds }).notNull(),
    registrationId: uuid("registration_id")
      .notNull()
      .references(() => registrations.id),
    officeOrganizationId: uuid("office_organization_id").notNull(),
    number: text("number").notNull(),
    revision: integer("revision").notNull(),
    facts: jsonb("facts").$type<StoredFacts>().notNull(),
    registeredOn: date("registered_on", { mode: "string" }).notNull(),
    totalAmount: numeric("total_amount", { precision: 18, scale: 2 }).notNull(),
    technologyAmount: numeric("technology_amount", { precision: 18, scale: 2 }).notNull(),
  },
  (t) => [
    uniqueIndex("registry_entries_record").on(t.auditRecordId),
    index("registry_entries_registration").on(t.registrationId, t.id),
    known("registry_entries_kind_known", "kind", registryEntryKinds),
  ],
);

/** The feed itself: sealed entries by their position in the log. Written by the sealer. */
export const registryFeed = pgTable(
  "registry_feed",
  {
    position: bigint("position", { mode: "number" }).primaryKey(),
    entryId: uuid("entry_id")
      .notNull()
      .references(() => registryEntries.id),
    officeOrganizationId: uuid("office_organization_id").notNull(),
    sealedAt: instant("sealed_at").notNull(),
  },
  (t) => [index("registry_feed_office").on(t.officeOrganizationId, t.position)],
);

/**
 * What is counted: `contract` rows for the bases `registered` and `signed`, `payment` rows for `paid`.
 * A correction takes the old facts away (`sign` -1) and adds the new ones, so that any moment of the
 * past can be summed again. Append-only.
 */
export const volumeEntries = pgTable(
  "volume_entries",
  {
    id: id(),
    auditRecordId: uuid("audit_record_id")
      .notNull()
      .references(() => auditRecords.id),
    transactionId: transactionId("transaction_id").notNull().default(sql`pg_current_xact_id()`),
    kind: text("kind", { enum: ["contract", "payment"] }).notNull(),
    sign: smallint("sign").notNull(),
    registrationId: uuid("registration_id").notNull(),
    officeOrganizationId: uuid("office_organization_id").notNull(),
    origin: text("origin").notNull(),
    registeredOn: date("registered_on", { mode: "string" }).notNull(),
    signedOn: date("signed_on", { mode: "string" }).notNull(),
    /** Of a payment: its day, and its id. */
    paidOn: date("paid_on", { mode: "string" }),
    paymentId: uuid("payment_id"),
    type: text("type").notNull(),
    subtype: text("subtype").notNull(),
    field: text("field").notNull(),
    intellectualProperty: text("intellectual_property").notNull(),
    planSource: text("plan_source").notNull(),
    industry: text("industry").notNull(),
    sellerNature: text("seller_nature").notNull(),
    buyerNature: text("buyer_nature").notNull(),
    /** GB/T 2260, or the country's letters for a party abroad. */
    sellerRegion: text("seller_region").notNull(),
    buyerRegion: text("buyer_region").notNull(),
    sizeBand: text("size_band").notNull(),
    /** Of a payment: what was paid, and zero. In yuan. */
    totalAmount: numeric("total_amount", { precision: 18, scale: 2 }).notNull(),
    technologyAmount: numeric("technology_amount", { precision: 18, scale: 2 }).notNull(),
  },
  (t) => [
    index("volume_entries_record").on(t.auditRecordId),
    index("volume_entries_transaction").on(t.transactionId),
    index("volume_entries_registration").on(t.registrationId, t.kind),
    index("volume_entries_registered").on(t.registeredOn).where(sql`kind = 'contract'`),
    index("volume_entries_signed").on(t.signedOn).where(sql`kind = 'contract'`),
    index("volume_entries_paid").on(t.paidOn).where(sql`kind = 'payment'`),
    known("volume_entries_kind_known", "kind", ["contract", "payment"]),
    check("volume_entries_sign_known", sql`sign in (-1, 1)`),
    check(
      "volume_entries_payment_is_whole",
      sql`(kind = 'payment') = (paid_on is not null and payment_id is not null)`,
    ),
  ],
);

/** Running sums of the sealed `contract` entries, by month and one dimension. Kept by the sealer. */
export const volumeSums = pgTable(
  "volume_sums",
  {
    basis: text("basis", { enum: ["registered", "signed"] }).notNull(),
    /** `all` with the value `all`, or the name of a column of `volume_entries`. */
    dimension: text("dimension").notNull(),
    month: date("month", { mode: "string" }).notNull(),
    value: text("value").notNull(),
    count: bigint("count", { mode: "number" }).notNull(),
    totalAmount: numeric("total_amount", { precision: 24, scale: 2 }).notNull(),
    technologyAmount: numeric("technology_amount", { precision: 24, scale: 2 }).notNull(),
  },
  (t) => [
    primaryKey({
      name: "volume_sums_cell",
      columns: [t.basis, t.dimension, t.month, t.value],
    }),
  ],
);
