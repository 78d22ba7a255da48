import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { apiClient } from "./api-clients.lifecycle.ts";
import {
  ApiClient,
  ApiClientInput,
  ApiClientPatch,
  ApiClientWithSecret,
  ListApiClientsQuery,
} from "./api-clients.schema.ts";
import * as verbs from "./api-clients.service.ts";
import {
  createApiClient,
  listApiClients,
  readApiClient,
  updateApiClient,
} from "./api-clients.service.ts";

const tags = ["accounts"];
const access = { admin: true } as const;

export default async function apiClientRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/api-clients",
    {
      config: { access },
      schema: {
        operationId: "listApiClients",
        summary: "The organization's machine clients",
        description: "Revoked ones too; their secrets are nowhere shown.",
        tags,
        querystring: ListApiClientsQuery,
        response: { 200: pageOf(ApiClient) },
      },
    },
    (request) => listApiClients(db, request.caller, request.query),
  );

  app.post(
    "/v1/api-clients",
    {
      config: { access, idempotency: "refused", errors: ["api_client.name_taken"] },
      schema: {
        operationId: "createApiClient",
        summary: "Make a machine client",
        description: "The secret is shown in this reply and never again.",
        tags,
        body: ApiClientInput,
        response: { 201: ApiClientWithSecret },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => createApiClient(tx, call, request.body), {
        status: 201,
        location: ({ clientId }) => `/v1/api-clients/${clientId}`,
      }),
  );

  app.get(
    "/v1/api-clients/:id",
    {
      config: { access, etag: "version", errors: ["api_client.not_found"] },
      schema: {
        operationId: "readApiClient",
        summary: "One machine client",
        description: "Without its secret.",
        tags,
        params: IdParams,
        response: { 200: ApiClient },
      },
    },
    (request) => readApiClient(db, request.caller, request.params.id),
  );

  app.patch(
    "/v1/api-clients/:id",
    {
      config: {
        access,
        ifMatch: "required",
        etag: "version",
        changesAccess: true,
        errors: ["api_client.not_found", "api_client.name_taken", "api_client.invalid_transition"],
      },
      schema: {
        operationId: "updateApiClient",
        summary: "Rename a machine client or change its scopes",
        description: "JSON merge patch. Tokens that it holds lose a scope at once.",
        tags,
        params: IdParams,
        body: ApiClientPatch,
        response: { 200: ApiClient },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        updateApiClient(tx, call, request.params.id, request.body),
      ),
  );

  registerSteps(app, apiClient, verbs);
}
