import { index, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { listingNouns } from "./listings.ts";
import { organizations } from "./organizations.ts";

/** A search that its owner wants to repeat, and how far its owner has looked. */
export const savedSearches = pgTable(
  "saved_searches",
  {
    id: id(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    /** The person or the machine client that saved it: nobody else sees it. */
    ownerId: uuid("owner_id").notNull(),
    noun: text("noun", { enum: listingNouns }).notNull(),
    name: text("name").notNull(),
    /** Parameters of `GET /v1/results` or `/v1/needs`, as they are written there. */
    query: jsonb("query").$type<Record<string, string>>().notNull(),
    /** What was published after this instant is new. */
    seenThrough: instant("seen_through").notNull(),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    index("saved_searches_owner").on(t.ownerId, t.id),
    index("saved_searches_owner_updated").on(t.ownerId, t.updatedAt, t.id),
    known("saved_searches_noun_known", "noun", listingNouns),
  ],
);
