import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { z } from "zod";
import type { Executor } from "../database/connect.ts";
import { deleteReply, insertReply, isTooOld, lockReply } from "../database/kept-replies.ts";
import { transact } from "../database/transact.ts";
import type { Call, OpenCall } from "../lib/call.ts";
import { AppError } from "../lib/errors.ts";
import { etagOf, expectedVersion, unwantedVersion, versionedOf } from "../lib/etag.ts";
import { idempotencyKeyOf } from "../lib/idempotency-key.ts";
import { sha256 } from "../lib/ids.ts";
import type { Put, PutCall } from "../lib/put.ts";
import { errorKind, sentenceOf, statusOf } from "../words.ts";
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

/** One transaction of a request, once it is its turn. */
const transactFor = <T>(
  request: FastifyRequest,
  work: (tx: Executor) => Promise<T>,
): Promise<T> => {
  const { server } = request;
  return server.throughGate(request, () => transact(server.database.pool, work));
};

/** What a verb is told of the request. */
const openCallOf = (request: FastifyRequest): OpenCall => ({
  ...originOf(request),
  expected: expectedVersion(request.headers["if-match"]),
});

/**
 * The same of a request that nobody anonymous may make.
 * @throws AppError `auth.required`
 */
export const callOf = (request: FastifyRequest): Call => ({
  ...openCallOf(request),
  actor: request.caller,
});

/**
 * Runs a mutation in one transaction and sends what it returns. With an Idempotency-Key the reply is
 * stored in that same transaction, so that it is there exactly when the change is; the same key again
 * gets the stored reply and changes nothing.
 * @param verb the service verb; all it writes, audit record included, commits or rolls back together.
 *   A refusal that it throws rolls back; one that it returns is sent after what it wrote is committed.
 */
export function write<T extends object | undefined>(
  request: FastifyRequest,
  reply: FastifyReply,
  verb: (tx: Executor, call: Call) => Promise<T | AppError>,
  options: WriteOptions<T> = {},
): Promise<T> {
  const call = callOf(request);
  return send(request, reply, (tx) => verb(tx, call), options);
}

/** The same for a route that admits anybody. */
export function writeOpen<T extends object | undefined>(
  request: FastifyRequest,
  reply: FastifyReply,
  verb: (tx: Executor, call: OpenCall) => Promise<T | AppError>,
  options: WriteOptions<T> = {},
): Promise<T> {
  const call = openCallOf(request);
  return send(request, reply, (tx) => verb(tx, call), options);
}

/**
 * Creates or replaces: 201 with the address of what is new, 200 else. There is no Idempotency-Key, because
 * the same again changes nothing.
 */
export async function put<T extends { id: string }>(
  request: FastifyRequest,
  reply: FastifyReply,
  collection: string,
  verb: (tx: Executor, call: PutCall) => Promise<Put<T>>,
): Promise<T> {
  const unwanted = unwantedVersion(request.headers["if-none-match"]);
  const call = { ...callOf(request), unwanted };
  const { body, isNew } = await transactFor(request, (tx) => verb(tx, call));
  reply.code(isNew ? 201 : 200);
  if (isNew) reply.header("location", `${collection}/${body.id}`);
  return body;
}

async function send<T extends object | undefined>(
  request: FastifyRequest,
  reply: FastifyReply,
  verb: (tx: Executor) => Promise<T | AppError>,
  { status = 200, location, fingerprint }: WriteOptions<T>,
): Promise<T> {
  const key =
    request.routeOptions.config.idempotency === "accepted"
      ? idempotencyKeyOf(request.headers)
      : null;
  if (key === null) {
    const body = await transactFor(request, verb);
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
    const body = await verb(tx);
    if (body instanceof AppError) throw body;
    const text = serialize(reply, body, status);
    const headers: Record<string, string> = {
      ...(location ? { location: location(body) } : {}),
      ...(request.routeOptions.config.etag ? { etag: etagOf(versionedOf(body), text) } : {}),
    };
    const record = { scope, requestHash, status, headers, body: text };
    await insertReply(tx, record);
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
  return details.faults.map((fault) => ({
    pointer: fault.pointer,
    code: fault.code,
    ...sentenceOf(fault),
  }));
}

/** Thrown to roll back what a dry run wrote. */
class RolledBack extends Error {}

/**
 * Runs a mutation with every check and undoes it: what would happen, without it happening.
 * @param verb as in `write`
 */
export async function dryRun(
  request: FastifyRequest,
  verb: (tx: Executor, call: Call) => Promise<unknown>,
): Promise<z.output<typeof DryRun>> {
  const call = callOf(request);
  try {
    await transactFor(request, async (tx) => {
      const outcome = await verb(tx, call);
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

/**
 * Takes the key for this transaction and reads what an earlier one stored.
 * @throws AppError `idempotency.in_progress` (409) while the first request still runs
 */
async function earlierReply(tx: Executor, scope: string) {
  const { isTaken, earlier } = await lockReply(tx, scope);
  if (!isTaken) throw new AppError("idempotency.in_progress", { headers: { "retry-after": "1" } });
  if (!earlier || !isTooOld(earlier)) return earlier;
  await deleteReply(tx, scope);
  return null;
}

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
