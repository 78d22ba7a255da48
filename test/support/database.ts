/**
 * A database of its own for each test file, always a real PostgreSQL: the embedded one by default, a
 * server when TEST_DATABASE_URL is set. A run migrates once: files copy a template.
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { scratchName, sweepDatabases } from "../../scripts/leftovers.ts";
import { connect, type Database } from "../../src/database/connect.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { serviceRole } from "../../src/database/roles.ts";
import { clock } from "../../src/lib/clock.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { sweepTemporaryFolders, temporaryFolder } from "../../src/lib/temporary.ts";

const serverUrl = process.env.TEST_DATABASE_URL;

/** A database as its owner, with which a test may do anything; on a server the service has less. */
export interface TestDatabase extends Database {
  /** The same database as the role that the service runs as (`src/database/roles.ts`). */
  asService: Database;
}

/** What a migrated database is made of; another content wants another template. */
function fingerprint(): string {
  const hash = createHash("sha256");
  for (const folder of ["db/migrations", "db/taxonomies", "db/rules", "db/synonyms"]) {
    const files = readdirSync(join(projectRoot, folder)).filter((name) => /\.(sql|ts)$/.test(name));
    for (const name of files.sort()) hash.update(readFileSync(join(projectRoot, folder, name)));
  }
  const makers = ["migrate", "roles", "seeds"].map((name) => `src/database/${name}.ts`);
  for (const file of [...makers, "src/lib/terms.ts"]) {
    hash.update(readFileSync(join(projectRoot, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Opens a migrated, empty database; closing it removes it. */
export async function openTestDatabase(): Promise<TestDatabase> {
  // What killed runs left.
  await sweepTemporaryFolders(clock.now());
  return serverUrl ? openOnServer(serverUrl) : openCopy();
}

async function openCopy(): Promise<TestDatabase> {
  const template = join(tmpdir(), `grand-market-template-${fingerprint()}`);
  if (!existsSync(template)) {
    const building = temporaryFolder("building");
    const database = await openEmbedded(building);
    await migrate(database);
    await database.close();
    try {
      renameSync(building, template);
    } catch {
      // Another test process was first; its template is as good.
      rmSync(building, { recursive: true, force: true });
    }
  }
  // A template that is used stays; sweeps remove the others after some days.
  utimesSync(template, clock.now(), clock.now());
  const folder = temporaryFolder("test");
  cpSync(template, folder, { recursive: true });
  const database = await openEmbedded(folder);
  const close = async () => {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...database, asService: database, close };
}

async function openOnServer(url: string): Promise<TestDatabase> {
  const template = `grand_market_template_${fingerprint()}`;
  const name = scratchName("test");
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const at = (database: string) => {
    const target = new URL(url);
    target.pathname = `/${database}`;
    return target.href;
  };
  // One at a time: a template with a session on it cannot be copied.
  await admin.query("select pg_advisory_lock(hashtext('grand-market test template'))");
  await sweepDatabases(admin);
  const found = await admin.query("select 1 from pg_database where datname = $1", [template]);
  if (found.rowCount === 0) {
    const building = `${template}_building`;
    await admin.query(`drop database if exists ${building}`);
    await admin.query(`create database ${building}`);
    const database = connect({ connectionString: at(building), max: 2 });
    await migrate(database, { owner: null, service: null });
    await database.close();
    await admin.query(`alter database ${building} rename to ${template}`);
  }
  await admin.query(`create database ${name} template ${template}`);
  // It is thrown away: no test waits for its disk.
  await admin.query(`alter database ${name} set synchronous_commit = off`);
  await admin.query("select pg_advisory_unlock(hashtext('grand-market test template'))");
  const database = connect({ connectionString: at(name), max: 12 });
  const options = `-c role=${serviceRole}`;
  const asService = connect({ connectionString: at(name), max: 12, options });
  const close = async () => {
    await asService.close();
    await database.close();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  };
  return { ...database, asService, close };
}
