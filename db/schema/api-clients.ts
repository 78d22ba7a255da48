import { sql } from "drizzle-orm";
import { check, index, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
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
    secretUsedAt: instant("secret_used_at"),
    /** The secret before, which goes on working until it expires: two at most. */
    previousSecretHash: text("previous_secret_hash"),
    previousSecretIssuedAt: instant("previous_secret_issued_at"),
    previousSecretUsedAt: instant("previous_secret_used_at"),
    previousSecretExpiresAt: instant("previous_secret_expires_at"),
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
    check(
      "api_clients_previous_secret_whole",
      sql`num_nulls(previous_secret_hash, previous_secret_issued_at, previous_secret_expires_at) in (0, 3)`,
    ),
  ],
);
