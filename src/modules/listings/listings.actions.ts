/** The routes of one listing that are no steps of its lifecycle: reading it, and deleting a draft. */
import type { z } from "zod";
import type { Executor } from "../../database/connect.ts";
import { together } from "../../database/together.ts";
import type { Actor, Scope } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import type { AppError, ErrorCode } from "../../lib/errors.ts";
import type { Marked } from "../../lib/http.ts";
import { IdParams } from "../../lib/wire.ts";
import type { App } from "../../plugins/contract.ts";
import { noContent, write } from "../../plugins/writes.ts";

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

/** Registers `GET /{id}` and `DELETE /{id}` under `/v1/results` or `/v1/needs`. */
export function registerListing<Shown extends object>(
  app: App,
  { noun, schema, operationIds, read, remove, ...open }: Listings<Shown>,
): void {
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
        errors: [`${noun}.not_found`],
      },
      schema: {
        operationId: operationIds.read,
        summary: `One ${noun}`,
        description:
          "Live ones and those that have ended for everybody; every state for the owner and the operator.",
        tags,
        params: IdParams,
        response: { 200: schema },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      if (request.actor) return read(app.database.db, request.actor, id);
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
