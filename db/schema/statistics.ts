import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  date,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { auditRecords } from "./audit.ts";
import { id, instant, known, transactionId } from "./columns.ts";

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

/** The latest release of each quarter that is over: what the public sees of it until the next one. */
export const volumeReleases = pgTable(
  "volume_releases",
  {
    /** `2026-Q1`, of the day of registration. */
    quarter: text("quarter").primaryKey(),
    /** Entries of the log up to here are in it. */
    position: bigint("position", { mode: "number" }).notNull(),
    releasedAt: instant("released_at").notNull(),
  },
  () => [check("volume_releases_quarter_shape", sql`quarter ~ '^[0-9]{4}-Q[1-4]$'`)],
);

/**
 * What was released, by day of registration: each figure of a quarter, of a year as far as its quarters are
 * released, and of everything, with what decides whether it may be shown.
 */
export const releasedVolumes = pgTable(
  "released_volumes",
  {
    /** `2026-Q1`, `2026` or `all`. */
    period: text("period").notNull(),
    /** As in `volume_sums`. */
    dimension: text("dimension").notNull(),
    value: text("value").notNull(),
    count: bigint("count", { mode: "number" }).notNull(),
    totalAmount: numeric("total_amount", { precision: 24, scale: 2 }).notNull(),
    technologyAmount: numeric("technology_amount", { precision: 24, scale: 2 }).notNull(),
    /** Different lead sellers and lead buyers. */
    sellers: integer("sellers").notNull(),
    buyers: integer("buyers").notNull(),
    /** Of the one seller or buyer that has the most of it. */
    largestTotal: numeric("largest_total", { precision: 24, scale: 2 }).notNull(),
    largestTechnology: numeric("largest_technology", { precision: 24, scale: 2 }).notNull(),
  },
  (t) => [
    primaryKey({ name: "released_volumes_cell", columns: [t.period, t.dimension, t.value] }),
    index("released_volumes_dimension").on(t.dimension),
  ],
);
