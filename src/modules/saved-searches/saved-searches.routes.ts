import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import {
  ListNewListingsQuery,
  ListSavedSearchesQuery,
  LookInput,
  NewListings,
  SavedSearch,
  SavedSearchInput,
  SavedSearchPatch,
  SavedSearchWithNew,
} from "./saved-searches.schema.ts";
import {
  createSavedSearch,
  deleteSavedSearch,
  listNewListings,
  listSavedSearches,
  lookAtSavedSearch,
  readSavedSearch,
  updateSavedSearch,
} from "./saved-searches.service.ts";

const tags = ["searches"];
/** They are the caller's own notes; every caller who may search may keep some. */
const access = { scope: "results:read" } as const;
const forNeeds = "A machine client that looks for needs holds `needs:read` too.";

export default async function savedSearchRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/saved-searches",
    {
      config: { access },
      schema: {
        operationId: "listSavedSearches",
        summary: "The caller's saved searches",
        description:
          "A person's own, or a machine client's; in the order in which they were saved.",
        tags,
        querystring: ListSavedSearchesQuery,
        response: { 200: pageOf(SavedSearch) },
      },
    },
    (request) => listSavedSearches(db, request.caller, request.query),
  );

  app.post(
    "/v1/saved-searches",
    {
      config: {
        access,
        idempotency: "accepted",
        etag: "version",
        errors: ["saved_search.too_many"],
      },
      schema: {
        operationId: "createSavedSearch",
        summary: "Save a search",
        description: `Of published results or needs; at most 50 each. What is published from now on is new. ${forNeeds}`,
        tags,
        body: SavedSearchInput,
        response: { 201: SavedSearch },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => createSavedSearch(tx, call, request.body), {
        status: 201,
        location: ({ id }) => `/v1/saved-searches/${id}`,
      }),
  );

  app.get(
    "/v1/saved-searches/:id",
    {
      config: { access, etag: "version", errors: ["saved_search.not_found"] },
      schema: {
        operationId: "readSavedSearch",
        summary: "One saved search, with how much is new",
        description: `New listings are counted up to 100. ${forNeeds}`,
        tags,
        params: IdParams,
        response: { 200: SavedSearchWithNew },
      },
    },
    (request) => readSavedSearch(db, request.caller, request.params.id),
  );

  app.patch(
    "/v1/saved-searches/:id",
    {
      config: {
        access,
        ifMatch: "required",
        etag: "version",
        errors: ["saved_search.not_found"],
      },
      schema: {
        operationId: "updateSavedSearch",
        summary: "Change a saved search",
        description:
          "JSON merge patch: a parameter of the query that is null is taken out. How far its owner has looked stays.",
        tags,
        params: IdParams,
        body: SavedSearchPatch,
        response: { 200: SavedSearch },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        updateSavedSearch(tx, call, request.params.id, request.body),
      ),
  );

  app.delete(
    "/v1/saved-searches/:id",
    {
      config: { access, ifMatch: "honoured", errors: ["saved_search.not_found"] },
      schema: {
        operationId: "deleteSavedSearch",
        summary: "Delete a saved search",
        description: "For good.",
        tags,
        params: IdParams,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => deleteSavedSearch(tx, call, request.params.id), {
        status: 204,
      }),
  );

  app.get(
    "/v1/saved-searches/:id/listings",
    {
      config: {
        access,
        searches: "suggestions",
        errors: ["saved_search.not_found", "search.too_many_words"],
      },
      schema: {
        operationId: "listNewListings",
        summary: "What is new since the last look",
        description: `What was published after \`seenThrough\` and matches, newest first. Read all pages, then send \`through\` of the first one to \`/look\`. It lies half a minute back, so that a listing that is being published just now is not lost: what came in that half minute may be shown twice. ${forNeeds}`,
        tags,
        params: IdParams,
        querystring: ListNewListingsQuery,
        response: { 200: NewListings },
      },
    },
    (request) => listNewListings(db, request.caller, request.params.id, request.query),
  );

  app.post(
    "/v1/saved-searches/:id/look",
    {
      config: {
        access,
        idempotency: "accepted",
        ifMatch: "honoured",
        etag: "version",
        errors: ["saved_search.not_found"],
      },
      schema: {
        operationId: "lookAtSavedSearch",
        summary: "Note how far was looked",
        description:
          "Moves `seenThrough` forward, never back; an instant of the last half minute counts as half a minute ago, one to come is a 400.",
        tags,
        params: IdParams,
        body: LookInput,
        response: { 200: SavedSearch },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        lookAtSavedSearch(tx, call, request.params.id, request.body),
      ),
  );
}
