import { z } from "zod";
import { instant, prose, uuid } from "../../lib/wire.ts";
import { Confirmation } from "./confirmations.schema.ts";
import { ContentPatch } from "./content.schema.ts";

export const AmendmentInput = z
  .strictObject({
    reason: prose(1000),
    patch: ContentPatch.describe("JSON merge patch (RFC 7396) of the contract's content."),
  })
  .meta({
    id: "AmendmentInput",
    examples: [{ reason: "延长许可期限。", patch: { validUntil: "2031-03-01" } }],
  });
export type AmendmentInput = z.output<typeof AmendmentInput>;

export const Amendment = z
  .object({
    id: uuid,
    contractId: uuid,
    status: z.enum(["confirming", "effective", "withdrawn"]),
    revision: z.int().describe("The revision that it makes."),
    organizationId: uuid,
    reason: z.string(),
    contentSha256: z.string(),
    content: z.string().describe("The canonical JSON text that is confirmed."),
    confirmations: z.array(Confirmation),
    effectiveAt: instant.nullable(),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()),
  })
  .meta({ id: "Amendment" });
export type Amendment = z.output<typeof Amendment>;
