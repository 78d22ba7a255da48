import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { contracts } from "./contracts.ts";
import { members } from "./members.ts";
import { organizations } from "./organizations.ts";
import { registrationOffices } from "./registration-offices.ts";
import type { StoredRules } from "./registration-rules.ts";

export const registrationStatuses = [
  "filed",
  "supplement_requested",
  "accepted",
  "expert_review",
  "registered",
  "refused",
  "withdrawn",
  "cancelled",
  "revoked",
] as const;

export const registrationOrigins = ["here", "imported"] as const;

/** Something that screening found; shown to the reviewers only. */
export interface StoredFinding {
  kind: string;
  contractIds: string[];
  zh: string;
  en: string;
}

/** What a registration says of its contract: the facts that are certified and counted. */
export interface StoredFacts {
  contractId: string;
  contractReference: string;
  contractRevision: number;
  contentSha256: string;
  title: string;
  type: string;
  subtype: string;
  fieldCode: string;
  industryCode: string;
  intellectualPropertyType: string;
  planSourceCode: string;
  objectiveCode: string;
  signedOn: string;
  totalAmount: string;
  technologyAmount: string;
  amountStatus: string;
  confidentiality: string;
  seller: StoredLead;
  buyer: StoredLead;
}

export interface StoredLead {
  name: string;
  natureCode: string;
  countryCode: string;
  regionCode: string | null;
}

