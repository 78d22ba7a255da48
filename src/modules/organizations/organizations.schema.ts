import { z } from "zod";
import { organizationKinds, organizationStatuses } from "../../../db/schema/organizations.ts";
import { changesQuery } from "../../lib/changes.ts";
import { fault } from "../../lib/faults.ts";
import { pageQuery } from "../../lib/pagination.ts";
import {
  Contact,
  creditCode,
  instant,
  isPlainLine,
  line,
  patchOf,
  prose,
  taxonomyCode,
  uuid,
} from "../../lib/wire.ts";

const fields = {
  name: line(120).meta({ example: "牧野理工学院" }),
  shortName: line(40).nullable().default(null),
  creditCode,
  regionCode: taxonomyCode("regions").meta({ example: "410711" }),
  industryCode: taxonomyCode("industries").nullable().default(null),
  scale: taxonomyCode("enterprise-scales").nullable().default(null),
  address: line(200).nullable().default(null),
  website: z
    .url({ protocol: /^https?$/ })
    .max(200)
    .refine(isPlainLine, fault("invalid_characters"))
    .nullable()
    .default(null),
  description: prose(2000).nullable().default(null),
  contact: Contact.nullable().default(null),
};

/** What an organization says of itself when it registers. */
export const OrganizationInput = z
  .strictObject({ kind: z.enum(["university", "enterprise", "brokerage"]), ...fields })
  .meta({ id: "OrganizationInput" });
export type OrganizationInput = z.output<typeof OrganizationInput>;

/** What the operator enters: any kind, and a credit code that fails its check digit with a reason. */
export const OrganizationByOperatorInput = z
  .strictObject({
    kind: z.enum(organizationKinds),
    ...fields,
    creditCode: line(18, 18).describe("Checked unless creditCodeOverrideReason is given."),
    creditCodeOverrideReason: prose(500)
      .nullable()
      .default(null)
      .describe("Why a code is right although its check digit is not: some early codes are so."),
  })
  .meta({
    id: "OrganizationByOperatorInput",
    examples: [
      {
        kind: "registry",
        name: "牧野市技术合同登记处",
        shortName: "登记处",
        creditCode: "12410700MB0T310254",
        regionCode: "410700",
        contact: { name: "王敏", phone: "0373-3326100", email: "dengji@example.org.cn" },
      },
    ],
  });
export type OrganizationByOperatorInput = z.output<typeof OrganizationByOperatorInput>;

const { creditCode: _, ...changeable } = fields;
/** What an organization may change later; the code that it was verified by stays. */
export const OrganizationDetails = z.strictObject(changeable);
export const OrganizationPatch = patchOf(OrganizationDetails).meta({
  id: "OrganizationPatch",
  examples: [
    {
      address: "河南省新乡市牧野区建设东路 1 号",
      website: "https://www.example.edu.cn",
      contact: { name: "成果转化办公室", phone: "0373-3326001" },
      scale: null,
    },
  ],
});

export const Organization = z
  .object({
    id: uuid,
    kind: z.enum(organizationKinds),
    status: z.enum(organizationStatuses),
    name: z.string(),
    shortName: z.string().nullable(),
    creditCode: z.string(),
    creditCodeOverrideReason: z
      .string()
      .nullable()
      .optional()
      .describe("Only to the organization itself and the operator."),
    legalType: z
      .string()
      .describe("A code of the taxonomy `legal-types`, read off the credit code."),
    regionCode: z.string(),
    industryCode: z.string().nullable(),
    scale: z.string().nullable(),
    address: z.string().nullable(),
    website: z.string().nullable(),
    description: z.string().nullable(),
    contact: z
      .object({ name: z.string(), phone: z.string().nullable(), email: z.string().nullable() })
      .nullable()
      .optional()
      .describe("Only to the organization itself and the operator."),
    statusReason: z
      .string()
      .nullable()
      .optional()
      .describe("Only to the organization itself and the operator."),
    verifiedAt: instant.nullable(),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()).optional().describe("For a signed-in caller."),
  })
  .meta({ id: "Organization" });
export type Organization = z.output<typeof Organization>;

export const OrganizationSummary = Organization.pick({
  id: true,
  kind: true,
  status: true,
  name: true,
  shortName: true,
  creditCode: true,
  regionCode: true,
  industryCode: true,
  verifiedAt: true,
  version: true,
  createdAt: true,
  updatedAt: true,
}).meta({ id: "OrganizationSummary" });

export const ListOrganizationsQuery = z.strictObject({
  ...pageQuery,
  ...changesQuery("createdAt"),
  kind: z.enum(organizationKinds).optional(),
  status: z
    .enum(organizationStatuses)
    .optional()
    .describe("Only the operator sees other than verified ones."),
  regionCode: taxonomyCode("regions")
    .optional()
    .describe("A province or city includes what lies in it."),
  creditCode: z
    .string()
    .regex(/^[0-9A-Z]{18}$/)
    .optional(),
});
export type ListOrganizationsQuery = z.output<typeof ListOrganizationsQuery>;
