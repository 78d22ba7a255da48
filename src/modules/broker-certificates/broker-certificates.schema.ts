import { z } from "zod";
import { certificateLevels, certificateStatuses } from "../../../db/schema/broker-certificates.ts";
import { today } from "../../lib/clock.ts";
import { fault, issueOf } from "../../lib/faults.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { civilDate, instant, line, taxonomyCode, uuid } from "../../lib/wire.ts";

/** What a person says of the certificate that an issuer gave. */
export const BrokerCertificateInput = z
  .strictObject({
    level: z.enum(certificateLevels).describe("Taxonomy `certificate-levels`."),
    certificateNumber: line(60).describe("As the issuer printed it."),
    issuer: line(120),
    fieldCodes: z
      .array(taxonomyCode("technology-fields"))
      .min(1)
      .max(20)
      .refine((codes) => new Set(codes).size === codes.length, fault("duplicate"))
      .describe("The technology fields that the person works in."),
    issuedOn: civilDate.describe("Not in the future, Asia/Shanghai."),
    validUntil: civilDate
      .nullable()
      .default(null)
      .describe("Last day of validity, Asia/Shanghai; null when the issuer set none."),
  })
  .superRefine(({ issuedOn, validUntil }, context) => {
    // Texts that are no dates are named already; comparing them would name them twice.
    if (context.issues.length > 0) return;
    if (issuedOn > today()) context.addIssue({ ...issueOf("date.future"), path: ["issuedOn"] });
    if (validUntil && validUntil < issuedOn) {
      context.addIssue({ ...issueOf("date.order"), path: ["validUntil"] });
    }
  })
  .meta({
    id: "BrokerCertificateInput",
    examples: [
      {
        level: "intermediate",
        certificateNumber: "JJR-2025-00417",
        issuer: "河南省科学技术交流中心",
        fieldCodes: ["03", "09"],
        issuedOn: "2025-06-18",
        validUntil: "2028-06-17",
      },
    ],
  });
export type BrokerCertificateInput = z.output<typeof BrokerCertificateInput>;

export const BrokerCertificate = z
  .object({
    id: uuid,
    memberId: uuid.describe("The person, also the `id` in the directory `/v1/brokers`."),
    brokerName: z.string(),
    organizationId: uuid,
    organizationName: z.string(),
    status: z.enum(certificateStatuses),
    level: z.enum(certificateLevels),
    certificateNumber: z.string(),
    issuer: z.string(),
    fieldCodes: z.array(z.string()),
    issuedOn: civilDate,
    validUntil: civilDate.nullable(),
    isValid: z.boolean().describe("Certified, and its last day has not passed in Asia/Shanghai."),
    statusReason: z
      .string()
      .nullable()
      .describe("What the operator said when it was rejected, suspended or revoked."),
    certifiedAt: instant.nullable(),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()),
  })
  .meta({ id: "BrokerCertificate" });
export type BrokerCertificate = z.output<typeof BrokerCertificate>;

export const ListBrokerCertificatesQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(certificateStatuses).optional(),
  level: z.enum(certificateLevels).optional(),
  organizationId: uuid.optional(),
});
export type ListBrokerCertificatesQuery = z.output<typeof ListBrokerCertificatesQuery>;
