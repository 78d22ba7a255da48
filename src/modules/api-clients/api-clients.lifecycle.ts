import { apiClients } from "../../../db/schema/api-clients.ts";
import type { Actor } from "../../lib/access.ts";
import { resource, type Standing } from "../../lifecycle/resource.ts";
import { ApiClient, ApiClientWithSecret } from "./api-clients.schema.ts";

export interface ClientFound {
  row: typeof apiClients.$inferSelect;
}

/** `owner` is of the organization that the client acts for. */
const standingOf = ({ row }: ClientFound, actor: Actor): Standing[] =>
  actor.organizationId === row.organizationId ? ["owner"] : [];

const owner = { by: "owner", admin: true } as const;

export const apiClient = resource({
  noun: "api_client",
  table: apiClients,
  path: "/v1/api-clients/:id",
  tag: "accounts",
  reply: ApiClient,
  changesAccess: true,
  standing: standingOf,
  // Another organization's are nobody's business.
  otherwise: "api_client.not_found",
  audit: ({ row }) => ({ owner: row.organizationId }),
  steps: {
    rotateApiClientSecret: {
      action: "rotate-secret",
      from: ["active"],
      to: "same",
      ...owner,
      reply: ApiClientWithSecret,
      idempotency: "refused",
      summary: "Give a machine client a new secret",
      description:
        "The one before stops working at once; tokens already given live on until they expire.",
    },
    revokeApiClient: {
      action: "revoke",
      from: ["active"],
      to: "revoked",
      ...owner,
      summary: "End a machine client for good",
      description: "Its tokens stop working too.",
    },
  },
});
