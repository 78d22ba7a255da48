import { sql } from "drizzle-orm";
import type { Executor } from "./connect.ts";
import { type Migration, readMigrations } from "./migrations.ts";

/** How the schema of a database stands to this program. */
export type SchemaState =
  /** Nothing of the market is there. */
  | { kind: "empty" }
  | { kind: "current" }
  /** What this program has and the database lacks; it can be migrated. */
  | { kind: "older"; missing: readonly string[] }
  /** It has all of this program's migrations, and so many after them. */
  | { kind: "newer"; further: number }
  /** It was made by another program, or by a migration that was changed afterwards. */
  | { kind: "foreign"; reason: string };

/** A row of drizzle's list of what was applied. */
export interface Applied {
  hash: string;
  when: number;
}

const own = readMigrations();

/**
 * Compares what was applied with this program's migrations, by names and hashes.
 * @param applied in any order
 */
export function compareMigrations(
  applied: readonly Applied[],
  expected: readonly Migration[],
): SchemaState {
  for (const { name, when, hash, hashWithCrlf } of expected) {
    const found = applied.find((row) => row.when === when);
    if (found && found.hash !== hash && found.hash !== hashWithCrlf) {
      return { kind: "foreign", reason: `migration ${name} was applied to it in another form` };
    }
  }
  const missing = expected.filter(({ when }) => !applied.some((row) => row.when === when));
  const last = expected.at(-1)?.when ?? 0;
  const unknown = applied.filter(({ when }) => !expected.some((one) => one.when === when));
  const odd = unknown.find(({ when }) => missing.length > 0 || when < last);
  if (odd) {
    const made = new Date(odd.when).toISOString();
    const reason = `it has a migration of ${made} that this program does not know`;
    return { kind: "foreign", reason };
  }
  if (unknown.length > 0) return { kind: "newer", further: unknown.length };
  if (missing.length === 0) return { kind: "current" };
  const [first] = missing;
  if (first !== expected[expected.length - missing.length]) {
    return { kind: "foreign", reason: `migration ${first?.name} was left out` };
  }
  return { kind: "older", missing: missing.map(({ name }) => name) };
}

/**
 * How the schema stands to this program. Reads only, and
 * waits for nobody who migrates: until all of it is there, the database is what it was before.
 */
export async function schemaState(db: Executor): Promise<SchemaState> {
  const { rows } = await db.execute<{ migrated: boolean; used: boolean }>(sql`
    select to_regclass('drizzle.__drizzle_migrations') is not null as migrated,
      to_regclass('public.organizations') is not null as used`);
  const [tables] = rows;
  const applied = tables?.migrated ? await appliedMigrations(db) : [];
  if (applied.length === 0) {
    return tables?.used
      ? { kind: "foreign", reason: "it has tables, but no list of the migrations that made them" }
      : { kind: "empty" };
  }
  return compareMigrations(applied, own);
}

/**
 * Whether a program that runs already can go on with this schema: migrations that are released only add,
 * so the one after it takes nothing away. (A start on a newer schema is refused: its program is at hand.)
 */
export const servesSchema = ({ kind }: SchemaState): boolean =>
  kind === "current" || kind === "newer";

/**
 * What is to be done about a schema that is not this program's, in sentences.
 * @param isEmbedded an embedded database has no `db:migrate`, and its folder is at hand
 */
export function explainSchema(state: SchemaState, isEmbedded: boolean): string {
  const migrate = isEmbedded ? "Start this program's server on it." : "Run: npm run db:migrate";
  switch (state.kind) {
    case "current":
      return "The database is up to date.";
    case "empty":
      return `The database was never migrated. ${migrate}`;
    case "older":
      return `The database lacks ${state.missing.join(", ")}. ${migrate}`;
    case "newer":
      return `The database was migrated by a newer version of this program, which has ${state.further} more migration${state.further === 1 ? "" : "s"}. Run that version; this one would not understand it.`;
    case "foreign": {
      const anew = isEmbedded
        ? "move its folder away, or set DATA_DIR to another one"
        : "name an empty database in DATABASE_URL";
      return `The database is not of this program's making: ${state.reason}. It cannot be upgraded. Run the program that made it, and take out of it what is to be kept; to start over, ${anew}.`;
    }
  }
}

async function appliedMigrations(db: Executor): Promise<Applied[]> {
  const { rows } = await db.execute<{ hash: string; when: string }>(
    sql`select hash, created_at as "when" from drizzle.__drizzle_migrations`,
  );
  // int8 comes as text; milliseconds fit a number.
  return rows.map(({ hash, when }) => ({ hash, when: Number(when) }));
}
