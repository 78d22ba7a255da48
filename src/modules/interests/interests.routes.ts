import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { interest } from "./interests.lifecycle.ts";
import {
  Interest,
  InterestInput,
  ListInterestsQuery,
  ListingInterestsQuery,
  ReadInterestQuery,
} from "./interests.schema.ts";
import * as verbs from "./interests.service.ts";
import {
  createInterest,
  listInterests,
  listInterestsOf,
  readInterest,
} from "./interests.service.ts";

const tags = ["interests"];
const params = IdParams;
const sides = ["university", "enterprise", "brokerage"] as const;

/** The lists under a listing, and asking about it. */
const underListings = [
  { noun: "result", list: "listInterestsInResult", ask: "askAboutResult" },
  { noun: "need", list: "listInterestsInNeed", ask: "askAboutNeed" },
] as const;

/** What is put beside them on demand. */
const expands = {
  result: { kind: "result", of: (item: Interest) => item.resultId },
  need: { kind: "need", of: (item: Interest) => item.needId },
} as const;

export default async function interestRoutes(app: App) {
  const { db } = app.database;

  for (const { noun, list, ask } of underListings) {
    const path = `/v1/${noun}s/:id/interests` as const;
    app.get(
      path,
      {
        config: {
          access: { scope: "interests:read" },
          expands,
          errors: [`${noun}.not_found`],
        },
        schema: {
          operationId: list,
          summary: `Interests in a ${noun}`,
          description: "All of them for its owner and the operator; an asker finds its own.",
          tags,
          params,
          querystring: ListingInterestsQuery,
          response: { 200: pageOf(Interest) },
        },
      },
      (request) =>
        listInterestsOf(db, request.caller, { noun, id: request.params.id }, request.query),
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
          operationId: ask,
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
          (tx, call) => createInterest(tx, call, { noun, id: request.params.id }, request.body),
          { status: 201, location: ({ id }) => `/v1/interests/${id}` },
        ),
    );
  }

  app.get(
    "/v1/interests",
    {
      config: { access: { scope: "interests:read" }, expands },
      schema: {
        operationId: "listInterests",
        summary: "Interests about the caller's listings, and those that it wrote",
        description: "Newest first. For the operator all of them, without contacts.",
        tags,
        querystring: ListInterestsQuery,
        response: { 200: pageOf(Interest) },
      },
    },
    (request) => listInterests(db, request.caller, request.query),
  );

  app.get(
    "/v1/interests/:id",
    {
      config: {
        access: { scope: "interests:read" },
        etag: "version",
        expands,
        errors: ["interest.not_found"],
      },
      schema: {
        operationId: "readInterest",
        summary: "One interest",
        description: "For both sides and the operator.",
        tags,
        params,
        querystring: ReadInterestQuery,
        response: { 200: Interest },
      },
    },
    (request) => readInterest(db, request.caller, request.params.id),
  );

  registerSteps(app, interest, verbs);
}
