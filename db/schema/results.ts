import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  date,
  index,
  jsonb,
  numeric,
  pgSequence,
  pgTable,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { boundedExternalId, keyOf, known } from "./columns.ts";
import { contactVisibilities, lastDayOf, listingColumns, listingStatuses } from "./listings.ts";

export const resultStatuses = [...listingStatuses, "transferred"] as const;
export const priceKinds = ["fixed", "range", "negotiable", "appraised"] as const;

export interface StoredIntellectualProperty {
  typeCode: string;
  country: string;
  number: string | null;
  status: string | null;
  title: string | null;
  owner: string | null;
}

export interface StoredOwner {
  name: string;
  creditCode: string | null;
  sharePercent: string;
}

export interface StoredInventor {
  name: string;
  organization: string | null;
}

export const resultReferences = pgSequence("result_references");

/** A published or publishable scientific or technological result (科技成果). */
export const results = pgTable(
  "results",
  {
    ...listingColumns(resultStatuses, "R"),
    description: text("description"),
    resultType: text("result_type"),
    resultForm: text("result_form"),
    resultNature: text("result_nature"),
    applicationField: text("application_field"),
    /** Technology readiness level 1 to 9, on the scale named beside it. */
    maturity: smallint("maturity"),
    maturityScale: text("maturity_scale").notNull().default("GB/T 22900-2022"),
    sampleStatus: text("sample_status"),
    completedOn: date("completed_on", { mode: "string" }),
    planSourceCode: text("plan_source_code"),
    /** What the research cost, in yuan. */
    funding: numeric("funding", { precision: 18, scale: 2 }),
    isServiceResult: boolean("is_service_result").notNull().default(false),
    owners: jsonb("owners").$type<StoredOwner[]>().notNull().default(sql`'[]'`),
    inventors: jsonb("inventors").$type<StoredInventor[]>().notNull().default(sql`'[]'`),
    intellectualProperty: jsonb("intellectual_property")
      .$type<StoredIntellectualProperty[]>()
      .notNull()
      .default(sql`'[]'`),
    /** The types in `intellectual_property`, for the filter. */
    intellectualPropertyTypes: text("intellectual_property_types")
      .array()
      .notNull()
      .default(sql`'{}'`),
    technicalIndicators: text("technical_indicators"),
    advantages: text("advantages"),
    marketAnalysis: text("market_analysis"),
    benefits: text("benefits"),
    awards: text("awards").array().notNull().default(sql`'{}'`),
    appraisal: text("appraisal"),
    licenceKinds: text("licence_kinds").array().notNull().default(sql`'{}'`),
    priceKind: text("price_kind", { enum: priceKinds }),
    /** In yuan. Equal for a fixed price, both null when it is to be negotiated. */
    priceMin: numeric("price_min", { precision: 18, scale: 2 }),
    priceMax: numeric("price_max", { precision: 18, scale: 2 }),
    /** The transfer or exclusive licence by which it is gone; if that is cancelled, it is back. */
    transferredContractId: uuid("transferred_contract_id").references(() => keyOf("contracts")),
  },
  (t) => {
    const published = sql`status = 'published'`;
    // Ascending: newest first walks them backwards. (Drizzle's `desc()` is NULLS LAST, which no
    // `order by … desc` matches.)
    const newest = [t.publishedAt, t.id] as const;
    return [
      index("results_newest")
        .on(...newest)
        .where(published),
      index("results_field")
        .on(t.fieldTop, ...newest)
        .where(published),
      index("results_industry")
        .on(t.industrySection, ...newest)
        .where(published),
      index("results_province")
        .on(t.provinceCode, ...newest)
        .where(published),
      index("results_city")
        .on(t.cityCode, ...newest)
        .where(published),
      index("results_region")
        .on(t.regionCode, ...newest)
        .where(published),
      index("results_type")
        .on(t.resultType, ...newest)
        .where(published),
      index("results_maturity").on(t.maturity, t.id).where(published),
      index("results_maturity_newest")
        .on(t.maturity, ...newest)
        .where(published),
      index("results_sample")
        .on(t.sampleStatus, ...newest)
        .where(published),
      index("results_price_kind")
        .on(t.priceKind, ...newest)
        .where(published),
      index("results_price").on(t.priceMin).where(published),
      index("results_validity").on(t.validUntil, t.id).where(published),
      index("results_owner_published")
        .on(t.organizationId, ...newest)
        .where(published),
      index("results_cooperation").using("gin", t.cooperationModes).where(published),
      index("results_tags").using("gin", t.tags).where(published),
      index("results_ip_types").using("gin", t.intellectualPropertyTypes).where(published),
      index("results_search").using("gin", t.searchTerms, t.facetTerms).where(published),
      // The rest, which the owner and the operator search as well: one index of all would leave the
      // planner to look for what is published in another.
      index("results_search_inner")
        .using("gin", t.searchTerms, t.facetTerms)
        .where(sql`status <> 'published'`),
      index("results_search_title").using("gin", t.titleTerms, t.facetTerms).where(published),
      index("results_drafts").on(t.organizationId).where(sql`status = 'draft'`),
      index("results_owner").on(t.organizationId, t.updatedAt, t.id),
      index("results_owner_created").on(t.organizationId, t.createdAt, t.id),
      index("results_owner_validity").on(t.organizationId, lastDayOf(t.validUntil), t.id),
      index("results_owner_completeness").on(t.organizationId, t.completeness, t.id),
      index("results_status").on(t.status, t.updatedAt, t.id),
      index("results_transferred_contract").on(t.transferredContractId),
      index("results_updated").on(t.updatedAt, t.id),
      index("results_changed").on(t.updatedAt, t.id).where(published),
      uniqueIndex("results_external_id")
        .on(t.organizationId, t.externalId)
        .where(sql`external_id is not null`),
      boundedExternalId("results_external_id_length"),
      index("results_created").on(t.createdAt, t.id),
      known("results_status_known", "status", resultStatuses),
      known("results_contact_visibility_known", "contact_visibility", contactVisibilities),
      known("results_price_kind_known", "price_kind", priceKinds),
      check("results_maturity_range", sql`maturity between 1 and 9`),
      check("results_price_ordered", sql`price_min >= 0 and price_min <= price_max`),
      check("results_funding_not_negative", sql`funding >= 0`),
      check("results_completeness_range", sql`completeness between 0 and 100`),
      check(
        "results_reviewed_is_complete",
        sql`status in ('draft', 'changes_requested', 'rejected', 'withdrawn') or (summary is not null and description is not null and field_code is not null and region_code is not null and maturity is not null and price_kind is not null and contact is not null and cardinality(cooperation_modes) > 0)`,
      ),
      check(
        "results_published_has_dates",
        sql`status <> 'published' or (published_at is not null and valid_until is not null)`,
      ),
    ];
  },
);
