import { and, eq, sql } from "drizzle-orm";
import { savedSearches } from "../../../db/schema/saved-searches.ts";
import { changedIn, inOrder } from "../../database/changes.ts";
import type { Executor } from "../../database/connect.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { ListSavedSearchesQuery } from "./saved-searches.schema.ts";

export type SavedSearchRow = typeof savedSearches.$inferSelect;

/** Ids of people and machine clients are of one kind, so an owner's id alone tells who it is. */
const ownedBy = (ownerId: string, id: string) =>
  and(eq(savedSearches.id, id), eq(savedSearches.ownerId, ownerId));

export const selectSearch = async (db: Executor, ownerId: string, id: string) =>
  (await db.select().from(savedSearches).where(ownedBy(ownerId, id)))[0];

export const lockSearch = async (tx: Executor, ownerId: string, id: string) =>
  (await tx.select().from(savedSearches).where(ownedBy(ownerId, id)).for("update"))[0];

const matches = (ownerId: string, query: ListSavedSearchesQuery) =>
  and(
    eq(savedSearches.ownerId, ownerId),
    changedIn(savedSearches, query),
    query.noun ? eq(savedSearches.noun, query.noun) : undefined,
  );

/** One page, in the order in which they were saved, or by the last change. */
export const selectSearches = (
  db: Executor,
  ownerId: string,
  query: ListSavedSearchesQuery,
  after: { key: string; id: string } | null,
): Promise<SavedSearchRow[]> => {
  const { behind, by } = inOrder(savedSearches, query, after, false);
  return db
    .select()
    .from(savedSearches)
    .where(and(matches(ownerId, query), behind))
    .orderBy(...by)
    .limit(query.limit + 1);
};

export const countSearches = (db: Executor, ownerId: string, query: ListSavedSearchesQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(savedSearches)
      .where(matches(ownerId, query))
      .limit(countLimit + 1)
      .as("counted"),
  );

/** How many an owner has. Saving another one waits until this transaction has ended. */
export async function countForAnother(tx: Executor, ownerId: string): Promise<number> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`saved searches of ${ownerId}`}, 0))`,
  );
  return tx.$count(savedSearches, eq(savedSearches.ownerId, ownerId));
}

export const deleteSearch = (tx: Executor, id: string) =>
  tx.delete(savedSearches).where(eq(savedSearches.id, id));
