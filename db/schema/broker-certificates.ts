import { sql } from "drizzle-orm";
import { check, date, index, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { id, instant, known, timestamps, version } from "./columns.ts";
import { members } from "./members.ts";
import { organizations } from "./organizations.ts";

export const certificateLevels = ["primary", "intermediate", "senior"] as const;

export const certificateStatuses = [
  "applied",
  "withdrawn",
  "certified",
  "rejected",
  "suspended",
  "revoked",
  "expired",
] as const;

/** A person's certificate as a technology broker (技术经纪人), held within a brokerage. */
export const brokerCertificates = pgTable(
  "broker_certificates",
  {
    id: id(),
    memberId: uuid("member_id")
      .notNull()
      .references(() => members.id),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    status: text("status", { enum: certificateStatuses }).notNull().default("applied"),
    level: text("level", { enum: certificateLevels }).notNull(),
    certificateNumber: text("certificate_number").notNull(),
    issuer: text("issuer").notNull(),
    fieldCodes: text("field_codes").array().notNull(),
    issuedOn: date("issued_on", { mode: "string" }).notNull(),
    /** Last day of validity; null when the issuer set none. */
    validUntil: date("valid_until", { mode: "string" }),
    statusReason: text("status_reason"),
    certifiedAt: instant("certified_at"),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    // One pending application and one certificate in force a person; numbers are the issuer's.
    uniqueIndex("broker_certificates_one_applied").on(t.memberId).where(sql`status = 'applied'`),
    uniqueIndex("broker_certificates_one_in_force")
      .on(t.memberId)
      .where(sql`status in ('certified', 'suspended')`),
    uniqueIndex("broker_certificates_number_in_force")
      .on(t.issuer, t.certificateNumber)
      .where(sql`status in ('certified', 'suspended')`),
    index("broker_certificates_organization").on(t.organizationId, t.id),
    index("broker_certificates_status").on(t.status, t.id),
    index("broker_certificates_validity")
      .on(t.validUntil)
      .where(sql`status in ('certified', 'suspended')`),
    index("broker_certificates_fields").using("gin", t.fieldCodes),
    known("broker_certificates_level_known", "level", certificateLevels),
    known("broker_certificates_status_known", "status", certificateStatuses),
    check(
      "broker_certificates_dates_ordered",
      sql`valid_until is null or valid_until >= issued_on`,
    ),
  ],
);
