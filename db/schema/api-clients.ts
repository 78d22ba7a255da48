import { sql } from "drizzle-orm";
import { index, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { members } from "./members.ts";
import { organizations } from "./organizations.ts";

export const apiClientStatuses = ["active", "revoked"] as const;

/** A machine that acts for its organization. Its id is the OAuth `client_id`. */
export const apiClients = pgTable(
  "api_clients",
  {
    id: id(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    name: text("name").notNull(),
    scopes: text("scopes").array().notNull(),
    status: text("status", { enum: apiClientStatuses }).notNull().default("active"),
    /** SHA-256 of 256 random bits: a slow hash adds nothing to a secret that cannot be guessed. */
    secretHash: text("secret_hash").notNull(),
    secretIssuedAt: instant("secret_issued_at").notNull().default(sql`now()`),
    createdBy: uuid("created_by")
      .notNull()
      .references(() => members.id),
    lastUsedAt: instant("last_used_at"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    index("api_clients_organization").on(t.organizationId, t.id),
    uniqueIndex("api_clients_name").on(t.organizationId, t.name).where(sql`status = 'active'`),
    known("api_clients_status_known", "status", apiClientStatuses),
  ],
);
