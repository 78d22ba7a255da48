import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  index,
  jsonb,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";

/** What an organisation is on the market; it gives its people their role. */
export const organizationKinds = [
  "university",
  "enterprise",
  "brokerage",
  "registry",
  "operator",
] as const;

export const organizationStatuses = [
  "pending",
  "verified",
  "rejected",
  "suspended",
  "closed",
] as const;

export const memberStatuses = ["invited", "active", "suspended"] as const;

/** A person to speak to. Personal data: never logged, never in an audit record's values. */
export interface StoredContact {
  name: string;
  phone: string | null;
  email: string | null;
}

export const organizations = pgTable(
  "organizations",
  {
    id: id(),
    kind: text("kind", { enum: organizationKinds }).notNull(),
    status: text("status", { enum: organizationStatuses }).notNull().default("pending"),
    name: text("name").notNull(),
    shortName: text("short_name"),
    creditCode: text("credit_code").notNull(),
    /** Why the operator let in a code that fails its own check digit (known exceptions exist). */
    creditCodeOverrideReason: text("credit_code_override_reason"),
    legalType: text("legal_type").notNull(),
    regionCode: text("region_code").notNull(),
    industryCode: text("industry_code"),
    scale: text("scale"),
    address: text("address"),
    website: text("website"),
    description: text("description"),
    contact: jsonb("contact").$type<StoredContact>(),
    statusReason: text("status_reason"),
    verifiedAt: instant("verified_at"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    // Codes are public, anyone can type one: unique only among those the operator vouched for.
    uniqueIndex("organizations_credit_code_verified")
      .on(t.creditCode)
      .where(sql`status in ('verified', 'suspended')`),
    index("organizations_credit_code").on(t.creditCode),
    index("organizations_status").on(t.status, t.id),
    index("organizations_kind").on(t.kind, t.status, t.id),
    // Searched by the beginning of the code, whatever the server's collation.
    index("organizations_region").on(t.regionCode.op("text_pattern_ops"), t.id),
    known("organizations_status_known", "status", organizationStatuses),
    known("organizations_kind_known", "kind", organizationKinds),
    check("organizations_version_positive", sql`version > 0`),
  ],
);

/** A person of an organisation. One person, one organisation. */
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
