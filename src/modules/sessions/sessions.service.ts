import { oneTimeLinks, refreshTokens, sessions } from "../../../db/schema/sessions.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor, Origin, Scope } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { instantIn, nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId, newSecret, secretOf, sha256 } from "../../lib/ids.ts";
import { networkOf } from "../../lib/rate-limits.ts";
import { plainLine } from "../../lib/wire.ts";
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
    if (!row) return null;
    const { secondFactor, ...rest } = row;
    const isProved = secondFactor !== null;
    return { ...rest, kind: "member", id: subject, sessionId, scopes: null, isProved };
  }
  const [row] = await store.selectClientActor(db, subject);
  if (!row) return null;
  const scopes = row.scopes as Scope[];
  const machine = { kind: "client", sessionId: null, isAdmin: false, barredUntil: null } as const;
  return { ...row, ...machine, id: subject, isProved: true, scopes };
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
  /** Who gets here has the password or a link that works: nobody else can delay the owner. */
  factor: { free: 5, longest: 15 * 60 },
  /** A wrong secret of a machine delays nobody; it is counted so that it is written down once. */
  secret: { free: 1, longest: 0 },
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
 * @returns whether it was the last one that is free somewhere: from now on attempts wait
 * @throws AppError `auth.too_many_attempts` (429) with Retry-After
 */
export const assertAttemptAllowed = (
  db: Executor,
  account: string,
  from: Attempting,
): Promise<boolean> => count(db, countedBy(account, from));

/** The same of an attempt at a second factor, by who knows the password. */
export const assertFactorAttemptAllowed = (db: Executor, account: string): Promise<boolean> =>
  count(db, [{ key: keyOf("factor", account), account: accountOf(account), ...brakes.factor }]);

/**
 * Counts a wrong secret of a machine client, which may come each second for weeks.
 * @param clientId of one that there is; null of any other: whoever makes ids up fills no log with them
 * @returns whether there was none from this network in the hour before
 */
export const isFirstWrongSecret = async (
  db: Executor,
  clientId: string | null,
  address: string | null,
): Promise<boolean> => {
  const key = keyOf("secret", `${clientId ?? ""} ${networkOf(address ?? "")}`);
  const counted = [{ key, account: null, ...brakes.secret }];
  return (await store.countAttempt(db, counted, nowInstant())).isLastFree;
};

async function count(db: Executor, counted: readonly store.Counted[]): Promise<boolean> {
  const { seconds, isLastFree } = await store.countAttempt(db, counted, nowInstant());
  if (seconds === 0) return isLastFree;
  const detail = {
    en: `The next attempt is free in ${seconds} seconds.`,
    zh: `${seconds} 秒后可再次尝试。`,
  };
  const headers = { "retry-after": String(seconds) };
  throw new AppError("auth.too_many_attempts", { detail, headers });
}

/** A right password: the account's counts begin again, and the address is not charged for it. */
export async function forgetAttempts(
  db: Executor,
  account: string,
  address: string | null,
  { ofFactor = true } = {},
): Promise<void> {
  const spared = ofFactor ? null : keyOf("factor", account);
  await store.deleteAttempts(db, accountOf(account), spared);
  if (address) await store.uncountAttempt(db, keyOf("address", networkOf(address)));
}

/** Ends what an account has to wait for: the operator has spoken to its owner. */
export const unlockAccount = (tx: Executor, account: string): Promise<unknown> =>
  store.deleteAttempts(tx, accountOf(account), null);

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

/** What was proved at a sign-in beside the password. */
export const factorOf = store.selectFactorOf;

/** Where a sign-in comes from, for its owner to recognise, and what was proved beside the password. */
export interface OpenedFrom {
  address: string | null;
  userAgent: string | undefined;
  secondFactor: (typeof sessions.$inferSelect)["secondFactor"];
}

const longestUserAgent = 300;

/** How long a sign-in lives: in all, and without being refreshed. */
export interface SessionLife {
  sessionDays: number;
  sessionIdleDays: number;
}

