import { IdParams } from "../../lib/wire.ts";
import { registerBatches } from "../../lifecycle/batches.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { expandsOfListing, registerListing } from "../listings/listings.actions.ts";
import { isPlain } from "../listings/lists.service.ts";
import { searchPageOf } from "../listings/search.schema.ts";
import { result } from "./results.lifecycle.ts";
import {
  ListResultsQuery,
  Result,
  ResultInput,
  ResultPatch,
  ResultSummary,
} from "./results.schema.ts";
import * as verbs from "./results.service.ts";
import {
  createResult,
  createResults,
  deleteResult,
  listResults,
  markOpenResults,
  openResults,
  putResult,
  readOpenResults,
  readResult,
  relatedResults,
  updateResult,
} from "./results.service.ts";

const tags = ["results"];

/** Registries and the operator do not own listings. */
const owners = {
  roles: ["university", "enterprise", "brokerage"],
  scope: "results:write",
} as const;

export default async function resultRoutes(app: App) {
  app.addRelated("result", relatedResults, "results:read");
  app.get(
    "/v1/results",
    {
      config: {
        access: { public: true, scope: "results:read" },
        cacheSeconds: 30,
        searches: "listings",
        expands: expandsOfListing("result"),
        errors: ["auth.required", "auth.forbidden_role", "cursor.expired", "search.too_many_words"],
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
    (request, reply) => {
      const { actor, query, url } = request;
      const { db } = app.database;
      if (actor || !isPlain(query)) return listResults(db, actor, query);
      return app.keptReply(request, reply, url, openResults(db, query));
    },
  );

  app.post(
    "/v1/results",
    {
      config: {
        access: owners,
        idempotency: "accepted",
        etag: "version",
        errors: ["organization.draft_quota", "result.external_id_taken"],
      },
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
        (tx, call) => createResult(tx, call, request.body, app.config.maxDrafts),
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
          "result.external_id_taken",
          "result.incomplete",
        ],
      },
      schema: {
        operationId: "updateResult",
        summary: "Change a result",
        description:
          "JSON merge patch, in every state but `submitted`; `externalId` in every state. A published one stays live, marked as changed since review; another last day alone asks for no new review.",
        tags,
        params: IdParams,
        body: ResultPatch,
        response: { 200: Result },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => updateResult(tx, call, request.params.id, request.body)),
  );

  registerListing(app, {
    noun: "result",
    schema: Result,
    input: ResultInput,
    batchInput: "ResultBatchInput",
    operationIds: {
      put: "putResult",
      createMany: "createResults",
      read: "readResult",
      remove: "deleteResult",
    },
    owners,
    put: putResult,
    createMany: createResults,
    read: readResult,
    readOpen: readOpenResults,
    markOpen: markOpenResults,
    remove: deleteResult,
  });

  registerSteps(app, result, verbs);
  registerBatches(app, result, verbs, {
    submitResult: "submitResults",
    withdrawResult: "withdrawResults",
    renewResult: "renewResults",
  });
}
