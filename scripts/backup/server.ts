/** Backup and restore of a market on a PostgreSQL server. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import type { Config } from "../../src/config.ts";
import { connect, type Database, type Executor } from "../../src/database/connect.ts";
import { newId } from "../../src/lib/ids.ts";
import { driverError } from "../../src/lib/loggable.ts";
import { backupLock } from "../../src/modules/attachments/attachments.store.ts";
import { assertWhole, describe, placeOf, referredFiles } from "./check.ts";
import {
  BackupError,
  copyFile,
  hashOf,
  type Manifest,
  names,
  type Sums,
  syncFiles,
} from "./parts.ts";
import { findTool, runTool } from "./tools.ts";

const majorOf = (version: number) => Math.floor(version / 10_000);

/** A session for long work; it names itself. */
async function session(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "grand-market backup",
    options: "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c timezone=UTC",
  });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/**
 * Writes dump and files into `folder`: of one moment, while the market runs. The lock keeps bytes that a
 * row of that moment refers to from being removed before they are copied.
 */
export async function backUpServer(
  url: string,
  config: Readonly<Config>,
  folder: string,
): Promise<Omit<Manifest, "format" | "program" | "madeAt" | "parts"> & { sums: Sums }> {
  const sums: Sums = new Map();
  const keeper = await session(url);
  const reader = await session(url);
  try {
    // A process that removes a file holds it for a moment; another backup for long.
    await keeper.query("set lock_timeout = '10s'");
    await keeper
      .query("select pg_advisory_lock(hashtextextended($1, 0))", [backupLock])
      .catch((error: unknown) => {
        if (driverError(error)?.code !== "55P03") throw error;
        throw new BackupError("another backup of this market is being made");
      });
    await reader.query("begin isolation level repeatable read read only");
    const exported = await reader.query<{ id: string }>("select pg_export_snapshot() as id");
    const db: Executor = drizzle(reader) as unknown as Executor;
    const described = await describe(db);
    const files = await referredFiles(db);
    const tool = await findTool("pg_dump", majorOf(described.database.version));
    const dump = join(folder, names.dump);
    await runTool(tool, url, [
      ...["--format=custom", "--no-owner", "--no-privileges"],
      ...[`--snapshot=${exported.rows[0]?.id}`, `--file=${dump}`],
    ]);
    sums.set(names.dump, await hashOf(dump));
    for (const sha256 of files.keys()) {
      const from = join(config.dataDir, "files", placeOf(sha256));
      const path = join(names.files, placeOf(sha256));
      const copied = await copyFile(from, join(folder, path)).catch(
        (error: NodeJS.ErrnoException) => {
          throw error.code === "ENOENT"
            ? new BackupError(
                `The file ${sha256} is not in ${join(config.dataDir, "files")}: set DATA_DIR to the folder of the attachments, or see what is missing (npm run verify-files).`,
              )
            : error;
        },
      );
      if (copied !== sha256) {
        throw new BackupError(`The file ${sha256} is damaged: its bytes are not what they were.`);
      }
      sums.set(path, sha256);
    }
    return { ...described, files: files.size, folders: [], sums };
  } finally {
    await reader.end();
    await keeper.end();
  }
}

/** Anything that somebody made in this database, but for what extensions bring along. */
async function isEmpty(db: Executor): Promise<boolean> {
  const found = await db.execute<{ made: string }>(sql`
    select count(*) as made from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')`);
  return Number(found.rows[0]?.made) === 0;
}

/** What was loaded is taken out again: the database was empty before. */
async function empty(db: Executor): Promise<void> {
  // A dump of version 0.1.0 has a queue of jobs, too.
  for (const schema of ["pgboss", "drizzle", "public"]) {
    await db.execute(sql.raw(`drop schema if exists ${schema} cascade`));
  }
  await db.execute(sql`create schema public`);
}

/**
 * The numbers of transactions are those of the server that was backed up: here they would stand above all
 * that come, and each look of the sealer would go through the whole log.
 */
async function forgetTransactions(db: Database["db"]): Promise<void> {
  await db.transaction(async (tx) => {
    for (const table of ["audit_records", "registry_entries", "volume_entries"]) {
      await tx.execute(sql.raw(`alter table ${table} disable trigger user`));
      await tx.execute(sql.raw(`update ${table} set transaction_id = '0'`));
      await tx.execute(sql.raw(`alter table ${table} enable trigger user`));
    }
    await tx.execute(sql`update sealer_state set floor = '0'`);
  });
}

/** Puts files where they belong; those that are there already are left, as their name is their content. */
async function placeFiles(
  folder: string,
  config: Readonly<Config>,
  sums: Sums,
  placed: string[],
): Promise<void> {
  const before = placed.length;
  for (const [path, sha256] of sums) {
    if (!path.startsWith(`${names.files}/`)) continue;
    const target = join(config.dataDir, path);
    if (existsSync(target)) continue;
    const beside = `${target}.${newId()}`;
    placed.push(target, beside);
    if ((await copyFile(join(folder, path), beside)) !== sha256) {
      throw new BackupError(`${path} was changed while it was read.`);
    }
    await rename(beside, target);
  }
  await syncFiles(
    "/",
    placed.slice(before).filter((path) => existsSync(path)),
  );
}

/**
 * Fills the empty database of DATABASE_URL. Files and keys come first; the dump is loaded in one
 * transaction, so until its end there is no market there, and from then on a whole one.
 * @throws BackupError; what was placed is taken away again
 */
export async function restoreServer(
  url: string,
  config: Readonly<Config>,
  folder: string,
  { manifest, sums }: { manifest: Manifest; sums: Sums },
): Promise<{ position: number; files: number }> {
  const database = connect({
    connectionString: url,
    max: 1,
    options: "-c statement_timeout=0 -c timezone=UTC",
  });
  const { db } = database;
  const placed: string[] = [];
  let isLoaded = false;
  try {
    if (!(await isEmpty(db))) {
      throw new BackupError(
        "The database of DATABASE_URL is not empty: a backup is restored into an empty one (createdb NAME).",
      );
    }
    const version = await db.execute<{ number: string }>(
      sql`select current_setting('server_version_num') as number`,
    );
    const [here, there] = [Number(version.rows[0]?.number), manifest.database.version];
    if (majorOf(here) < majorOf(there)) {
      throw new BackupError(
        `The backup is of PostgreSQL ${majorOf(there)}, this server is ${majorOf(here)}: use one that is not older.`,
      );
    }
    const tool = await findTool("pg_restore", majorOf(there));
    const keys = config.signingKeysFile;
    if (!existsSync(keys)) {
      placed.push(keys);
      await copyFile(join(folder, names.keys), keys);
    } else if ((await hashOf(keys)) !== sums.get(names.keys)) {
      throw new BackupError(
        `SIGNING_KEYS_FILE: ${keys} holds other keys than the backup. Move it away first.`,
      );
    }
    await placeFiles(folder, config, sums, placed);
    await runTool(tool, url, [
      ...["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"],
      join(folder, names.dump),
    ]);
    isLoaded = true;
    await forgetTransactions(db);
    await db.execute(sql`analyze`);
    return await assertWhole(database, join(config.dataDir, "files"), manifest);
  } catch (error) {
    if (isLoaded) await empty(db);
    for (const path of placed) await rm(path, { force: true });
    throw error;
  } finally {
    await database.close();
  }
}
