import { sql } from "drizzle-orm";
import { bigint, check, index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { id, instant, known } from "./columns.ts";
import { members } from "./members.ts";
import { organizations } from "./organizations.ts";

/** What a file can be attached to. */
export const attachmentSubjects = ["result", "need", "contract", "registration"] as const;

/**
 * What a file is for. `signed_copy` stands for the confirmation of a contract's outside party,
 * `cancellation_copy` for its agreement to cancel, `supplement` answers a registration office.
 */
export const attachmentPurposes = [
  "document",
  "contract_text",
  "annex",
  "signed_copy",
  "cancellation_copy",
  "payment_proof",
  "supplement",
] as const;

/** Who downloads a listing's file. Files of contracts and registrations go to their parties only. */
export const attachmentVisibilities = ["public", "signed_in", "accepted"] as const;

/** A file; its bytes lie in the store under their SHA-256 (`src/modules/attachments/`). */
export const attachments = pgTable(
  "attachments",
  {
    id: id(),
    subjectType: text("subject_type", { enum: attachmentSubjects }).notNull(),
    subjectId: uuid("subject_id").notNull(),
    /** Whose file it is. */
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    createdBy: uuid("created_by").references(() => members.id),
    purpose: text("purpose", { enum: attachmentPurposes }).notNull(),
    visibility: text("visibility", { enum: attachmentVisibilities }).notNull().default("accepted"),
    /** Of a contract's file: the revision that it belongs to. */
    revision: integer("revision"),
    fileName: text("file_name").notNull(),
    mediaType: text("media_type").notNull(),
    size: bigint("size", { mode: "number" }).notNull(),
    sha256: text("sha256").notNull(),
    createdAt: instant("created_at").notNull().default(sql`now()`),
  },
  (t) => [
    index("attachments_subject").on(t.subjectType, t.subjectId, t.id),
    index("attachments_organization").on(t.organizationId, t.id),
    index("attachments_sha256").on(t.sha256),
    known("attachments_subject_known", "subject_type", attachmentSubjects),
    known("attachments_purpose_known", "purpose", attachmentPurposes),
    known("attachments_visibility_known", "visibility", attachmentVisibilities),
    check("attachments_sha256_shape", sql`sha256 ~ '^[0-9a-f]{64}$'`),
    check("attachments_size_positive", sql`size > 0`),
  ],
);
