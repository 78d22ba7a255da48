import { z } from "zod";
import { pageQuery } from "../../lib/pagination.ts";
import { instant, instantInput, uuid, wholeNumber } from "../../lib/wire.ts";

const name = z.string().regex(/^[a-z_]{1,60}$/);

export const AuditRecord = z
  .object({
    id: uuid,
    at: instant,
    type: z.string().meta({ example: "need.publish" }),
    subjectType: z.string(),
    subjectId: uuid,
    organizationId: uuid.nullable().describe("Whose subject it is."),
    actorKind: z.enum(["member", "client", "anonymous", "system"]),
    actorId: uuid.nullable().describe("Only to the actor's own organization and the operator."),
    actorOrganizationId: uuid.nullable(),
    requestId: z.string().nullable(),
    address: z.string().nullable().describe("From where; only to the operator."),
    reason: z.string().nullable(),
    before: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe("Changed fields; of secret and personal ones only that they changed."),
    after: z.record(z.string(), z.unknown()).nullable(),
    withheld: z
      .boolean()
      .describe("A match's note or a trade secret: only its own parties read what it says."),
    position: z.int().nullable().describe("Place in the log; null until it is sealed."),
    hash: z.string().nullable().describe("Of the chain up to here, SHA-256 in hex."),
    sealedAt: instant.nullable(),
  })
  .meta({ id: "AuditRecord" });
export type AuditRecord = z.output<typeof AuditRecord>;

export const ListAuditQuery = z.strictObject({
  ...pageQuery,
  subjectType: name.optional(),
  subjectId: uuid.optional(),
  type: z
    .string()
    .regex(/^[a-z_]{1,60}\.[a-z_-]{1,60}$/)
    .optional(),
  actorId: uuid.optional(),
  organizationId: uuid.optional(),
  "at[gte]": instantInput.optional(),
  "at[lte]": instantInput.optional(),
});
export type ListAuditQuery = z.output<typeof ListAuditQuery>;

const place = wholeNumber(1);

export const VerifyLogQuery = z.strictObject({
  from: place.optional().describe("First position; the last 10,000 when absent."),
  to: place.optional().describe("Last position; at most 10,000 are verified at once."),
});
export type VerifyLogQuery = z.output<typeof VerifyLogQuery>;

export const LogVerification = z
  .object({
    ok: z.boolean(),
    from: z.int(),
    to: z.int(),
    head: z.object({ position: z.int(), hash: z.string() }),
    brokenAt: z
      .int()
      .nullable()
      .describe("The first position whose record is not the one that was sealed."),
    forgedAt: z
      .int()
      .nullable()
      .describe("An entry beyond the head, which was not sealed. Sealing stops until it is gone."),
  })
  .meta({ id: "LogVerification" });
export type LogVerification = z.output<typeof LogVerification>;

export const AuditHead = z
  .object({
    position: z.int().describe("The last sealed position; 0 while nothing is."),
    hash: z.string().describe("Of the chain up to there, SHA-256 in hex; empty at 0."),
    sealedAt: instant.nullable().describe("When that position was sealed."),
    sealedThrough: instant.describe("Everything that was committed before it is sealed."),
    issuedAt: instant,
    jws: z
      .string()
      .describe(
        "The same, signed: a compact JWS with `typ` `audit-head+jws`, of a key of `/.well-known/jwks.json`. Keep it, with that document, where nobody who owns the database can write.",
      ),
  })
  .meta({ id: "AuditHead" });
export type AuditHead = z.output<typeof AuditHead>;
