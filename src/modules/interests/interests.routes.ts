import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import {
  AcceptInterestInput,
  DeclineInput,
  Interest,
  InterestInput,
  ListInterestsQuery,
  ListingInterestsQuery,
} from "./interests.schema.ts";
import {
  acceptInterest,
  createInterest,
  declineInterest,
  listInterests,
  listInterestsOf,
  readInterest,
  withdrawInterest,
} from "./interests.service.ts";

const tags = ["interests"];
const params = IdParams;
const sides = ["university", "enterprise", "brokerage"] as const;
const step = { idempotency: "accepted", ifMatch: "honoured", etag: "version" } as const;
const refusals = [
  "interest.not_found",
  "interest.not_owner",
  "interest.invalid_transition",
] as const;

export default async function interestRoutes(app: App) {
  const { db } = app.database;

  for (const noun of ["result", "need"] as const) {
    const path = `/v1/${noun}s/:id/interests` as const;
    const name = noun === "result" ? "Result" : "Need";
    app.get(
      path,
      {
        config: {
          access: { scope: "interests:read" },
          errors: [`${noun}.not_found`],
        },
        schema: {
          operationId: `listInterestsIn${name}`,
          summary: `Interests in a ${noun}`,
          description: "All of them for its owner and the operator; an asker finds its own.",
          tags,
          params,
          querystring: ListingInterestsQuery,
          response: { 200: pageOf(Interest) },
        },
      },
      (request) =>
        listInterestsOf(db, actorOf(request), { noun, id: request.params.id }, request.query),
    );

    app.post(
      path,
      {
        config: {
          access: { roles: sides, scope: "interests:write", verified: true },
          idempotency: "accepted",
          etag: "version",
          errors: [`${noun}.not_found`, "interest.own_listing", "interest.already_open"],
        },
        schema: {
          operationId: `askAbout${name}`,
          summary: `Ask about a ${noun}`,
          description:
            "The owner answers within ten working days. Before it accepts it sees kind, city and field of who asks, not the name.",
          tags,
          params,
          body: InterestInput,
          response: { 201: Interest },
        },
      },
      (request, reply) =>
        write(
          request,
          reply,
          (tx, context) => {
            const listing = { noun, id: request.params.id };
            return createInterest(tx, context, actorOf(request), listing, request.body);
          },
          { status: 201, location: ({ id }) => `/v1/interests/${id}` },
        ),
    );
  }

  app.get(
    "/v1/interests",
    {
      config: { access: { scope: "interests:read" } },
      schema: {
        operationId: "listInterests",
        summary: "Interests about the caller's listings, and those that it wrote",
        description: "Newest first. For the operator all of them, without contacts.",
        tags,
        querystring: ListInterestsQuery,
        response: { 200: pageOf(Interest) },
      },
    },
    (request) => listInterests(db, actorOf(request), request.query),
  );

  app.get(
    "/v1/interests/:id",
    {
      config: {
        access: { scope: "interests:read" },
        etag: "version",
        errors: ["interest.not_found"],
      },
      schema: {
        operationId: "readInterest",
        summary: "One interest",
        description: "For both sides and the operator.",
        tags,
        params,
        response: { 200: Interest },
      },
    },
    (request) => readInterest(db, actorOf(request), request.params.id),
  );

  app.post(
    "/v1/interests/:id/accept",
    {
      config: { ...step, access: { roles: sides, verified: true }, errors: refusals },
      schema: {
        operationId: "acceptInterest",
        summary: "Accept an interest and answer its questions",
        description: "By the listing's owner. Both sides see each other's name and contact then.",
        tags,
        params,
        body: AcceptInterestInput,
        response: { 200: Interest },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        acceptInterest(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/interests/:id/decline",
    {
      config: { ...step, access: { roles: sides, verified: true }, errors: refusals },
      schema: {
        operationId: "declineInterest",
        summary: "Decline an interest",
        description: "By the listing's owner, with a reason from `decline-reasons`.",
        tags,
        params,
        body: DeclineInput,
        response: { 200: Interest },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        declineInterest(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/interests/:id/withdraw",
    {
      config: { ...step, access: { roles: sides, scope: "interests:write" }, errors: refusals },
      schema: {
        operationId: "withdrawInterest",
        summary: "Withdraw an interest",
        description: "By whoever asked, while it is open.",
        tags,
        params,
        response: { 200: Interest },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        withdrawInterest(tx, context, actorOf(request), request.params.id),
      ),
  );
}
