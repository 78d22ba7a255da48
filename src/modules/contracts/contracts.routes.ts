import { z } from "zod";
import { IdParams, ReasonInput } from "../../lib/wire.ts";
import { actorOf } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { DryRun, DryRunQuery, dryRun, write } from "../../plugins/writes.ts";
import {
  ConfirmInput,
  Contract,
  ContractInput,
  ContractPage,
  ContractPatch,
  ContractRevision,
  ListContractsQuery,
} from "./contracts.schema.ts";
import {
  cancelContract,
  confirmContract,
  createContract,
  listContractRevisions,
  listContracts,
  readContract,
  retractContract,
  returnContract,
  submitContract,
  updateContract,
} from "./contracts.service.ts";

const tags = ["contracts"];
const params = IdParams;
const parties = ["university", "enterprise", "brokerage"] as const;
const step = { idempotency: "accepted", ifMatch: "honoured", etag: "version" } as const;
const refusals = [
  "contract.not_found",
  "contract.not_owner",
  "contract.invalid_transition",
] as const;
/** Confirming and cancelling are a person's: it binds the organisation. */
const person = { roles: parties, verified: true } as const;

export default async function contractRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/contracts",
    {
      config: { access: { scope: "contracts:read" } },
      schema: {
        operationId: "listContracts",
        summary: "Contracts that the caller has a part in",
        description:
          "A party's, drafter's or broker's own, an office's filed ones, for the operator all but trade secrets. Newest first.",
        tags,
        querystring: ListContractsQuery,
        response: { 200: ContractPage },
      },
    },
    (request) => listContracts(db, actorOf(request), request.query),
  );

  app.post(
    "/v1/contracts",
    {
      config: {
        access: { roles: parties, scope: "contracts:write", verified: true },
        idempotency: "accepted",
        etag: "version",
        errors: [
          "contract.not_owner",
          "contract.state_secret",
          "contract.match_has_contract",
          "match.not_found",
          "match.invalid_transition",
        ],
      },
      schema: {
        operationId: "createContract",
        summary: "Draft a contract",
        description:
          "By one of its parties, or by the broker of its match. A match is not needed. A contract with state secrets is refused.",
        tags,
        body: ContractInput,
        response: { 201: Contract },
      },
    },
    (request, reply) =>
      write(
        request,
        reply,
        (tx, context) => createContract(tx, context, actorOf(request), request.body),
        { status: 201, location: ({ id }) => `/v1/contracts/${id}` },
      ),
  );

  app.get(
    "/v1/contracts/:id",
    {
      config: {
        access: { scope: "contracts:read" },
        etag: "version",
        errors: ["contract.not_found"],
      },
      schema: {
        operationId: "readContract",
        summary: "One contract",
        description: "For those who have a part in it; nobody else knows of it.",
        tags,
        params,
        response: { 200: Contract },
      },
    },
    (request) => readContract(db, actorOf(request), request.params.id),
  );

  app.patch(
    "/v1/contracts/:id",
    {
      config: {
        access: { roles: parties, scope: "contracts:write" },
        ifMatch: "required",
        etag: "version",
        errors: [
          ...refusals,
          "contract.state_secret",
          "contract.match_has_contract",
          "match.not_found",
          "match.invalid_transition",
        ],
      },
      schema: {
        operationId: "updateContract",
        summary: "Change a contract that is not in force yet",
        description:
          "JSON merge patch. While parties confirm, it makes the contract a draft again, with the next revision and all confirmations void. Match, interest and listings are checked against the parties again; `null` gives one up, such as a match that has failed. The caller and whoever drafted it keep a part in it. A contract in force is amended instead.",
        tags,
        params,
        body: ContractPatch,
        response: { 200: Contract },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        updateContract(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.get(
    "/v1/contracts/:id/revisions",
    {
      config: { access: { scope: "contracts:read" }, errors: ["contract.not_found"] },
      schema: {
        operationId: "listContractRevisions",
        summary: "What was put up for confirmation, revision by revision",
        description: "Each with the canonical text whose SHA-256 the parties confirmed.",
        tags,
        params,
        response: { 200: z.object({ data: z.array(ContractRevision) }) },
      },
    },
    (request) => listContractRevisions(db, actorOf(request), request.params.id),
  );

  app.post(
    "/v1/contracts/:id/submit",
    {
      config: {
        ...step,
        access: { roles: parties, verified: true },
        errors: [...refusals, "contract.incomplete", "match.not_found", "match.invalid_transition"],
      },
      schema: {
        operationId: "submitContract",
        summary: "Put a draft up for its parties to confirm",
        description:
          "By whoever drafted it. Names everything that is still missing; `dryRun=true` only does that.",
        tags,
        params,
        querystring: DryRunQuery,
        response: { 200: z.union([Contract, DryRun]) },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const actor = actorOf(request);
      if (request.query.dryRun) {
        return dryRun(request, (tx, context) => submitContract(tx, context, actor, id));
      }
      return write(request, reply, (tx, context) => submitContract(tx, context, actor, id));
    },
  );

  app.post(
    "/v1/contracts/:id/confirm",
    {
      config: {
        ...step,
        access: person,
        errors: [
          ...refusals,
          "contract.revision_changed",
          "contract.already_confirmed",
          "match.not_found",
          "match.invalid_transition",
        ],
      },
      schema: {
        operationId: "confirmContract",
        summary: "Confirm the revision that was read",
        description:
          "By a person of each party in the market. A party outside it confirms by the signed copy that another attaches. With the last one the contract is effective.",
        tags,
        params,
        body: ConfirmInput,
        response: { 200: Contract },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        confirmContract(tx, context, actorOf(request), request.params.id, request.body),
      ),
  );

  app.post(
    "/v1/contracts/:id/retract",
    {
      config: { ...step, access: person, errors: refusals },
      schema: {
        operationId: "retractContract",
        summary: "End what several parties have begun",
        description:
          "The confirming of a revision, or the cancelling of a contract in force: what was said is void.",
        tags,
        params,
        response: { 200: Contract },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        retractContract(tx, context, actorOf(request), request.params.id),
      ),
  );

  app.post(
    "/v1/contracts/:id/return",
    {
      config: { ...step, access: person, errors: refusals },
      schema: {
        operationId: "returnContract",
        summary: "Send a contract back to be changed",
        description: "By any party, instead of confirming. It is a draft again.",
        tags,
        params,
        body: ReasonInput,
        response: { 200: Contract },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        returnContract(tx, context, actorOf(request), request.params.id, request.body.reason),
      ),
  );

  app.post(
    "/v1/contracts/:id/cancel",
    {
      config: {
        ...step,
        access: person,
        errors: [...refusals, "contract.already_confirmed"],
      },
      schema: {
        operationId: "cancelContract",
        summary: "Cancel a contract",
        description:
          "Before it is effective any party does so alone; afterwards all parties must. A registered one then waits for its office to cancel the registration.",
        tags,
        params,
        body: ReasonInput,
        response: { 200: Contract },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        cancelContract(tx, context, actorOf(request), request.params.id, request.body.reason),
      ),
  );
}
