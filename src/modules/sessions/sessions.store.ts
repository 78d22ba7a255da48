import { and, desc, eq, gt, inArray, isNotNull, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import { apiClients } from "../../../db/schema/api-clients.ts";
import { members } from "../../../db/schema/members.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { passkeyChallenges } from "../../../db/schema/second-factors.ts";
import {
  oneTimeLinks,
  refreshTokens,
  sessions,
  signInAttempts,
} from "../../../db/schema/sessions.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { prepared } from "../../database/prepared.ts";
import { nowInstant } from "../../lib/clock.ts";

/** The person behind a live sign-in, with the state of the organization. */
export const selectMemberActor = (db: Executor, memberId: string, sessionId: string) =>
  prepared(db, "actor_of_member", (name) =>
    db
      .select({
        organizationId: organizations.id,
        role: organizations.kind,
        organizationStatus: organizations.status,
        isAdmin: members.isAdmin,
        barredUntil: members.barredUntil,
        secondFactor: sessions.secondFactor,
      })
      .from(sessions)
      .innerJoin(members, eq(members.id, sessions.memberId))
      .innerJoin(organizations, eq(organizations.id, members.organizationId))
      .where(
        and(
          eq(sessions.id, sql.placeholder("sessionId")),
          eq(members.id, sql.placeholder("memberId")),
          isNull(sessions.revokedAt),
          gt(sessions.expiresAt, sql.placeholder("now")),
          eq(members.status, "active"),
        ),
      )
      .prepare(name),
  ).execute({ memberId, sessionId, now: nowInstant() });

/** Whether anybody is signed in. */
export const existsLiveSession = async (db: Executor): Promise<boolean> => {
  const live = and(isNull(sessions.revokedAt), gt(sessions.expiresAt, nowInstant()));
  return (await db.select({ id: sessions.id }).from(sessions).where(live).limit(1)).length > 0;
};

/** The machine client and the state of its organization; nothing when it was revoked. */
export const selectClientActor = (db: Executor, clientId: string) =>
  prepared(db, "actor_of_client", (name) =>
    db
      .select({
        organizationId: organizations.id,
        role: organizations.kind,
        organizationStatus: organizations.status,
        scopes: apiClients.scopes,
      })
      .from(apiClients)
      .innerJoin(organizations, eq(organizations.id, apiClients.organizationId))
      .where(and(eq(apiClients.id, sql.placeholder("clientId")), eq(apiClients.status, "active")))
      .prepare(name),
  ).execute({ clientId });

/** What an attempt is counted under, and how it is slowed down there. */
export interface Counted {
  key: string;
  /** Whose account it is at, hashed; null of what counts attempts at many. */
  account: string | null;
  /** Attempts without a wait. */
  free: number;
  /** Seconds of the longest wait. */
  longest: number;
}

/** Seconds after the last attempt for which a count is remembered, beyond its wait. */
const remembered = 3_600;

/**
 * Counts an attempt under all of these, unless it has to wait under one of them.
 * @returns the seconds that it has to wait, 0 when it was counted; and whether it was the last free one
 *   under one of them
 */
export async function countAttempt(
  db: Executor,
  counted: readonly Counted[],
  now: string,
): Promise<{ seconds: number; isLastFree: boolean }> {
  const given = sql`jsonb_to_recordset(${JSON.stringify(counted)}::jsonb)
    as given(key text, account text, free int, longest int)`;
  // The exponent is bounded, or the power would be too large a number.
  const wait = (count: SQL) => sql`case when ${count} < given.free then 0
    else least(given.longest, power(2, least(${count} - given.free, 20)))::int end`;
  const until = sql`a.window_start + make_interval(secs => ${wait(sql`a.count`)})`;
  const [first] = counted;
  if (!first) return { seconds: 0, isLastFree: false };
  const { rows: delayed } = await db.execute<{ seconds: number }>(sql`
    select ceil(extract(epoch from max(${until}) - ${now}::timestamptz))::int as seconds
    from ${given} join ${signInAttempts} a on a.key = given.key
    where ${wait(sql`a.count`)} > 0
    having max(${until}) > ${now}::timestamptz`);
  if (delayed[0]) return { seconds: Math.max(1, delayed[0].seconds), isLastFree: false };
  // Of guesses at the same moment each waits for the row, and sees the count of the one before: whose clock
  // may be ahead of its own.
  const { rows } = await db.execute<{ key: string; count: number }>(sql`
    insert into ${signInAttempts} as a (key, account, count, window_start)
    select key, account, 1, ${now}::timestamptz from ${given} order by key
    on conflict (key) do update set window_start = excluded.window_start, account = excluded.account,
      count = case when a.window_start < ${now}::timestamptz - make_interval(secs => ${remembered}) then 1 else a.count + 1 end
    where a.key <> ${first.key} or (
      select ${wait(sql`a.count`)} = 0 or ${until} <= ${now}::timestamptz from ${given} where given.key = a.key)
    returning key, count`);
  return {
    seconds: rows.some(({ key }) => key === first.key) ? 0 : 1,
    isLastFree: rows.some((row) =>
      counted.some(({ key, free }) => key === row.key && free === row.count),
    ),
  };
}

/** Forgets the attempts at an account. @param account its hash @param spared a key that stays counted */
export const deleteAttempts = (db: Executor, account: string, spared: string | null) =>
  db
    .delete(signInAttempts)
    .where(
      and(
        eq(signInAttempts.account, account),
        spared === null ? undefined : ne(signInAttempts.key, spared),
      ),
    );

/**
 * The sign-in that a refresh token belongs to, good or used up, of the person with this e-mail; not when
 * it was ended because somebody else may have had the token.
 */
export async function selectDevice(
  db: Executor,
  email: string,
  tokenHash: string,
): Promise<string | null> {
  const [found] = await db
    .select({ id: sessions.id })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .innerJoin(members, eq(members.id, sessions.memberId))
    .where(
      and(
        eq(refreshTokens.tokenHash, tokenHash),
        eq(members.email, email),
        or(isNull(sessions.revokedAt), eq(sessions.revokedFor, "sign_out")),
      ),
    );
  return found?.id ?? null;
}

/** Takes back an attempt that turned out right. */
export const uncountAttempt = (db: Executor, key: string) =>
  db
    .update(signInAttempts)
    .set({ count: sql`greatest(${signInAttempts.count} - 1, 0)` })
    .where(eq(signInAttempts.key, key));

/** Marks a refresh token as used, if it still is good; tells whose it was. @param salt of its successor */
export const useRefreshToken = (tx: Executor, tokenHash: string, salt: string, now: string) =>
  tx
    .update(refreshTokens)
    .set({ usedAt: now, successorSalt: salt })
    .from(sessions)
    .where(
      and(
        eq(refreshTokens.tokenHash, tokenHash),
        isNull(refreshTokens.usedAt),
        gt(refreshTokens.expiresAt, now),
        eq(sessions.id, refreshTokens.sessionId),
        isNull(sessions.revokedAt),
      ),
    )
    .returning({
      sessionId: sessions.id,
      memberId: sessions.memberId,
      expiresAt: sessions.expiresAt,
      organizationId: sql<string>`(select organization_id from ${members} where id = ${sessions.memberId})`,
    });

/** The token before gives its successor no more: that one has come back. */
export const forgetSuccessors = (tx: Executor, sessionId: string, but: string) =>
  tx
    .update(refreshTokens)
    .set({ successorSalt: null })
    .where(
      and(
        eq(refreshTokens.sessionId, sessionId),
        ne(refreshTokens.tokenHash, but),
        isNotNull(refreshTokens.successorSalt),
      ),
    );

/** Whether a refresh token can still be used. */
export const isLive = async (tx: Executor, tokenHash: string, now: string): Promise<boolean> => {
  const live = await tx
    .select({ id: sessions.id })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .where(
      and(
        eq(refreshTokens.tokenHash, tokenHash),
        isNull(refreshTokens.usedAt),
        gt(refreshTokens.expiresAt, now),
        isNull(sessions.revokedAt),
      ),
    );
  return live.length > 0;
};

/** A refresh token, live or not, with the sign-in that it belongs to. */
export const selectRefreshToken = (tx: Executor, tokenHash: string) =>
  tx
    .select({
      sessionId: refreshTokens.sessionId,
      memberId: sessions.memberId,
      usedAt: refreshTokens.usedAt,
      successorSalt: refreshTokens.successorSalt,
      organizationId: members.organizationId,
    })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .innerJoin(members, eq(members.id, sessions.memberId))
    .where(eq(refreshTokens.tokenHash, tokenHash));

/** What was proved at a sign-in beside the password. */
export const selectFactorOf = async (db: Executor, id: string) =>
  (
    await db
      .select({ secondFactor: sessions.secondFactor })
      .from(sessions)
      .where(eq(sessions.id, id))
  )[0]?.secondFactor ?? null;

/** Notes that a sign-in was refreshed. */
export const noteUse = (tx: Executor, id: string, usedAt: string) =>
  tx.update(sessions).set({ usedAt }).where(eq(sessions.id, id));

/**
 * A person's sign-ins that are open, the newest ones.
 * @param idleSince whoever was not refreshed since has ended
 * @param only this one, if it is among them
 */
export const selectSignIns = (
  db: Executor,
  memberId: string,
  now: string,
  idleSince: string,
  only?: string,
) =>
  db
    .select({
      id: sessions.id,
      createdAt: sessions.createdAt,
      usedAt: sessions.usedAt,
      expiresAt: sessions.expiresAt,
      address: sessions.address,
      userAgent: sessions.userAgent,
      secondFactor: sessions.secondFactor,
    })
    .from(sessions)
    .where(
      and(
        eq(sessions.memberId, memberId),
        only === undefined ? undefined : eq(sessions.id, only),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, now),
        gt(sql`coalesce(${sessions.usedAt}, ${sessions.createdAt})`, idleSince),
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(signInsShown);

/** Sign-ins that are listed; all are ended, however many. */
const signInsShown = 200;

/** Ends a sign-in; returns nothing when it had ended before. */
export const revokeSession = (
  tx: Executor,
  id: string,
  revokedFor: "sign_out" | "token_reuse",
  now: string,
) =>
  tx
    .update(sessions)
    .set({ revokedAt: now, revokedFor })
    .where(and(eq(sessions.id, id), isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });

/** Ends all sign-ins of a person. @param but one that goes on @returns those that ended */
export const revokeSessionsOf = (
  tx: Executor,
  memberId: string,
  revokedFor: NonNullable<(typeof sessions.$inferSelect)["revokedFor"]>,
  now: string,
  but: string | null = null,
) =>
  tx
    .update(sessions)
    .set({ revokedAt: now, revokedFor })
    .where(
      and(
        eq(sessions.memberId, memberId),
        but === null ? undefined : ne(sessions.id, but),
        isNull(sessions.revokedAt),
      ),
    )
    .returning({ id: sessions.id });

/** A one-time link, good or not. */
export const selectLink = (tx: Executor, tokenHash: string) =>
  tx.select().from(oneTimeLinks).where(eq(oneTimeLinks.tokenHash, tokenHash));

/** Locks the person of a link; false when there is none any more. */
export const lockOwner = async (tx: Executor, memberId: string): Promise<boolean> =>
  (await tx.select({ id: members.id }).from(members).where(eq(members.id, memberId)).for("update"))
    .length > 0;

/** Uses a one-time link up, if it still is good. */
export const useLink = (tx: Executor, tokenHash: string, now: string) =>
  tx
    .update(oneTimeLinks)
    .set({ usedAt: now })
    .where(
      and(
        eq(oneTimeLinks.tokenHash, tokenHash),
        isNull(oneTimeLinks.usedAt),
        gt(oneTimeLinks.expiresAt, now),
      ),
    )
    .returning();

export const deleteLinksOf = (tx: Executor, memberId: string) =>
  tx.delete(oneTimeLinks).where(eq(oneTimeLinks.memberId, memberId));

/** Ends the open links of a person, so that only the newest one works. */
export const endLinksOf = (tx: Executor, memberId: string, now: string) =>
  tx
    .update(oneTimeLinks)
    .set({ usedAt: now })
    .where(and(eq(oneTimeLinks.memberId, memberId), isNull(oneTimeLinks.usedAt)));

/** What a sign-in leaves behind: each table with its key, and the instant that tells how old a row is. */
const leftovers = {
  session: { table: sessions, key: sessions.id, age: sessions.expiresAt },
  one_time_link: { table: oneTimeLinks, key: oneTimeLinks.tokenHash, age: oneTimeLinks.expiresAt },
  passkey_challenge: {
    table: passkeyChallenges,
    key: passkeyChallenges.challengeHash,
    age: passkeyChallenges.expiresAt,
  },
  sign_in_attempt: {
    table: signInAttempts,
    key: signInAttempts.key,
    age: signInAttempts.windowStart,
  },
};
export type Leftover = keyof typeof leftovers;
export const leftoverKinds = Object.keys(leftovers) as Leftover[];

/** Some that are older than an instant, locked; those in use are left alone. */
export async function lockLeftovers(
  tx: Executor,
  kind: Leftover,
  before: string,
  take: Take,
): Promise<{ id: string }[]> {
  const { table, key, age } = leftovers[kind];
  const found = await tx.execute<{ id: string }>(sql`
    select ${key}::text as id from ${table} where ${age} < ${before} and ${isFreeFor(take, key)}
    order by ${age}, ${key} limit ${take.limit} for update skip locked`);
  return found.rows;
}

export const deleteLeftovers = (tx: Executor, kind: Leftover, ids: readonly string[]) => {
  const { table, key } = leftovers[kind];
  return tx.execute(sql`delete from ${table} where ${inArray(key, [...ids])}`);
};
