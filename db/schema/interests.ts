import { sql } from "drizzle-orm";
import { check, date, index, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { members } from "./members.ts";
import { needs } from "./needs.ts";
import { organizations } from "./organizations.ts";
import { results } from "./results.ts";

export const interestStatuses = ["open", "accepted", "declined", "withdrawn", "lapsed"] as const;

/** A question of the asker by topic (taxonomy `interest-topics`), with the owner's answer once given. */
export interface StoredQuestion {
  topic: string;
  question: string;
  answer: string | null;
}

/** One side asks about the other's listing (意向). Exactly one of the two listings is named. */
export const interests = pgTable(
  "interests",
  {
    id: id(),
    status: text("status", { enum: interestStatuses }).notNull().default("open"),
    resultId: uuid("result_id").references(() => results.id),
    needId: uuid("need_id").references(() => needs.id),
    /** Whose listing it is. */
    ownerOrganizationId: uuid("owner_organization_id")
      .notNull()
      .references(() => organizations.id),
    askerOrganizationId: uuid("asker_organization_id")
      .notNull()
      .references(() => organizations.id),
    /** Who wrote it; null when a machine client did. */
    createdBy: uuid("created_by").references(() => members.id),
    /** The field that the asker works in, shown to the owner before acceptance. */
    fieldCode: text("field_code"),
    message: text("message").notNull(),
    cooperationMode: text("cooperation_mode"),
    questions: jsonb("questions").$type<StoredQuestion[]>().notNull().default(sql`'[]'`),
    /** The person of the asker to speak to; shown to the owner after acceptance. */
    contact: jsonb("contact").$type<{
      name: string;
      phone: string | null;
      email: string | null;
    }>(),
    /** By when the owner should answer: ten working days, Asia/Shanghai. */
    dueOn: date("due_on", { mode: "string" }).notNull(),
    answeredAt: instant("answered_at"),
    answeredBy: uuid("answered_by").references(() => members.id),
    /** Code of the taxonomy `decline-reasons`. */
    declineReason: text("decline_reason"),
    /** What the owner said when answering. */
    note: text("note"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    uniqueIndex("interests_one_open_result")
      .on(t.askerOrganizationId, t.resultId)
      .where(sql`status = 'open'`),
    uniqueIndex("interests_one_open_need")
      .on(t.askerOrganizationId, t.needId)
      .where(sql`status = 'open'`),
    index("interests_owner").on(t.ownerOrganizationId, t.id),
    index("interests_owner_due")
      .on(t.ownerOrganizationId, t.dueOn, t.id)
      .where(sql`status = 'open'`),
    index("interests_asker").on(t.askerOrganizationId, t.id),
    index("interests_result").on(t.resultId, t.id),
    index("interests_need").on(t.needId, t.id),
    index("interests_status").on(t.status, t.id),
    index("interests_owner_updated").on(t.ownerOrganizationId, t.updatedAt, t.id),
    index("interests_asker_updated").on(t.askerOrganizationId, t.updatedAt, t.id),
    index("interests_updated").on(t.updatedAt, t.id),
    known("interests_status_known", "status", interestStatuses),
    check("interests_one_listing", sql`num_nonnulls(result_id, need_id) = 1`),
    check("interests_two_sides", sql`owner_organization_id <> asker_organization_id`),
    check(
      "interests_declined_has_reason",
      sql`(status = 'declined') = (decline_reason is not null)`,
    ),
  ],
);
