import {
  Column,
  DrizzleQueryError,
  getTableColumns,
  is,
  Param,
  Placeholder,
  type SQL,
  sql,
} from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Executor } from "./connect.ts";

const memo = new WeakMap<object, Map<string, unknown>>();

/** Combinations of filters that each session of the server keeps a plan for, and whose text is remembered. */
const plannedAtMost = 50;
const rememberedAtMost = 500;

/** Names of the combinations that are prepared: the server tells only short ones apart. */
const combinations = new Map<string, string>();

/**
 * A statement prepared once for each executor that outlives a request (a pool's or a connection's).
 * `build` gets the name to prepare under, which must tell apart statements of different text.
 */
export function prepared<T extends object>(
  db: Executor,
  name: string,
  build: (name: string) => T,
): T {
  return known(db, name, () => build(name), Number.POSITIVE_INFINITY);
}

/**
 * The same where callers combine filters as they like, more than the sessions of the server have memory for:
 * the first ones are prepared, of others the text is kept, which drizzle takes longer to put together than
 * to send.
 */
export function preparedIfFew<T extends object>(
  db: Executor,
  key: string,
  build: (name: string) => T,
): T {
  if (!combinations.has(key) && combinations.size < plannedAtMost) {
    combinations.set(key, `combination_${combinations.size + 1}`);
  }
  return known(db, `of many: ${key}`, () => build(combinations.get(key) ?? ""), rememberedAtMost);
}

function known<T extends object>(db: Executor, name: string, build: () => T, most: number): T {
  const statements = memo.get(db) ?? new Map<string, unknown>();
  memo.set(db, statements);
  const found = statements.get(name) as T | undefined;
  if (found) return found;
  const statement = decided(build());
  if (statements.size < most) statements.set(name, statement);
  return statement;
}

/** A value on its way to the driver, or back. */
type Encode = { mapToDriverValue: (value: unknown) => unknown };
type Decode = { mapFromDriverValue: (value: unknown) => unknown };

/** What a prepared query of drizzle is made of (its own fields, not public in its types). */
interface Inside {
  client: { query: (query: object, values: unknown[]) => Promise<{ rows: unknown[][] }> };
  queryString: string;
  params: unknown[];
  /** With rows as arrays, and with rows as objects. */
  queryConfig: object;
  rawQueryConfig: object;
  fields?: { path: string[]; field: unknown }[];
  joinsNotNullableMap?: Record<string, boolean>;
  execute: (values?: Record<string, unknown>) => Promise<unknown>;
}

/**
 * Drizzle asks at each call what each parameter is, and of each value of each row what kind of column it is
 * from; this asks once, when the statement is prepared. Rows of outer joins stay with drizzle, which knows
 * when a whole table is null.
 */
function decided<T extends object>(statement: T): T {
  const inside = statement as unknown as Inside;
  const { client, queryString, fields, joinsNotNullableMap } = inside;
  if (Object.values(joinsNotNullableMap ?? {}).includes(false)) return statement;
  const parameters = inside.params.map(parameterOf);
  const config = fields ? inside.queryConfig : inside.rawQueryConfig;
  const toRow = fields && rowMapperOf(fields);
  inside.execute = async (given = {}) => {
    const values = parameters.map((parameter) => parameter(given));
    try {
      const result = await client.query(config, values);
      return toRow ? result.rows.map(toRow) : result;
    } catch (error) {
      throw new DrizzleQueryError(queryString, values, error as Error);
    }
  };
  return statement;
}

/** What is sent for one parameter, of the values that a call gives. */
function parameterOf(parameter: unknown): (given: Record<string, unknown>) => unknown {
  const held = is(parameter, Param) ? parameter.value : parameter;
  if (!is(held, Placeholder)) return () => parameter;
  const { name } = held;
  const encoder = is(parameter, Param) ? (parameter.encoder as Encode) : null;
  return (given) => {
    if (!(name in given)) throw new Error(`a statement got no value for ${name}`);
    return encoder ? encoder.mapToDriverValue(given[name]) : given[name];
  };
}

/**
 * A row of the driver as an object, its columns in groups where they are of several tables. Written out as one
 * would by hand, `{id: row[0], ...}`, which the engine makes ten times as fast as one key after the other.
 */
function rowMapperOf(fields: NonNullable<Inside["fields"]>): (row: unknown[]) => unknown {
  const decoders = fields.map(({ field }) =>
    is(field, Column) ? field : (field as { decoder?: Decode }).decoder,
  );
  const members = new Map<string | null, string[]>();
  for (const [i, { path }] of fields.entries()) {
    const value = decoders[i]
      ? `row[${i}] === null ? null : decoders[${i}].mapFromDriverValue(row[${i}])`
      : `row[${i}]`;
    const group = path.length > 1 ? (path[0] ?? null) : null;
    const known = members.get(group) ?? [];
    members.set(group, [...known, `${JSON.stringify(path.at(-1))}: ${value}`]);
  }
  const text = [...members].map(([group, of]) =>
    group === null ? of.join() : `${JSON.stringify(group)}: {${of.join()}}`,
  );
  const mapper = new Function("decoders", "row", `return {${text.join()}}`);
  return mapper.bind(null, decoders) as (row: unknown[]) => unknown;
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
