import { z } from "zod";
import { officeStatuses } from "../../../db/schema/registration-offices.ts";
import { fault } from "../../lib/faults.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { instant, line, patchOf, taxonomyCode, uuid } from "../../lib/wire.ts";

const details = {
  name: line(120),
  regionCodes: z
    .array(taxonomyCode("regions"))
    .min(1)
    .max(200)
    .refine((codes) => new Set(codes).size === codes.length, fault("duplicate"))
    .describe("A province or city includes what lies in it, unless another office has that."),
};

export const RegistrationOfficeInput = z
  .strictObject({
    organizationId: uuid.describe("An organization of kind `registry`."),
    code: z
      .string()
      .regex(/^\d{6}$/)
      .describe("Six digits; part of every number that the office gives. Never used again."),
    ...details,
  })
  .meta({
    id: "RegistrationOfficeInput",
    examples: [
      {
        organizationId: "019a1b2c-3d4e-7f50-8123-456789abcdef",
        code: "410701",
        name: "新乡市技术合同登记处",
        regionCodes: ["410700"],
      },
    ],
  });
export type RegistrationOfficeInput = z.output<typeof RegistrationOfficeInput>;

/** What the operator changes of an office. */
export const OfficeDetails = z.strictObject(details);
export const RegistrationOfficePatch = patchOf(OfficeDetails).meta({
  id: "RegistrationOfficePatch",
  examples: [{ regionCodes: ["410700", "410881"] }],
});

export const RegistrationOffice = z
  .object({
    id: uuid,
    organizationId: uuid,
    status: z.enum(officeStatuses),
    code: z.string(),
    name: z.string(),
    regionCodes: z.array(z.string()),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()).optional(),
  })
  .meta({ id: "RegistrationOffice" });
export type RegistrationOffice = z.output<typeof RegistrationOffice>;

export const ListOfficesQuery = z.strictObject({
  ...pageQuery,
  organizationId: uuid.optional(),
  regionCode: taxonomyCode("regions")
    .optional()
    .describe("Only the office that is competent for this region."),
});
export type ListOfficesQuery = z.output<typeof ListOfficesQuery>;
