import { and, arrayContains, desc, eq, gt, type SQL, sql } from "drizzle-orm";
import { synonyms } from "../../../db/schema/synonyms.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { countLimit } from "../../lib/pagination.ts";

export type SynonymRow = typeof synonyms.$inferSelect;

/** The groups that hold one of these folded words. */
export const selectGroupsWith = (db: Executor, words: readonly string[]) =>
  db
    .select({ words: synonyms.words })
    .from(synonyms)
    .where(sql`${synonyms.folded} && ${sql.param(words)}::text[]`)
    .orderBy(synonyms.id)
    .limit(100);

/** The words of all groups. */
export const selectAllWords = (db: Executor) =>
  db.select({ words: synonyms.words }).from(synonyms).orderBy(synonyms.id);

const holds = (word: string | null) =>
  word === null ? undefined : arrayContains(synonyms.folded, [word]);

/** One page, the latest change first. */
export const selectGroups = (
  db: Executor,
  word: string | null,
  after: { key: string; id: string } | null,
  limit: number,
): Promise<SynonymRow[]> =>
  db
    .select()
    .from(synonyms)
    .where(
      and(
        holds(word),
        after
          ? sql`(${synonyms.updatedAt}, ${synonyms.id}) < (${after.key}, ${after.id})`
          : undefined,
      ),
    )
    .orderBy(desc(synonyms.updatedAt), desc(synonyms.id))
    .limit(limit + 1);

export const countGroups = (db: Executor, word: string | null) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(synonyms)
      .where(holds(word))
      .limit(countLimit + 1)
      .as("counted"),
  );

export const selectGroup = async (db: Executor, id: string): Promise<SynonymRow | undefined> =>
  (await db.select().from(synonyms).where(eq(synonyms.id, id)))[0];

export const lockGroup = async (tx: Executor, id: string): Promise<SynonymRow | undefined> =>
  (await tx.select().from(synonyms).where(eq(synonyms.id, id)).for("update"))[0];

export const deleteGroup = (tx: Executor, id: string) =>
  tx.delete(synonyms).where(eq(synonyms.id, id));

/** Another group that is these folded words. */
export const selectSame = async (db: Executor, id: string, folded: readonly string[]) =>
  (
    await db
      .select({ id: synonyms.id })
      .from(synonyms)
      .where(
        sql`word_set(${synonyms.folded}) = word_set(${sql.param(folded)}::text[]) and ${synonyms.id} <> ${id}`,
      )
  )[0];

/** Gives a group keys that no other has, and that no word folds to. */
export const clearFolded = (tx: Executor, id: string) =>
  tx
    .update(synonyms)
    .set({ folded: sql`array[${synonyms.id}::text]` })
    .where(eq(synonyms.id, id));

/** The words of groups in the order of their ids, locked: those behind the last one that was taken. */
export const lockWordsAfter = (tx: Executor, take: Take, among: SQL | undefined) =>
  tx
    .select({ id: synonyms.id, words: synonyms.words })
    .from(synonyms)
    .where(
      and(
        take.after ? gt(synonyms.id, take.after) : undefined,
        among ? sql`${synonyms.id} in ${among}` : undefined,
        isFreeFor(take, synonyms.id),
      ),
    )
    .orderBy(synonyms.id)
    .limit(take.limit)
    .for("update");

export const updateFolded = (tx: Executor, id: string, folded: string[]) =>
  tx.update(synonyms).set({ folded }).where(eq(synonyms.id, id));
