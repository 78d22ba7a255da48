import { and, desc, eq, inArray, lt, sql } from "drizzle-orm";
import { suggestionVerdicts } from "../../../db/schema/suggestions.ts";
import type { Executor } from "../../database/connect.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { Noun } from "./suggestions.engine.ts";
import type { ListVerdictsQuery } from "./suggestions.schema.ts";

export type VerdictRow = typeof suggestionVerdicts.$inferSelect;

/** A person's verdicts on some suggestions for one listing, by the other listing. */
export async function selectVerdictsOf(
  db: Executor,
  memberId: string,
  noun: Noun,
  id: string,
  others: readonly string[],
): Promise<Map<string, Pick<VerdictRow, "verdict" | "reason" | "note">>> {
  if (others.length === 0) return new Map();
  const [own, other] =
    noun === "need"
      ? [suggestionVerdicts.needId, suggestionVerdicts.resultId]
      : [suggestionVerdicts.resultId, suggestionVerdicts.needId];
  const rows = await db
    .select({
      other,
      verdict: suggestionVerdicts.verdict,
      reason: suggestionVerdicts.reason,
      note: suggestionVerdicts.note,
    })
    .from(suggestionVerdicts)
    .where(
      and(eq(suggestionVerdicts.memberId, memberId), eq(own, id), inArray(other, [...others])),
    );
  return new Map(rows.map(({ other, ...verdict }) => [other, verdict]));
}

/** The person's verdict on a pair, locked. */
export const lockVerdict = async (
  tx: Executor,
  { memberId, needId, resultId }: { memberId: string; needId: string; resultId: string },
) =>
  (
    await tx
      .select()
      .from(suggestionVerdicts)
      .where(
        and(
          eq(suggestionVerdicts.memberId, memberId),
          eq(suggestionVerdicts.needId, needId),
          eq(suggestionVerdicts.resultId, resultId),
        ),
      )
      .for("update")
  )[0];

/** Writes a verdict; of two at once of one person on one pair the later one stands. */
export async function putVerdict(
  tx: Executor,
  row: typeof suggestionVerdicts.$inferInsert,
): Promise<VerdictRow> {
  const { verdict, reason, note, score, parts, engine, suggestedFor } = row;
  const changes = { verdict, reason, note, score, parts, engine, suggestedFor };
  const [written] = await tx
    .insert(suggestionVerdicts)
    .values(row)
    .onConflictDoUpdate({
      target: [suggestionVerdicts.memberId, suggestionVerdicts.needId, suggestionVerdicts.resultId],
      set: {
        ...changes,
        version: sql`${suggestionVerdicts.version} + 1`,
        updatedAt: sql`now()`,
      },
    })
    .returning();
  if (!written) throw new Error("insert returned no row");
  return written;
}

const filtered = ({ needId, resultId, verdict }: ListVerdictsQuery) =>
  and(
    needId ? eq(suggestionVerdicts.needId, needId) : undefined,
    resultId ? eq(suggestionVerdicts.resultId, resultId) : undefined,
    verdict ? eq(suggestionVerdicts.verdict, verdict) : undefined,
  );

export const selectVerdicts = (
  db: Executor,
  query: ListVerdictsQuery,
  after: { id: string } | null,
) =>
  db
    .select()
    .from(suggestionVerdicts)
    .where(and(filtered(query), after ? lt(suggestionVerdicts.id, after.id) : undefined))
    .orderBy(desc(suggestionVerdicts.id))
    .limit(query.limit + 1);

export const countVerdicts = (db: Executor, query: ListVerdictsQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(suggestionVerdicts)
      .where(filtered(query))
      .limit(countLimit + 1)
      .as("counted"),
  );
