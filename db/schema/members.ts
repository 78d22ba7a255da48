import { sql } from "drizzle-orm";
import { boolean, check, index, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { organizations } from "./organizations.ts";

export const memberStatuses = ["invited", "active", "suspended"] as const;

/** A person of an organization. One person, one organization. */
export const members = pgTable(
  "members",
  {
    id: id(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    status: text("status", { enum: memberStatuses }).notNull().default("invited"),
    name: text("name").notNull(),
    /** Stored in lower case: it is the sign-in name. */
    email: text("email").notNull(),
    phone: text("phone"),
    isAdmin: boolean("is_admin").notNull().default(false),
    /** argon2id; null until the invitation is accepted. */
    passwordHash: text("password_hash"),
    lastSignInAt: instant("last_sign_in_at"),
    /** The last password that the person did not set by the one before, and who made it possible. */
    resetAt: instant("reset_at"),
    resetBy: uuid("reset_by"),
    resetByOrganizationId: uuid("reset_by_organization_id"),
    /** Until then the account counts as no second pair of eyes: somebody else may have it. */
    barredUntil: instant("barred_until"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    uniqueIndex("members_email").on(t.email),
    index("members_organization").on(t.organizationId, t.id),
    known("members_status_known", "status", memberStatuses),
    check("members_email_lower", sql`email = lower(email)`),
    check("members_active_has_password", sql`status <> 'active' or password_hash is not null`),
  ],
);
