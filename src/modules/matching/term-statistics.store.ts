import { sql } from "drizzle-orm";
import {
  matchingDocuments,
  termStatistics,
  termStatisticsVersions,
} from "../../../db/schema/matching.ts";
import type { Executor } from "../../database/connect.ts";
import { prepared } from "../../database/prepared.ts";
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
export async function selectStatistics(db: Executor, terms: readonly number[]) {
  const { version, documents, countedAt } = termStatisticsVersions;
  const statement = prepared(db, "read_statistics", (name) => {
    const counts = sql<Record<string, number> | null>`(
      select json_object_agg(term, documents) from ${termStatistics}
      where term = any(${sql.placeholder("terms")}::int[]))`;
    return db
      .select({ version, documents, countedAt, counts })
      .from(termStatisticsVersions)
      .prepare(name);
  });
  // As text: the driver would quote each of some hundred numbers.
  const [row] = await statement.execute({ terms: `{${terms.join(",")}}` });
  return row ?? { version: 0, documents: 0, countedAt: null, counts: null };
}

/**
 * How many listings there are to match, and how many were written so far: each writing takes a number,
 * also one that replaces what was there of a listing.
 */
export async function countDocuments(db: Executor): Promise<{ documents: number; last: number }> {
  const { rows } = await db.execute<{ documents: number; last: number }>(sql`
    select count(*)::int as documents,
      coalesce(pg_sequence_last_value('matching_documents_number_seq'), 0)::int as last
    from ${matchingDocuments}`);
  return rows[0] ?? { documents: 0, last: 0 };
}

/** A row for each term of each document, out of the four bytes that it is packed in. */
const termsOfDocuments = sql`
  select (get_byte(vector, i) << 24) | (get_byte(vector, i + 1) << 16) | (get_byte(vector, i + 2) << 8)
    | get_byte(vector, i + 3) as term
  from ${matchingDocuments}, generate_series(0, length(vector) / 5 * 4 - 4, 4) i`;

/**
 * Recounts all terms and makes that the next version. One at a time, by a lock of its own: the row of
 * the version is touched last, because an editor of a synonym waits for it.
 */
export async function recount(tx: Executor, changes: VersionChanges = {}): Promise<void> {
  await tx.execute(sql`set local statement_timeout = 0`);
  await tx.execute(sql`set local lock_timeout = 0`);
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('grand-market term statistics'))`);
  await tx.execute(sql`delete from ${termStatistics}`);
  await tx.execute(sql`insert into ${termStatistics} (term, documents)
    select term, count(*) from (${termsOfDocuments}) t group by term`);
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
