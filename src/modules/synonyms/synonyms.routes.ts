import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import { ListSynonymsQuery, Synonym, SynonymInput, SynonymPatch } from "./synonyms.schema.ts";
import {
  createSynonym,
  deleteSynonym,
  listSynonyms,
  readSynonym,
  updateSynonym,
} from "./synonyms.service.ts";

const tags = ["searches"];
const operator = { roles: ["operator"] } as const;
const effect =
  "Searches and suggestions follow at once; cursors of lists by relevance expire (`cursor.expired`).";

export default async function synonymRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/synonyms",
    {
      config: { access: { public: true }, cacheSeconds: 30, sameForAll: true },
      schema: {
        operationId: "listSynonyms",
        summary: "Words that searches and suggestions take for one another",
        description: "Groups of words of one meaning, the latest change first.",
        tags,
        querystring: ListSynonymsQuery,
        response: { 200: pageOf(Synonym) },
      },
    },
    (request) => listSynonyms(db, request.query),
  );

  app.post(
    "/v1/synonyms",
    {
      config: {
        access: operator,
        idempotency: "accepted",
        etag: "version",
        errors: ["synonym.words_taken"],
      },
      schema: {
        operationId: "createSynonym",
        summary: "Add a group of synonyms",
        description: `A word may stand in several groups; no two groups have the same words. ${effect}`,
        tags,
        body: SynonymInput,
        response: { 201: Synonym },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => createSynonym(tx, call, request.body), {
        status: 201,
        location: ({ id }) => `/v1/synonyms/${id}`,
      }),
  );

  app.get(
    "/v1/synonyms/:id",
    {
      config: {
        access: { public: true },
        etag: "version",
        cacheSeconds: 30,
        sameForAll: true,
        errors: ["synonym.not_found"],
      },
      schema: {
        operationId: "readSynonym",
        summary: "One group of synonyms",
        description: "Its words as they were written.",
        tags,
        params: IdParams,
        response: { 200: Synonym },
      },
    },
    (request) => readSynonym(db, request.params.id),
  );

  app.patch(
    "/v1/synonyms/:id",
    {
      config: {
        access: operator,
        ifMatch: "required",
        etag: "version",
        errors: ["synonym.not_found", "synonym.words_taken"],
      },
      schema: {
        operationId: "updateSynonym",
        summary: "Change a group of synonyms",
        description: `JSON merge patch; \`words\` is replaced as a whole. ${effect}`,
        tags,
        params: IdParams,
        body: SynonymPatch,
        response: { 200: Synonym },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => updateSynonym(tx, call, request.params.id, request.body)),
  );

  app.delete(
    "/v1/synonyms/:id",
    {
      config: { access: operator, ifMatch: "honoured", errors: ["synonym.not_found"] },
      schema: {
        operationId: "deleteSynonym",
        summary: "Delete a group of synonyms",
        description: `Built-in groups too: they do not come back. ${effect}`,
        tags,
        params: IdParams,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => deleteSynonym(tx, call, request.params.id), {
        status: 204,
      }),
  );
}
