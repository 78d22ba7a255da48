/**
 * The scratch databases that are measured: made once for each migration and generator, kept as
 * templates, and copied for each run, so that what a run writes does not change the next one.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { connect } from "../../src/database/connect.ts";
import { migrate } from "../../src/database/migrate.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { memberRows, needRows, organizationRows, resultRows, sessionRows } from "./content.ts";

export interface Size {
  results: number;
  needs: number;
}

type Progress = (text: string) => void;

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

/** What a filled database is made of; another content wants another template. */
function fingerprint(): string {
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
  for (const file of [...files, ...own]) hash.update(readFileSync(join(projectRoot, file)));
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
  const template = `grand_market_bench_${fingerprint()}_${size.results}_${size.needs}`;
  const copy = `${template}_run_${process.pid}_${Date.now().toString(36)}`;
  await withServer(async (admin) => {
    if (fresh) await admin.query(`drop database if exists ${template} with (force)`);
    const found = await admin.query("select 1 from pg_database where datname = $1", [template]);
    if (found.rowCount === 0) {
      const building = `${template}_building`;
      await admin.query(`drop database if exists ${building} with (force)`);
      await admin.query(`create database ${building}`);
      await fill(urlOf(building), size, progress);
      await admin.query(`alter database ${building} rename to ${template}`);
    }
    progress(`copying ${template}`);
    await admin.query(`create database ${copy} template ${template} strategy file_copy`);
  });
  return copy;
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
    await insert(pool, "organizations", organizationRows());
    await insert(pool, "members", memberRows());
    await insert(pool, "sessions", sessionRows());
    // Indexes are built afterwards: much faster than keeping 25 of them up to date row by row.
    const indexes = await pool.query<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
       from pg_index i where indrelid in ('results'::regclass, 'needs'::regclass)
       and not exists (select from pg_constraint c where c.conindid = i.indexrelid)`,
    );
    for (const { name } of indexes.rows) await pool.query(`drop index ${name}`);
    await insert(pool, "results", resultRows(size.results), (done) =>
      progress(`results: ${done} of ${size.results}`),
    );
    await insert(pool, "needs", needRows(size.needs), (done) =>
      progress(`needs: ${done} of ${size.needs}`),
    );
    progress(`building ${indexes.rows.length} indexes`);
    for (const { definition } of indexes.rows) await pool.query(definition);
    await pool.query(
      "select setval('result_references', greatest(1, (select count(*) from results))), setval('need_references', greatest(1, (select count(*) from needs)))",
    );
    progress("vacuum, analyze");
    await pool.query("vacuum (freeze, analyze)");
    progress(`filled in ${Math.round((performance.now() - started) / 1000)} s`);
  } finally {
    await database.close();
  }
}

const batch = 2_000;

async function insert(
  pool: pg.Pool,
  table: string,
  rows: Iterable<Record<string, unknown>>,
  done?: (count: number) => void,
): Promise<void> {
  let waiting: Record<string, unknown>[] = [];
  let count = 0;
  const flush = async () => {
    const [first] = waiting;
    if (!first) return;
    const columns = Object.keys(first).join(", ");
    // One parameter a batch: the server spreads it over the columns by their own types.
    await pool.query(
      `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(waiting)],
    );
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
