import { and, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import {
  apiClients,
  oneTimeLinks,
  refreshTokens,
  sessions,
  signInAttempts,
} from "../../../db/schema/accounts.ts";
import { members, organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { prepared } from "../../database/prepared.ts";
import { nowInstant } from "../../lib/clock.ts";

/** The person behind a live sign-in, with the state of the organisation. */
export const selectMemberActor = (db: Executor, memberId: string, sessionId: string) =>
  prepared(db, "actor_of_member", (name) =>
    db
      .select({
        organizationId: organizations.id,
        role: organizations.kind,
        organizationStatus: organizations.status,
        isAdmin: members.isAdmin,
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

/** The machine client and the state of its organisation; nothing when it was revoked. */
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

/** Counts an attempt in its window and tells how many there were, this one included. */
export async function countAttempt(
  db: Executor,
  key: string,
  now: string,
  windowStart: string,
): Promise<{ count: number; windowStart: string }> {
  const isOver = sql`${signInAttempts.windowStart} <= ${windowStart}`;
  const [row] = await db
    .insert(signInAttempts)
    .values({ key, count: 1, windowStart: now })
    .onConflictDoUpdate({
      target: signInAttempts.key,
      set: {
        count: sql`case when ${isOver} then 1 else ${signInAttempts.count} + 1 end`,
        windowStart: sql`case when ${isOver} then excluded.window_start else ${signInAttempts.windowStart} end`,
      },
    })
    .returning({ count: signInAttempts.count, windowStart: signInAttempts.windowStart });
  return row ?? { count: 1, windowStart: now };
}

export const deleteAttempts = (db: Executor, key: string) =>
  db.delete(signInAttempts).where(eq(signInAttempts.key, key));

/** Takes back an attempt that turned out right. */
export const uncountAttempt = (db: Executor, key: string) =>
  db
    .update(signInAttempts)
    .set({ count: sql`greatest(${signInAttempts.count} - 1, 0)` })
    .where(eq(signInAttempts.key, key));

/** Marks a refresh token as used, if it still is good; tells whose it was. */
export const useRefreshToken = (tx: Executor, tokenHash: string, now: string) =>
  tx
    .update(refreshTokens)
    .set({ usedAt: now })
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

/** A refresh token, live or not, with whose sign-in it is of. */
export const selectRefreshToken = (tx: Executor, tokenHash: string) =>
  tx
    .select({
      sessionId: refreshTokens.sessionId,
      usedAt: refreshTokens.usedAt,
      organizationId: members.organizationId,
    })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .innerJoin(members, eq(members.id, sessions.memberId))
    .where(eq(refreshTokens.tokenHash, tokenHash));

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

/** Ends all sign-ins of a person. */
export const revokeSessionsOf = (
  tx: Executor,
  memberId: string,
  revokedFor: "password_change" | "suspension",
  now: string,
) =>
  tx
    .update(sessions)
    .set({ revokedAt: now, revokedFor })
    .where(and(eq(sessions.memberId, memberId), isNull(sessions.revokedAt)));

/** A one-time link, good or not. */
export const selectLink = (tx: Executor, tokenHash: string) =>
  tx.select().from(oneTimeLinks).where(eq(oneTimeLinks.tokenHash, tokenHash));

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
