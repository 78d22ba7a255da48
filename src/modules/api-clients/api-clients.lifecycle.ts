import { apiClients } from "../../../db/schema/api-clients.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { guard, resource, type Standing } from "../../lifecycle/resource.ts";
import { ApiClient, ApiClientWithSecret, RotateSecretInput } from "./api-clients.schema.ts";

export interface ClientFound {
  row: typeof apiClients.$inferSelect;
}

/** `owner` is of the organization that the client acts for. */
const standingOf = ({ row }: ClientFound, actor: Actor): Standing[] =>
  actor.organizationId === row.organizationId ? ["owner"] : [];

/** Whether the secret before still works. */
export const hasPreviousSecret = ({ row }: ClientFound): boolean =>
  row.previousSecretExpiresAt !== null && row.previousSecretExpiresAt > nowInstant();

const hasTwo = guard<ClientFound>(
  "api_client.no_previous_secret",
  (found) => !hasPreviousSecret(found),
);

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
      body: RotateSecretInput,
      errors: ["api_client.two_secrets"],
      summary: "Give a machine client a new secret",
      description:
        "The one before stops working at once, or after `overlapHours`; tokens already given live on until they expire. Of two that work the older one is ended first, or both end at once.",
    },
    endPreviousApiClientSecret: {
      action: "end-previous-secret",
      from: ["active"],
      to: "same",
      ...owner,
      guards: [hasTwo],
      summary: "End a machine client's secret before the newest one",
      description: "At once; tokens already given live on until they expire.",
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
