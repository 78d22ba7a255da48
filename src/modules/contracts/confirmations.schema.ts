/** What a party says of a revision, of a contract or an amendment. */
import { z } from "zod";
import { contractSides } from "../../../db/schema/contracts.ts";
import { instant, uuid } from "../../lib/wire.ts";

export const ConfirmInput = z
  .strictObject({
    revision: z.int().min(1),
    contentSha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("Of the content that the party has read."),
  })
  .meta({
    id: "ConfirmInput",
    examples: [{ revision: 1, contentSha256: "0123456789abcdef".repeat(4) }],
  });
export type ConfirmInput = z.output<typeof ConfirmInput>;

export const Confirmation = z
  .object({
    action: z.enum(["confirm", "cancel"]),
    side: z.enum(contractSides),
    position: z.int(),
    organizationId: uuid.nullable(),
    attachmentId: uuid.nullable().describe("The signed copy of a party outside the market."),
    at: instant,
  })
  .meta({ id: "Confirmation" });
