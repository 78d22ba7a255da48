import { setTimeout } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import * as schema from "../../db/schema/index.ts";
import { driverError, explainDatabase } from "../lib/loggable.ts";
import { Refusal } from "../lib/refusal.ts";
import type { Database, Executor } from "./connect.ts";
import { type Migration, readMigrations } from "./migrations.ts";
import { bringRights, hasRoles, makeRoles, type Passwords } from "./roles.ts";
import { explainSchema, schemaState } from "./schema-state.ts";
import { loadRules, loadSynonyms, loadTaxonomies } from "./seeds.ts";

/** Oldest PostgreSQL that the schema is written for. */
const leastServerVersion = 150_000;

/** How often a migration is tried whose lock a running service does not let go of, a second apart. */
const mostTries = 60;

/**
 * Brings the schema and the built-in data up to this program's version, each migration whole or not
 * at all. Safe to run again, also after one that was ended in its midst, and from any number of processes at once: one works, the others wait. Where the
 * database has roles of its own (`roles.ts`), they have afterwards what this version needs.
 * @param roles makes those roles, with these passwords
 * @returns the names of the migrations that were applied
 * @throws Refusal on a PostgreSQL older than 15, on a newer or foreign schema, and when a migration fails
 */
export async function migrate({ pool }: Database, roles?: Passwords): Promise<string[]> {
  const client = await pool.connect();
  let broken = true;
  try {
    // The lock is of the session: everything happens on this one connection, whatever its transactions.
    await client.query("set statement_timeout = 0; set lock_timeout = 0");
    await client.query("select pg_advisory_lock(hashtext('grand-market migrate'))");
    const applied = await migrateLocked(client, roles);
    await client.query("select pg_advisory_unlock(hashtext('grand-market migrate'))");
    await client.query("reset statement_timeout; reset lock_timeout");
    broken = false;
    return applied;
  } finally {
    // A connection that is thrown away gives its lock back.
    client.release(broken);
  }
}

async function migrateLocked(client: pg.PoolClient, roles?: Passwords): Promise<string[]> {
  const version = await client.query<{ server_version_num: string }>("show server_version_num");
  if (Number(version.rows[0]?.server_version_num) < leastServerVersion) {
    throw new Refusal("PostgreSQL 15 or later is needed.");
  }
  const db = drizzle(client, { schema });
  const state = await schemaState(db);
  if (state.kind === "newer" || state.kind === "foreign") {
    throw new Refusal(explainSchema(state, false));
  }
  const missing = new Set(state.kind === "older" ? state.missing : []);
  const pending = readMigrations().filter(
    ({ name }) => state.kind === "empty" || missing.has(name),
  );
  // One after the other, so that no lock outlasts the migration that takes it. What the program waits for is
  // whole with the last one.
  if (pending.length > 0) await inOneTransaction(db, makeList);
  for (const migration of pending.slice(0, -1)) {
    await inOneTransaction(db, (tx) => apply(tx, migration));
  }
  await inOneTransaction(db, async (tx) => {
    for (const migration of pending.slice(-1)) await apply(tx, migration);
    await loadTaxonomies(tx);
    await loadRules(tx);
    await loadSynonyms(tx);
    if (roles) await makeRoles(tx, roles);
    if (roles || (await hasRoles(tx))) await bringRights(tx);
  });
  return pending.map(({ name }) => name);
}

/**
 * Does it all or nothing. A statement that waits for a table's lock holds up everybody behind it, so it
 * gives up soon, lets them pass, and all is tried again. Sooner than PostgreSQL looks for deadlocks (1 s): of
 * two that wait for each other it is the migration that steps back, not a request.
 */
async function inOneTransaction(
  db: Executor,
  work: (tx: Executor) => Promise<void>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await db.transaction(async (tx) => {
        await tx.execute(sql`set local lock_timeout = '500ms'`);
        await work(tx);
      });
      return;
    } catch (error) {
      const code = driverError(error instanceof Refusal ? error.cause : error)?.code;
      // lock_not_available, deadlock_detected
      const isInTheWay = code === "55P03" || code === "40P01";
      if (isInTheWay && tries < mostTries) {
        await setTimeout(1_000);
        continue;
      }
      throw error;
    }
  }
}

/** The list of what was applied, as drizzle's own migrator makes it. */
async function makeList(tx: Executor): Promise<void> {
  await tx.execute(sql`create schema if not exists drizzle`);
  await tx.execute(sql`create table if not exists drizzle.__drizzle_migrations
    (id serial primary key, hash text not null, created_at bigint)`);
}

/** Runs a migration and notes it where drizzle's own migrator would. */
async function apply(tx: Executor, { name, hash, when, statements }: Migration): Promise<void> {
  try {
    for (const statement of statements) await tx.execute(sql.raw(statement));
  } catch (cause) {
    const why = explainDatabase(cause);
    // In the driver's words: drizzle's message is the whole SQL.
    throw new Refusal(`Migration ${name} failed: ${why}. Nothing of it was changed.`, { cause });
  }
  await tx.execute(
    sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${when})`,
  );
}
