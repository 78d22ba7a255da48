/** The routes that results and needs share and that are no steps of their lifecycles. */
import { z } from "zod";
import type { Executor } from "../../database/connect.ts";
import { together } from "../../database/together.ts";
import type { Access, Actor, Scope } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import type { AppError, ErrorCode } from "../../lib/errors.ts";
import type { Marked } from "../../lib/http.ts";
import type { Put, PutCall } from "../../lib/put.ts";
import { shapeQuery } from "../../lib/shape.ts";
import { ExternalIdParams, IdParams } from "../../lib/wire.ts";
import {
  BatchOutcome,
  batchBodyLimit,
  batchOf,
  exampleOf,
  writeBatch,
} from "../../plugins/batches.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, put, write } from "../../plugins/writes.ts";
import type { DraftQuota } from "./drafts.service.ts";
import { listingRelations } from "./listings.schema.ts";

interface Opened<Shown> {
  mark: string;
  body: Shown;
}

interface Listings<Shown, Input> {
  noun: "result" | "need";
  /** Schema of the reply. */
  schema: z.ZodType<Shown>;
  /** Schema of what is drafted. */
  input: z.ZodType<Input>;
  operationIds: { put: string; createMany: string; read: string; remove: string };
  /** What the body of a batch is called in the OpenAPI document. */
  batchInput: string;
  /** Who drafts and replaces. */
  owners: Access;
  /** What replacing one can be refused with that replacing one of the other noun cannot. */
  refusals?: readonly ErrorCode[];
  put: (
    tx: Executor,
    call: PutCall,
    externalId: string,
    input: Input,
    quota: DraftQuota,
  ) => Promise<Put<Shown>>;
  createMany: (
    tx: Executor,
    call: Call,
    quota: DraftQuota,
  ) => Promise<(input: Input) => Promise<Shown>>;
  read: (db: Executor, actor: Actor | null, id: string) => Promise<Shown>;
  /** Some as all may see them, each with its mark; an error for one that is not open. */
  readOpen: (db: Executor, ids: readonly string[]) => Promise<(Opened<Shown> | AppError)[]>;
  /** Their marks alone. */
  markOpen: (db: Executor, ids: readonly string[]) => Promise<(Marked | null)[]>;
  remove: (tx: Executor, call: Call, id: string) => Promise<undefined>;
}

/** What a listing may be joined with, by itself or in a list. */
export const expandsOfListing = (noun: "result" | "need") => ({
  organization: {
    kind: "organization" as const,
    // Masked where its owner stays anonymous.
    of: (item: { organization: { id: string } | null }) => item.organization?.id ?? null,
  },
  attachments: { kind: `files of ${noun}` as const, of: ({ id }: { id: string }) => id },
});

/**
 * Registers `PUT /by-external-id/{externalId}`, `POST /batch`, `GET /{id}` and `DELETE /{id}` under `/v1/results`
 * or `/v1/needs`.
 */
export function registerListing<
  Shown extends { id: string; version: number; status: string; reference: string },
  Input,
>(app: App, listings: Listings<Shown, Input>): void {
  const { noun, schema, input, operationIds, owners, read, remove, ...open } = listings;
  // A resource is an object; what it holds is all that its type tells here.
  const members = schema as unknown as z.ZodObject;
  const shape = z.strictObject(shapeQuery(members, listingRelations));
  const collection = `/v1/${noun}s`;
  const path = `${collection}/:id`;
  const tags = [`${noun}s`];
  const reading: Scope = `${noun}s:read`;
  const writing: Scope = `${noun}s:write`;
  const refusals: ErrorCode[] = [
    `${noun}.not_found`,
    `${noun}.not_owner`,
    `${noun}.invalid_transition`,
  ];

  const readOpen = together<Opened<Shown>>((ids) => open.readOpen(app.database.db, ids));
  const markOpen = together((ids) => open.markOpen(app.database.db, ids));

  app.put(
    `${collection}/by-external-id/:externalId`,
    {
      config: {
        access: owners,
        ifMatch: "honoured",
        etag: "version",
        errors: [
          "organization.draft_quota",
          `${noun}.invalid_transition`,
          `${noun}.external_id_taken`,
          `${noun}.incomplete`,
          ...(listings.refusals ?? []),
        ],
      },
      schema: {
        operationId: operationIds.put,
        summary: `Create or replace a ${noun} by an id of one's own`,
        description: `Drafts the ${noun} that the organization calls so, or replaces all that it holds, by the rules of a change: the same again changes nothing. What is left out and it got without being told stays: its last day with its publication, contact and region of its organization. 201 when it is new.`,
        tags,
        params: ExternalIdParams,
        body: input,
        response: { 200: schema, 201: schema },
      },
    },
    (request, reply) => {
      const { externalId } = request.params as z.output<typeof ExternalIdParams>;
      return put(request, reply, collection, (tx, call) =>
        listings.put(tx, call, externalId, request.body as Input, app.config.maxDrafts),
      );
    },
  );

  app.post(
    `${collection}/batch`,
    {
      bodyLimit: batchBodyLimit,
      config: {
        access: owners,
        idempotency: "accepted",
        errors: ["batch.refused"],
        itemErrors: ["organization.draft_quota", `${noun}.external_id_taken`],
      },
      schema: {
        operationId: operationIds.createMany,
        summary: `Draft ${noun}s: many at once`,
        description: `Each item is what \`POST ${collection}\` takes, and has an outcome of its own, such as \`organization.draft_quota\`. With \`atomic\` all or none is drafted. It counts for as many requests as it has items.`,
        tags,
        body: batchOf(input, listings.batchInput, exampleOf(input)),
        response: { 207: BatchOutcome },
      },
    },
    (request, reply) =>
      writeBatch(
        request,
        reply,
        request.body as Parameters<typeof writeBatch<Input>>[2],
        { status: 201 },
        (tx, call) => listings.createMany(tx, call, app.config.maxDrafts),
      ),
  );

  app.get(
    path,
    {
      config: {
        access: { public: true, scope: reading },
        etag: "version",
        cacheSeconds: 30,
        expands: expandsOfListing(noun),
        errors: [`${noun}.not_found`],
      },
      schema: {
        operationId: operationIds.read,
        summary: `One ${noun}`,
        description:
          "Live ones and those that have ended for everybody; every state for the owner and the operator.",
        tags,
        params: IdParams,
        querystring: shape,
        response: { 200: schema },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { fields, expand } = request.query;
      // Kept is the whole alone: what it is joined with has other marks.
      if (request.actor || fields || expand) return read(app.database.db, request.actor, id);
      return app.keptReply(request, reply, `${noun} ${id}`, {
        markOf: () => markOpen(id),
        make: () => readOpen(id),
      });
    },
  );

  app.delete(
    path,
    {
      config: { access: { scope: writing }, ifMatch: "honoured", errors: refusals },
      schema: {
        operationId: operationIds.remove,
        summary: `Delete a draft ${noun}`,
        description: "Only one that was never public; what was is withdrawn instead.",
        tags,
        params: IdParams,
        response: { 204: noContent },
      },
    },
    (request, reply) =>
      write(request, reply, (tx, call) => remove(tx, call, request.params.id), {
        status: 204,
      }),
  );
}
