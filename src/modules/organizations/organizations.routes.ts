import { pageOf } from "../../lib/pagination.ts";
import { IdParams } from "../../lib/wire.ts";
import { registerSteps } from "../../lifecycle/routes.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import { organization } from "./organizations.lifecycle.ts";
import {
  ListOrganizationsQuery,
  Organization,
  OrganizationByOperatorInput,
  OrganizationPatch,
  OrganizationSummary,
} from "./organizations.schema.ts";
import * as verbs from "./organizations.service.ts";
import {
  createOrganization,
  listOrganizations,
  readOrganization,
  relatedOrganizations,
  updateOrganization,
} from "./organizations.service.ts";

const tags = ["organizations"];

export default async function organizationRoutes(app: App) {
  const { db } = app.database;
  app.addRelated("organization", relatedOrganizations, "organization:read");

  app.get(
    "/v1/organizations",
    {
      config: { access: { public: true, scope: "organization:read" }, cacheSeconds: 30 },
      schema: {
        operationId: "listOrganizations",
        summary: "Organizations of the market",
        description: "The verified ones; the operator sees all and filters by status.",
        tags,
        querystring: ListOrganizationsQuery,
        response: { 200: pageOf(OrganizationSummary) },
      },
    },
    (request) => listOrganizations(db, request.actor, request.query),
  );

  app.post(
    "/v1/organizations",
    {
      config: {
        access: { roles: ["operator"] },
        idempotency: "accepted",
        etag: "version",
        errors: ["organization.credit_code_taken", "organization.short_name_taken"],
      },
      schema: {
        operationId: "createOrganization",
        summary: "Enter an organization as the operator",
        description:
          "Of any kind, verified at once. A credit code that fails its check digit needs a reason: some early codes are so. Invite its first admin afterwards.",
        tags,
        body: OrganizationByOperatorInput,
        response: { 201: Organization },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => createOrganization(tx, call, request.body), {
        status: 201,
        location: ({ id }) => `/v1/organizations/${id}`,
      }),
  );

  app.get(
    "/v1/organizations/:id",
    {
      config: {
        access: { public: true, scope: "organization:read" },
        etag: "version",
        cacheSeconds: 30,
        errors: ["organization.not_found"],
      },
      schema: {
        operationId: "readOrganization",
        summary: "One organization",
        description:
          "Contact and the reasons of decisions show to the organization itself and the operator.",
        tags,
        params: IdParams,
        response: { 200: Organization },
      },
    },
    (request) => readOrganization(db, request.actor, request.params.id),
  );

  app.patch(
    "/v1/organizations/:id",
    {
      config: {
        access: { admin: true },
        ifMatch: "required",
        etag: "version",
        errors: [
          "organization.not_found",
          "organization.not_owner",
          "organization.name_verified",
          "organization.short_name_taken",
        ],
      },
      schema: {
        operationId: "updateOrganization",
        summary: "Change what an organization says of itself",
        description:
          "JSON merge patch, by its admin or the operator. A verified name only the operator changes.",
        tags,
        params: IdParams,
        body: OrganizationPatch,
        response: { 200: Organization },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) =>
        updateOrganization(tx, call, request.params.id, request.body),
      ),
  );

  registerSteps(app, organization, verbs);
}
