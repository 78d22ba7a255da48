import { sql } from "drizzle-orm";
import { index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { contracts } from "./contracts.ts";
import { members } from "./members.ts";
import { organizations } from "./organizations.ts";

/** An amendment waits for its parties, takes effect, or is given up. */
export const amendmentStatuses = ["confirming", "effective", "withdrawn"] as const;

/** A change of a contract in force; once all have confirmed, its content is the contract's next revision. */
export const contractAmendments = pgTable(
  "contract_amendments",
  {
    id: id(),
    contractId: uuid("contract_id")
      .notNull()
      .references(() => contracts.id),
    status: text("status", { enum: amendmentStatuses }).notNull().default("confirming"),
    /** The revision that it makes. */
    revision: integer("revision").notNull(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    createdBy: uuid("created_by").references(() => members.id),
    reason: text("reason").notNull(),
    /** The merge patch that its author sent, and the whole content that it makes. */
    patch: jsonb("patch").$type<Record<string, unknown>>().notNull(),
    content: jsonb("content").$type<Record<string, unknown>>().notNull(),
    contentSha256: text("content_sha256").notNull(),
    effectiveAt: instant("effective_at"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    uniqueIndex("contract_amendments_one_open").on(t.contractId).where(sql`status = 'confirming'`),
    index("contract_amendments_contract").on(t.contractId, t.id),
    known("contract_amendments_status_known", "status", amendmentStatuses),
  ],
);
