/** The replies that are kept by their Idempotency-Key, so that the same request again gets the same one. */
import { and, eq, inArray, lt, sql } from "drizzle-orm";
import { idempotencyKeys } from "../../db/schema/idempotency-keys.ts";
import { instantIn } from "../lib/clock.ts";
import type { Executor } from "./connect.ts";
import { isFreeFor, type Take } from "./held-rows.ts";
import { placeholdersFor, prepared } from "./prepared.ts";
import { send } from "./transact.ts";

type Reply = typeof idempotencyKeys.$inferSelect;

/** Seconds for which a reply is kept. */
const keptSeconds = 24 * 60 * 60;

/** Whether a reply is not given again, although the job that removes it has not come by yet. */
export const isTooOld = ({ createdAt }: Reply): boolean => createdAt <= instantIn(-keptSeconds);

/** Sends a reply on its way to be kept; it is waited for with the commit. */
export const insertReply = (
  tx: Executor,
  reply: typeof idempotencyKeys.$inferInsert,
): Promise<void> => {
  const insert = prepared(tx, "insert_reply", (name) =>
    tx
      .insert(idempotencyKeys)
      .values(
        placeholdersFor(idempotencyKeys, ["scope", "requestHash", "status", "headers", "body"]),
      )
      .prepare(name),
  );
  return send(tx, insert.execute(reply));
};

/**
 * Takes a key for this transaction and reads what an earlier one stored. Two statements in one round
 * trip: the second looks after the lock is taken, so a reply stored until then is seen.
 * @returns `isTaken`: false while another transaction has the key
 */
export async function lockReply(
  tx: Executor,
  scope: string,
): Promise<{ isTaken: boolean; earlier: Reply | undefined }> {
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
  return { isTaken: locked?.taken ?? false, earlier };
}

export const deleteReply = (tx: Executor, scope: string) =>
  tx.delete(idempotencyKeys).where(eq(idempotencyKeys.scope, scope));

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
