import { timingSafeEqual } from "node:crypto";
import { apiClients } from "../../../db/schema/api-clients.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor, Origin, Scope } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { instantIn, nowInstant } from "../../lib/clock.ts";
import { AppError, assertAll } from "../../lib/errors.ts";
import { idFromHash, newId, newSecret, sha256 } from "../../lib/ids.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { stored } from "../../lifecycle/stored.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { isFirstWrongSecret } from "../sessions/sessions.service.ts";
import { apiClient, type ClientFound, hasPreviousSecret } from "./api-clients.lifecycle.ts";
import {
  type ApiClient,
  ApiClientInput,
  type ListApiClientsQuery,
  type RotateSecretInput,
} from "./api-clients.schema.ts";
import * as store from "./api-clients.store.ts";

function toClient(found: ClientFound, actor: Actor): ApiClient {
  const {
    secretHash: _,
    secretUsedAt,
    previousSecretHash: __,
    previousSecretIssuedAt,
    previousSecretUsedAt,
    previousSecretExpiresAt,
    ...shown
  } = found.row;
  const newest = { createdAt: shown.secretIssuedAt, lastUsedAt: secretUsedAt, expiresAt: null };
  const previous = previousSecretIssuedAt !== null &&
    hasPreviousSecret(found) && {
      createdAt: previousSecretIssuedAt,
      lastUsedAt: previousSecretUsedAt,
      expiresAt: previousSecretExpiresAt,
    };
  return {
    ...shown,
    scopes: shown.scopes as Scope[],
    secrets: shown.status === "active" ? [newest, ...(previous ? [previous] : [])] : [],
    allowedActions: apiClient.allowedActions(found, actor),
  };
}

const withSecret = (found: ClientFound, actor: Actor, clientSecret: string) => ({
  client: toClient(found, actor),
  clientId: found.row.id,
  clientSecret,
});

const clients = stored(apiClient, {
  lock: async (tx, { organizationId }, id) => {
    const row = await store.lockClient(tx, organizationId, id);
    return row && { row };
  },
  reply: (_, actor, found) => toClient(found, actor),
});

/**
 * Makes a machine client of the caller's organization.
 * @returns the client and its secret, which is nowhere else
 * @throws AppError `api_client.name_taken` (409)
 */
export async function createApiClient(tx: Executor, call: Call, input: ApiClientInput) {
  const { actor } = call;
  const secret = newSecret("gms");
  const row = await insertRow(tx, apiClients, {
    ...input,
    id: newId(),
    organizationId: actor.organizationId,
    createdBy: actor.id,
    secretHash: sha256(secret),
  });
  await clients.made(tx, call, { row });
  return withSecret({ row }, actor, secret);
}

/** The machine clients of the caller's organization. */
export async function listApiClients(
  db: Executor,
  actor: Actor,
  query: ListApiClientsQuery,
): Promise<Page<ApiClient>> {
  const list = `api-clients ${actor.organizationId}`;
  const rows = await store.selectClients(db, actor.organizationId, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows,
    () => "",
    (row) => toClient({ row }, actor),
  );
  if (query.include)
    page.total = totalOf(await store.countClients(db, actor.organizationId, query));
  return page;
}

/** @throws AppError `api_client.not_found` (404) */
export async function readApiClient(db: Executor, actor: Actor, id: string): Promise<ApiClient> {
  const row = await store.selectClient(db, actor.organizationId, id);
  if (!row) throw new AppError("api_client.not_found");
  return toClient({ row }, actor);
}

/**
 * Renames a client or changes its scopes; tokens that it holds lose a scope within five seconds.
 * @throws AppError `api_client.not_found`, `api_client.name_taken`, `api_client.invalid_transition`
 */
export async function updateApiClient(
  tx: Executor,
  call: Call,
  id: string,
  patch: Record<string, unknown>,
): Promise<ApiClient> {
  const { before } = await clients.lockAs(tx, call, id, ["owner"]);
  const { name, scopes, status } = before.row;
  const changes = parsePatched(ApiClientInput, { name, scopes }, patch);
  if (status === "revoked") throw apiClient.refused(before, call.actor);
  return toClient(await clients.change(tx, call, before, { changes }), call.actor);
}

const noPrevious = {
  previousSecretHash: null,
  previousSecretIssuedAt: null,
  previousSecretUsedAt: null,
  previousSecretExpiresAt: null,
};

/**
 * Gives a client a new secret; the one before stops working at once, or after so many hours.
 * @throws AppError `api_client.two_secrets` (409) when three would work
 */
export async function rotateApiClientSecret(
  tx: Executor,
  call: Call,
  id: string,
  { overlapHours }: RotateSecretInput,
) {
  const { before, checks, end } = await clients.begin(tx, call, id, "rotateApiClientSecret");
  const fits = () => {
    if (overlapHours > 0 && hasPreviousSecret(before)) throw new AppError("api_client.two_secrets");
  };
  assertAll([...checks, fits]);
  const secret = newSecret("gms");
  const { secretHash, secretIssuedAt, secretUsedAt } = before.row;
  const previous = {
    previousSecretHash: secretHash,
    previousSecretIssuedAt: secretIssuedAt,
    previousSecretUsedAt: secretUsedAt,
    previousSecretExpiresAt: instantIn(overlapHours * 3_600),
  };
  const changes = {
    secretHash: sha256(secret),
    secretIssuedAt: nowInstant(),
    secretUsedAt: null,
    ...(overlapHours > 0 ? previous : noPrevious),
  };
  return withSecret(await end({ changes }), call.actor, secret);
}

/** Ends the secret before the newest one at once. */
export const endPreviousApiClientSecret = clients.handle("endPreviousApiClientSecret", () => ({
  changes: noPrevious,
}));

/** Ends a client for good; its tokens with it. */
export const revokeApiClient = clients.handle("revokeApiClient");

const uuidShape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Checks client credentials (RFC 6749 4.4), and notes their use or that they failed.
 * @returns the scopes of the client, or null when id or secret is wrong
 * A secret is 256 random bits: there is nothing to be guessed, so nobody is slowed down for a wrong one.
 */
export async function checkClientCredentials(
  db: Executor,
  origin: Origin,
  clientId: string,
  secret: string,
): Promise<readonly Scope[] | null> {
  const found = uuidShape.test(clientId) ? await store.selectActiveClient(db, clientId) : undefined;
  const given = Buffer.from(sha256(secret));
  const isOf = (hash: string | null | undefined): boolean =>
    timingSafeEqual(given, Buffer.from(hash ?? sha256("")));
  const isNewest = isOf(found?.client.secretHash);
  const isPrevious =
    isOf(found?.client.previousSecretHash) &&
    found !== undefined &&
    hasPreviousSecret({ row: found.client });
  const fits = isNewest || isPrevious;
  if (!found || !fits || found.organizationStatus === "closed") {
    const isFirst = await isFirstWrongSecret(db, found ? clientId : null, origin.address);
    if (isFirst)
      await recordAudit(db, origin, {
        type: "api_client.sign_in_failed",
        subject: {
          id: found?.client.id ?? idFromHash(sha256(clientId)),
          organizationId: found?.client.organizationId ?? null,
        },
        before: null,
        after: null,
        reason: !found ? "unknown_account" : fits ? "not_active" : "wrong_secret",
      });
    return null;
  }
  await store.setLastUsed(db, clientId, isNewest ? "secretUsedAt" : "previousSecretUsedAt");
  return found.client.scopes as Scope[];
}
