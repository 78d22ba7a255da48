import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { addMatchNote, listMatchNotes } from "./matches.notes.ts";
import { proposeMatch } from "./matches.proposals.ts";
import {
  ListMatchesQuery,
  ListMatchNotesQuery,
  Match,
  MatchEndInput,
  MatchInput,
  MatchNote,
  MatchNoteInput,
  MatchReassignInput,
  MatchRemarkInput,
} from "./matches.schema.ts";
import {
  acceptMatch,
  endMatch,
  listMatches,
  moveMatch,
  readMatch,
  reassignMatch,
  retractMatch,
} from "./matches.service.ts";

const tags = ["matches"];
const params = IdParams;
const response = { 200: Match };
const owners = ["university", "enterprise", "brokerage"] as const;
const step = { idempotency: "accepted", ifMatch: "honoured", etag: "version" } as const;
const refusals = ["match.not_found", "match.not_owner", "match.invalid_transition"] as const;

export default async function matchRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/matches",
    {
      config: { access: { scope: "matches:read" } },
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
    (request) => listMatches(db, actorOf(request), request.query),
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
      write(
        request,
        reply,
        (tx, context) => proposeMatch(tx, context, actorOf(request), request.body),
        { status: 201, location: ({ id }) => `/v1/matches/${id}` },
      ),
  );

  app.get(
    "/v1/matches/:id",
    {
      config: { access: { scope: "matches:read" }, etag: "version", errors: ["match.not_found"] },
      schema: {
        operationId: "readMatch",
        summary: "One match",
        description:
          "For the three parties and the operator. Who the owner of an anonymous need is, the others learn when it accepts.",
        tags,
        params,
        response,
      },
    },
    (request) => readMatch(db, actorOf(request), request.params.id),
  );

  app.post(
    "/v1/matches/:id/accept",
    {
      config: {
        ...step,
        access: { roles: owners, verified: true },
        errors: [...refusals, "match.listing_not_published"],
      },
      schema: {
        operationId: "acceptMatch",
        summary: "Accept a proposed match",
        description:
          "By each owner. The first one leaves it `proposed`, with `pending`; the second one makes it `agreed`.",
        tags,
        params,
        body: MatchRemarkInput.prefault({}),
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        acceptMatch(tx, context, actorOf(request), request.params.id, request.body.note),
      ),
  );

  app.post(
    "/v1/matches/:id/retract",
    {
      config: { ...step, access: { roles: owners }, errors: refusals },
      schema: {
        operationId: "retractMatch",
        summary: "Take back one's own acceptance",
        description: "By an owner that accepted, while the other one has not.",
        tags,
        params,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        retractMatch(tx, context, actorOf(request), request.params.id),
      ),
  );

  const ends = {
    decline: [
      "Decline a proposed match",
      "By either owner, also after its own acceptance, with a reason from `decline-reasons`.",
    ],
    fail: [
      "Let a match fail",
      "By any of the three, agreed or negotiating, with a reason from `decline-reasons`.",
    ],
  } as const;
  for (const action of ["decline", "fail"] as const) {
    const [summary, description] = ends[action];
    app.post(
      `/v1/matches/:id/${action}`,
      {
        config: { ...step, access: { roles: owners }, errors: refusals },
        schema: {
          operationId: `${action}Match`,
          summary,
          description,
          tags,
          params,
          body: MatchEndInput,
          response,
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) =>
          endMatch(tx, context, actorOf(request), request.params.id, action, request.body),
        ),
    );
  }

  const moves = {
    withdraw: ["Withdraw a proposed match", "By its broker."],
    negotiate: [
      "Say that the two are negotiating",
      "By its broker, once both owners have accepted.",
    ],
  } as const;
  for (const action of ["withdraw", "negotiate"] as const) {
    const [summary, description] = moves[action];
    app.post(
      `/v1/matches/:id/${action}`,
      {
        config: { ...step, access: { roles: ["brokerage"] }, errors: refusals },
        schema: {
          operationId: `${action}Match`,
          summary,
          description,
          tags,
          params,
          response,
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) =>
          moveMatch(tx, context, actorOf(request), request.params.id, action),
        ),
    );
  }

  app.post(
    "/v1/matches/:id/reassign",
    {
      config: { ...step, access: { roles: ["operator"] }, errors: refusals },
      schema: {
        operationId: "reassignMatch",
        summary: "Hand an open match to another broker of the brokerage",
        description: "For a broker who has left, or whose certificate is no longer valid.",
        tags,
        params,
        body: MatchReassignInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        reassignMatch(tx, context, actorOf(request), request.params.id, request.body.brokerId),
      ),
  );

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
    (request) => listMatchNotes(db, actorOf(request), request.params.id, request.query),
  );

  app.post(
    "/v1/matches/:id/notes",
    {
      config: {
        access: { roles: ["brokerage"] },
        idempotency: "accepted",
        ifMatch: "honoured",
        errors: refusals,
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
      write(
        request,
        reply,
        (tx, context) =>
          addMatchNote(tx, context, actorOf(request), request.params.id, request.body),
        { status: 201, location: () => `/v1/matches/${request.params.id}/notes` },
      ),
  );
}
