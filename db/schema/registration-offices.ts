import { sql } from "drizzle-orm";
import { check, index, pgTable, primaryKey, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { id, known, timestamps, version } from "./columns.ts";
import { organizations } from "./organizations.ts";

export const officeStatuses = ["active", "closed"] as const;

/** A registration office (登记机构): its six-digit code is part of every number that it gives. */
export const registrationOffices = pgTable(
  "registration_offices",
  {
    id: id(),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    status: text("status", { enum: officeStatuses }).notNull().default("active"),
    code: text("code").notNull(),
    name: text("name").notNull(),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    uniqueIndex("registration_offices_code").on(t.code),
    index("registration_offices_organization").on(t.organizationId, t.id),
    known("registration_offices_status_known", "status", officeStatuses),
    check("registration_offices_code_shape", sql`code ~ '^[0-9]{6}$'`),
  ],
);

/** The regions that an office is competent for; the longest prefix of a party's region wins. */
export const registrationOfficeRegions = pgTable(
  "registration_office_regions",
  {
    regionCode: text("region_code").notNull(),
    officeId: uuid("office_id")
      .notNull()
      .references(() => registrationOffices.id),
  },
  (t) => [
    // Each region in at most one office.
    primaryKey({ name: "registration_office_regions_region", columns: [t.regionCode] }),
    index("registration_office_regions_office").on(t.officeId),
  ],
);
