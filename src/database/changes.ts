/** Lists that another system keeps in step with: what has changed since, in the order of the changes. */
import { and, asc, desc, gte, lte, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { type ChangesQuery, isByChange } from "../lib/changes.ts";

interface Changing {
  id: PgColumn;
  updatedAt: PgColumn;
}

/** That the last change lies between the instants that a query names. */
export const changedIn = ({ updatedAt }: Changing, query: ChangesQuery): SQL | undefined =>
  and(
    query["updatedAt[gte]"] ? gte(updatedAt, query["updatedAt[gte]"]) : undefined,
    query["updatedAt[lte]"] ? lte(updatedAt, query["updatedAt[lte]"]) : undefined,
  );

/**
 * Where a page begins, and its order: that of the last changes, or that in which the rows were made, which
 * their ids are in.
 * @param newestFirst of the order in which they were made
 */
export function inOrder(
  { id, updatedAt }: Changing,
  { sort }: ChangesQuery,
  after: { key: string; id: string } | null,
  newestFirst = true,
): { behind: SQL | undefined; by: SQL[] } {
  const byChange = isByChange({ sort });
  const descending = byChange ? sort === "-updatedAt" : newestFirst;
  const direction = descending ? desc : asc;
  const than = sql.raw(descending ? "<" : ">");
  const behind =
    after &&
    (byChange
      ? sql`(${updatedAt}, ${id}) ${than} (${after.key}, ${after.id})`
      : sql`${id} ${than} ${after.id}`);
  return {
    behind: behind ?? undefined,
    by: byChange ? [direction(updatedAt), direction(id)] : [direction(id)],
  };
}
