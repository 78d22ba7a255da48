/** Whether a market is whole: its log, its sums, its files. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import type { Database, Executor } from "../../src/database/connect.ts";
import { verifiedAtOnce, verifyLog } from "../../src/modules/audit/log.service.ts";
import { countWrongSums } from "../../src/modules/statistics/statistics.service.ts";
import { BackupError, hashOf, type Manifest } from "./parts.ts";

/** What a backup's manifest says of its database, from one snapshot. */
export async function describe(db: Executor): Promise<Pick<Manifest, "log" | "rows" | "database">> {
  const tables = await db.execute<{ name: string }>(sql`
    select format('%I', relname) as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname`);
  if (tables.rows.length === 0) throw new BackupError("This database holds no market.");
  const rows: Manifest["rows"] = {};
  for (const { name } of tables.rows) {
    const counted = await db.execute<{ count: string }>(
      sql`select count(*) as count from ${sql.raw(`public.${name}`)}`,
    );
    rows[name] = Number(counted.rows[0]?.count);
  }
  const head = await db.execute<{ position: string; hash: string }>(
    sql`select position, encode(hash, 'hex') as hash from public.sealer_state`,
  );
  const migrations = await db.execute<{ hash: string }>(
    sql`select hash from drizzle.__drizzle_migrations order by id`,
  );
  const version = await db.execute<{ number: string }>(
    sql`select current_setting('server_version_num') as number`,
  );
  return {
    log: { position: Number(head.rows[0]?.position), hash: head.rows[0]?.hash ?? "" },
    rows,
    database: {
      // The caller knows which one it is.
      kind: "server",
      version: Number(version.rows[0]?.number),
      migrations: migrations.rows.map(({ hash }) => hash),
    },
  };
}

/** Every file that rows refer to, with its size, by its SHA-256. */
export async function referredFiles(db: Executor): Promise<Map<string, number>> {
  const found = await db.execute<{ sha256: string; size: string }>(
    sql`select distinct sha256, size from public.attachments`,
  );
  return new Map(found.rows.map(({ sha256, size }) => [sha256, Number(size)]));
}

/** Where the store has a file, below its folder. */
export const placeOf = (sha256: string) => join(sha256.slice(0, 2), sha256.slice(2, 4), sha256);

/**
 * Verifies the whole log, every running sum, and every byte of every file that a row refers to.
 * @param wanted what the database must hold; null: whatever it holds
 * @throws BackupError that says what is not right
 */
export async function assertWhole(
  { db }: Database,
  filesFolder: string,
  wanted: Pick<Manifest, "log" | "rows"> | null,
): Promise<{ position: number; files: number }> {
  const { log, rows } = await describe(db);
  if (wanted && (log.position !== wanted.log.position || log.hash !== wanted.log.hash)) {
    throw new BackupError(
      `The log ends at position ${log.position}, not as the backup says at ${wanted.log.position}.`,
    );
  }
  for (const [name, count] of Object.entries(wanted?.rows ?? {})) {
    if (rows[name] === count) continue;
    throw new BackupError(`The table ${name} has ${rows[name]} rows, not ${count}.`);
  }
  for (let from = 1; from <= log.position; from += verifiedAtOnce) {
    const { ok, brokenAt } = await verifyLog(db, { from, to: from + verifiedAtOnce - 1 });
    if (!ok) throw new BackupError(`The log is broken at position ${brokenAt}.`);
  }
  const wrong = await countWrongSums(db);
  if (wrong > 0) throw new BackupError(`${wrong} sums of the contract volume are not right.`);
  const files = await referredFiles(db);
  for (const [sha256, size] of files) {
    const path = join(filesFolder, placeOf(sha256));
    const found = await stat(path).catch(() => null);
    if (!found) throw new BackupError(`The file ${sha256} is missing.`);
    if (found.size !== size || (await hashOf(path)) !== sha256) {
      throw new BackupError(`The file ${sha256} is damaged.`);
    }
  }
  return { position: log.position, files: files.size };
}
