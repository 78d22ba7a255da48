import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgSequence,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { attachments } from "./attachments.ts";
import {
  boundedExternalId,
  externalId,
  id,
  instant,
  known,
  timestamps,
  version,
} from "./columns.ts";
import { interests } from "./interests.ts";
import { matches } from "./matches.ts";
import { members } from "./members.ts";
import { needs } from "./needs.ts";
import { organizations, type StoredContact } from "./organizations.ts";
import { results } from "./results.ts";

export const contractStatuses = [
  "draft",
  "confirming",
  "effective",
  "filed",
  "registered",
  "cancelled",
] as const;

/** The five types of the Civil Code, Book III, chapter 20. Sub-types are codes of `contract-types`. */
export const contractTypes = [
  "development",
  "transfer",
  "licence",
  "consulting",
  "service",
] as const;

export const amountStatuses = ["provisional", "final"] as const;

/** `state_secret` is not among them: such a contract is never stored here. */
export const confidentialityLevels = ["public", "internal", "trade_secret"] as const;

export const contractSides = ["seller", "buyer"] as const;

/** One right that the contract is about. */
export interface StoredRight {
  typeCode: string;
  country: string;
  number: string | null;
  title: string | null;
}

/** A part of the total amount that is not technology (equipment, materials …), in yuan. */
export interface StoredDeduction {
  kind: string;
  amount: string;
  note: string | null;
}

export interface StoredInstalment {
  /** The day, or what it depends on. One of the two is set. */
  dueOn: string | null;
  condition: string | null;
  amount: string;
}

/** The amount in a foreign currency from which the amounts in yuan were worked out. */
export interface StoredForeignAmount {
  currency: string;
  amount: string;
  /** Yuan for one unit, and the day of that rate. */
  rate: string;
  rateDate: string;
}

/** How the price came about; the notice is what a university owes for a negotiated price. */
export interface StoredPricing {
  method: string;
  notice: { from: string; to: string; reference: string } | null;
}

export interface StoredCommission {
  basis: string;
  /** Percent of the basis, or a fixed amount in yuan; `cap` in yuan. */
  rate: string | null;
  fixed: string | null;
  cap: string | null;
  payer: string;
}

/** What a contract takes over when it is drafted comes from one of these. */
export const prefillSources = ["match", "interest", "result", "need", "organization"] as const;

/** A place of the content that its author left out, and what it was taken from. */
export interface StoredPrefill {
  /** RFC 6901, into the contract as it is shown. */
  pointer: string;
  from: (typeof prefillSources)[number];
  id: string;
}

export const contractReferences = pgSequence("contract_references");

