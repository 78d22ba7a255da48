import { z } from "zod";
import { registrationOrigins, registrationStatuses } from "../../../db/schema/registrations.ts";
import { Attachment } from "../../lib/attachment.ts";
import { changeFilters, changeSorts } from "../../lib/changes.ts";
import { fault } from "../../lib/faults.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { expandedOf, shapeQuery } from "../../lib/shape.ts";
import { civilDate, instant, prose, taxonomyCode, uuid } from "../../lib/wire.ts";
import { OrganizationSummary } from "../organizations/organizations.schema.ts";
import { Rules } from "../registration-rules/registration-rules.schema.ts";

const grounds = z
  .array(taxonomyCode("registration-grounds"))
  .max(10)
  .refine((codes) => new Set(codes).size === codes.length, fault("duplicate"));

export const FileInput = z
  .strictObject({
    note: prose(1000).nullable().default(null).describe("For the office."),
  })
  .meta({ id: "FileInput", examples: [{ note: "合同文本及附件已上传。" }] });
export type FileInput = z.output<typeof FileInput>;

export const SupplementRequestInput = z
  .strictObject({
    note: prose(2000).describe("What is missing; the applicant reads it."),
    grounds: grounds.default([]),
    deadline: civilDate.optional().describe("The rules' days when absent."),
  })
  .meta({
    id: "SupplementRequestInput",
    examples: [{ note: "请补充设备费用的测算说明。", grounds: ["incomplete_material"] }],
  });
export type SupplementRequestInput = z.output<typeof SupplementRequestInput>;

export const NoteInput = z
  .strictObject({ note: prose(2000) })
  .meta({ id: "NoteInput", examples: [{ note: "已按要求补充测算说明及合同附件二。" }] });

export const ConclusionInput = z
  .strictObject({ conclusion: prose(4000).describe("What the experts found.") })
  .meta({
    id: "ConclusionInput",
    examples: [{ conclusion: "专家组认为标的明确，技术交易额核定合理，建议登记。" }],
  });

export const DueDateInput = z.strictObject({ dueOn: civilDate, reason: prose(500) }).meta({
  id: "DueDateInput",
  examples: [{ dueOn: "2026-11-30", reason: "专家外出，顺延五日。" }],
});
export type DueDateInput = z.output<typeof DueDateInput>;

export const RefuseInput = z.strictObject({ grounds: grounds.min(1), note: prose(2000) }).meta({
  id: "RefuseInput",
  examples: [{ grounds: ["not_technology_contract"], note: "合同内容为设备买卖。" }],
});
export type RefuseInput = z.output<typeof RefuseInput>;

export const AmendInput = z
  .strictObject({
    contractRevision: z
      .int()
      .min(2)
      .optional()
      .describe("By the applicant: the revision that all parties have confirmed."),
    conclusion: prose(4000)
      .optional()
      .describe(
        "By the first registrar: what experts found; needed when the technology amount newly reaches the threshold.",
      ),
  })
  .meta({ id: "AmendInput", examples: [{ contractRevision: 2 }] });
export type AmendInput = z.output<typeof AmendInput>;

export const CancelRegistrationInput = z
  .strictObject({ note: prose(1000).nullable().default(null) })
  .meta({ id: "CancelRegistrationInput", examples: [{ note: "合同已由双方协议解除。" }] });

export const RevokeInput = z
  .strictObject({
    ground: taxonomyCode("revocation-grounds"),
    note: prose(2000),
  })
  .meta({
    id: "RevokeInput",
    examples: [{ ground: "false_material", note: "发票经核查系伪造。" }],
  });
export type RevokeInput = z.output<typeof RevokeInput>;

const Finding = z.object({
  kind: z.string(),
  contractIds: z.array(uuid),
  zh: z.string(),
  en: z.string(),
});

const money = z.object({ amount: z.string(), currency: z.string() });
const Lead = z.object({
  name: z.string(),
  natureCode: z.string(),
  countryCode: z.string(),
  regionCode: z.string().nullable(),
});

