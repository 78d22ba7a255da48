import { z } from "zod";
import {
  attachmentPurposes,
  attachmentSubjects,
  attachmentVisibilities,
} from "../../../db/schema/attachments.ts";
import { contractSides } from "../../../db/schema/contracts.ts";
import { issueOf } from "../../lib/faults.ts";
import { uuid, wholeNumber } from "../../lib/wire.ts";

/** What a file is attached to. */
export const SubjectQuery = z.strictObject({
  subjectType: z.enum(attachmentSubjects),
  subjectId: uuid,
});
export type Subject = z.output<typeof SubjectQuery>;

export const UploadQuery = SubjectQuery.extend({
  purpose: z.enum(attachmentPurposes).default("document"),
  visibility: z
    .enum(attachmentVisibilities)
    .default("accepted")
    .describe(
      "Of a listing's file: who downloads it besides the owner and the operator. Files of contracts and cases are for those who have a part in them.",
    ),
  side: z
    .enum(contractSides)
    .optional()
    .describe("Of a signed copy: on which side the outside party is."),
  position: wholeNumber(0, 9)
    .optional()
    .describe("Of a signed copy: its place on that side, 0 leads."),
}).superRefine(({ purpose, side, position }, context) => {
  const isCopy = purpose === "signed_copy" || purpose === "cancellation_copy";
  for (const [name, value] of Object.entries({ side, position })) {
    if (isCopy && value === undefined) context.addIssue({ ...issueOf("required"), path: [name] });
  }
});
export type UploadQuery = z.output<typeof UploadQuery>;

export { Attachment } from "../../lib/attachment.ts";
