import { oneTimeLinks, refreshTokens, sessions } from "../../../db/schema/sessions.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor, Origin, Scope } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { instantIn, nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId, newSecret, sha256 } from "../../lib/ids.ts";
import { networkOf } from "../../lib/rate-limits.ts";
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

/** Where an attempt at a password comes from. */
export interface Attempting {
  address: string;
  /** Somebody signed in there before (`findDeviceOf`); null of one that is not known. */
  device: string | null;
}

/**
 * How attempts are slowed down: so many are free, then each waits twice as long as the one before, up to
 * a bound. Nobody is locked out: of an account and of an address alone the bound is low, because others
 * than their owner reach it.
 */
const brakes = {
  pair: { free: 5, longest: 15 * 60 },
  device: { free: 5, longest: 15 * 60 },
  account: { free: 100, longest: 60 },
  address: { free: 100, longest: 30 },
} as const;
type Brake = keyof typeof brakes;

const keyOf = (brake: Brake, of: string) => `${brake}:${sha256(of)}`;
const accountOf = (account: string) => sha256(account);

/** What is counted of an attempt: a known device only by itself, so that nobody else can delay it. */
function countedBy(account: string, { address, device }: Attempting): store.Counted[] {
  const network = networkOf(address);
  const keys: [Brake, string][] = device
    ? [["device", device]]
    : [
        ["pair", `${account} ${network}`],
        ["account", account],
        ["address", network],
      ];
  return keys.map(([brake, of]) => ({
    key: keyOf(brake, of),
    account: brake === "address" ? null : accountOf(account),
    ...brakes[brake],
  }));
}

/**
 * Counts an attempt at a password before it is checked, so that parallel guesses are bounded too.
 * @param account the e-mail, whether or not anybody has it
 * @throws AppError `auth.too_many_attempts` (429) with Retry-After
 */
export async function assertAttemptAllowed(
  db: Executor,
  account: string,
  from: Attempting,
): Promise<void> {
  const seconds = await store.countAttempt(db, countedBy(account, from), nowInstant());
  if (seconds === 0) return;
  throw new AppError("auth.too_many_attempts", { headers: { "retry-after": String(seconds) } });
}

/** A right password: the account's counts begin again, and the address is not charged for it. */
export async function forgetAttempts(
  db: Executor,
  account: string,
  address: string | null,
): Promise<void> {
  await store.deleteAttempts(db, accountOf(account));
  if (address) await store.uncountAttempt(db, keyOf("address", networkOf(address)));
}

/** Ends what an account has to wait for: the operator has spoken to its owner. */
export const unlockAccount = (tx: Executor, account: string): Promise<unknown> =>
  store.deleteAttempts(tx, accountOf(account));

/** The sign-in that a refresh token belonged to, if it was this account's and ended well or not at all. */
export const findDeviceOf = async (
  db: Executor,
  account: string,
  refreshToken: string | undefined,
): Promise<string | null> =>
  refreshToken === undefined ? null : store.selectDevice(db, account, sha256(refreshToken));

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
  await insertRow(tx, sessions, { id: sessionId, memberId, expiresAt });
  return { memberId, sessionId, refreshToken: await issueRefreshToken(tx, sessionId, expiresAt) };
}

async function issueRefreshToken(tx: Executor, sessionId: string, expiresAt: string) {
  const token = newSecret("gmr");
  await insertRow(tx, refreshTokens, { tokenHash: sha256(token), sessionId, expiresAt });
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
export async function logout(tx: Executor, call: Call): Promise<undefined> {
  const { actor } = call;
  if (!actor.sessionId) return;
  const [ended] = await store.revokeSession(tx, actor.sessionId, "sign_out", nowInstant());
  if (!ended) return;
  await recordAudit(tx, call, {
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
  await insertRow(tx, oneTimeLinks, { tokenHash: sha256(token), memberId, purpose, expiresAt });
  return { token, expiresAt };
}

/**
 * Whose link it is, valid or not: the person is locked before the link, as in every other change.
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
