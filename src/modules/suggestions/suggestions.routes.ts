import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import {
  ListVerdictsQuery,
  NeedSuggestions,
  NeedSuggestionsQuery,
  NeedVerdictInput,
  ResultSuggestions,
  ResultVerdictInput,
  SuggestionsQuery,
  Verdict,
} from "./suggestions.schema.ts";
import { suggestForNeed, suggestForResult } from "./suggestions.service.ts";
import { judgeSuggestion, listVerdicts } from "./verdicts.service.ts";

const tags = ["suggestions"];
const params = IdParams;
const roles = ["university", "enterprise", "brokerage", "operator"] as const;
const whose =
  "For its owner in every state, a draft too; for certified brokers and the operator once it is published.";

export default async function suggestionRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/needs/:id/suggestions",
    {
      config: {
        access: { roles, scope: "needs:read" },
        searches: "suggestions",
        errors: ["need.not_found", "need.not_owner", "match.not_a_broker"],
      },
      schema: {
        operationId: "suggestForNeed",
        summary: "Results and brokers for a need",
        description: `The results that fit, each with its score, what it is made of and what would make it better; near misses with the gates that they fail; brokers who know the field. ${whose}`,
        tags,
        params,
        querystring: SuggestionsQuery,
        response: { 200: ResultSuggestions },
      },
    },
    (request) => suggestForNeed(db, request.caller, request.params.id, request.query),
  );

  app.get(
    "/v1/results/:id/suggestions",
    {
      config: {
        access: { roles, scope: "results:read" },
        searches: "suggestions",
        errors: ["result.not_found", "result.not_owner", "match.not_a_broker"],
      },
      schema: {
        operationId: "suggestForResult",
        summary: "Needs for a result",
        description: `The needs that it fits, each with its score, what it is made of and what would make it better; near misses with the gates that they fail. ${whose}`,
        tags,
        params,
        querystring: NeedSuggestionsQuery,
        response: { 200: NeedSuggestions },
      },
    },
    (request) => suggestForResult(db, request.caller, request.params.id, request.query),
  );

  const judging = {
    access: { roles: ["brokerage"], verified: true },
    searches: "suggestions",
    idempotency: "accepted",
    etag: "version",
    errors: [
      "match.not_a_broker",
      "need.not_found",
      "need.not_owner",
      "result.not_found",
      "result.not_owner",
    ],
  } as const;
  const description =
    "By a certified broker: useful or not, with a reason from `suggestion-reasons`. Saying it again replaces it. Kept with the score as it is now, to learn from.";

  app.post(
    "/v1/needs/:id/suggestions/verdicts",
    {
      config: judging,
      schema: {
        operationId: "judgeSuggestionForNeed",
        summary: "Say what a suggested result is worth",
        description,
        tags,
        params,
        body: NeedVerdictInput,
        response: { 200: Verdict },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        judgeSuggestion(tx, call, "need", {
          ...request.body,
          needId: request.params.id,
        }),
      ),
  );

  app.post(
    "/v1/results/:id/suggestions/verdicts",
    {
      config: judging,
      schema: {
        operationId: "judgeSuggestionForResult",
        summary: "Say what a suggested need is worth",
        description,
        tags,
        params,
        body: ResultVerdictInput,
        response: { 200: Verdict },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        judgeSuggestion(tx, call, "result", {
          ...request.body,
          resultId: request.params.id,
        }),
      ),
  );

  app.get(
    "/v1/suggestion-verdicts",
    {
      config: { access: { roles: ["operator"] } },
      schema: {
        operationId: "listSuggestionVerdicts",
        summary: "What brokers think of suggestions",
        description: "The latest first, each with the score and its parts as they were.",
        tags,
        querystring: ListVerdictsQuery,
        response: { 200: pageOf(Verdict) },
      },
    },
    (request) => listVerdicts(db, request.query),
  );
}
