import { sql } from "drizzle-orm";
import {
  matchingDocuments,
  termStatistics,
  termStatisticsVersions,
} from "../../../db/schema/matching.ts";
import type { Executor } from "../../database/connect.ts";
import { nowInstant } from "../../lib/clock.ts";

/** Which count of the terms it is, and over how many listings. */
export async function selectVersion(db: Executor) {
  const [row] = await db
    .select({
      version: termStatisticsVersions.version,
      documents: termStatisticsVersions.documents,
      through: termStatisticsVersions.through,
      countedAt: termStatisticsVersions.countedAt,
      termsVersion: termStatisticsVersions.termsVersion,
    })
    .from(termStatisticsVersions);
  return row ?? { version: 0, documents: 0, through: 0, countedAt: null, termsVersion: 0 };
}

/** The count in use, and in how many listings each of these terms is; those in none are left out. */
export async function selectStatistics(
  db: Executor,
  terms: readonly number[],
): Promise<{ version: number; documents: number; frequencies: Map<number, number> }> {
  const { rows } = await db.execute<{
    version: number;
    documents: number;
    terms: number[] | null;
    counts: number[] | null;
  }>(sql`
    select v.version, v.documents, t.terms, t.counts from ${termStatisticsVersions} v, (
      select array_agg(term) as terms, array_agg(documents) as counts from ${termStatistics}
      where term = any(${sql.param(terms)}::int[])
    ) t`);
  const [row] = rows;
  const frequencies = new Map(row?.terms?.map((term, i) => [term, row.counts?.[i] ?? 0]));
  return { version: row?.version ?? 0, documents: row?.documents ?? 0, frequencies };
}

/** How many listings there are to match, and the last one's number. */
export async function countDocuments(db: Executor): Promise<{ documents: number; last: number }> {
  const { rows } = await db.execute<{ documents: number; last: number }>(
    sql`select count(*)::int as documents, coalesce(max(number), 0)::int as last from ${matchingDocuments}`,
  );
  return rows[0] ?? { documents: 0, last: 0 };
}

/**
 * Counts all terms anew and makes that the next version. One at a time, by a lock of its own: the row of
 * the version is touched last, because whoever edits a synonym waits for it.
 */
export async function recount(tx: Executor, changes: VersionChanges = {}): Promise<void> {
  await tx.execute(sql`set local statement_timeout = 0`);
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('grand-market term statistics'))`);
  await tx.execute(sql`delete from ${termStatistics}`);
  await tx.execute(sql`insert into ${termStatistics} (term, documents)
    select term, count(*) from ${matchingDocuments} d, unnest(d.terms) term group by term`);
  const { documents, last } = await countDocuments(tx);
  await changeVersion(tx, { ...changes, documents, through: last, countedAt: nowInstant() });
}

type VersionChanges = Partial<
  Pick<
    typeof termStatisticsVersions.$inferInsert,
    "documents" | "through" | "countedAt" | "termsVersion"
  >
>;

/** Makes the next version, and sets what else is given. */
export const changeVersion = (tx: Executor, changes: VersionChanges) =>
  tx
    .insert(termStatisticsVersions)
    .values({ version: 1, ...changes })
    .onConflictDoUpdate({
      target: termStatisticsVersions.row,
      set: { version: sql`${termStatisticsVersions.version} + 1`, ...changes },
    });
