import { z } from "zod";
import { apiClientStatuses } from "../../../db/schema/api-clients.ts";
import { fault } from "../../lib/faults.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { instant, line, patchOf, uuid } from "../../lib/wire.ts";
import { scopes } from "../../words.ts";

const scopeList = z
  .array(z.enum(scopes))
  .min(1)
  .max(scopes.length)
  .refine((list) => new Set(list).size === list.length, fault("duplicate"));

export const ApiClientInput = z.strictObject({ name: line(80), scopes: scopeList }).meta({
  id: "ApiClientInput",
  examples: [{ name: "ERP", scopes: ["needs:read", "needs:write"] }],
});
export type ApiClientInput = z.output<typeof ApiClientInput>;

export const ApiClientPatch = patchOf(ApiClientInput).meta({
  id: "ApiClientPatch",
  examples: [{ name: "科研管理系统", scopes: ["results:read", "results:write"] }],
});

/** How long the secret before goes on working. */
export const RotateSecretInput = z
  .strictObject({
    overlapHours: z
      .int()
      .min(0)
      .max(30 * 24)
      .default(0)
      .describe("Hours for which the secret until now goes on working; 0 ends it at once."),
  })
  .prefault({})
  .meta({ id: "RotateSecretInput", examples: [{ overlapHours: 24 }] });
export type RotateSecretInput = z.output<typeof RotateSecretInput>;

const ClientSecret = z
  .object({
    createdAt: instant,
    lastUsedAt: instant.nullable().describe("When it last got a token."),
    expiresAt: instant.nullable().describe("Null for the newest one, which stays."),
  })
  .meta({ id: "ClientSecret" });

export const ApiClient = z
  .object({
    id: uuid.describe("The OAuth client_id."),
    organizationId: uuid,
    name: z.string(),
    scopes: z.array(z.enum(scopes)),
    status: z.enum(apiClientStatuses),
    createdBy: uuid,
    secretIssuedAt: instant,
    secrets: z
      .array(ClientSecret)
      .describe("The secrets that work, the newest first: two at most. Of a revoked client none."),
    lastUsedAt: instant.nullable().describe("When it last got a token."),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
    allowedActions: z.array(z.string()),
  })
  .meta({ id: "ApiClient" });
export type ApiClient = z.output<typeof ApiClient>;

export const ApiClientWithSecret = z
  .object({
    client: ApiClient,
    clientId: z.string(),
    clientSecret: z.string().describe("Shown only here: the market keeps a hash."),
  })
  .meta({ id: "ApiClientWithSecret" });

export const ListApiClientsQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(apiClientStatuses).optional(),
});
export type ListApiClientsQuery = z.output<typeof ListApiClientsQuery>;