/** The recognition and registration of a contract (认定登记). */
export const registrations = pgTable(
  "registrations",
  {
    id: id(),
    status: text("status", { enum: registrationStatuses }).notNull().default("filed"),
    origin: text("origin", { enum: registrationOrigins }).notNull().default("here"),
    contractId: uuid("contract_id").references(() => contracts.id),
    contractRevision: integer("contract_revision"),
    /** The office and its code, frozen at filing. */
    officeId: uuid("office_id")
      .notNull()
      .references(() => registrationOffices.id),
    officeCode: text("office_code").notNull(),
    officeOrganizationId: uuid("office_organization_id")
      .notNull()
      .references(() => organizations.id),
    /** The region that made the office competent: the seller's, of an import the buyer's. */
    regionCode: text("region_code"),
    applicantOrganizationId: uuid("applicant_organization_id").references(() => organizations.id),
    applicantMemberId: uuid("applicant_member_id").references(() => members.id),
    /** Rule set by acceptance date, with its numbers as they were then. */
    ruleSet: text("rule_set").notNull(),
    rules: jsonb("rules").$type<StoredRules>().notNull(),
    /** The certified facts; from filing on those of the filed revision. */
    facts: jsonb("facts").$type<StoredFacts>().notNull(),
    technologyAmount: numeric("technology_amount", { precision: 18, scale: 2 }).notNull(),
    screening: jsonb("screening").$type<StoredFinding[]>().notNull().default(sql`'[]'`),
    filedAt: instant("filed_at").notNull(),
    acceptedAt: instant("accepted_at"),
    /** Last day for the decision, Asia/Shanghai. */
    dueOn: date("due_on", { mode: "string" }),
    /** The holiday table does not reach that far yet. */
    dueProvisional: boolean("due_provisional").notNull().default(false),
    dueReason: text("due_reason"),
    disputed: boolean("disputed").notNull().default(false),
    expertReviewNeeded: boolean("expert_review_needed").notNull().default(false),
    expertReviewConcludedAt: instant("expert_review_concluded_at"),
    expertConclusion: text("expert_conclusion"),
    firstReviewerId: uuid("first_reviewer_id").references(() => members.id),
    secondReviewerId: uuid("second_reviewer_id").references(() => members.id),
    /** What the applicant was asked for, by when, and where the case goes back to. */
    supplementNote: text("supplement_note"),
    supplementGrounds: text("supplement_grounds").array().notNull().default(sql`'{}'`),
    supplementDueOn: date("supplement_due_on", { mode: "string" }),
    supplementFrom: text("supplement_from", { enum: ["filed", "accepted"] }),
    supplementedAt: instant("supplemented_at"),
    /** Why it was refused, cancelled or revoked. */
    grounds: text("grounds").array().notNull().default(sql`'{}'`),
    decisionNote: text("decision_note"),
    decidedAt: instant("decided_at"),

    number: text("number"),
    numberYear: smallint("number_year"),
    serial: integer("serial"),
    registeredAt: instant("registered_at"),
    /** The registration day in Asia/Shanghai, by which volume is counted. */
    registeredOn: date("registered_on", { mode: "string" }),
    revision: integer("revision").notNull().default(1),
    /** Random; in the certificate's QR code. Whoever has it reads the whole certificate. */
    checkCode: text("check_code"),

    /** A step that several people take: which, who began, who went on, and what it carries. */
    pendingAction: text("pending_action", { enum: ["amend", "cancel", "revoke"] }),
    pendingBy: uuid("pending_by").references(() => members.id),
    pendingOrganizationId: uuid("pending_organization_id").references(() => organizations.id),
    pendingReviewerId: uuid("pending_reviewer_id").references(() => members.id),
    pendingSince: instant("pending_since"),
    pendingRevision: integer("pending_revision"),
    pendingGround: text("pending_ground"),
    pendingNote: text("pending_note"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    uniqueIndex("registrations_one_living")
      .on(t.contractId)
      .where(sql`status not in ('refused', 'withdrawn', 'cancelled', 'revoked')`),
    uniqueIndex("registrations_number").on(t.number).where(sql`origin = 'here'`),
    uniqueIndex("registrations_imported_number")
      .on(t.officeCode, t.number)
      .where(sql`origin = 'imported'`),
    uniqueIndex("registrations_serial").on(t.officeCode, t.numberYear, t.serial),
    // The office's queue: by status, by due date.
    index("registrations_queue").on(t.officeOrganizationId, t.status, t.id),
    index("registrations_due").on(t.officeOrganizationId, t.dueOn, t.id),
    index("registrations_open_due")
      .on(t.officeOrganizationId, t.dueOn, t.id)
      .where(sql`status in ('filed', 'supplement_requested', 'accepted', 'expert_review')`),
    index("registrations_office").on(t.officeOrganizationId, t.id),
    index("registrations_applicant").on(t.applicantOrganizationId, t.id),
    index("registrations_contract").on(t.contractId, t.id),
    index("registrations_status").on(t.status, t.id),
    index("registrations_office_updated").on(t.officeOrganizationId, t.updatedAt, t.id),
    index("registrations_updated").on(t.updatedAt, t.id),
    index("registrations_supplement_due")
      .on(t.supplementDueOn, t.id)
      .where(sql`status = 'supplement_requested'`),
    index("registrations_registered").on(t.registeredOn, t.id),
    known("registrations_status_known", "status", registrationStatuses),
    known("registrations_origin_known", "origin", registrationOrigins),
    check(
      "registrations_here_has_contract",
      sql`origin = 'imported' or (contract_id is not null and contract_revision is not null)`,
    ),
    check(
      "registrations_number_shape",
      sql`number is null or origin = 'imported' or number ~ '^[0-9]{16}$'`,
    ),
    check(
      "registrations_registered_is_whole",
      sql`status not in ('registered', 'cancelled', 'revoked') or (number is not null and registered_at is not null and registered_on is not null and check_code is not null)`,
    ),
    check(
      "registrations_two_reviewers",
      sql`second_reviewer_id is null or first_reviewer_id is null or second_reviewer_id <> first_reviewer_id or not (rules ->> 'twoReviewers')::boolean`,
    ),
    check(
      "registrations_refused_has_ground",
      sql`status not in ('refused', 'revoked') or cardinality(grounds) > 0`,
    ),
  ],
);

/** The last serial of each office and year: the last row that a registering transaction touches. */
export const registrationCounters = pgTable(
  "registration_counters",
  {
    officeCode: text("office_code").notNull(),
    year: smallint("year").notNull(),
    last: integer("last").notNull(),
  },
  (t) => [
    primaryKey({ name: "registration_counters_office_year", columns: [t.officeCode, t.year] }),
    check("registration_counters_range", sql`last between 1 and 999999`),
  ],
);
