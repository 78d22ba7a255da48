/** The routes of one listing that are no steps of its lifecycle: reading it, and deleting a draft. */
import { z } from "zod";
import type { Executor } from "../../database/connect.ts";
import { together } from "../../database/together.ts";
import type { Actor, Scope } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import type { AppError, ErrorCode } from "../../lib/errors.ts";
import type { Marked } from "../../lib/http.ts";
import { shapeQuery } from "../../lib/shape.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";
import { listingRelations } from "./listings.schema.ts";

interface Opened<Shown> {
  mark: string;
  body: Shown;
}

interface Listings<Shown> {
  noun: "result" | "need";
  /** Schema of the reply. */
  schema: z.ZodType<Shown>;
  operationIds: { read: string; remove: string };
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

/** Registers `GET /{id}` and `DELETE /{id}` under `/v1/results` or `/v1/needs`. */
export function registerListing<Shown extends object>(
  app: App,
  { noun, schema, operationIds, read, remove, ...open }: Listings<Shown>,
): void {
  // A resource is an object; what it holds is all that its type tells here.
  const members = schema as unknown as z.ZodObject;
  const shape = z.strictObject(shapeQuery(members, listingRelations));
  const path = `/v1/${noun}s/:id`;
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
