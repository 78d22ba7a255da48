import { oneTimeLinks, refreshTokens, sessions } from "../../../db/schema/accounts.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import type { Actor, Origin, Scope } from "../../lib/access.ts";
import { clock, instantIn, nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId, newSecret, sha256 } from "../../lib/ids.ts";
import { recordAudit } from "../audit/audit.service.ts";
import * as store from "./sessions.store.ts";

/**
 * Who a verified token stands for, as the database has it now.
 * @param sessionId the token's `sid`; null for a machine client
 * @returns null when the sign-in was ended, the person suspended or the client revoked
 */
export async function findActor(
  db: Executor,
  subject: string,
  sessionId: string | null,
): Promise<Actor | null> {
  if (sessionId) {
    const [row] = await store.selectMemberActor(db, subject, sessionId);
    return row ? { kind: "member", id: subject, sessionId, scopes: null, ...row } : null;
  }
  const [row] = await store.selectClientActor(db, subject);
  if (!row) return null;
  const scopes = row.scopes as Scope[];
  return { ...row, kind: "client", id: subject, sessionId: null, isAdmin: false, scopes };
}

/** Attempts in a window of 15 minutes: at one account, and from one address. */
const windowSeconds = 15 * 60;
const attemptsPerAccount = 10;
const attemptsPerAddress = 100;

const accountKey = (account: string) => `account:${sha256(account)}`;
const addressKey = (address: string) => `address:${sha256(address)}`;

/**
 * Counts an attempt at a secret before it is checked, so that parallel guesses are bounded too.
 * @throws AppError `auth.too_many_attempts` (429) with Retry-After
 */
export async function assertAttemptAllowed(
  db: Executor,
  account: string,
  address: string,
): Promise<void> {
  const bounds: [string, number][] = [
    // The address first: one that is blocked counts against nobody's account.
    [addressKey(address), attemptsPerAddress],
    [accountKey(account), attemptsPerAccount],
  ];
  for (const [key, bound] of bounds) {
    const attempt = await store.countAttempt(db, key, nowInstant(), instantIn(-windowSeconds));
    if (attempt.count <= bound) continue;
    const end = new Date(attempt.windowStart).getTime() + windowSeconds * 1000;
    const seconds = Math.max(1, Math.ceil((end - clock.now().getTime()) / 1000));
    throw new AppError("auth.too_many_attempts", { headers: { "retry-after": String(seconds) } });
  }
}

/**
 * A right secret: the account's count starts again, and the address is not held to it. Many people
 * sign in from one address of a large organisation.
 */
export async function forgetAttempts(
  db: Executor,
  account: string,
  address: string | null,
): Promise<void> {
  await store.deleteAttempts(db, accountKey(account));
  if (address) await store.uncountAttempt(db, addressKey(address));
}

/** A sign-in with a fresh refresh token; the token itself is nowhere stored. */
export interface SignIn {
  memberId: string;
  sessionId: string;
  refreshToken: string;
}

/** Starts a sign-in of a person, for `days` however often it is refreshed. */
export async function openSession(tx: Executor, memberId: string, days: number): Promise<SignIn> {
  const sessionId = newId();
  const expiresAt = instantIn(days * 24 * 60 * 60);
  await tx.insert(sessions).values({ id: sessionId, memberId, expiresAt });
  return { memberId, sessionId, refreshToken: await issueRefreshToken(tx, sessionId, expiresAt) };
}

async function issueRefreshToken(tx: Executor, sessionId: string, expiresAt: string) {
  const token = newSecret("gmr");
  await tx.insert(refreshTokens).values({ tokenHash: sha256(token), sessionId, expiresAt });
  return token;
}

/**
 * Exchanges a refresh token for the next one (RFC 9700 4.14.2). A token that was used before has
 * been stolen, from one side or the other: its whole sign-in is revoked. That revocation must be
 * committed, so the refusal is returned, not thrown.
 */
