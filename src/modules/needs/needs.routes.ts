import { IdParams } from "../../lib/wire.ts";
import { registerBatches } from "../../lifecycle/batches.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
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
    input: NeedInput,
    batchInput: "NeedBatchInput",
    operationIds: {
      put: "putNeed",
      createMany: "createNeeds",
      read: "readNeed",
      remove: "deleteNeed",
    },
    owners,
    refusals: ["need.reveals_owner"],
    put: putNeed,
    createMany: createNeeds,
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