/** A technology contract (技术合同) with the content of its current revision. */
export const contracts = pgTable(
  "contracts",
  {
    id: id(),
    reference: text("reference").notNull().unique().default(sql`next_reference('C')`),
    status: text("status", { enum: contractStatuses }).notNull().default("draft"),
    /** Who drafted it: a party, or the match's broker. */
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    createdBy: uuid("created_by").references(() => members.id),
    matchId: uuid("match_id").references(() => matches.id),
    interestId: uuid("interest_id").references(() => interests.id),
    resultId: uuid("result_id").references(() => results.id),
    needId: uuid("need_id").references(() => needs.id),
    brokerId: uuid("broker_id").references(() => members.id),
    brokerOrganizationId: uuid("broker_organization_id").references(() => organizations.id),
    /** What was taken from where when it was drafted; never rewritten (trigger `contracts_prefilled_frozen`). */
    prefilled: jsonb("prefilled").$type<StoredPrefill[]>(),
    /** Counts contents; the row's `version` counts every change. */
    revision: integer("revision").notNull().default(1),
    /** SHA-256 of the canonical content of this revision, attachments included; set by submit. */
    contentSha256: text("content_sha256"),

    title: text("title").notNull(),
    type: text("type", { enum: contractTypes }).notNull(),
    subtype: text("subtype").notNull(),
    subject: text("subject"),
    fieldCode: text("field_code"),
    industryCode: text("industry_code"),
    /** Code of `intellectual-property-types` under which it is counted; `00` none. */
    intellectualPropertyType: text("intellectual_property_type"),
    rights: jsonb("rights").$type<StoredRight[]>().notNull().default(sql`'[]'`),
    licenceKind: text("licence_kind"),
    planSourceCode: text("plan_source_code"),
    objectiveCode: text("objective_code"),
    /** 关联交易: between related parties. */
    relatedParties: boolean("related_parties").notNull().default(false),
    signedOn: date("signed_on", { mode: "string" }),
    validFrom: date("valid_from", { mode: "string" }),
    validUntil: date("valid_until", { mode: "string" }),
    /** Amounts in yuan; a foreign one is kept beside them. */
    totalAmount: numeric("total_amount", { precision: 18, scale: 2 }),
    technologyAmount: numeric("technology_amount", { precision: 18, scale: 2 }),
    amountStatus: text("amount_status", { enum: amountStatuses }).notNull().default("final"),
    deductions: jsonb("deductions").$type<StoredDeduction[]>().notNull().default(sql`'[]'`),
    foreignAmount: jsonb("foreign_amount").$type<StoredForeignAmount>(),
    paymentMode: text("payment_mode"),
    instalments: jsonb("instalments").$type<StoredInstalment[]>().notNull().default(sql`'[]'`),
    /** 预计新增投入、预计新增产值, in yuan: required of a transfer. */
    expectedInvestment: numeric("expected_investment", { precision: 18, scale: 2 }),
    expectedOutput: numeric("expected_output", { precision: 18, scale: 2 }),
    pricing: jsonb("pricing").$type<StoredPricing>(),
    commission: jsonb("commission").$type<StoredCommission>(),
    confidentiality: text("confidentiality", { enum: confidentialityLevels })
      .notNull()
      .default("internal"),
    terms: text("terms"),
    /** 促成方: who brought the deal about, also without a match here. */
    facilitator: text("facilitator"),

    submittedAt: instant("submitted_at"),
    effectiveAt: instant("effective_at"),
    /** What several people have begun: which step, who, when. */
    pendingAction: text("pending_action", { enum: ["cancel"] }),
    pendingBy: uuid("pending_by").references(() => members.id),
    pendingSince: instant("pending_since"),
    pendingReason: text("pending_reason"),
    /** All parties agreed to cancel; a registered contract then waits for the office. */
    cancellationAgreedAt: instant("cancellation_agreed_at"),
    cancelledAt: instant("cancelled_at"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    index("contracts_organization").on(t.organizationId, t.id),
    index("contracts_brokerage").on(t.brokerOrganizationId, t.id),
    index("contracts_broker").on(t.brokerId, t.status, t.id),
    index("contracts_match").on(t.matchId),
    index("contracts_result").on(t.resultId),
    index("contracts_interest").on(t.interestId),
    index("contracts_need").on(t.needId),
    index("contracts_status").on(t.status, t.id),
    index("contracts_type").on(t.type, t.id),
    index("contracts_signed").on(t.signedOn, t.id),
    index("contracts_title").on(t.title),
    index("contracts_updated").on(t.updatedAt, t.id),
    // One living contract a match.
    uniqueIndex("contracts_one_of_match")
      .on(t.matchId)
      .where(sql`match_id is not null and status <> 'cancelled'`),
    known("contracts_status_known", "status", contractStatuses),
    known("contracts_type_known", "type", contractTypes),
    known("contracts_amount_status_known", "amount_status", amountStatuses),
    known("contracts_confidentiality_known", "confidentiality", confidentialityLevels),
    check(
      "contracts_amounts",
      sql`technology_amount > 0 and total_amount > 0 and technology_amount <= total_amount`,
    ),
    check("contracts_dates_ordered", sql`valid_from <= valid_until`),
    check("contracts_pending_whole", sql`num_nulls(pending_action, pending_since) in (0, 2)`),
    check(
      "contracts_beyond_draft_is_complete",
      sql`status in ('draft', 'cancelled') or (content_sha256 is not null and subject is not null and field_code is not null and industry_code is not null and intellectual_property_type is not null and plan_source_code is not null and objective_code is not null and signed_on is not null and valid_from is not null and valid_until is not null and total_amount is not null and technology_amount is not null and payment_mode is not null)`,
    ),
  ],
);

/** A party of a contract's current revision, inside the market or outside it. The first of a side leads. */
export const contractParties = pgTable(
  "contract_parties",
  {
    id: id(),
    contractId: uuid("contract_id")
      .notNull()
      .references(() => contracts.id, { onDelete: "cascade" }),
    side: text("side", { enum: contractSides }).notNull(),
    position: smallint("position").notNull(),
    /** Null for a party outside the market. */
    organizationId: uuid("organization_id").references(() => organizations.id),
    name: text("name").notNull(),
    creditCode: text("credit_code"),
    /** Code of `party-natures`. */
    natureCode: text("nature_code"),
    /** ISO 3166-1 alpha-2; the region only of a party in mainland China (GB/T 2260). */
    countryCode: text("country_code").notNull().default("CN"),
    regionCode: text("region_code"),
    industryCode: text("industry_code"),
    scale: text("scale"),
    address: text("address"),
    postalCode: text("postal_code"),
    legalRepresentative: text("legal_representative"),
    contact: jsonb("contact").$type<StoredContact>(),
    /** 技术转移机构、研发机构、转制科研院所、高新区内企业、上市公司 of the registration form. */
    isTransferInstitution: boolean("is_transfer_institution").notNull().default(false),
    isResearchInstitution: boolean("is_research_institution").notNull().default(false),
    isConvertedInstitute: boolean("is_converted_institute").notNull().default(false),
    isHighTechZone: boolean("is_high_tech_zone").notNull().default(false),
    isListed: boolean("is_listed").notNull().default(false),
  },
  (t) => [
    uniqueIndex("contract_parties_position").on(t.contractId, t.side, t.position),
    // Nobody contracts with itself.
    uniqueIndex("contract_parties_once").on(t.contractId, t.organizationId),
    index("contract_parties_organization").on(t.organizationId, t.contractId),
    index("contract_parties_credit_code").on(t.creditCode, t.side),
    known("contract_parties_side_known", "side", contractSides),
  ],
);

/** What each organization that has a part in a contract calls it in its own system. */
export const contractExternalIds = pgTable(
  "contract_external_ids",
  {
    contractId: uuid("contract_id")
      .notNull()
      .references(() => contracts.id, { onDelete: "cascade" }),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    externalId: externalId().notNull(),
  },
  (t) => [
    primaryKey({
      name: "contract_external_ids_one",
      columns: [t.contractId, t.organizationId],
    }),
    uniqueIndex("contract_external_ids_external_id").on(t.organizationId, t.externalId),
    boundedExternalId("contract_external_ids_length"),
  ],
);

/** The content of each revision that was confirmed or put up for it, as it was hashed. Never changed. */
export const contractRevisions = pgTable(
  "contract_revisions",
  {
    id: id(),
    contractId: uuid("contract_id")
      .notNull()
      .references(() => contracts.id),
    revision: integer("revision").notNull(),
    content: jsonb("content").$type<Record<string, unknown>>().notNull(),
    contentSha256: text("content_sha256").notNull(),
    createdAt: instant("created_at").notNull().default(sql`now()`),
  },
  (t) => [uniqueIndex("contract_revisions_revision").on(t.contractId, t.revision)],
);

/**
 * A party's word: that it confirms a revision, or agrees to cancel it. For a party outside the market
 * it is the signed copy that another side attached.
 */
export const contractConfirmations = pgTable(
  "contract_confirmations",
  {
    id: id(),
    contractId: uuid("contract_id")
      .notNull()
      .references(() => contracts.id),
    action: text("action", { enum: ["confirm", "cancel"] }).notNull(),
    revision: integer("revision").notNull(),
    contentSha256: text("content_sha256").notNull(),
    side: text("side", { enum: contractSides }).notNull(),
    position: smallint("position").notNull(),
    organizationId: uuid("organization_id").references(() => organizations.id),
    memberId: uuid("member_id").references(() => members.id),
    attachmentId: uuid("attachment_id").references(() => attachments.id),
    /** Of a confirmation that a later change or a retraction made void. */
    voidedAt: instant("voided_at"),
    createdAt: instant("created_at").notNull().default(sql`now()`),
  },
  (t) => [
    uniqueIndex("contract_confirmations_one")
      .on(t.contractId, t.action, t.revision, t.side, t.position)
      .where(sql`voided_at is null`),
    known("contract_confirmations_side_known", "side", contractSides),
    check("contract_confirmations_by_whom", sql`num_nonnulls(organization_id, attachment_id) >= 1`),
  ],
);
