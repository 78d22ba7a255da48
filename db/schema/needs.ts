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

export const needStatuses = [...listingStatuses, "solved", "closed"] as const;

/** A quantified target: what, how much, in which unit, and what is reached today. */
export interface StoredIndicator {
  name: string;
  target: string;
  unit: string | null;
  current: string | null;
}

export const needReferences = pgSequence("need_references");

/** A technology need of an enterprise (技术需求). */
export const needs = pgTable(
  "needs",
  {
    ...listingColumns(needStatuses, "N"),
    needType: text("need_type"),
    urgency: text("urgency"),
    background: text("background"),
    existingBase: text("existing_base"),
    bottleneck: text("bottleneck"),
    targetIndicators: jsonb("target_indicators")
      .$type<StoredIndicator[]>()
      .notNull()
      .default(sql`'[]'`),
    solverRequirements: text("solver_requirements"),
    /** The least maturity (TRL 1 to 9) that the enterprise can use. */
    minimumMaturity: smallint("minimum_maturity"),
    /** In yuan; both null when it is to be negotiated. */
    budgetMin: numeric("budget_min", { precision: 18, scale: 2 }),
    budgetMax: numeric("budget_max", { precision: 18, scale: 2 }),
    budgetNegotiable: boolean("budget_negotiable").notNull().default(false),
    /** When the solution is wanted. */
    deadline: date("deadline", { mode: "string" }),
    /** The enterprise confirms that the need is its own, real and current. */
    authenticityConfirmed: boolean("authenticity_confirmed").notNull().default(false),
    /** Hides who asks from all but the owner and the operator. */
    anonymous: boolean("anonymous").notNull().default(false),
    /** Stands for the name of an anonymous owner; drawn separately for each need, so that two cannot be linked. */
    alias: text("alias"),
    /** The contract that solved it, in the owner's own words or number. */
    solvedBy: text("solved_by"),
    /** That contract, when it is one of this market; if it is cancelled, the need is open again. */
    solvedContractId: uuid("solved_contract_id").references(() => keyOf("contracts")),
  },
  (t) => {
    const published = sql`status = 'published'`;
    // Ascending: newest first walks them backwards. (Drizzle's `desc()` is NULLS LAST, which no
    // `order by … desc` matches.)
    const newest = [t.publishedAt, t.id] as const;
    return [
      index("needs_newest")
        .on(...newest)
        .where(published),
      index("needs_field")
        .on(t.fieldTop, ...newest)
        .where(published),
      index("needs_industry")
        .on(t.industrySection, ...newest)
        .where(published),
      index("needs_province")
        .on(t.provinceCode, ...newest)
        .where(published),
      index("needs_city")
        .on(t.cityCode, ...newest)
        .where(published),
      index("needs_region")
        .on(t.regionCode, ...newest)
        .where(published),
      index("needs_type")
        .on(t.needType, ...newest)
        .where(published),
      index("needs_urgency")
        .on(t.urgency, ...newest)
        .where(published),
      index("needs_minimum_maturity")
        .on(t.minimumMaturity, ...newest)
        .where(published),
      index("needs_budget").on(t.budgetMax).where(published),
      index("needs_deadline").on(t.deadline, t.id).where(published),
      index("needs_validity").on(t.validUntil, t.id).where(published),
      index("needs_owner_published")
        .on(t.organizationId, ...newest)
        .where(published),
      index("needs_cooperation").using("gin", t.cooperationModes).where(published),
      index("needs_tags").using("gin", t.tags).where(published),
      index("needs_search").using("gin", t.searchTerms, t.facetTerms).where(published),
      // The rest, which the owner and the operator search as well: one index of all would leave the
      // planner to look for what is published in another.
      index("needs_search_inner")
        .using("gin", t.searchTerms, t.facetTerms)
        .where(sql`status <> 'published'`),
      index("needs_search_title").using("gin", t.titleTerms, t.facetTerms).where(published),
      index("needs_drafts").on(t.organizationId).where(sql`status = 'draft'`),
      index("needs_owner").on(t.organizationId, t.updatedAt, t.id),
      index("needs_owner_created").on(t.organizationId, t.createdAt, t.id),
      index("needs_owner_validity").on(t.organizationId, lastDayOf(t.validUntil), t.id),
      index("needs_owner_completeness").on(t.organizationId, t.completeness, t.id),
      index("needs_status").on(t.status, t.updatedAt, t.id),
      index("needs_solved_contract").on(t.solvedContractId),
      index("needs_updated").on(t.updatedAt, t.id),
      index("needs_changed").on(t.updatedAt, t.id).where(published),
      uniqueIndex("needs_external_id")
        .on(t.organizationId, t.externalId)
        .where(sql`external_id is not null`),
      boundedExternalId("needs_external_id_length"),
      index("needs_created").on(t.createdAt, t.id),
      known("needs_status_known", "status", needStatuses),
      known("needs_contact_visibility_known", "contact_visibility", contactVisibilities),
      check("needs_minimum_maturity_range", sql`minimum_maturity between 1 and 9`),
      check("needs_budget_ordered", sql`budget_min >= 0 and budget_min <= budget_max`),
      check("needs_completeness_range", sql`completeness between 0 and 100`),
      check("needs_anonymous_has_alias", sql`not anonymous or alias is not null`),
      check(
        "needs_reviewed_is_complete",
        sql`status in ('draft', 'changes_requested', 'rejected', 'withdrawn') or (summary is not null and bottleneck is not null and field_code is not null and region_code is not null and need_type is not null and deadline is not null and contact is not null and authenticity_confirmed and cardinality(cooperation_modes) > 0)`,
      ),
      check(
        "needs_published_has_dates",
        sql`status <> 'published' or (published_at is not null and valid_until is not null)`,
      ),
    ];
  },
);