const seconds = (days: number): number => days * 24 * 60 * 60;

/** Starts a sign-in of a person. */
export async function openSession(
  tx: Executor,
  memberId: string,
  life: SessionLife,
  { address, userAgent, secondFactor }: OpenedFrom,
): Promise<SignIn> {
  const sessionId = newId();
  const expiresAt = instantIn(seconds(life.sessionDays));
  await insertRow(tx, sessions, {
    id: sessionId,
    memberId,
    expiresAt,
    address,
    userAgent: userAgent === undefined ? null : plainLine(userAgent).slice(0, longestUserAgent),
    secondFactor,
    usedAt: nowInstant(),
  });
  return {
    memberId,
    sessionId,
    refreshToken: await storeRefreshToken(tx, newSecret("gmr"), sessionId, expiresAt, life),
  };
}

async function storeRefreshToken(
  tx: Executor,
  token: string,
  sessionId: string,
  sessionEndsAt: string,
  { sessionIdleDays }: SessionLife,
) {
  const idleEndsAt = instantIn(seconds(sessionIdleDays));
  const expiresAt = idleEndsAt < sessionEndsAt ? idleEndsAt : sessionEndsAt;
  await insertRow(tx, refreshTokens, { tokenHash: sha256(token), sessionId, expiresAt });
  return token;
}

/** Seconds for which a refresh token gives the same successor again: a reply was lost, or two tabs ask at once. */
const repeatableSeconds = 20;

/**
 * Exchanges a refresh token for the next one (RFC 9700 4.14.2). The same token gives the same one again for
 * some seconds, until that one is used: it is made of the token, which nobody keeps, and of a salt. Any other
 * token that was used before has been stolen, from one side or the other: its whole sign-in is revoked. That
 * revocation must be committed, so the refusal is returned, not thrown.
 */
export async function refreshSession(
  tx: Executor,
  origin: Origin,
  token: string,
  life: SessionLife,
): Promise<SignIn | AppError> {
  const tokenHash = sha256(token);
  const salt = newSecret("salt");
  const recordRefresh = (of: { sessionId: string; organizationId: string }, reason?: "repeated") =>
    recordAudit(tx, origin, {
      type: "session.refresh",
      subject: { id: of.sessionId, organizationId: of.organizationId },
      before: null,
      after: null,
      reason,
    });
  const [used] = await store.useRefreshToken(tx, tokenHash, salt, nowInstant());
  if (used) {
    const { sessionId, memberId, expiresAt } = used;
    await store.noteUse(tx, sessionId, nowInstant());
    await store.forgetSuccessors(tx, sessionId, tokenHash);
    const next = secretOf("gmr", token, salt);
    const refreshToken = await storeRefreshToken(tx, next, sessionId, expiresAt, life);
    await recordRefresh(used);
    return { memberId, sessionId, refreshToken };
  }
  const [known] = await store.selectRefreshToken(tx, tokenHash);
  if (!known?.usedAt) return new AppError("auth.invalid_refresh_token");
  if (known.successorSalt !== null && known.usedAt >= instantIn(-repeatableSeconds)) {
    const refreshToken = secretOf("gmr", token, known.successorSalt);
    if (await store.isLive(tx, sha256(refreshToken), nowInstant())) {
      await recordRefresh(known, "repeated");
      return { memberId: known.memberId, sessionId: known.sessionId, refreshToken };
    }
  }
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
  const { sessionId } = call.actor;
  if (sessionId) await endOne(tx, call, sessionId);
}

/** Ends every sign-in of a person, but one that goes on, and every open link. */
export async function endSignIns(
  tx: Executor,
  memberId: string,
  why: "password_change" | "suspension" | "factors_removed" | "factor_added",
  but: string | null = null,
): Promise<void> {
  await store.revokeSessionsOf(tx, memberId, why, nowInstant(), but);
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
  { actor }: Origin,
  memberId: string,
  purpose: "invitation" | "password_reset",
): Promise<{ token: string; expiresAt: string }> {
  await store.endLinksOf(tx, memberId, nowInstant());
  const token = newSecret("gml");
  const expiresAt = instantIn(linkDays * 24 * 60 * 60);
  const tokenHash = sha256(token);
  const issuer = {
    issuedBy: actor?.id ?? null,
    issuedByOrganizationId: actor?.organizationId ?? null,
  };
  await insertRow(tx, oneTimeLinks, { tokenHash, memberId, purpose, expiresAt, ...issuer });
  return { token, expiresAt };
}