export const Registration = z
  .object({
    id: uuid,
    status: z.enum(registrationStatuses),
    origin: z.enum(registrationOrigins),
    contractId: uuid.nullable(),
    contractReference: z.string(),
    contractRevision: z.int().nullable(),
    officeId: uuid,
    officeCode: z.string(),
    regionCode: z.string().nullable().describe("That made the office competent, at filing."),
    applicantOrganizationId: uuid.nullable(),
    title: z.string(),
    type: z.string(),
    subtype: z.string(),
    seller: Lead,
    buyer: Lead,
    totalAmount: money,
    technologyAmount: money,
    amountStatus: z.string(),
    ruleSet: z.string(),
    rules: Rules.describe("As they were when the case was filed or accepted."),
    filedAt: instant,
    acceptedAt: instant.nullable(),
    dueOn: z.string().nullable().describe("Last day for the decision, Asia/Shanghai."),
    dueProvisional: z.boolean().describe("The holiday table does not reach that far yet."),
    dueReason: z.string().nullable(),
    overdue: z.boolean(),
    disputed: z.boolean(),
    expertReviewNeeded: z.boolean(),
    expertConclusion: z.string().nullable(),
    supplement: z
      .object({
        note: z.string(),
        grounds: z.array(z.string()),
        dueOn: z.string(),
        suppliedAt: instant.nullable(),
      })
      .nullable(),
    grounds: z.array(z.string()).describe("Why it was refused, cancelled or revoked."),
    decisionNote: z.string().nullable(),
    decidedAt: instant.nullable(),
    number: z.string().nullable().meta({ example: "2026410701000123" }),
    registeredAt: instant.nullable(),
    registeredOn: z.string().nullable(),
    revision: z.int(),
    certificatePath: z
      .string()
      .nullable()
      .describe("Of the certificate, with its check code: anybody who has it reads all of it."),
    pending: z
      .object({
        action: z.string(),
        by: uuid.nullable(),
        since: instant,
        revision: z.int().nullable(),
      })
      .nullable(),
    screening: z.array(Finding).optional().describe("What screening found; to registrars only."),
    firstReviewerId: uuid.nullable().optional().describe("To registrars only."),
    secondReviewerId: uuid.nullable().optional().describe("To registrars only."),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()),
    expanded: expandedOf("RegistrationExpanded", {
      organization: OrganizationSummary.nullable(),
      attachments: z.array(Attachment).nullable(),
    }),
  })
  .meta({ id: "Registration" });
export type Registration = z.output<typeof Registration>;

const yesOrNo = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .optional();

/** What a case may be joined with: who applied, and its files. */
const shape = shapeQuery(Registration, ["organization", "attachments"]);
export const ReadRegistrationQuery = z.strictObject(shape);

export const ListRegistrationsQuery = z.strictObject({
  ...pageQuery,
  ...changeFilters,
  ...shape,
  status: z.enum(registrationStatuses).optional(),
  "status[in]": z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(registrationStatuses)).max(registrationStatuses.length))
    .optional()
    .describe("Any of these, with commas between them."),
  open: yesOrNo.describe("`true`: not decided yet."),
  overdue: yesOrNo.describe(
    "`true`: past its due date, and neither decided nor waiting for the applicant.",
  ),
  "dueOn[gte]": civilDate.optional(),
  "dueOn[lte]": civilDate.optional(),
  number: z
    .string()
    .regex(/^\d{14}(\d{2})?$/)
    .optional(),
  contractId: uuid.optional(),
  officeId: uuid.optional(),
  disputed: yesOrNo,
  sort: z
    .enum(["-filedAt", "dueOn", ...changeSorts])
    .default("-filedAt")
    .describe(
      "Newest first, by due date (`dueOn` leaves out cases without one), or by the last change.",
    ),
});
export type ListRegistrationsQuery = z.output<typeof ListRegistrationsQuery>;

export const NumberParams = z.strictObject({
  number: z.string().regex(/^\d{14}(\d{2})?$/),
});
export const CertificateQuery = z.strictObject({
  code: z.string().min(1).max(40).optional().describe("The check code in the QR code."),
});

export const Certificate = z
  .object({
    valid: z.boolean().describe("Whether a registration of this number is in force."),
    number: z.string().optional(),
    officeName: z.string().optional(),
    registeredOn: z.string().optional(),
    status: z.enum(registrationStatuses).optional(),
    revision: z.int().optional(),
    contractReference: z.string().optional(),
    title: z.string().nullable().optional().describe("Null of a trade secret."),
    type: z.string().optional(),
    typeName: z.object({ zh: z.string(), en: z.string() }).optional(),
    seller: z.string().optional(),
    buyer: z.string().optional(),
    signedOn: z.string().optional(),
    totalAmount: money.optional(),
    technologyAmount: money.optional(),
    amountStatus: z.string().optional(),
  })
  .meta({
    id: "Certificate",
    description: "Without the check code only `valid`; with it everything.",
  });
export type Certificate = z.output<typeof Certificate>;
