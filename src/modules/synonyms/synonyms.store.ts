import { and, arrayContains, desc, eq, sql } from "drizzle-orm";
import { synonyms } from "../../../db/schema/matching.ts";
import type { Executor } from "../../database/connect.ts";
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

/** The words of all groups, the oldest first. */
export const selectAllWords = (db: Executor) =>
  db
    .select({ id: synonyms.id, words: synonyms.words })
    .from(synonyms)
    .orderBy(synonyms.createdAt, synonyms.id);

/** Gives every group keys that no other has, and that no word folds to. */
export const clearFolded = (tx: Executor) =>
  tx.update(synonyms).set({ folded: sql`array[${synonyms.id}::text]` });

export const updateFolded = (tx: Executor, id: string, folded: string[]) =>
  tx.update(synonyms).set({ folded }).where(eq(synonyms.id, id));
