import { and, eq, getTableName, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { nowInstant } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import type { Executor } from "./connect.ts";
import { placeholdersFor, prepared } from "./prepared.ts";
import { send } from "./transact.ts";

/** What every table that is changed here has. */
interface Versioned {
  id: string;
  version: number;
}
type Changes<T extends PgTable> = Partial<T["$inferInsert"]>;

/**
 * Stores a new row.
 * @returns it as stored, with what the database filled in
 */
export async function insertRow<T extends PgTable>(
  tx: Executor,
  table: T,
  values: T["$inferInsert"],
): Promise<T["$inferSelect"]> {
  const [row] = await tx.insert(table).values(values).returning();
  if (!row) throw new Error("insert returned no row");
  return row;
}

/** Names of the updates that are prepared, by table and columns. */
const names = new Map<string, string>();

/**
 * Updates that are prepared at most, in each session. Steps of a lifecycle are few; which columns a
 * patch of an owner names is up to them, and the server keeps what is prepared.
 */
const preparedAtMost = 200;

/**
 * An update that counts the change, for just these columns. The version in the WHERE is the last word
 * on two writers at once, whatever was checked before.
 */
function updateOf(tx: Executor, table: PgTable, columns: readonly string[], returns: boolean) {
  // The generic table hides its columns from the type checker; every table of this kind has them.
  const { id, version } = table as unknown as { id: never; version: never };
  const build = (name: string) => {
    const update = tx
      .update(table)
      .set({ ...placeholdersFor(table, columns), version: sql`version + 1` })
      .where(and(eq(id, sql.placeholder("rowId")), eq(version, sql.placeholder("rowVersion"))));
    return (returns ? update.returning() : update).prepare(name);
  };
  const key = [getTableName(table), returns ? "returns" : "sent", ...columns].join(" ");
  if (!names.has(key) && names.size < preparedAtMost) names.set(key, `update_${names.size + 1}`);
  const name = names.get(key);
  return name ? prepared(tx, name, build) : build("");
}

function execute<T extends PgTable>(
  tx: Executor,
  table: T,
  row: Versioned,
  changes: Changes<T>,
  returns: boolean,
) {
  const columns = Object.keys(changes).sort();
  const given = { rowId: row.id, rowVersion: row.version };
  return updateOf(tx, table, columns, returns).execute({ ...changes, ...given });
}

/** The changes with their instant, without what is not to be changed. */
function dated<T extends PgTable>(changes: Changes<T>): Changes<T> {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), updatedAt: nowInstant() } as unknown as Changes<T>;
}

/**
 * Changes a row that this transaction has read, and counts the change.
 * @returns the row as stored
 * @throws AppError `request.precondition_failed` (412) when the row is not that version any more
 */
export async function updateRow<T extends PgTable>(
  tx: Executor,
  table: T,
  row: Versioned,
  changes: Changes<T>,
): Promise<T["$inferSelect"]> {
  const updated = await execute(tx, table, row, dated(changes), true);
  const [stored] = updated as unknown as T["$inferSelect"][];
  if (!stored) throw new AppError("request.precondition_failed");
  return stored;
}

function assertChanged(result: unknown): void {
  if ((result as { rowCount: number }).rowCount !== 1) throw new Error("the row was not locked");
}

/**
 * The same for a row that this transaction has locked: nobody else changes it, so it will be what it was,
 * with these changes, and nothing is read back or waited for but the commit. For values that are stored as
 * they are given: no amount without its decimals, no column that others are generated from.
 * @param row whole, as it was locked
 * @returns the row as it will be stored
 */
export async function updateLocked<T extends PgTable>(
  tx: Executor,
  table: T,
  row: Versioned & T["$inferSelect"],
  changes: Changes<T>,
): Promise<T["$inferSelect"]> {
  const all = dated(changes);
  await send(tx, execute(tx, table, row, all, false).then(assertChanged));
  return { ...row, ...all, version: row.version + 1 };
}
