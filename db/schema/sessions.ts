import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { id, instant, known } from "./columns.ts";
import { members } from "./members.ts";
import { secondFactorKinds } from "./second-factors.ts";

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
      enum: [
        "sign_out",
        "token_reuse",
        "password_change",
        "suspension",
        "factors_removed",
        "factor_added",
      ],
    }),
    /** Where it was opened, as its owner may recognise it. */
    address: text("address"),
    userAgent: text("user_agent"),
    /** When its tokens were last renewed. */
    usedAt: instant("used_at"),
    /** What was proved beside the password. */
    secondFactor: text("second_factor", { enum: [...secondFactorKinds, "recovery_code"] }),
  },
  (t) => [
    index("sessions_member").on(t.memberId),
    index("sessions_expiry").on(t.expiresAt),
    check("sessions_revoked_why", sql`(revoked_at is null) = (revoked_for is null)`),
  ],
);

/**
 * Opaque refresh tokens, only their SHA-256 is kept. Each is used once (RFC 9700 4.14), but for a reply that
 * was lost.
 */
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
    /** Gives the next token, together with this one, which is nowhere kept; until that one is used. */
    successorSalt: text("successor_salt"),
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
    /** Who made it; null for the program's own commands. */
    issuedBy: uuid("issued_by"),
    issuedByOrganizationId: uuid("issued_by_organization_id"),
    createdAt: instant("created_at").notNull().default(sql`now()`),
    expiresAt: instant("expires_at").notNull(),
    usedAt: instant("used_at"),
  },
  (t) => [
    index("one_time_links_member").on(t.memberId),
    known("one_time_links_purpose_known", "purpose", oneTimeLinkPurposes),
  ],
);

/** Attempts at a password, counted by account and address together, by each alone, and by device (all hashed). */
export const signInAttempts = pgTable(
  "sign_in_attempts",
  {
    key: text("key").primaryKey(),
    /** Whose account it is (hashed): the operator forgets all attempts at it. */
    account: text("account"),
    count: integer("count").notNull(),
    /** When the last one was. */
    windowStart: instant("window_start").notNull(),
  },
  (t) => [
    index("sign_in_attempts_window").on(t.windowStart),
    index("sign_in_attempts_account").on(t.account),
  ],
);
