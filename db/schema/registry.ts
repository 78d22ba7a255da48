import { sql } from "drizzle-orm";
import {
  bigint,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { auditRecords } from "./audit.ts";
import { id, instant, known, transactionId } from "./columns.ts";
import { registrations, type StoredFacts } from "./registrations.ts";

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
