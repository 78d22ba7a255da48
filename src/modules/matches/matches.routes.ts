import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { match } from "./matches.lifecycle.ts";
import { addMatchNote, listMatchNotes } from "./matches.notes.ts";
import { proposeMatch } from "./matches.proposals.ts";
import {
  ListMatchesQuery,
  ListMatchNotesQuery,
  Match,
  MatchInput,
  MatchNote,
  MatchNoteInput,
  ReadMatchQuery,
} from "./matches.schema.ts";
import * as verbs from "./matches.service.ts";
import { listMatches, readMatch } from "./matches.service.ts";

const tags = ["matches"];
const params = IdParams;

/** What is put beside them on demand. */
const expands = {
  result: { kind: "result", of: (item: Match) => item.result.id },
  need: { kind: "need", of: (item: Match) => item.need.id },
} as const;

export default async function matchRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/matches",
    {
      config: { access: { scope: "matches:read" }, expands },
      schema: {
        operationId: "listMatches",
        summary: "Matches of the caller's organization",
        description:
          "As owner of one of the two listings or as brokerage, newest first; for the operator all.",
        tags,
        querystring: ListMatchesQuery,
        response: { 200: pageOf(Match) },
      },
    },
    (request) => listMatches(db, request.caller, request.query),
  );

  app.post(
    "/v1/matches",
    {
      config: {
        access: { roles: ["brokerage"], verified: true },
        idempotency: "accepted",
        etag: "version",
        errors: [
          "match.not_a_broker",
          "result.not_found",
          "need.not_found",
          "match.own_organization",
          "match.same_owner",
          "match.listing_not_published",
          "match.already_open",
        ],
      },
      schema: {
        operationId: "proposeMatch",
        summary: "Propose a match of a result and a need",
        description:
          "By a person with a valid broker certificate whose own organization is on neither side. Both owners have 30 days to accept. The timeline begins with the introduction.",
        tags,
        body: MatchInput,
        response: { 201: Match },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => proposeMatch(tx, call, request.body), {
        status: 201,
        location: ({ id }) => `/v1/matches/${id}`,
      }),
  );

  app.get(
    "/v1/matches/:id",
    {
      config: {
        access: { scope: "matches:read" },
        etag: "version",
        expands,
        errors: ["match.not_found"],
      },
      schema: {
        operationId: "readMatch",
        summary: "One match",
        description:
          "For the three parties and the operator. Who the owner of an anonymous need is, the others learn when it accepts.",
        tags,
        params,
        querystring: ReadMatchQuery,
        response: { 200: Match },
      },
    },
    (request) => readMatch(db, request.caller, request.params.id),
  );

  registerSteps(app, match, verbs);

  app.get(
    "/v1/matches/:id/notes",
    {
      config: { access: { scope: "matches:read" }, errors: ["match.not_found"] },
      schema: {
        operationId: "listMatchNotes",
        summary: "The timeline of a match",
        description:
          "Every step, introduction, note and meeting, as they were written. For the three parties, nobody else: for the operator it does not exist.",
        tags,
        params,
        querystring: ListMatchNotesQuery,
        response: { 200: pageOf(MatchNote) },
      },
    },
    (request) => listMatchNotes(db, request.caller, request.params.id, request.query),
  );

  app.post(
    "/v1/matches/:id/notes",
    {
      config: {
        access: { roles: ["brokerage"] },
        idempotency: "accepted",
        ifMatch: "honoured",
        errors: ["match.not_found", "match.not_owner", "match.invalid_transition"],
      },
      schema: {
        operationId: "addMatchNote",
        summary: "Write into the timeline of a match",
        description:
          "By its broker: an introduction, a meeting or a note. Entries are neither changed nor removed.",
        tags,
        params,
        body: MatchNoteInput,
        response: { 201: MatchNote },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => addMatchNote(tx, call, request.params.id, request.body), {
        status: 201,
        location: () => `/v1/matches/${request.params.id}/notes`,
      }),
  );
}
