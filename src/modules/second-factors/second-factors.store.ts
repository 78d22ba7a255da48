import { and, asc, eq, gt, isNull } from "drizzle-orm";
import { members } from "../../../db/schema/members.ts";
import {
  passkeyChallenges,
  recoveryCodes,
  secondFactors,
} from "../../../db/schema/second-factors.ts";
import { sessions } from "../../../db/schema/sessions.ts";
import type { Executor } from "../../database/connect.ts";

export type FactorRow = typeof secondFactors.$inferSelect;

/** A person's factors, in the order in which they were added. */
export const selectFactors = (db: Executor, memberId: string): Promise<FactorRow[]> =>
  db
    .select()
    .from(secondFactors)
    .where(eq(secondFactors.memberId, memberId))
    .orderBy(asc(secondFactors.id));

/** Locks the person: changes of one's factors, and proofs of them, happen one after the other. */
export const lockPerson = (tx: Executor, memberId: string) =>
  tx
    .select({ email: members.email, organizationId: members.organizationId })
    .from(members)
    .where(eq(members.id, memberId))
    .for("update");

/** Notes that a factor was proved. @param values what the proof used up */
export const updateFactor = async (
  tx: Executor,
  id: string,
  values: Partial<typeof secondFactors.$inferInsert>,
): Promise<FactorRow | undefined> =>
  (await tx.update(secondFactors).set(values).where(eq(secondFactors.id, id)).returning())[0];

export const deleteFactor = (tx: Executor, id: string) =>
  tx.delete(secondFactors).where(eq(secondFactors.id, id));

export const deleteFactorsOf = (tx: Executor, memberId: string) =>
  tx.delete(secondFactors).where(eq(secondFactors.memberId, memberId));

/** Those of a person that were begun and never proved. */
export const deleteUnconfirmedOf = (tx: Executor, memberId: string) =>
  tx
    .delete(secondFactors)
    .where(and(eq(secondFactors.memberId, memberId), isNull(secondFactors.confirmedAt)));

export const countCodes = (db: Executor, memberId: string): Promise<number> =>
  db.$count(recoveryCodes, and(eq(recoveryCodes.memberId, memberId), isNull(recoveryCodes.usedAt)));

/** Replaces a person's recovery codes. @param hashes of the new ones; none removes all */
export async function replaceCodes(
  tx: Executor,
  memberId: string,
  hashes: readonly string[],
  createdAt: string,
): Promise<void> {
  await tx.delete(recoveryCodes).where(eq(recoveryCodes.memberId, memberId));
  if (hashes.length === 0) return;
  await tx
    .insert(recoveryCodes)
    .values(hashes.map((codeHash) => ({ codeHash, memberId, createdAt })));
}

/** Uses a recovery code up, if it still is good. @returns when it was made */
export const useCode = async (tx: Executor, memberId: string, codeHash: string, now: string) =>
  (
    await tx
      .update(recoveryCodes)
      .set({ usedAt: now })
      .where(
        and(
          eq(recoveryCodes.codeHash, codeHash),
          eq(recoveryCodes.memberId, memberId),
          isNull(recoveryCodes.usedAt),
        ),
      )
      .returning({ createdAt: recoveryCodes.createdAt })
  )[0];

/** Takes an open challenge away, so that it is answered once. */
export const takeChallenge = async (
  tx: Executor,
  memberId: string,
  challengeHash: string,
  factorId: string | null,
  now: string,
): Promise<boolean> =>
  (
    await tx
      .delete(passkeyChallenges)
      .where(
        and(
          eq(passkeyChallenges.challengeHash, challengeHash),
          eq(passkeyChallenges.memberId, memberId),
          factorId ? eq(passkeyChallenges.factorId, factorId) : isNull(passkeyChallenges.factorId),
          gt(passkeyChallenges.expiresAt, now),
        ),
      )
      .returning({ memberId: passkeyChallenges.memberId })
  ).length > 0;

export const deleteChallengesOf = (tx: Executor, memberId: string) =>
  tx.delete(passkeyChallenges).where(eq(passkeyChallenges.memberId, memberId));

/** No sign-in of a person has proved anything beside the password any more. */
export const unproveSessionsOf = (tx: Executor, memberId: string) =>
  tx.update(sessions).set({ secondFactor: null }).where(eq(sessions.memberId, memberId));

/** What the sign-in of a person has proved from now on. */
export const setSessionFactor = (
  tx: Executor,
  sessionId: string,
  secondFactor: FactorRow["kind"],
) => tx.update(sessions).set({ secondFactor }).where(eq(sessions.id, sessionId));
