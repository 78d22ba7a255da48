import { IdParams } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { registerListingActions } from "../listings/listings.actions.ts";
import { searchPageOf } from "../listings/search.schema.ts";
import {
  ListResultsQuery,
  Result,
  ResultInput,
  ResultPatch,
  ResultSummary,
} from "./results.schema.ts";
import { createResult, listResults, resultVerbs, updateResult } from "./results.service.ts";

const tags = ["results"];

/** Registries and the operator do not own listings. */
const owners = {
  roles: ["university", "enterprise", "brokerage"],
  scope: "results:write",
} as const;

export default async function resultRoutes(app: App) {
  app.get(
    "/v1/results",
    {
      config: {
        access: { public: true, scope: "results:read" },
        cacheSeconds: 30,
        errors: ["auth.required", "auth.forbidden_role", "cursor.expired"],
      },
      schema: {
        operationId: "listResults",
        summary: "Find results",
        description:
          "Published ones for everybody, newest first, or with `q` the best match first; the caller's own in every state with `scope=own`.",
        tags,
        querystring: ListResultsQuery,
        response: { 200: searchPageOf(ResultSummary) },
      },
    },
    (request) => listResults(app.database.db, request.actor, request.query),
  );

  app.post(
    "/v1/results",
    {
      config: { access: owners, idempotency: "accepted", etag: "version" },
      schema: {
        operationId: "createResult",
        summary: "Draft a result",
        description:
          "Only the title is needed now; the reply says what is missing before it can be submitted.",
        tags,
        body: ResultInput,
        response: { 201: Result },
      },
    },
    (request, reply) =>
      write(
        request,
        reply,
        (tx, context) => createResult(tx, context, actorOf(request), request.body),
        {
          status: 201,
          location: ({ id }) => `/v1/results/${id}`,
        },
      ),
  );

  app.patch(
    "/v1/results/:id",
    {
      config: {
        access: owners,
        ifMatch: "required",
        etag: "version",
        errors: [
          "result.not_found",
          "result.not_owner",
          "result.invalid_transition",
          "result.incomplete",
        ],
      },
      schema: {
        operationId: "updateResult",
        summary: "Change a result",
        description:
          "JSON merge patch, in every state but `submitted`. A published one stays live, marked as changed since review.",
        tags,
        params: IdParams,
        body: ResultPatch,
        response: { 200: Result },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        updateResult(tx, context, request.params.id, request.body),
      ),
  );

  registerListingActions(app, {
    noun: "result",
    words: "result",
    schema: Result,
    verbs: resultVerbs,
  });
}
