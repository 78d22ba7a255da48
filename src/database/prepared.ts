import { Column, getTableColumns, is, type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Executor } from "./connect.ts";

const memo = new WeakMap<object, Map<string, unknown>>();

/**
 * A statement prepared once for each executor that outlives a request (a pool's or a connection's).
 * `build` gets the name to prepare under, which must tell apart statements of different text.
 */
export function prepared<T extends object>(
  db: Executor,
  name: string,
  build: (name: string) => T,
): T {
  const statements = memo.get(db) ?? new Map<string, unknown>();
  memo.set(db, statements);
  const known = statements.get(name) as T | undefined;
  if (known) return known;
  const statement = withRowMapper(build(name));
  statements.set(name, statement);
  return statement;
}

/** What a prepared query of drizzle knows of its rows (its own fields, not public in its types). */
interface Mapped {
  fields?: { path: string[]; field: unknown }[];
  joinsNotNullableMap?: Record<string, boolean>;
  customResultMapper?: (rows: unknown[][]) => unknown[];
}

interface Decoder {
  mapFromDriverValue: (value: unknown) => unknown;
}

/**
 * Drizzle asks of each value of each row what kind of column it is from. This asks once, when the
 * statement is prepared: a row of fifty columns then costs a tenth. Rows of outer joins stay with
 * drizzle, which knows when a whole table is null.
 */
function withRowMapper<T extends object>(statement: T): T {
  const mapped = statement as Mapped;
  const outerJoins = Object.values(mapped.joinsNotNullableMap ?? {}).includes(false);
  if (!mapped.fields || outerJoins) return statement;
  const columns = mapped.fields.map(({ path, field }) => {
    const decoder = is(field, Column) ? field : (field as { decoder?: Decoder }).decoder;
    const group = path.length > 1 ? (path[0] ?? null) : null;
    return { group, key: path.at(-1) ?? "", decoder: decoder as Decoder | undefined };
  });
  mapped.customResultMapper = (rows) =>
    rows.map((row) => {
      const result: Record<string, unknown> = {};
      columns.forEach(({ group, key, decoder }, i) => {
        const raw = row[i] ?? null;
        const value = raw === null || !decoder ? raw : decoder.mapFromDriverValue(raw);
        if (group === null) result[key] = value;
        else {
          result[group] ??= {};
          (result[group] as Record<string, unknown>)[key] = value;
        }
      });
      return result;
    });
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