/**
 * Another token of a link that still works, to be mailed: the first was shown to whoever made the link, this one
 * the person alone sees. Whichever is used first, or a newer link, ends both.
 * @returns null when the link works no more
 */
export async function issueMailedToken(
  tx: Executor,
  tokenHash: string,
): Promise<{ token: string; expiresAt: string } | null> {
  const [owner] = await store.selectLink(tx, tokenHash);
  // The person first, as in every other change of a link: else this one would outlive it.
  if (!owner || !(await store.lockOwner(tx, owner.memberId))) return null;
  const [link] = await store.selectLink(tx, tokenHash);
  if (!link || link.usedAt || link.expiresAt <= nowInstant()) return null;
  const token = newSecret("gml");
  await insertRow(tx, oneTimeLinks, { ...link, tokenHash: sha256(token), createdAt: nowInstant() });
  return { token, expiresAt: link.expiresAt };
}

/**
 * Whose link it is: the person is locked before the link, as in every other change, and the link is looked
 * at again then (`redeemLink`).
 * @throws AppError `auth.invalid_link` for one that works no more, or never was
 */
export async function ownerOfLink(tx: Executor, token: string): Promise<string> {
  const [link] = await store.selectLink(tx, sha256(token));
  if (!link || link.usedAt || link.expiresAt <= nowInstant()) {
    throw new AppError("auth.invalid_link");
  }
  return link.memberId;
}

/**
 * Uses a link up.
 * @returns what it was for, and who made it
 * @throws AppError `auth.invalid_link`
 */
export async function redeemLink(tx: Executor, token: string) {
  const [link] = await store.useLink(tx, sha256(token), nowInstant());
  if (!link) throw new AppError("auth.invalid_link");
  return link;
}

const openSignIns = (
  db: Executor,
  { id }: Actor,
  { sessionIdleDays }: SessionLife,
  only?: string,
) => store.selectSignIns(db, id, nowInstant(), instantIn(-seconds(sessionIdleDays)), only);

/** One's own sign-ins that are open, the newest first. */
export const listSignIns = async (db: Executor, actor: Actor, life: SessionLife) => {
  const rows = await openSignIns(db, actor, life);
  return { data: rows.map((row) => ({ ...row, isCurrent: row.id === actor.sessionId })) };
};

/**
 * Ends one of one's own sign-ins.
 * @throws AppError `sign_in.not_found` (404) for one that is not one's own, or has ended
 */
export async function endSignIn(
  tx: Executor,
  call: Call,
  id: string,
  life: SessionLife,
): Promise<undefined> {
  const [own] = await openSignIns(tx, call.actor, life, id);
  if (!own) throw new AppError("sign_in.not_found");
  await endOne(tx, call, id);
}

/** Ends all of one's own sign-ins but the one that asks. */
export async function endOtherSignIns(tx: Executor, call: Call): Promise<undefined> {
  const { id, sessionId } = call.actor;
  const ended = await store.revokeSessionsOf(tx, id, "sign_out", nowInstant(), sessionId);
  for (const one of ended) await recordEnd(tx, call, one.id);
}

async function endOne(tx: Executor, call: Call, id: string): Promise<void> {
  const [ended] = await store.revokeSession(tx, id, "sign_out", nowInstant());
  if (ended) await recordEnd(tx, call, id);
}

const recordEnd = (tx: Executor, call: Call, id: string) =>
  recordAudit(tx, call, {
    type: "session.revoke",
    subject: { id, organizationId: call.actor.organizationId },
    before: null,
    after: null,
    reason: "sign_out",
  });

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
