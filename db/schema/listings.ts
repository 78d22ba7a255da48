import { type BuildColumns, type InferModelFromColumns, sql } from "drizzle-orm";
import {
  boolean,
  date,
  jsonb,
  type PgColumn,
  type PgTable,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { externalId, id, instant, timestamps, version } from "./columns.ts";
import { members } from "./members.ts";
import { organizations, type StoredContact } from "./organizations.ts";

/** The two kinds of listing, which are matched with each other. */
export const listingNouns = ["result", "need"] as const;

/** Who sees a listing's contact, besides its owner and the operator. */
export const contactVisibilities = ["public", "signed_in", "accepted"] as const;

/** Statuses that results and needs share; each adds its own ends. */
export const listingStatuses = [
  "draft",
  "submitted",
  "changes_requested",
  "rejected",
  "published",
  "expired",
  "withdrawn",
] as const;

/** All statuses of listings: the shared ones, and the ends of each kind. */
const allStatuses = [...listingStatuses, "transferred", "solved", "closed"] as const;

/**
 * The columns that every listing has, a result or a need. `statuses` are those of its lifecycle,
 * `prefix` the letter of its public reference (`R-2026-000123`).
 */
export const listingColumns = <const S extends readonly [string, ...string[]]>(
  statuses: S,
  prefix: "R" | "N",
) => ({
  id: id(),
  reference: text("reference")
    .notNull()
    .unique()
    .default(sql.raw(`next_reference('${prefix}')`)),
  organizationId: uuid("organization_id")
    .notNull()
    .references(() => organizations.id),
  /** Who wrote it; null when a machine client did. */
  createdBy: uuid("created_by").references(() => members.id),
  status: text("status", { enum: statuses }).notNull(),
  externalId: externalId(),
  title: text("title").notNull(),
  summary: text("summary"),
  keywords: text("keywords").array().notNull().default(sql`'{}'`),
  tags: text("tags").array().notNull().default(sql`'{}'`),
  fieldCode: text("field_code"),
  industryCode: text("industry_code"),
  regionCode: text("region_code"),
  /** GB/T 2260 levels of the region, so that a province or a city is an equality in an index. */
  provinceCode: text("province_code").generatedAlwaysAs(sql`left(region_code, 2)`),
  cityCode: text("city_code").generatedAlwaysAs(sql`left(region_code, 4)`),
  /** First level of the field and of the industry, likewise. */
  fieldTop: text("field_top").generatedAlwaysAs(sql`left(field_code, 2)`),
  industrySection: text("industry_section").generatedAlwaysAs(sql`left(industry_code, 1)`),
  cooperationModes: text("cooperation_modes").array().notNull().default(sql`'{}'`),
  contact: jsonb("contact").$type<StoredContact>(),
  contactVisibility: text("contact_visibility", { enum: contactVisibilities })
    .notNull()
    .default("accepted"),
  /** Last day on which it is live, Asia/Shanghai. */
  validUntil: date("valid_until", { mode: "string" }),
  completeness: smallint("completeness").notNull().default(0),
  /** True once the owner changed what the operator had published. */
  changedSinceReview: boolean("changed_since_review").notNull().default(false),
  /** The operator's last word on it: a code of the taxonomy `review-reasons`, and a note. */
  reviewReason: text("review_reason"),
  reviewNote: text("review_note"),
  submittedAt: instant("submitted_at"),
  publishedAt: instant("published_at"),
  /** What `q` looks for and ranks by, written with the row (`src/lib/terms.ts`). */
  titleText: text("title_text").notNull().default(""),
  summaryText: text("summary_text").notNull().default(""),
  titleTerms: text("title_terms").array().notNull().default(sql`'{}'`),
  searchTerms: text("search_terms").array().notNull(),
  /** Common filters as terms: the indexes of words look for both together (`listings.store.ts`). */
  facetTerms: text("facet_terms")
    .array()
    .generatedAlwaysAs(
      sql`array_remove(array['field:' || left(field_code, 2), 'industry:' || left(industry_code, 1), 'province:' || left(region_code, 2), 'city:' || left(region_code, 4), 'region:' || region_code], null) || cooperation_modes`,
    ),
  version: version(),
  ...timestamps(),
});

/** A last day to sort by: a listing without one, such as a draft, comes behind all that have one. */
export const lastDayOf = (validUntil: PgColumn) => sql`coalesce(${validUntil}, 'infinity'::date)`;

type ListingColumns = ReturnType<typeof listingColumns<typeof allStatuses>>;

/** A table that has at least the columns of a listing. */
export type ListingTable = PgTable & Record<keyof ListingColumns, PgColumn>;

/** A row of such a table, as far as results and needs are alike. */
export type ListingRow = InferModelFromColumns<BuildColumns<string, ListingColumns, "pg">>;

/** Columns that follow from the others and are for the database only. */
export const searchColumns = [
  "titleText",
  "summaryText",
  "titleTerms",
  "searchTerms",
  "facetTerms",
] as const;
export type SearchColumn = (typeof searchColumns)[number];
