/** The routes of one listing, and of the steps that results and needs share. */
import type { z } from "zod";
import type { Scope } from "../../lib/access.ts";
import type { ErrorCode } from "../../lib/errors.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import { RenewInput, ReviewInput } from "./listings.schema.ts";
import type { listingVerbs } from "./listings.service.ts";

interface Listings {
  noun: "result" | "need";
  /** `result` in words of a summary. */
  words: string;
  /** Schema of the reply. */
  // The schema and the verbs are of one feature; their types are checked where they are defined.
  schema: z.ZodType;
  verbs: ReturnType<typeof listingVerbs<never, object>>;
  /** Refusals of `submit`, `publish`, `renew` and PATCH beyond those of every listing. */
  errors?: readonly ErrorCode[];
}

/**
 * Registers `GET /{id}`, `DELETE /{id}` and the shared lifecycle steps under `/v1/results` or
 * `/v1/needs`.
 */
export function registerListingActions(
  app: App,
  { noun, words, schema, verbs, errors = [] }: Listings,
): void {
  const path = `/v1/${noun}s/:id`;
  const tags = [`${noun}s`];
  const name = noun === "result" ? "Result" : "Need";
  const writing: Scope = `${noun}s:write`;
  const reading: Scope = `${noun}s:read`;
  const step = { idempotency: "accepted", ifMatch: "honoured", etag: "version" } as const;
  const refusals: ErrorCode[] = [
    `${noun}.not_found`,
    `${noun}.not_owner`,
    `${noun}.invalid_transition`,
  ];
  const demanding: ErrorCode[] = [...refusals, `${noun}.incomplete`, ...errors];
  const response = { 200: schema };

  app.get(
    path,
    {
      config: {
        access: { public: true, scope: reading },
        etag: "version",
        cacheSeconds: 30,
        errors: [`${noun}.not_found`],
      },
      schema: {
        operationId: `read${name}`,
        summary: `One ${words}`,
        description:
          "Live ones and those that have ended for everybody; every state for the owner and the operator.",
        tags,
        params: IdParams,
        response,
      },
    },
    (request) => verbs.read(app.database.db, request.actor, request.params.id),
  );

  app.delete(
    path,
    {
      config: { access: { scope: writing }, ifMatch: "honoured", errors: refusals },
      schema: {
        operationId: `delete${name}`,
        summary: `Delete a draft ${words}`,
        description: "Only one that was never public; what was is withdrawn instead.",
        tags,
        params: IdParams,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) => verbs.remove(tx, context, request.params.id), {
        status: 204,
      }),
  );

  const simple: {
    action: "submit" | "withdraw" | "publish";
    access: { roles?: readonly ["operator"]; scope?: Scope; verified?: true };
    errors: ErrorCode[];
    summary: string;
    description: string;
  }[] = [
    {
      action: "submit",
      access: { scope: writing, verified: true },
      errors: demanding,
      summary: `Submit a ${words} for review`,
      description: "Names everything that is still missing. The operator reviews it next.",
    },
    {
      action: "withdraw",
      access: { scope: writing },
      errors: refusals,
      summary: `Withdraw a ${words}`,
      description: "From review back to draft, or out of public view.",
    },
    {
      action: "publish",
      access: { roles: ["operator"] },
      errors: [...demanding, "organization.not_verified"],
      summary: `Publish a ${words}`,
      description:
        "By the operator, after review. Live for a year when the owner named no last day.",
    },
  ];
  for (const { action, access, errors, summary, description } of simple) {
    app.post(
      `${path}/${action}`,
      {
        config: { ...step, access, errors },
        schema: {
          operationId: `${action}${name}`,
          summary,
          description,
          tags,
          params: IdParams,
          response,
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) => verbs[action](tx, context, request.params.id)),
    );
  }

  for (const action of ["request-changes", "reject"] as const) {
    app.post(
      `${path}/${action}`,
      {
        config: { ...step, access: { roles: ["operator"] }, errors: refusals },
        schema: {
          operationId: action === "reject" ? `reject${name}` : `requestChangesOf${name}`,
          summary: action === "reject" ? `Reject a ${words}` : `Ask for changes of a ${words}`,
          description:
            "By the operator, with a reason from `review-reasons` and a note. The owner mends it and submits again.",
          tags,
          params: IdParams,
          body: ReviewInput,
          response,
        },
      },
      (request, reply) =>
        write(request, reply, (tx, context) =>
          verbs.review(tx, context, request.params.id, action, request.body),
        ),
    );
  }

  app.post(
    `${path}/renew`,
    {
      config: { ...step, access: { scope: writing, verified: true }, errors: demanding },
      schema: {
        operationId: `renew${name}`,
        summary: `Renew an expired or withdrawn ${words}`,
        description:
          "Live again at once when it was not changed since its review, else back to review.",
        tags,
        params: IdParams,
        body: RenewInput,
        response,
      },
    },
    (request, reply) =>
      write(request, reply, (tx, context) =>
        verbs.renew(tx, context, request.params.id, request.body.validUntil),
      ),
  );
}
