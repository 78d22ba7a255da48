import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  check,
  date,
  index,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { interests } from "./interests.ts";
import { members } from "./members.ts";
import { needs } from "./needs.ts";
import { organizations } from "./organizations.ts";
import { results } from "./results.ts";

export const matchStatuses = [
  "proposed",
  "agreed",
  "negotiating",
  "contracted",
  "failed",
  "declined",
  "withdrawn",
  "lapsed",
] as const;

/** What an entry of a match's timeline is: a step of its lifecycle, or what the broker noted. */
export const matchNoteKinds = ["step", "introduction", "note", "meeting"] as const;

/** A broker brings a result and a need together (对接). */
export const matches = pgTable(
  "matches",
  {
    id: id(),
    status: text("status", { enum: matchStatuses }).notNull().default("proposed"),
    resultId: uuid("result_id")
      .notNull()
      .references(() => results.id),
    needId: uuid("need_id")
      .notNull()
      .references(() => needs.id),
    /** The owners at the time of the proposal; neither is the broker's own organization. */
    resultOrganizationId: uuid("result_organization_id")
      .notNull()
      .references(() => organizations.id),
    needOrganizationId: uuid("need_organization_id")
      .notNull()
      .references(() => organizations.id),
    brokerId: uuid("broker_id")
      .notNull()
      .references(() => members.id),
    brokerOrganizationId: uuid("broker_organization_id")
      .notNull()
      .references(() => organizations.id),
    /** An accepted interest that led to it. */
    interestId: uuid("interest_id").references(() => interests.id),
    /** The match that this one starts again. */
    previousMatchId: uuid("previous_match_id").references((): AnyPgColumn => matches.id),
    /** Why the two fit, in the broker's words; both owners read it. */
    proposal: text("proposal").notNull(),
    resultAcceptedAt: instant("result_accepted_at"),
    resultAcceptedBy: uuid("result_accepted_by").references(() => members.id),
    needAcceptedAt: instant("need_accepted_at"),
    needAcceptedBy: uuid("need_accepted_by").references(() => members.id),
    /** Last day on which a proposal can be accepted, Asia/Shanghai: 30 days. */
    expiresOn: date("expires_on", { mode: "string" }).notNull(),
    agreedAt: instant("agreed_at"),
    endedAt: instant("ended_at"),
    /** Who declined, withdrew or let it fail, and why (taxonomy `decline-reasons`). */
    endedBy: uuid("ended_by").references(() => members.id),
    endReason: text("end_reason"),
    endNote: text("end_note"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    uniqueIndex("matches_one_open")
      .on(t.resultId, t.needId)
      .where(sql`status in ('proposed', 'agreed', 'negotiating')`),
    index("matches_result_owner").on(t.resultOrganizationId, t.id),
    index("matches_need_owner").on(t.needOrganizationId, t.id),
    index("matches_broker").on(t.brokerId, t.status, t.id),
    index("matches_brokerage").on(t.brokerOrganizationId, t.id),
    index("matches_result").on(t.resultId, t.id),
    index("matches_need").on(t.needId, t.id),
    index("matches_status").on(t.status, t.id),
    index("matches_result_owner_updated").on(t.resultOrganizationId, t.updatedAt, t.id),
    index("matches_need_owner_updated").on(t.needOrganizationId, t.updatedAt, t.id),
    index("matches_brokerage_updated").on(t.brokerOrganizationId, t.updatedAt, t.id),
    index("matches_updated").on(t.updatedAt, t.id),
    index("matches_expiry").on(t.expiresOn, t.id).where(sql`status = 'proposed'`),
    known("matches_status_known", "status", matchStatuses),
    check(
      "matches_broker_is_neutral",
      sql`broker_organization_id not in (result_organization_id, need_organization_id)`,
    ),
    check("matches_two_sides", sql`result_organization_id <> need_organization_id`),
    check(
      "matches_agreed_by_both",
      sql`status not in ('agreed', 'negotiating', 'contracted') or (result_accepted_at is not null and need_accepted_at is not null)`,
    ),
    check(
      "matches_failed_has_reason",
      sql`status not in ('declined', 'failed') or end_reason is not null`,
    ),
  ],
);

/**
 * The timeline of a match: who introduced whom and when is what the broker's fee rests on (Civil Code
 * article 965). The database refuses to change or remove an entry (trigger `match_notes_append_only`).
 */
export const matchNotes = pgTable(
  "match_notes",
  {
    id: id(),
    matchId: uuid("match_id")
      .notNull()
      .references(() => matches.id),
    kind: text("kind", { enum: matchNoteKinds }).notNull(),
    /** Of a step: its name, such as `accept`. */
    action: text("action"),
    /** When it happened, which may be before it was written down. */
    heldAt: instant("held_at").notNull(),
    text: text("text"),
    createdBy: uuid("created_by").references(() => members.id),
    organizationId: uuid("organization_id").references(() => organizations.id),
    createdAt: instant("created_at").notNull().default(sql`now()`),
  },
  (t) => [
    index("match_notes_match").on(t.matchId, t.id),
    known("match_notes_kind_known", "kind", matchNoteKinds),
    check("match_notes_says_something", sql`text is not null or action is not null`),
  ],
);
