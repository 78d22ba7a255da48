import { pageOf } from "../../lib/pagination.ts";
import { IdParams, ReasonInput } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { write } from "../../plugins/writes.ts";
import {
  ListOrganizationsQuery,
  Organization,
  OrganizationByOperatorInput,
  OrganizationPatch,
  OrganizationSummary,
} from "./organizations.schema.ts";
import {
  createOrganization,
  listOrganizations,
  moveOrganization,
  readOrganization,
  updateOrganization,
} from "./organizations.service.ts";

const tags = ["organizations"];

export default async function organizationRoutes(app: App) {
  const { db } = app.database;

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
        errors: ["organization.credit_code_taken"],
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
      write(request, reply, (tx, context) => createOrganization(tx, context, request.body), {
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
        errors: ["organization.not_found", "organization.not_owner", "organization.name_verified"],
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
      write(request, reply, (tx, context) =>
        updateOrganization(tx, context, request.params.id, request.body),
      ),
  );

  const moves = {
    verify: ["Verify an organization", "Rejects others that wait with the same credit code."],
    reinstate: ["Reinstate a suspended organization", "Its listings show again."],
  } as const;
  for (const action of ["verify", "reinstate"] as const) {
    app.post(
      `/v1/organizations/:id/${action}`,
      {
        config: {
          access: { roles: ["operator"] },
          idempotency: "accepted",
          ifMatch: "honoured",
          etag: "version",
          changesAccess: true,
          errors: [
            "organization.not_found",
            "organization.invalid_transition",
            "organization.credit_code_taken",
          ],
        },
        schema: {
          operationId: `${action}Organization`,
          summary: moves[action][0],
          description: moves[action][1],
          tags,
          params: IdParams,
          response: { 200: Organization },
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) =>
          moveOrganization(tx, context, request.params.id, action, null),
        ),
    );
  }

  const reasoned = {
    reject: ["Reject an organization", "It reads the reason, corrects itself and resubmits."],
    suspend: [
      "Suspend an organization",
      "It reads its own and changes nothing; its listings are hidden.",
    ],
    close: [
      "Close an organization",
      "For good: it reads its own, its listings are withdrawn. Not while it has open deals.",
    ],
  } as const;
  for (const action of ["reject", "suspend", "close"] as const) {
    app.post(
      `/v1/organizations/:id/${action}`,
      {
        config: {
          access: { roles: ["operator"] },
          idempotency: "accepted",
          ifMatch: "honoured",
          etag: "version",
          changesAccess: true,
          errors: [
            "organization.not_found",
            "organization.invalid_transition",
            "organization.own",
            ...(action === "close" ? (["organization.has_open_deals"] as const) : []),
          ],
        },
        schema: {
          operationId: `${action}Organization`,
          summary: reasoned[action][0],
          description: reasoned[action][1],
          tags,
          params: IdParams,
          body: ReasonInput,
          response: { 200: Organization },
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) =>
          moveOrganization(tx, context, request.params.id, action, request.body.reason),
        ),
    );
  }

  app.post(
    "/v1/organizations/:id/resubmit",
    {
      config: {
        access: { admin: true },
        idempotency: "accepted",
        ifMatch: "honoured",
        etag: "version",
        changesAccess: true,
        errors: [
          "organization.not_found",
          "organization.not_owner",
          "organization.invalid_transition",
        ],
      },
      schema: {
        operationId: "resubmitOrganization",
        summary: "Ask again for verification after a rejection",
        description: "By an admin of the organization.",
        tags,
        params: IdParams,
        response: { 200: Organization },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        moveOrganization(tx, context, request.params.id, "resubmit", null),
      ),
  );
}
