import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  pgTable,
  primaryKey,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/**
 * What the event feed tells: sealed audit records by their position in the log, without what changed. Rows are
 * removed when they have been kept as long as the market keeps them.
 */
export const events = pgTable(
  "events",
  {
    position: bigint("position", { mode: "number" }).primaryKey(),
    /** The audit record's. */
    id: uuid("id").notNull(),
    type: text("type").notNull(),
    subjectType: text("subject_type").notNull(),
    subjectId: uuid("subject_id").notNull(),
    /** What the subject is a part of: the contract of an amendment or a payment. */
    parentId: uuid("parent_id"),
    /** The audit record's: whose subject it is, where it is one organization's. */
    organizationId: uuid("organization_id"),
    statusFrom: text("status_from"),
    statusTo: text("status_to"),
    at: instant("at").notNull(),
    sealedAt: instant("sealed_at").notNull(),
    /** Who acted reads the id of the own request. */
    actorOrganizationId: uuid("actor_organization_id"),
    requestId: text("request_id"),
    /** Everybody may see it, while its subject is public. */
    isPublic: boolean("is_public").notNull(),
  },
  (t) => [
    index("events_public").on(t.position).where(sql`is_public`),
    index("events_subject").on(t.subjectType, t.subjectId, t.position),
    index("events_type").on(t.type, t.position),
    index("events_sealed").on(t.sealedAt),
  ],
);

/** Whose feed an event may be in: organizations that had a part in its subject when it came into the feed. */
export const eventReaders = pgTable(
  "event_readers",
  {
    organizationId: uuid("organization_id").notNull(),
    position: bigint("position", { mode: "number" })
      .notNull()
      .references(() => events.position, { onDelete: "cascade" }),
  },
  (t) => [
    primaryKey({ name: "event_readers_once", columns: [t.organizationId, t.position] }),
    index("event_readers_position").on(t.position),
  ],
);

/** How far the feed is: one row. Its lock lets one process fill it at a time. */
export const eventsState = pgTable(
  "events_state",
  {
    singleton: smallint("singleton").primaryKey().default(1),
    /** Positions of the log up to here are in the feed, those that are events. */
    position: bigint("position", { mode: "number" }).notNull().default(0),
    /** Events up to here are no longer kept. */
    forgotten: bigint("forgotten", { mode: "number" }).notNull().default(0),
  },
  () => [
    check("events_state_one", sql`singleton = 1`),
    check("events_state_order", sql`forgotten <= position`),
  ],
);
