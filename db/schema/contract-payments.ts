import { sql } from "drizzle-orm";
import { check, date, index, numeric, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { boundedExternalId, externalId, id, instant, timestamps, version } from "./columns.ts";
import { contracts } from "./contracts.ts";
import { members } from "./members.ts";
import { organizations } from "./organizations.ts";

/** Money that was actually received (到账); rewards follow it. A wrong entry is voided, not changed. */
export const contractPayments = pgTable(
  "contract_payments",
  {
    id: id(),
    contractId: uuid("contract_id")
      .notNull()
      .references(() => contracts.id),
    paidOn: date("paid_on", { mode: "string" }).notNull(),
    amount: numeric("amount", { precision: 18, scale: 2 }).notNull(),
    voucherNumber: text("voucher_number"),
    invoiceNumber: text("invoice_number"),
    note: text("note"),
    externalId: externalId(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    createdBy: uuid("created_by").references(() => members.id),
    voidedAt: instant("voided_at"),
    voidReason: text("void_reason"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    index("contract_payments_contract").on(t.contractId, t.paidOn, t.id),
    uniqueIndex("contract_payments_voucher")
      .on(t.contractId, t.voucherNumber)
      .where(sql`voided_at is null and voucher_number is not null`),
    // A wrong entry that was voided may be entered again.
    uniqueIndex("contract_payments_external_id")
      .on(t.organizationId, t.externalId)
      .where(sql`voided_at is null and external_id is not null`),
    boundedExternalId("contract_payments_external_id_length"),
    check("contract_payments_positive", sql`amount > 0`),
  ],
);
