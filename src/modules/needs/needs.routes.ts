import { ExternalIdParams, IdParams } from "../../lib/wire.ts";
import { registerBatches } from "../../lifecycle/batches.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import {
  BatchOutcome,
  batchBodyLimit,
  batchOf,
  exampleOf,
  writeBatch,
} from "../../plugins/batches.ts";
import type { App } from "../../plugins/contract.ts";
import { put, write } from "../../plugins/writes.ts";
import { expandsOfListing, registerListing } from "../listings/listings.actions.ts";
import { isPlain } from "../listings/lists.service.ts";
import { searchPageOf } from "../listings/search.schema.ts";
import { need } from "./needs.lifecycle.ts";
import { ListNeedsQuery, Need, NeedInput, NeedPatch, NeedSummary } from "./needs.schema.ts";
import * as verbs from "./needs.service.ts";
import {
  createNeed,
  createNeeds,
  deleteNeed,
  listNeeds,
  markOpenNeeds,
  openNeeds,
  putNeed,
  readNeed,
  readOpenNeeds,
  relatedNeeds,
  updateNeed,
} from "./needs.service.ts";

const tags = ["needs"];

/** Registries and the operator do not own listings. */
const owners = { roles: ["university", "enterprise", "brokerage"], scope: "needs:write" } as const;

export default async function needRoutes(app: App) {
  app.addRelated("need", relatedNeeds, "needs:read");
  app.get(
    "/v1/needs",
    {
      config: {
        access: { public: true, scope: "needs:read" },
        cacheSeconds: 30,
        searches: "listings",
        expands: expandsOfListing("need"),
        errors: ["auth.required", "auth.forbidden_role", "cursor.expired", "search.too_many_words"],
      },
      schema: {
        operationId: "listNeeds",
        summary: "Find needs",
        description:
          "Published ones for everybody, newest first, or with `q` the best match first; the caller's own in every state with `scope=own`. Anonymous needs are found by neither organization nor county.",
        tags,
        querystring: ListNeedsQuery,
        response: { 200: searchPageOf(NeedSummary) },
      },
    },
    (request, reply) => {
      const { actor, query, url } = request;
      const { db } = app.database;
      if (actor || !isPlain(query)) return listNeeds(db, actor, query);
      return app.keptReply(request, reply, url, openNeeds(db, query));
    },
  );

  app.post(
    "/v1/needs",
    {
      config: {
        access: owners,
        idempotency: "accepted",
        etag: "version",
        errors: ["organization.draft_quota", "need.external_id_taken"],
      },
      schema: {
        operationId: "createNeed",
        summary: "Draft a need",
        description:
          "Only the title is needed now; the reply says what is missing before it can be submitted.",
        tags,
        body: NeedInput,
        response: { 201: Need },
      },
    },
    (request, reply) =>
      write(
        request,
        reply,
        (tx, call) => createNeed(tx, call, request.body, app.config.maxDrafts),
        {
          status: 201,
          location: ({ id }) => `/v1/needs/${id}`,
        },
      ),
  );

  app.put(
    "/v1/needs/by-external-id/:externalId",
    {
      config: {
        access: owners,
        ifMatch: "honoured",
        etag: "version",
        errors: [
          "organization.draft_quota",
          "need.invalid_transition",
          "need.external_id_taken",
          "need.incomplete",
          "need.reveals_owner",
        ],
      },
      schema: {
        operationId: "putNeed",
        summary: "Create or replace a need by an id of one's own",
        description:
          "Drafts the need that the organization calls so, or replaces all that it holds, by the rules of a change: the same again changes nothing. The last day that it got with its publication stays unless another is given. 201 when it is new.",
        tags,
        params: ExternalIdParams,
        body: NeedInput,
        response: { 200: Need, 201: Need },
      },
    },
    (request, reply) => {
      const { params, body } = request;
      return put(request, reply, "/v1/needs", (tx, call) =>
        putNeed(tx, call, params.externalId, body, app.config.maxDrafts),
      );
    },
  );

  app.post(
    "/v1/needs/batch",
    {
      bodyLimit: batchBodyLimit,
      config: {
        access: owners,
        idempotency: "accepted",
        errors: ["batch.refused"],
        itemErrors: ["organization.draft_quota", "need.external_id_taken"],
      },
      schema: {
        operationId: "createNeeds",
        summary: "Draft needs: many at once",
        description:
          "Each item is what `POST /v1/needs` takes, and has an outcome of its own, such as `organization.draft_quota`. With `atomic` all or none is drafted. It counts for as many requests as it has items.",
        tags,
        body: batchOf(NeedInput, "NeedBatchInput", exampleOf(NeedInput)),
        response: { 207: BatchOutcome },
      },
    },
    (request, reply) =>
      writeBatch(request, reply, request.body, { status: 201 }, (tx, call) =>
        createNeeds(tx, call, app.config.maxDrafts),
      ),
  );

  app.patch(
    "/v1/needs/:id",
    {
      config: {
        access: owners,
        ifMatch: "required",
        etag: "version",
        errors: [
          "need.not_found",
          "need.not_owner",
          "need.invalid_transition",
          "need.external_id_taken",
          "need.incomplete",
          "need.reveals_owner",
        ],
      },
      schema: {
        operationId: "updateNeed",
        summary: "Change a need",
        description:
          "JSON merge patch, in every state but `submitted`; `externalId` in every state. A published one stays live, marked as changed since review; another last day alone asks for no new review.",
        tags,
        params: IdParams,
        body: NeedPatch,
        response: { 200: Need },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => updateNeed(tx, call, request.params.id, request.body)),
  );

  registerListing(app, {
    noun: "need",
    schema: Need,
    operationIds: { read: "readNeed", remove: "deleteNeed" },
    read: readNeed,
    readOpen: readOpenNeeds,
    markOpen: markOpenNeeds,
    remove: deleteNeed,
  });

  registerSteps(app, need, verbs);
  registerBatches(app, need, verbs, {
    submitNeed: "submitNeeds",
    withdrawNeed: "withdrawNeeds",
    renewNeed: "renewNeeds",
  });
}
