import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { registrationOffice } from "./registration-offices.lifecycle.ts";
import {
  ListOfficesQuery,
  RegistrationOffice,
  RegistrationOfficeInput,
  RegistrationOfficePatch,
} from "./registration-offices.schema.ts";
import * as verbs from "./registration-offices.service.ts";
import {
  createRegistrationOffice,
  listRegistrationOffices,
  readRegistrationOffice,
  updateRegistrationOffice,
} from "./registration-offices.service.ts";

const tags = ["registrations"];
const operator = { roles: ["operator"] } as const;

export default async function registrationOfficeRoutes(app: App) {
  const { db } = app.database;

  app.get(
    "/v1/registration-offices",
    {
      config: { access: { public: true }, cacheSeconds: 30 },
      schema: {
        operationId: "listRegistrationOffices",
        summary: "Registration offices and their regions",
        description: "With `regionCode` the one that is competent for it.",
        tags,
        querystring: ListOfficesQuery,
        response: { 200: pageOf(RegistrationOffice) },
      },
    },
    (request) => listRegistrationOffices(db, request.actor, request.query),
  );

  app.post(
    "/v1/registration-offices",
    {
      config: {
        access: operator,
        idempotency: "accepted",
        etag: "version",
        errors: ["registration_office.code_taken", "registration_office.region_taken"],
      },
      schema: {
        operationId: "createRegistrationOffice",
        summary: "Open a registration office",
        description: "Each region lies in at most one office; the longest prefix wins.",
        tags,
        body: RegistrationOfficeInput,
        response: { 201: RegistrationOffice },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => createRegistrationOffice(tx, call, request.body), {
        status: 201,
        location: ({ id }) => `/v1/registration-offices/${id}`,
      }),
  );

  app.get(
    "/v1/registration-offices/:id",
    {
      config: {
        access: { public: true },
        etag: "version",
        cacheSeconds: 30,
        errors: ["registration_office.not_found"],
      },
      schema: {
        operationId: "readRegistrationOffice",
        summary: "One registration office",
        description: "Closed ones too: their numbers stay.",
        tags,
        params: IdParams,
        response: { 200: RegistrationOffice },
      },
    },
    (request) => readRegistrationOffice(db, request.actor, request.params.id),
  );

  app.patch(
    "/v1/registration-offices/:id",
    {
      config: {
        access: operator,
        ifMatch: "required",
        etag: "version",
        errors: [
          "registration_office.not_found",
          "registration_office.region_taken",
          "registration_office.invalid_transition",
        ],
      },
      schema: {
        operationId: "updateRegistrationOffice",
        summary: "Change an office's name or regions",
        description:
          "JSON merge patch. Cases stay with the office that they were filed with. A closed office does not change.",
        tags,
        params: IdParams,
        body: RegistrationOfficePatch,
        response: { 200: RegistrationOffice },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        updateRegistrationOffice(tx, call, request.params.id, request.body),
      ),
  );

  registerSteps(app, registrationOffice, verbs);
}
