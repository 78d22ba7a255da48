import { sql } from "drizzle-orm";
import { check, index, jsonb, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";

/** What an organization is on the market; it gives its people their role. */
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

/** A person to speak to. Personal data: never logged, never in an audit record's values. */
export interface StoredContact {
  name: string;
  phone: string | null;
  email: string | null;
}

/**
 * The city of a region's code, as `src/lib/regions.ts`: a province's counties that belong to no city stand
 * for themselves. A query finds by the index what it writes just so.
 */
export const cityIn = (code: string) =>
  sql.raw(`(case when substr(${code}, 3, 2) = '90' then ${code} else left(${code}, 4) end)`);

/** The section of an industry's code. */
export const sectionIn = (code: string) => sql.raw(`(coalesce(left(${code}, 1), ''))`);

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
    // However it is written: capitals and wide letters are no difference. Anyone can claim one, as above.
    uniqueIndex("organizations_short_name_verified")
      .on(sql`lower(normalize(${t.shortName}, nfkc))`)
      .where(sql`status in ('verified', 'suspended')`),
    index("organizations_credit_code").on(t.creditCode),
    index("organizations_status").on(t.status, t.id),
    index("organizations_updated").on(t.updatedAt, t.id),
    index("organizations_kind").on(t.kind, t.status, t.id),
    // How many are alike: whether kind, city and section tell which one asks (`interests.store.ts`).
    index("organizations_crowd")
      .on(t.kind, cityIn("region_code"), sectionIn("industry_code"))
      .where(sql`status = 'verified'`),
    // Searched by the beginning of the code, whatever the server's collation.
    index("organizations_region").on(t.regionCode.op("text_pattern_ops"), t.id),
    known("organizations_status_known", "status", organizationStatuses),
    known("organizations_kind_known", "kind", organizationKinds),
    check("organizations_version_positive", sql`version > 0`),
  ],
);
