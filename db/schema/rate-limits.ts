import { index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/**
 * How often somebody asked for something within a window: the processes on one server add up what each
 * has counted. Unlogged (by its migration): a crash loses a minute's counts, and no write waits for them.
 */
export const rateLimits = pgTable(
  "rate_limits",
  {
    /** SHA-256 of bucket, window and caller or network. */
    key: text("key").primaryKey(),
    endsAt: instant("ends_at").notNull(),
    count: integer("count").notNull(),
  },
  (t) => [index("rate_limits_end").on(t.endsAt)],
);
