import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { migrate as runMigrations } from "drizzle-orm/node-postgres/migrator";
import PgBoss from "pg-boss";
import { ruleSets } from "../../db/rules/registration-rules.ts";
import { synonyms } from "../../db/schema/matching.ts";
import { auditRecords } from "../../db/schema/plumbing.ts";
import { registrationRules } from "../../db/schema/registrations.ts";
import { taxonomyItems } from "../../db/schema/taxonomies.ts";
import { synonymGroups } from "../../db/synonyms/synonyms.ts";
import { taxonomies } from "../../db/taxonomies/index.ts";
import { newId } from "../lib/ids.ts";
import { projectRoot } from "../lib/root.ts";
import { synonymKeysOf } from "../lib/terms.ts";
import type { Database, Executor } from "./connect.ts";

const migrationsFolder = join(projectRoot, "db", "migrations");

/** Oldest PostgreSQL that the schema is written for. */
const leastServerVersion = 150_000;

/**
 * Brings the schema and the built-in taxonomies up to this program's version. Safe to run again,
 * and from several processes at once: a lock lets one work at a time.
 * @throws Error on a PostgreSQL older than 15
 */
export async function migrate({ pool, db }: Database): Promise<void> {
  const version = await pool.query<{ server_version_num: string }>("show server_version_num");
  if (Number(version.rows[0]?.server_version_num) < leastServerVersion) {
    throw new Error("PostgreSQL 15 or later is needed.");
  }
  await db.transaction(async (tx) => {
    await tx.execute(sql`set local statement_timeout = 0`);
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('grand-market migrate'))`);
    // A transaction has all that the migrator uses; its type asks for a whole database.
    await runMigrations(tx as unknown as Database["db"], { migrationsFolder });
    await loadTaxonomies(tx);
    await loadRules(tx);
    await loadSynonyms(tx);
  });
  await migrateJobs(pool);
}

/** The tables of the job queue, in a schema of their own; pg-boss knows its own versions. */
async function migrateJobs(pool: Database["pool"]): Promise<void> {
  const db = { executeSql: (text: string, values: unknown[]) => pool.query(text, values) };
  const boss = new PgBoss({ db, supervise: false, schedule: false });
  await boss.start();
  await boss.stop({ graceful: false, wait: true });
}

/** The built-in items of every taxonomy; what the operator added or retired stays. */
async function loadTaxonomies(tx: Executor): Promise<void> {
  const rows = taxonomies.flatMap((taxonomy) =>
    taxonomy.items.map((item, position) => ({
      taxonomy: taxonomy.name,
      code: item.code,
      parentCode: item.parent ?? null,
      zh: item.zh,
      en: item.en,
      attributes: item.attributes ?? null,
      position,
      origin: "built_in" as const,
    })),
  );
  await tx
    .insert(taxonomyItems)
    .values(rows)
    .onConflictDoUpdate({
      target: [taxonomyItems.taxonomy, taxonomyItems.code],
      set: {
        parentCode: sql`excluded.parent_code`,
        zh: sql`excluded.zh`,
        en: sql`excluded.en`,
        attributes: sql`excluded.attributes`,
        position: sql`excluded.position`,
        origin: sql`excluded.origin`,
      },
    });
}

/** The built-in rule sets of registration; the numbers that the operator changed stay. */
async function loadRules(tx: Executor): Promise<void> {
  await tx
    .insert(registrationRules)
    .values([...ruleSets])
    .onConflictDoUpdate({
      target: registrationRules.code,
      set: {
        zh: sql`excluded.zh`,
        en: sql`excluded.en`,
        appliesFrom: sql`excluded.applies_from`,
      },
    });
}

/**
 * The built-in groups of synonyms, for a market that never had any. What the operator did with them
 * stands in the audit log, which nobody empties: so groups that were deleted, all of them even, stay away.
 */
async function loadSynonyms(tx: Executor): Promise<void> {
  const { rows } = await tx.execute<{ untouched: boolean }>(sql`
    select not exists (select from ${synonyms})
      and not exists (select from ${auditRecords} where ${auditRecords.subjectType} = 'synonym') as untouched`);
  if (!rows[0]?.untouched) return;
  await tx.insert(synonyms).values(
    synonymGroups.map((words) => ({
      id: newId(),
      words: [...words],
      folded: synonymKeysOf(words),
    })),
  );
}

/** How many migrations this program has. */
export function expectedMigrations(): number {
  const journal = readFileSync(join(migrationsFolder, "meta", "_journal.json"), "utf8");
  return (JSON.parse(journal) as { entries: unknown[] }).entries.length;
}

/** How many migrations the database has; 0 when it was never migrated. */
export async function appliedMigrations(db: Executor): Promise<number> {
  const found = await db.execute<{ name: string | null }>(
    sql`select to_regclass('drizzle.__drizzle_migrations')::text as name`,
  );
  if (!found.rows[0]?.name) return 0;
  const counted = await db.execute<{ count: number }>(
    sql`select count(*)::int as count from drizzle.__drizzle_migrations`,
  );
  return counted.rows[0]?.count ?? 0;
}
