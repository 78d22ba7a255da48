import { z } from "zod";
import { ExternalIdParams, IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { put, write } from "../../plugins/writes.ts";
import { contract } from "./contracts.lifecycle.ts";
import {
  Contract,
  ContractInput,
  ContractPage,
  ContractPatch,
  ContractRevision,
  type ContractSummary,
  ListContractsQuery,
  ReadContractQuery,
} from "./contracts.schema.ts";
import {
  createContract,
  listContractRevisions,
  listContracts,
  putContract,
  readContract,
  updateContract,
} from "./contracts.service.ts";
import * as verbs from "./signing.service.ts";

const tags = ["contracts"];
const params = IdParams;
const parties = ["university", "enterprise", "brokerage"] as const;
const refusals = [
  "contract.not_found",
  "contract.not_owner",
  "contract.invalid_transition",
] as const;

/** What a content can be refused with, whoever gives it. */
const ofContent = [
  "contract.external_id_taken",
  "contract.state_secret",
  "contract.match_has_contract",
  "match.not_found",
  "match.invalid_transition",
] as const;

type Joined = Pick<ContractSummary, "id" | "organizationId" | "resultId" | "needId">;
/** What is put beside them on demand. */
const expands = {
  organization: { kind: "organization", of: (item: Joined) => item.organizationId },
  result: { kind: "result", of: (item: Joined) => item.resultId },
  need: { kind: "need", of: (item: Joined) => item.needId },
  attachments: { kind: "files of contract", of: (item: Joined) => item.id },
} as const;

export default async function contractRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/contracts",
    {
      config: { access: { scope: "contracts:read" }, expands },
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
    (request) => listContracts(db, request.caller, request.query),
  );

  app.post(
    "/v1/contracts",
    {
      config: {
        access: { roles: parties, scope: "contracts:write", verified: true },
        idempotency: "accepted",
        etag: "version",
        errors: ["contract.not_owner", ...ofContent],
      },
      schema: {
        operationId: "createContract",
        summary: "Draft a contract",
        description:
          "By one of its parties, or by the broker of its match. A match is not needed. With `matchId` or an accepted `interestId`, what is left out is taken from there: title, parties, listings, field, industry, rights, broker; `prefilled` says what from where. What is given wins, `null` and `[]` too. A contract with state secrets is refused.",
        tags,
        body: ContractInput,
        response: { 201: Contract },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => createContract(tx, call, request.body), {
        status: 201,
        location: ({ id }) => `/v1/contracts/${id}`,
      }),
  );

  app.put(
    "/v1/contracts/by-external-id/:externalId",
    {
      config: {
        access: { roles: parties, scope: "contracts:write", verified: true },
        ifMatch: "honoured",
        etag: "version",
        errors: ["contract.not_owner", "contract.invalid_transition", ...ofContent],
      },
      schema: {
        operationId: "putContract",
        summary: "Create or replace a contract by an id of one's own",
        description:
          "Drafts the contract that the organization calls so, or replaces all that it holds while it is not in force, by the rules of a change: the same again changes nothing, and voids no confirmation. 201 when it is new.",
        tags,
        params: ExternalIdParams,
        body: ContractInput,
        response: { 200: Contract, 201: Contract },
      },
    },
    (request, reply) => {
      const { params, body } = request;
      return put(request, reply, "/v1/contracts", (tx, call) =>
        putContract(tx, call, params.externalId, body),
      );
    },
  );

  app.get(
    "/v1/contracts/:id",
    {
      config: {
        access: { scope: "contracts:read" },
        etag: "version",
        expands,
        errors: ["contract.not_found"],
      },
      schema: {
        operationId: "readContract",
        summary: "One contract",
        description: "For those who have a part in it; nobody else knows of it.",
        tags,
        params,
        querystring: ReadContractQuery,
        response: { 200: Contract },
      },
    },
    (request) => readContract(db, request.caller, request.params.id),
  );

  app.patch(
    "/v1/contracts/:id",
    {
      config: {
        access: { roles: parties, scope: "contracts:write" },
        ifMatch: "required",
        etag: "version",
        errors: [...refusals, ...ofContent],
      },
      schema: {
        operationId: "updateContract",
        summary: "Change a contract that is not in force yet",
        description:
          "JSON merge patch. While parties confirm, it makes the contract a draft again, with the next revision and all confirmations void. Match, interest and listings are checked against the parties again; `null` gives one up, such as a match that has failed. The caller and whoever drafted it keep a part in it. A contract in force is amended instead. `externalId` alone is changed by whoever has a part in the contract, in every state, and is no new version.",
        tags,
        params,
        body: ContractPatch,
        response: { 200: Contract },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        updateContract(tx, call, request.params.id, request.body),
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
    (request) => listContractRevisions(db, request.caller, request.params.id),
  );

  registerSteps(app, contract, verbs);
}
