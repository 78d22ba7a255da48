import { IdParams } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { registerListingActions } from "../listings/listings.actions.ts";
import { searchPageOf } from "../listings/search.schema.ts";
import {
  ListNeedsQuery,
  Need,
  NeedInput,
  NeedPatch,
  NeedSummary,
  SolveInput,
} from "./needs.schema.ts";
import {
  closeNeed,
  createNeed,
  listNeeds,
  needVerbs,
  solveNeed,
  updateNeed,
} from "./needs.service.ts";

const tags = ["needs"];

/** Registries and the operator do not own listings. */
const owners = { roles: ["university", "enterprise", "brokerage"], scope: "needs:write" } as const;
const step = { idempotency: "accepted", ifMatch: "honoured", etag: "version" } as const;

export default async function needRoutes(app: App) {
  app.get(
    "/v1/needs",
    {
      config: {
        access: { public: true, scope: "needs:read" },
        cacheSeconds: 30,
        errors: ["auth.required", "auth.forbidden_role", "cursor.expired"],
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
    (request) => listNeeds(app.database.db, request.actor, request.query),
  );

  app.post(
    "/v1/needs",
    {
      config: { access: owners, idempotency: "accepted", etag: "version" },
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
        (tx, context) => createNeed(tx, context, actorOf(request), request.body),
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
          "need.incomplete",
          "need.reveals_owner",
        ],
      },
      schema: {
        operationId: "updateNeed",
        summary: "Change a need",
        description:
          "JSON merge patch, in every state but `submitted`. A published one stays live, marked as changed since review.",
        tags,
        params: IdParams,
        body: NeedPatch,
        response: { 200: Need },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        updateNeed(tx, context, request.params.id, request.body),
      ),
  );

  registerListingActions(app, {
    noun: "need",
    words: "need",
    schema: Need,
    verbs: needVerbs,
    errors: ["need.reveals_owner"],
  });

  const refusals = ["need.not_found", "need.not_owner", "need.invalid_transition"] as const;

  app.post(
    "/v1/needs/:id/solve",
    {
      config: { ...step, access: { scope: "needs:write" }, errors: refusals },
      schema: {
        operationId: "solveNeed",
        summary: "Declare a need solved",
        description:
          "By its owner, who may name the contract. It leaves the lists and stays readable by its id.",
        tags,
        params: IdParams,
        body: SolveInput,
        response: { 200: Need },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        solveNeed(tx, context, request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/needs/:id/close",
    {
      config: { ...step, access: { scope: "needs:write" }, errors: refusals },
      schema: {
        operationId: "closeNeed",
        summary: "Close a need without a solution",
        description: "By its owner. It leaves the lists and stays readable by its id.",
        tags,
        params: IdParams,
        response: { 200: Need },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => closeNeed(tx, context, request.params.id)),
  );
}
