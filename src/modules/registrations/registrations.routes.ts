import { z } from "zod";
import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { DryRun, DryRunQuery, dryRun, write } from "../../plugins/writes.ts";
import * as corrections from "./corrections.service.ts";
import * as decisions from "./decisions.service.ts";
import { registration } from "./registrations.lifecycle.ts";
import {
  FileInput,
  ListRegistrationsQuery,
  ReadRegistrationQuery,
  Registration,
} from "./registrations.schema.ts";
import * as registrations from "./registrations.service.ts";
import { fileContract, listRegistrations, readRegistration } from "./registrations.service.ts";

const tags = ["registrations"];
const params = IdParams;
const response = { 200: Registration };
/** Only people file. */
const applicant = { roles: ["university", "enterprise", "brokerage"], verified: true } as const;

/** What is put beside them on demand. */
const expands = {
  organization: { kind: "organization", of: (item: Registration) => item.applicantOrganizationId },
  attachments: { kind: "files of registration", of: (item: Registration) => item.id },
} as const;

export default async function registrationRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/registrations",
    {
      config: { access: { scope: "registrations:read" }, expands },
      schema: {
        operationId: "listRegistrations",
        summary: "The queue of cases",
        description:
          "An office's own; for others the cases that they have a part in; for the operator all but trade secrets.",
        tags,
        querystring: ListRegistrationsQuery,
        response: { 200: pageOf(Registration) },
      },
    },
    (request) => listRegistrations(db, request.caller, request.query),
  );

  app.get(
    "/v1/registrations/:id",
    {
      config: {
        access: { scope: "registrations:read" },
        etag: "version",
        expands,
        errors: ["registration.not_found"],
      },
      schema: {
        operationId: "readRegistration",
        summary: "One case",
        description: "What screening found and who reviews is for the office's registrars.",
        tags,
        params,
        querystring: ReadRegistrationQuery,
        response,
      },
    },
    (request) => readRegistration(db, request.caller, request.params.id),
  );

  // Here, not with the contracts: what it makes is a registration.
  app.post(
    "/v1/contracts/:id/file",
    {
      config: {
        idempotency: "accepted",
        ifMatch: "honoured",
        etag: "version",
        access: applicant,
        errors: [
          "contract.not_found",
          "contract.invalid_transition",
          "amendment.already_open",
          "registration.not_applicant",
          "registration.no_office",
          "registration.incomplete",
          "registration.already_filed",
        ],
      },
      schema: {
        operationId: "fileContract",
        summary: "File an effective contract for registration",
        description:
          "By the seller that leads; of an import by the domestic buyer. It goes to the office of that party's region. `dryRun=true` only says what blocks it.",
        tags,
        params,
        querystring: DryRunQuery,
        body: FileInput,
        response: { 200: z.union([Registration, DryRun]), 201: Registration },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { note } = request.body;
      if (request.query.dryRun) {
        return dryRun(request, (tx, call) => fileContract(tx, call, id, note));
      }
      return write(request, reply, (tx, call) => fileContract(tx, call, id, note), {
        status: 201,
        location: (made) => `/v1/registrations/${made.id}`,
      });
    },
  );

  registerSteps(app, registration, { ...corrections, ...decisions, ...registrations });
}
