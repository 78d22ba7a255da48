import { and, eq, inArray, lt, sql } from "drizzle-orm";
import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { z } from "zod";
import { idempotencyKeys } from "../../db/schema/plumbing.ts";
import type { Executor } from "../database/connect.ts";
import { isFreeFor, type Take } from "../database/held-rows.ts";
import { placeholdersFor, prepared } from "../database/prepared.ts";
import { send, transact } from "../database/transact.ts";
import { instantIn } from "../lib/clock.ts";
import { AppError, errorKind, statusOf } from "../lib/errors.ts";
import { etagOf, expectedVersion } from "../lib/etag.ts";
import { sha256 } from "../lib/ids.ts";
import type { WriteContext } from "../lib/write-context.ts";
import { originOf } from "./authentication.ts";

/** The schema of a reply without content. */
export const noContent = z.null();

interface WriteOptions<T> {
  /** Status of success; 200 when absent. */
  status?: number;
  /** Address of what was created. */
  location?: (body: T) => string;
  /** What tells this request from another with the same key, where its body is a stream. */
  fingerprint?: string;
}

/** `Idempotency-Key: "abc"` or `abc` (draft-07 of the header's specification quotes it; many clients do not). */
function keyOf(request: FastifyRequest): string | null {
  const header = request.headers["idempotency-key"];
  if (header === undefined) return null;
  const key = String(header).replace(/^"(.*)"$/, "$1");
  if (key.length > 0 && key.length <= 255) return key;
  const detail = { en: "must hold 1 to 255 characters", zh: "长度须为 1 至 255 个字符" };
  throw new AppError("request.invalid", {
    faults: [{ header: "Idempotency-Key", code: "too_big", detail }],
  });
}

/** One transaction of a request, once it is its turn. */
const transactFor = <T>(
  request: FastifyRequest,
  work: (tx: Executor) => Promise<T>,
): Promise<T> => {
  const { server } = request;
  return server.throughGate(request, () => transact(server.database.pool, work));
};

/**
 * Runs a mutation in one transaction and sends what it returns. With an Idempotency-Key the reply is
 * stored in that same transaction, so that it is there exactly when the change is; the same key again
 * gets the stored reply and changes nothing.
 * @param verb the service verb; all it writes, audit record included, commits or rolls back together.
 *   A refusal that it throws rolls back; one that it returns is sent after what it wrote is committed.
 */
export async function write<T extends object | undefined>(
  request: FastifyRequest,
  reply: FastifyReply,
  verb: (tx: Executor, context: WriteContext) => Promise<T | AppError>,
  { status = 200, location, fingerprint }: WriteOptions<T> = {},
): Promise<T> {
  const context = { ...originOf(request), expected: expectedVersion(request.headers["if-match"]) };
  const key = request.routeOptions.config.idempotency === "accepted" ? keyOf(request) : null;
  if (key === null) {
    const body = await transactFor(request, (tx) => verb(tx, context));
    if (body instanceof AppError) throw body;
    reply.code(status);
    if (location) reply.header("location", location(body));
    // An empty reply must be said: `undefined` would mean that it is sent later.
    return body ?? (null as unknown as T);
  }

  const caller = request.actor?.id ?? "";
  const path = request.url.split("?", 1)[0] ?? "";
  const scope = sha256(JSON.stringify([caller, request.method, path, key]));
  const requestHash = sha256(JSON.stringify([request.query, fingerprint ?? request.body ?? null]));
  const stored = await transactFor(request, async (tx) => {
    const earlier = await earlierReply(tx, scope);
    if (earlier) {
      if (earlier.requestHash !== requestHash) throw new AppError("idempotency.key_reused");
      return { ...earlier, replayed: true };
    }
    const body = await verb(tx, context);
    if (body instanceof AppError) throw body;
    const text = serialize(reply, body, status);
    const version = body && "version" in body ? Number(body.version) : null;
    const headers: Record<string, string> = {
      ...(location ? { location: location(body) } : {}),
      ...(request.routeOptions.config.etag ? { etag: etagOf(version, text) } : {}),
    };
    const record = { scope, requestHash, status, headers, body: text };
    await send(tx, insertReply(tx, record));
    return { ...record, replayed: false };
  });
  reply.code(stored.status).headers(stored.headers).type("application/json; charset=utf-8");
  if (stored.replayed) reply.header("idempotent-replayed", "true");
  reply.send(stored.body);
  // The reply is on its way as the stored text; Fastify takes a returned reply for "sent".
  return reply as unknown as T;
}

/** What a dry run found. */
export const DryRun = z
  .object({
    dryRun: z.literal(true),
    ok: z.boolean().describe("Nothing stands in the way."),
    code: z.string().optional().describe("The refusal that the call would get."),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional(),
          code: z.string(),
          zh: z.string(),
          en: z.string(),
        }),
      )
      .describe("Everything that blocks it."),
  })
  .meta({ id: "DryRun" });

