/** A file as it is shown: by itself, and beside what it is attached to. */
import { z } from "zod";
import {
  attachmentPurposes,
  attachmentSubjects,
  attachmentVisibilities,
} from "../../db/schema/attachments.ts";
import { instant, uuid } from "./wire.ts";

export const Attachment = z
  .object({
    id: uuid,
    subjectType: z.enum(attachmentSubjects),
    subjectId: uuid,
    organizationId: uuid.describe("Who attached it."),
    purpose: z.enum(attachmentPurposes),
    visibility: z.enum(attachmentVisibilities),
    revision: z.int().nullable().describe("Of a contract's file: the revision it belongs to."),
    fileName: z.string(),
    mediaType: z.string().describe("As its bytes say, not as its name does."),
    size: z.int().describe("Bytes."),
    sha256: z.string(),
    createdAt: instant,
  })
  .meta({ id: "Attachment" });
export type Attachment = z.output<typeof Attachment>;
