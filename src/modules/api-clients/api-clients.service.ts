import { timingSafeEqual } from "node:crypto";
import { apiClients } from "../../../db/schema/accounts.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { Actor, Scope } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { newId, newSecret, sha256 } from "../../lib/ids.ts";
import { allowedActions, nextStatus, transitionRefused } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { assertAttemptAllowed, forgetAttempts } from "../sessions/sessions.service.ts";
import { apiClientLifecycle } from "./api-clients.lifecycle.ts";
import { type ApiClient, ApiClientInput, type ListApiClientsQuery } from "./api-clients.schema.ts";
import * as store from "./api-clients.store.ts";

function toClient(row: store.ApiClientRow): ApiClient {
  const { secretHash: _, ...shown } = row;
  return {
    ...shown,
    scopes: row.scopes as Scope[],
    allowedActions: allowedActions(apiClientLifecycle, row.status, ["owner"]),
  };
}

const withSecret = (row: store.ApiClientRow, clientSecret: string) => ({
  client: toClient(row),
  clientId: row.id,
  clientSecret,
});

/**
 * Makes a machine client of the caller's organisation.
 * @returns the client and its secret, which is nowhere else
 * @throws AppError `api_client.name_taken` (409)
 */
export async function createApiClient(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  input: ApiClientInput,
) {
  const secret = newSecret("gms");
  const [row] = await tx
    .insert(apiClients)
    .values({
      ...input,
      id: newId(),
      organizationId: actor.organizationId,
      createdBy: actor.id,
      secretHash: sha256(secret),
    })
    .returning();
  if (!row) throw new Error("insert returned no row");
  await recordAudit(tx, context, {
    type: "api_client.create",
    subject: row,
    before: null,
    after: row,
  });
  return withSecret(row, secret);
}

/** The machine clients of the caller's organisation. */
export async function listApiClients(
  db: Executor,
  actor: Actor,
  query: ListApiClientsQuery,
): Promise<Page<ApiClient>> {
  const list = `api-clients ${actor.organizationId}`;
  const rows = await store.selectClients(db, actor.organizationId, query, readCursor(list, query));
  const page = toPage(list, query, rows, () => "", toClient);
  if (query.include)
    page.total = totalOf(await store.countClients(db, actor.organizationId, query));
  return page;
}

/** @throws AppError `api_client.not_found` (404) */
export async function readApiClient(db: Executor, actor: Actor, id: string): Promise<ApiClient> {
  const row = await store.selectClient(db, actor.organizationId, id);
  if (!row) throw new AppError("api_client.not_found");
  return toClient(row);
}

async function lock(tx: Executor, context: WriteContext, actor: Actor, id: string) {
  const row = await store.lockClient(tx, actor.organizationId, id);
  if (!row) throw new AppError("api_client.not_found");
  assertVersion(row.version, context.expected);
  return row;
}

/**
 * Renames a client or changes its scopes; tokens that it holds lose a scope within five seconds.
 * @throws AppError `api_client.not_found`, `api_client.name_taken`, `api_client.invalid_transition`
 */
export async function updateApiClient(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  patch: Record<string, unknown>,
): Promise<ApiClient> {
  const before = await lock(tx, context, actor, id);
  const { name, scopes } = before;
  const details = parsePatched(ApiClientInput, { name, scopes }, patch);
  if (before.status === "revoked") {
    throw transitionRefused(apiClientLifecycle, before.status, "owner");
  }
  const after = await updateRow(tx, apiClients, before, details);
  await recordAudit(tx, context, { type: "api_client.update", subject: after, before, after });
  return toClient(after);
}

/** Gives a client a new secret; the one before stops working at once. */
export async function rotateApiClientSecret(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
) {
  const before = await lock(tx, context, actor, id);
  nextStatus(apiClientLifecycle, before.status, "rotate-secret", "owner");
  const secret = newSecret("gms");
  const after = await updateRow(tx, apiClients, before, {
    secretHash: sha256(secret),
    secretIssuedAt: nowInstant(),
  });
  await recordAudit(tx, context, {
    type: "api_client.rotate_secret",
    subject: after,
    before,
    after,
  });
  return withSecret(after, secret);
}

/** Ends a client for good; its tokens with it. */
export async function revokeApiClient(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<ApiClient> {
  const before = await lock(tx, context, actor, id);
  const status = nextStatus(apiClientLifecycle, before.status, "revoke", "owner");
  const after = await updateRow(tx, apiClients, before, { status });
  await recordAudit(tx, context, { type: "api_client.revoke", subject: after, before, after });
  return toClient(after);
}

const uuidShape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Checks client credentials (RFC 6749 4.4) and notes their use.
 * @returns the scopes of the client, or null when id or secret is wrong
 * @throws AppError `auth.too_many_attempts` (429)
 */
export async function checkClientCredentials(
  db: Executor,
  address: string,
  clientId: string,
  secret: string,
): Promise<readonly Scope[] | null> {
  await assertAttemptAllowed(db, clientId, address);
  const found = uuidShape.test(clientId) ? await store.selectActiveClient(db, clientId) : undefined;
  const given = Buffer.from(sha256(secret));
  const fits = timingSafeEqual(given, Buffer.from(found?.client.secretHash ?? sha256("")));
  if (!found || !fits || found.organizationStatus === "closed") return null;
  await forgetAttempts(db, clientId, address);
  await store.setLastUsed(db, clientId, nowInstant());
  return found.client.scopes as Scope[];
}
