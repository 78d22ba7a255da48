/**
 * Makes a market of a backup, in an empty database or folder, after looking at every byte of it.
 * Exit codes: 0 done, 1 not done (then nothing is there), 2 called wrongly.
 */
import { resolve } from "node:path";
import { readConfig } from "../../src/config.ts";
import { readMigrations } from "../../src/database/migrations.ts";
import { call, folderArgument } from "./command.ts";
import { restoreEmbedded } from "./embedded.ts";
import { BackupError, type Manifest, readBackup } from "./parts.ts";
import { restoreServer } from "./server.ts";

const named = folderArgument({
  name: "restore",
  given: "FOLDER",
  does: `Restores a backup of npm run backup into an empty database and an empty DATA_DIR, then verifies the
log, the sums of the contract volume and every file. Afterwards: npm run db:migrate, then start.`,
  environment: {
    DATABASE_URL:
      "an empty database on a PostgreSQL server; without it the embedded database in DATA_DIR",
    SIGNING_KEYS_FILE: "where the signing keys are put",
    DATA_DIR: "the folder of attachments, .data",
  },
  exits: "0 done, 1 not done (then nothing is there)",
});

/** Whether this program knows the schema: what is older is migrated afterwards. */
function assertKnown({ database, program }: Manifest): void {
  const known = readMigrations().map(({ hash }) => hash);
  if (database.migrations.every((hash, i) => hash === known[i])) return;
  throw new BackupError(
    `The backup was made by version ${program} with migrations that this program does not have: restore it with that version.`,
  );
}

async function restore(): Promise<void> {
  const folder = resolve(named);
  const config = readConfig(process.env);
  const backup = await readBackup(folder);
  const { database, files, madeAt, rows } = backup.manifest;
  const wanted = config.databaseUrl ? "server" : "embedded";
  if (database.kind !== wanted) {
    throw new BackupError(
      database.kind === "server"
        ? "The backup is of a PostgreSQL server: set DATABASE_URL to an empty database."
        : "The backup is of the embedded database: it is restored without DATABASE_URL, into DATA_DIR.",
    );
  }
  assertKnown(backup.manifest);
  const began = performance.now();
  const { position } = config.databaseUrl
    ? await restoreServer(config.databaseUrl, config, folder, backup)
    : await restoreEmbedded(config, folder, backup);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`Restored the market of ${madeAt}, in ${seconds} s:
  ${rows.audit_records} records of the log, its chain whole to position ${position}
  the sums of the contract volume are those of its entries
  ${files} files, each of them what its SHA-256 says`);
}

await call("Nothing was restored.", restore);
