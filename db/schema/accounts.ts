import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { members, organizations } from "./organizations.ts";

/** A sign-in of a person: the family of its refresh tokens, and the `sid` of its access tokens. */
export const sessions = pgTable(
  "sessions",
  {
    id: id(),
    memberId: uuid("member_id")
      .notNull()
      .references(() => members.id),
    createdAt: instant("created_at").notNull().default(sql`now()`),
    expiresAt: instant("expires_at").notNull(),
    revokedAt: instant("revoked_at"),
    revokedFor: text("revoked_for", {
      enum: ["sign_out", "token_reuse", "password_change", "suspension"],
    }),
  },
  (t) => [
    index("sessions_member").on(t.memberId),
    index("sessions_expiry").on(t.expiresAt),
    check("sessions_revoked_why", sql`(revoked_at is null) = (revoked_for is null)`),
  ],
);

/** Opaque refresh tokens, only their SHA-256 is kept. Each is used once (RFC 9700 4.14). */
export const refreshTokens = pgTable(
  "refresh_tokens",
  {
    tokenHash: text("token_hash").primaryKey(),
    sessionId: uuid("session_id")
      .notNull()
      .references(() => sessions.id, { onDelete: "cascade" }),
    createdAt: instant("created_at").notNull().default(sql`now()`),
    expiresAt: instant("expires_at").notNull(),
    usedAt: instant("used_at"),
  },
  (t) => [
    index("refresh_tokens_session").on(t.sessionId),
    // One live token a session, whatever happens at the same moment.
    uniqueIndex("refresh_tokens_one_live").on(t.sessionId).where(sql`used_at is null`),
  ],
);

export const oneTimeLinkPurposes = ["invitation", "password_reset"] as const;

/** Links handed to a person by an admin (no mail server needed); only the token's hash is kept. */
export const oneTimeLinks = pgTable(
  "one_time_links",
  {
    tokenHash: text("token_hash").primaryKey(),
    memberId: uuid("member_id")
      .notNull()
      .references(() => members.id),
    purpose: text("purpose", { enum: oneTimeLinkPurposes }).notNull(),
    createdAt: instant("created_at").notNull().default(sql`now()`),
    expiresAt: instant("expires_at").notNull(),
    usedAt: instant("used_at"),
  },
  (t) => [
    index("one_time_links_member").on(t.memberId),
    known("one_time_links_purpose_known", "purpose", oneTimeLinkPurposes),
  ],
);

/** Attempts at a password or a client secret, counted per account and per address (both hashed). */
export const signInAttempts = pgTable(
  "sign_in_attempts",
  {
    key: text("key").primaryKey(),
    count: integer("count").notNull(),
    windowStart: instant("window_start").notNull(),
  },
  (t) => [index("sign_in_attempts_window").on(t.windowStart)],
);

export const apiClientStatuses = ["active", "revoked"] as const;

/** A machine that acts for its organisation. Its id is the OAuth `client_id`. */
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