/** `?dryRun=true` of the operations that offer it. */
export const DryRunQuery = z.strictObject({
  dryRun: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional()
    .describe("`true`: every check, nothing written; the reply lists what blocks."),
});

/** What a refusal names: its faults, place by place, or itself. */
function blocksOf({ code, details }: AppError): z.output<typeof DryRun>["errors"] {
  const { zh, en } = details.detail ?? errorKind(code);
  if (!details.faults?.length) return [{ code, zh, en }];
  return details.faults.map(({ pointer, code, detail }) => ({ pointer, code, ...detail }));
}

/** Thrown to roll back what a dry run wrote. */
class RolledBack extends Error {}

/**
 * Runs a mutation with every check and undoes it: what would happen, without it happening.
 * @param verb as in `write`
 */
export async function dryRun(
  request: FastifyRequest,
  verb: (tx: Executor, context: WriteContext) => Promise<unknown>,
): Promise<z.output<typeof DryRun>> {
  const context = { ...originOf(request), expected: expectedVersion(request.headers["if-match"]) };
  try {
    await transactFor(request, async (tx) => {
      const outcome = await verb(tx, context);
      throw outcome instanceof AppError ? outcome : new RolledBack();
    });
  } catch (error) {
    if (error instanceof RolledBack) return { dryRun: true, ok: true, errors: [] };
    // Whether the caller may ask at all is no finding: it is refused like the call itself.
    if (!(error instanceof AppError) || statusOf(error.code) !== 409) throw error;
    const errors = [error, ...(error.details.others ?? [])].flatMap(blocksOf);
    return { dryRun: true, ok: false, code: error.code, errors };
  }
  throw new Error("a dry run ends by rolling back");
}

/** The text that Fastify would send, made by the route's own serializer. */
function serialize(reply: FastifyReply, body: object | undefined, status: number): string {
  return body ? String(reply.serializeInput({ ...body }, String(status), "application/json")) : "";
}

const insertReply = (tx: Executor, record: typeof idempotencyKeys.$inferInsert) =>
  prepared(tx, "insert_reply", (name) =>
    tx
      .insert(idempotencyKeys)
      .values(
        placeholdersFor(idempotencyKeys, ["scope", "requestHash", "status", "headers", "body"]),
      )
      .prepare(name),
  ).execute(record);

/**
 * Takes the key for this transaction and reads what an earlier one stored. Two statements in one round
 * trip: the second looks after the lock is taken, so a reply stored until then is seen.
 * @throws AppError `idempotency.in_progress` (409) while the first request still runs
 */
async function earlierReply(tx: Executor, scope: string) {
  const lock = prepared(tx, "lock_reply", (name) =>
    tx
      .select({
        taken: sql<boolean>`pg_try_advisory_xact_lock(hashtextextended(${sql.placeholder("scope")}, 0))`,
      })
      .from(sql`(select 1) as one`)
      .prepare(name),
  );
  const read = prepared(tx, "read_reply", (name) =>
    tx
      .select()
      .from(idempotencyKeys)
      .where(eq(idempotencyKeys.scope, sql.placeholder("scope")))
      .prepare(name),
  );
  const [[locked], [earlier]] = await Promise.all([
    lock.execute({ scope }),
    read.execute({ scope }),
  ]);
  if (!locked?.taken) {
    throw new AppError("idempotency.in_progress", { headers: { "retry-after": "1" } });
  }
  if (!earlier || earlier.createdAt > instantIn(-keptSeconds)) return earlier;
  await tx.delete(idempotencyKeys).where(eq(idempotencyKeys.scope, scope));
  return null;
}

/** Seconds for which a reply is kept. */
const keptSeconds = 24 * 60 * 60;

/** Replies whose time has passed, for the job that removes them; those in use are left alone. */
export const takeOldReplies = (tx: Executor, take: Take): Promise<{ id: string }[]> =>
  tx
    .select({ id: idempotencyKeys.scope })
    .from(idempotencyKeys)
    .where(
      and(
        lt(idempotencyKeys.createdAt, instantIn(-keptSeconds)),
        isFreeFor(take, idempotencyKeys.scope),
      ),
    )
    .orderBy(idempotencyKeys.createdAt)
    .limit(take.limit)
    .for("update", { skipLocked: true });

export const removeReplies = (tx: Executor, replies: readonly { id: string }[]) =>
  tx.delete(idempotencyKeys).where(
    inArray(
      idempotencyKeys.scope,
      replies.map(({ id }) => id),
    ),
  );

/** Refuses an Idempotency-Key where a reply holds a secret and so cannot be stored. */
export default fp(
  async (app) => {
    app.addHook("onRoute", (route) => {
      if (route.config?.idempotency !== "refused") return;
      route.preHandler = [route.preHandler ?? []].flat();
      route.preHandler.push(async (request) => {
        if (request.headers["idempotency-key"] !== undefined) {
          throw new AppError("request.idempotency_key_not_accepted");
        }
      });
    });
  },
  { name: "writes", dependencies: ["contract", "database", "gate"] },
);