export async function refreshSession(
  tx: Executor,
  origin: Origin,
  token: string,
): Promise<SignIn | AppError> {
  const tokenHash = sha256(token);
  const [used] = await store.useRefreshToken(tx, tokenHash, nowInstant());
  if (used) {
    const refreshToken = await issueRefreshToken(tx, used.sessionId, used.expiresAt);
    await recordAudit(tx, origin, {
      type: "session.refresh",
      subject: { id: used.sessionId, organizationId: used.organizationId },
      before: null,
      after: null,
    });
    return { memberId: used.memberId, sessionId: used.sessionId, refreshToken };
  }
  const [known] = await store.selectRefreshToken(tx, tokenHash);
  if (!known?.usedAt) return new AppError("auth.invalid_refresh_token");
  const [revoked] = await store.revokeSession(tx, known.sessionId, "token_reuse", nowInstant());
  if (!revoked) return new AppError("auth.refresh_token_reused");
  await recordAudit(tx, origin, {
    type: "session.revoke",
    subject: { id: known.sessionId, organizationId: known.organizationId },
    before: null,
    after: null,
    reason: "token_reuse",
  });
  return new AppError("auth.refresh_token_reused");
}

/** Ends the sign-in that the caller's token belongs to. */
export async function logout(tx: Executor, origin: Origin): Promise<undefined> {
  const { actor } = origin;
  if (!actor?.sessionId) return;
  const [ended] = await store.revokeSession(tx, actor.sessionId, "sign_out", nowInstant());
  if (!ended) return;
  await recordAudit(tx, origin, {
    type: "session.revoke",
    subject: { id: actor.sessionId, organizationId: actor.organizationId },
    before: null,
    after: null,
    reason: "sign_out",
  });
}

/** Ends every sign-in of a person and every open link. */
export async function endSignIns(
  tx: Executor,
  memberId: string,
  why: "password_change" | "suspension",
): Promise<void> {
  await store.revokeSessionsOf(tx, memberId, why, nowInstant());
  await store.endLinksOf(tx, memberId, nowInstant());
}

/** Removes every link of a person whose account goes. */
export async function removeLinksOf(tx: Executor, memberId: string): Promise<void> {
  await store.deleteLinksOf(tx, memberId);
}

const linkDays = 7;

/** Makes the one link that works for a person from now on; only its hash is stored. */
export async function issueLink(
  tx: Executor,
  memberId: string,
  purpose: "invitation" | "password_reset",
): Promise<{ token: string; expiresAt: string }> {
  await store.endLinksOf(tx, memberId, nowInstant());
  const token = newSecret("gml");
  const expiresAt = instantIn(linkDays * 24 * 60 * 60);
  await tx.insert(oneTimeLinks).values({ tokenHash: sha256(token), memberId, purpose, expiresAt });
  return { token, expiresAt };
}

/**
 * Whose link it is, good or not: the person is locked before the link, as in every other change.
 * @throws AppError `auth.invalid_link` for one that never was
 */
export async function ownerOfLink(tx: Executor, token: string): Promise<string> {
  const [link] = await store.selectLink(tx, sha256(token));
  if (!link) throw new AppError("auth.invalid_link");
  return link.memberId;
}

/**
 * Uses a link up.
 * @returns what it was for
 * @throws AppError `auth.invalid_link`
 */
export async function redeemLink(tx: Executor, token: string) {
  const [link] = await store.useLink(tx, sha256(token), nowInstant());
  if (!link) throw new AppError("auth.invalid_link");
  return link.purpose;
}

/** What expired sign-ins leave behind: they themselves, links, counts of attempts. */
export const leftoverKinds = store.leftoverKinds;

/** Those that expired more than a day ago. */
export const takeLeftovers =
  (kind: store.Leftover) =>
  (tx: Executor, take: Take): Promise<{ id: string }[]> =>
    store.lockLeftovers(tx, kind, instantIn(-24 * 60 * 60), take);

export const removeLeftovers =
  (kind: store.Leftover) =>
  (tx: Executor, rows: readonly { id: string }[]): Promise<unknown> =>
    store.deleteLeftovers(
      tx,
      kind,
      rows.map(({ id }) => id),
    );

/** Whether tokens of people may be in use: somebody is signed in. */
export const anybodySignedIn = (db: Executor): Promise<boolean> => store.existsLiveSession(db);
