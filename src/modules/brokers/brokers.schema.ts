import { z } from "zod";
import { certificateLevels } from "../../../db/schema/broker-certificates.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { civilDate, instant, line, taxonomyCode, uuid } from "../../lib/wire.ts";

export const Broker = z
  .object({
    id: uuid.describe("The person's member id."),
    name: z.string(),
    level: z.enum(certificateLevels),
    fieldCodes: z.array(z.string()).describe("Codes of the taxonomy `technology-fields`."),
    certificateNumber: z.string(),
    issuer: z.string(),
    validUntil: civilDate.nullable().describe("Last day of validity; null when there is none."),
    certifiedAt: instant.nullable(),
    organization: z.object({ id: uuid, name: z.string(), regionCode: z.string() }),
    deals: z
      .object({
        open: z.int().describe("Proposed, agreed or negotiating."),
        contracted: z.int().describe("That led to a contract in force."),
        failed: z.int().describe("That failed after both sides had agreed."),
      })
      .describe("The person's matches, counted."),
  })
  .meta({ id: "Broker", description: "A technology broker 技术经纪人 with a valid certificate." });
export type Broker = z.output<typeof Broker>;

export const ListBrokersQuery = z.strictObject({
  ...pageQuery,
  q: line(100)
    .optional()
    .describe(
      "Words that are all in the person's name, the brokerage's name or the name of one of the person's fields, in Chinese or English.",
    ),
  level: z.enum(certificateLevels).optional(),
  fieldCode: taxonomyCode("technology-fields").optional().describe("One of the broker's fields."),
  organizationId: uuid.optional(),
  regionCode: taxonomyCode("regions")
    .optional()
    .describe("The brokerage's region. A province or city includes what lies in it."),
});
export type ListBrokersQuery = z.output<typeof ListBrokersQuery>;
