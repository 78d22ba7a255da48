import { sql } from "drizzle-orm";
import { index, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant } from "./columns.ts";

/** Replies kept for 24 hours, so that a repeated request gets the first one's answer. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    /** SHA-256 of caller, method, path and key. */
    scope: text("scope").notNull(),
    requestHash: text("request_hash").notNull(),
    status: integer("status").notNull(),
    headers: jsonb("headers").$type<Record<string, string>>().notNull(),
    body: text("body").notNull(),
    createdAt: instant("created_at").notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ name: "idempotency_keys_scope", columns: [t.scope] }),
    index("idempotency_keys_created").on(t.createdAt),
  ],
);
