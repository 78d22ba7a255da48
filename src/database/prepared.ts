import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Executor } from "./connect.ts";

const memo = new WeakMap<object, Map<string, unknown>>();

/**
 * A statement prepared once for each executor that outlives a request (the pool's). `build` gets the
 * name to prepare under, which must tell apart statements of different text.
 */
export function prepared<T>(db: Executor, name: string, build: (name: string) => T): T {
  const statements = memo.get(db) ?? new Map<string, unknown>();
  memo.set(db, statements);
  const statement = (statements.get(name) as T | undefined) ?? build(name);
  statements.set(name, statement);
  return statement;
}

/**
 * `values` of a prepared insert: a placeholder of its own name for each column. Drizzle would write a
 * null into a jsonb column as JSON's null, which is not SQL's; so null passes by the encoder.
 */
export function placeholdersFor<const K extends string>(table: PgTable, columns: readonly K[]) {
  const all: Record<string, PgColumn> = getTableColumns(table);
  const placeholders = columns.map((name) => {
    const mapToDriverValue = (value: unknown) =>
      value === null ? null : (all[name]?.mapToDriverValue(value) ?? value);
    return [name, sql`${sql.param(sql.placeholder(name), { mapToDriverValue })}`];
  });
  return Object.fromEntries(placeholders) as Record<K, SQL>;
}
