import { z } from "zod";
import { IdParams, uuid } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import {
  amendContract,
  confirmAmendment,
  listAmendments,
  readAmendment,
  withdrawAmendment,
} from "./amendments.service.ts";
import { Amendment, AmendmentInput, ConfirmInput } from "./contracts.schema.ts";

const tags = ["contracts"];
const params = z.strictObject({ id: uuid, amendmentId: uuid });
const person = { roles: ["university", "enterprise", "brokerage"], verified: true } as const;
const step = { idempotency: "accepted", ifMatch: "honoured", etag: "version" } as const;
const refusals = [
  "contract.not_found",
  "contract.not_owner",
  "amendment.not_found",
  "amendment.invalid_transition",
] as const;

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
    (request) => listAmendments(db, actorOf(request), request.params.id),
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
        (tx, context) =>
          amendContract(tx, context, actorOf(request), request.params.id, request.body),
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
        params,
        response: { 200: Amendment },
      },
    },
    (request) => readAmendment(db, actorOf(request), request.params.id, request.params.amendmentId),
  );

  app.post(
    "/v1/contracts/:id/amendments/:amendmentId/confirm",
    {
      config: {
        ...step,
        access: person,
        errors: [
          ...refusals,
          "contract.revision_changed",
          "contract.already_confirmed",
          "contract.not_in_force",
        ],
      },
      schema: {
        operationId: "confirmAmendment",
        summary: "Confirm an amendment",
        description: "By a person of each party; with the last one it is the contract's content.",
        tags,
        params,
        body: ConfirmInput,
        response: { 200: Amendment },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => {
        const { id, amendmentId } = request.params;
        return confirmAmendment(tx, context, actorOf(request), id, amendmentId, request.body);
      }),
  );

  app.post(
    "/v1/contracts/:id/amendments/:amendmentId/withdraw",
    {
      config: { ...step, access: person, errors: refusals },
      schema: {
        operationId: "withdrawAmendment",
        summary: "Give an amendment up",
        description: "By any party, while not all have confirmed it.",
        tags,
        params,
        response: { 200: Amendment },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => {
        const { id, amendmentId } = request.params;
        return withdrawAmendment(tx, context, actorOf(request), id, amendmentId);
      }),
  );
}
