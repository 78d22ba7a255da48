/**
 * Copies a market into a folder while it runs: database, attachments, signing keys.
 * Exit codes: 0 done, 1 not done (then the folder is not there), 2 called wrongly.
 */
import { existsSync, rmSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readConfig } from "../../src/config.ts";
import { clock } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import { version } from "../../src/lib/version.ts";
import { call, folderArgument } from "./command.ts";
import { backUpEmbedded } from "./embedded.ts";
import { BackupError, copyFile, names, seal } from "./parts.ts";
import { backUpServer } from "./server.ts";

const folder = folderArgument({
  name: "backup",
  given: "FOLDER",
  does: `Copies database, attachments and signing keys into FOLDER, which must not be there yet. The market may
run meanwhile. FOLDER is complete once it has its name, and holds secrets: keep it as you keep the keys.`,
  environment: {
    DATABASE_URL: "the PostgreSQL server; without it the embedded database in DATA_DIR",
    SIGNING_KEYS_FILE: "the file of the signing keys",
    DATA_DIR: "the folder of attachments, .data",
  },
  exits: "0 done, 1 not done (then the folder is not there)",
});

async function backUp(): Promise<void> {
  const target = resolve(folder);
  const config = readConfig(process.env);
  const { databaseUrl, signingKeysFile } = config;
  if (existsSync(target)) throw new BackupError(`${target} is there already: name another folder.`);
  const began = performance.now();
  const partial = `${target}.partial-${newId()}`;
  const drop = () => {
    for (const folder of [partial, `${partial}.proof`])
      rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      drop();
      process.exit(1);
    });
  }
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    const madeAt = clock.now().toISOString();
    const { sums, ...described } = databaseUrl
      ? await backUpServer(databaseUrl, config, partial)
      : await backUpEmbedded(config, partial);
    if (!existsSync(signingKeysFile)) {
      throw new BackupError(`SIGNING_KEYS_FILE: ${signingKeysFile} is missing.`);
    }
    sums.set(names.keys, await copyFile(signingKeysFile, join(partial, names.keys)));
    const manifest = {
      format: 1 as const,
      program: version,
      madeAt,
      ...described,
      parts: sums.size,
    };
    await seal(partial, manifest, sums);
    await rename(partial, target);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${target}: ${described.rows.audit_records} records of the log, ${described.log.position} of them sealed, and ${described.files} files, in ${seconds} s.`,
    );
  } catch (error) {
    drop();
    throw error;
  }
}

await call("No backup was made.", backUp);
