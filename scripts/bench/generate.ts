/**
 * The scratch databases that are measured: made once for each migration and generator, kept as
 * templates, and copied for each run, so that what a run writes does not change the next one.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { connect, type Executor } from "../../src/database/connect.ts";
import { migrate } from "../../src/database/migrate.ts";
import { transact } from "../../src/database/transact.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { noteCutAnew } from "../../src/modules/matching/term-statistics.service.ts";
import { memberRows, needRows, organizationRows, resultRows, sessionRows } from "./content.ts";

export interface Size {
  results: number;
  needs: number;
}

export type Progress = (text: string) => void;

/** The server to work on, as a URL of its maintenance database. */
export const serverUrl = (): string =>
  process.env.BENCH_DATABASE_URL ??
  process.env.TEST_DATABASE_URL ??
  process.env.DATABASE_URL ??
  "postgres://root@127.0.0.1/postgres";

/** The URL of another database of the same server. */
export function urlOf(database: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.href;
}

/** What a filled database is made of, these files among it; another content wants another template. */
export function fingerprint(more: readonly string[] = []): string {
  const hash = createHash("sha256");
  const folders = ["db/migrations", "db/taxonomies"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder))
      .filter((name) => /\.(sql|ts)$/.test(name))
      .sort()
      .map((name) => join(folder, name)),
  );
  const own = [
    "scripts/bench/content.ts",
    "scripts/bench/generate.ts",
    "src/database/migrate.ts",
    "src/lib/terms.ts",
  ];
  for (const file of [...files, ...own, ...more])
    hash.update(readFileSync(join(projectRoot, file)));
  return hash.digest("hex").slice(0, 10);
}

/** Runs `work` with a connection to the server's maintenance database, one bench at a time. */
async function withServer<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: serverUrl() });
  await admin.connect();
  try {
    await admin.query("select pg_advisory_lock(hashtext('grand-market bench'))");
    return await work(admin);
  } finally {
    await admin.end();
  }
}

/** Makes a copy of the filled database of this size; the template is filled first when it is missing. */
export async function openCopy(size: Size, fresh: boolean, progress: Progress): Promise<string> {
  const name = `grand_market_bench_${fingerprint()}_${size.results}_${size.needs}`;
  const template = await buildTemplate(name, fresh, progress, (url) => fill(url, size, progress));
  return copyTemplate(template, progress);
}

/** A copy of a template, to write in. */
export async function copyTemplate(template: string, progress: Progress): Promise<string> {
  const copy = `${template}_run_${process.pid}_${Date.now().toString(36)}`;
  progress(`copying ${template}`);
  await withServer(async (admin) => {
    await admin.query(`create database ${copy} template ${template} strategy file_copy`);
  });
  return copy;
}

/** The template of this name; it is filled first when it is missing. */
export async function buildTemplate(
  template: string,
  fresh: boolean,
  progress: Progress,
  fillIt: (url: string) => Promise<void>,
): Promise<string> {
  await withServer(async (admin) => {
    if (fresh) await admin.query(`drop database if exists ${template} with (force)`);
    const found = await admin.query("select 1 from pg_database where datname = $1", [template]);
    if (found.rowCount === 0) {
      progress(`filling ${template}`);
      const building = `${template}_building`;
      await admin.query(`drop database if exists ${building} with (force)`);
      await admin.query(`create database ${building}`);
      await fillIt(urlOf(building));
      await admin.query(`alter database ${building} rename to ${template}`);
    }
  });
  return template;
}

/** Removes a copy. */
export const dropCopy = (copy: string): Promise<void> =>
  withServer(async (admin) => {
    await admin.query(`drop database if exists ${copy} with (force)`);
  });

async function fill(url: string, size: Size, progress: Progress): Promise<void> {
  const database = connect({ connectionString: url, max: 1 });
  const started = performance.now();
  try {
    progress("migrating");
    await migrate(database);
    const { pool } = database;
    await pool.query("set statement_timeout = 0; set synchronous_commit = off");
    await pool.query("set maintenance_work_mem = '512MB'");
    await insertAll(pool, "organizations", organizationRows());
    await insertAll(pool, "members", memberRows());
    await insertAll(pool, "sessions", sessionRows());
    const rebuild = await dropIndexes(pool, ["results", "needs"]);
    await insertAll(pool, "results", resultRows(size.results), (done) =>
      progress(`results: ${done} of ${size.results}`),
    );
    await insertAll(pool, "needs", needRows(size.needs), (done) =>
      progress(`needs: ${done} of ${size.needs}`),
    );
    await rebuild(progress);
    await pool.query(
      "select setval('result_references', greatest(1, (select count(*) from results))), setval('need_references', greatest(1, (select count(*) from needs)))",
    );
    // As they are cut now. They are in no index of suggestions, which nothing that is measured here reads.
    await transact(pool, noteCutAnew);
    progress("vacuum, analyze");
    await pool.query("vacuum (freeze, analyze)");
    progress(`filled in ${Math.round((performance.now() - started) / 1000)} s`);
  } finally {
    await database.close();
  }
}

/**
 * Drops the indexes of tables that are to be filled: building them afterwards is much faster than
 * keeping 25 of them up to date row by row.
 * @returns what builds them again
 */
export async function dropIndexes(
  pool: pg.Pool,
  tables: readonly string[],
): Promise<(progress: Progress) => Promise<void>> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
     from pg_index i where indrelid = any($1::regclass[])
     and not exists (select from pg_constraint c where c.conindid = i.indexrelid)`,
    [tables],
  );
  for (const { name } of rows) await pool.query(`drop index ${name}`);
  return async (progress) => {
    progress(`building ${rows.length} indexes`);
    for (const { name, definition } of rows) {
      const started = performance.now();
      await pool.query(definition);
      const seconds = Math.round((performance.now() - started) / 1000);
      if (seconds > 4) progress(`${name}: ${seconds} s`);
    }
  };
}

const batch = 2_000;

/** Inserts rows in one statement. One parameter: the server spreads it over the columns by their own types. */
export async function insert(
  db: Pick<Executor, "execute">,
  table: string,
  rows: readonly Record<string, unknown>[],
): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const columns = sql.raw(Object.keys(first).join(", "));
  const into = sql.raw(table);
  await db.execute(
    sql`insert into ${into} (${columns}) select ${columns} from jsonb_populate_recordset(null::${into}, ${JSON.stringify(rows)}::jsonb)`,
  );
}

async function insertAll(
  pool: pg.Pool,
  table: string,
  rows: Iterable<Record<string, unknown>>,
  done?: (count: number) => void,
): Promise<void> {
  const db = drizzle(pool);
  let waiting: Record<string, unknown>[] = [];
  let count = 0;
  const flush = async () => {
    await insert(db, table, waiting);
    count += waiting.length;
    waiting = [];
    done?.(count);
  };
  for (const row of rows) {
    waiting.push(row);
    if (waiting.length === batch) await flush();
  }
  await flush();
}
