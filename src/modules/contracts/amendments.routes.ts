import { z } from "zod";
import { IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { Amendment, AmendmentInput } from "./amendments.schema.ts";
import * as verbs from "./amendments.service.ts";
import { amendContract, listAmendments, readAmendment } from "./amendments.service.ts";
import { type AmendmentKey, AmendmentParams, amendment } from "./contracts.lifecycle.ts";

const tags = ["contracts"];
const person = { roles: ["university", "enterprise", "brokerage"], verified: true } as const;
export default async function amendmentRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/contracts/:id/amendments",
    {
      config: { access: { scope: "contracts:read" }, errors: ["contract.not_found"] },
      schema: {
        operationId: "listAmendments",
        summary: "Amendments of a contract",
        description: "Oldest first, those that were given up too.",
        tags,
        params: IdParams,
        response: { 200: z.object({ data: z.array(Amendment) }) },
      },
    },
    (request) => listAmendments(db, request.caller, request.params.id),
  );

  app.post(
    "/v1/contracts/:id/amendments",
    {
      config: {
        access: person,
        idempotency: "accepted",
        ifMatch: "honoured",
        etag: "version",
        errors: [
          "contract.not_found",
          "contract.not_owner",
          "contract.not_in_force",
          "contract.incomplete",
          "contract.state_secret",
          "amendment.already_open",
        ],
      },
      schema: {
        operationId: "amendContract",
        summary: "Put up a change of a contract in force",
        description:
          "All parties confirm it like the contract. A registered contract's registration is amended afterwards.",
        tags,
        params: IdParams,
        body: AmendmentInput,
        response: { 201: Amendment },
      },
    },
    (request, reply) =>
      write(
        request,
        reply,
        (tx, call) => amendContract(tx, call, request.params.id, request.body),
        {
          status: 201,
          location: ({ id, contractId }) => `/v1/contracts/${contractId}/amendments/${id}`,
        },
      ),
  );

  app.get(
    "/v1/contracts/:id/amendments/:amendmentId",
    {
      config: {
        access: { scope: "contracts:read" },
        etag: "version",
        errors: ["contract.not_found", "amendment.not_found"],
      },
      schema: {
        operationId: "readAmendment",
        summary: "One amendment",
        description: "With the text that is confirmed and its SHA-256.",
        tags,
        params: AmendmentParams,
        response: { 200: Amendment },
      },
    },
    (request) => readAmendment(db, request.caller, request.params),
  );

  registerSteps(app, amendment, verbs, (params: AmendmentKey) => params);
}
