import { and, eq, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { nowInstant } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import type { Executor } from "./connect.ts";

/**
 * Changes a row that this transaction has read, and counts the change. The version in the WHERE is
 * the last word on two writers at once, whatever was checked before.
 * @returns the row as stored
 * @throws AppError `request.precondition_failed` (412) when the row is not that version any more
 */
export async function updateRow<T extends PgTable>(
  tx: Executor,
  table: T,
  row: { id: string; version: number },
  changes: Partial<T["$inferInsert"]>,
): Promise<T["$inferSelect"]> {
  // The generic table hides its columns from the type checker; every table of this kind has them.
  const columns = table as unknown as { id: never; version: never };
  const set = { ...changes, version: sql`version + 1`, updatedAt: nowInstant() };
  const updated = await tx
    .update(table as PgTable)
    .set(set as never)
    .where(and(eq(columns.id, row.id), eq(columns.version, row.version)))
    .returning();
  if (!updated[0]) throw new AppError("request.precondition_failed");
  return updated[0] as T["$inferSelect"];
}
