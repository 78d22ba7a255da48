import { and, eq, inArray, sql } from "drizzle-orm";
import {
  listingNouns,
  termStatistics,
  termStatisticsVersions,
} from "../../../db/schema/matching.ts";
import type { Executor } from "../../database/connect.ts";

type Noun = "result" | "need";

/** Which count of the terms it is, and over how many listings. */
export async function selectVersion(
  db: Executor,
  noun: Noun,
): Promise<{ version: number; documents: number }> {
  const [row] = await db
    .select({
      version: termStatisticsVersions.version,
      documents: termStatisticsVersions.documents,
    })
    .from(termStatisticsVersions)
    .where(eq(termStatisticsVersions.noun, noun));
  return row ?? { version: 0, documents: 0 };
}

/** Counts the version of both nouns on. In one order, so that two of these never wait for each other. */
export async function bumpVersions(tx: Executor): Promise<void> {
  await tx
    .insert(termStatisticsVersions)
    .values([...listingNouns].sort().map((noun) => ({ noun, version: 1 })))
    .onConflictDoUpdate({
      target: termStatisticsVersions.noun,
      set: { version: sql`${termStatisticsVersions.version} + 1` },
    });
}

/** In how many listings each of these terms is; those in none are left out. */
export const selectFrequencies = (db: Executor, noun: Noun, terms: readonly number[]) =>
  db
    .select({ term: termStatistics.term, documents: termStatistics.documents })
    .from(termStatistics)
    .where(and(eq(termStatistics.noun, noun), inArray(termStatistics.term, [...terms])));
