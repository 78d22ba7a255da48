/** Backup and restore of a market on the embedded database: the whole of its folder. */
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Config } from "../../src/config.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { lockFolder } from "../../src/database/folder-lock.ts";
import { whileHeld } from "../../src/database/hold.ts";
import { newId } from "../../src/lib/ids.ts";
import { assertWhole, describe } from "./check.ts";
import {
  BackupError,
  copyFile,
  type Manifest,
  mirror,
  names,
  type Sums,
  syncFiles,
} from "./parts.ts";

/** The parts of the folder that make up a market; unfinished uploads do not belong to it yet. */
const isWanted = (path: string) =>
  (path.startsWith(`${names.database}/`) && !path.endsWith("postmaster.pid")) ||
  /^files\/[0-9a-f]{2}\//.test(path);

/** How often it is tried to hold a market that is too busy to be copied in time. */
const tries = 3;

/** Copies the folder of a market that runs, or of one that does not. @returns the folders in it */
async function copyFolder(
  source: string,
  target: string,
  copied: Parameters<typeof mirror>[2],
): Promise<string[]> {
  let folders: string[] = [];
  const pass = async () => {
    const began = performance.now();
    folders = await mirror(source, target, copied, isWanted);
    return Math.round(performance.now() - began);
  };
  for (let i = 0; i < tries; i++) {
    // Most is copied while the market goes on; only what changed since then while it is held.
    await pass();
    let ms = 0;
    const held = await whileHeld(source, async () => {
      ms = await pass();
    });
    if (held) {
      console.log(`The market stood still for ${ms} ms.`);
      return folders;
    }
    if (held === null) {
      const unlock = await lockFolder(source);
      try {
        await pass();
      } finally {
        unlock();
      }
      return folders;
    }
  }
  throw new BackupError("The market changes faster than it can be copied: try when it is quieter.");
}

/** Opens a copy of the copy: opening changes it, and only what opens is a backup. */
async function prove(folder: string) {
  const scratch = `${folder}.proof`;
  await cp(join(folder, names.database), join(scratch, names.database), { recursive: true });
  try {
    const database = await openEmbedded(scratch);
    try {
      const described = await describe(database.db);
      const { files } = await assertWhole(database, join(folder, names.files), null);
      return { ...described, files };
    } finally {
      await database.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Writes the market's folder into `folder`: of one moment, while the market runs. */
export async function backUpEmbedded(
  config: Readonly<Config>,
  folder: string,
): Promise<Omit<Manifest, "format" | "program" | "madeAt" | "parts"> & { sums: Sums }> {
  if (!existsSync(join(config.dataDir, names.database))) {
    throw new BackupError(
      `${config.dataDir} holds no market: set DATA_DIR to its folder, or DATABASE_URL to its server.`,
    );
  }
  const copied: Parameters<typeof mirror>[2] = new Map();
  const folders = await copyFolder(config.dataDir, folder, copied);
  const described = await prove(folder);
  return {
    ...described,
    database: { ...described.database, kind: "embedded" },
    folders: folders.filter((path) => path.startsWith(names.database)),
    sums: new Map([...copied].map(([path, { sha256 }]) => [path, sha256])),
  };
}

/**
 * Makes the market's folder in DATA_DIR, which must be empty or missing. It is prepared and verified
 * within it, and moved to its place when it is whole.
 * @throws BackupError; nothing is left then
 */
export async function restoreEmbedded(
  config: Readonly<Config>,
  folder: string,
  { manifest, sums }: { manifest: Manifest; sums: Sums },
): Promise<{ position: number; files: number }> {
  const { dataDir, signingKeysFile } = config;
  const there = existsSync(dataDir) ? await readdir(dataDir) : [];
  const left = there.filter((name) => !name.startsWith("restoring-") && name !== "lost+found");
  if (left.length > 0 || existsSync(signingKeysFile)) {
    throw new BackupError(
      `${left.length > 0 ? dataDir : signingKeysFile} is there already: a backup is restored into an empty folder. Set DATA_DIR to another one.`,
    );
  }
  // Left by a restore that was killed.
  for (const name of there.filter((one) => one.startsWith("restoring-"))) {
    await rm(join(dataDir, name), { recursive: true });
  }
  const preparing = join(dataDir, `restoring-${newId()}`);
  await mkdir(preparing, { recursive: true, mode: 0o700 });
  try {
    for (const path of manifest.folders) {
      await mkdir(join(preparing, path), { recursive: true, mode: 0o700 });
    }
    for (const [path, sha256] of sums) {
      if ((await copyFile(join(folder, path), join(preparing, path))) !== sha256) {
        throw new BackupError(`${path} was changed while it was read.`);
      }
    }
    await syncFiles(preparing, sums.keys());
    const database = await openEmbedded(preparing);
    let found: { position: number; files: number };
    try {
      found = await assertWhole(database, join(preparing, names.files), manifest);
    } finally {
      await database.close();
    }
    await mkdir(dirname(signingKeysFile), { recursive: true, mode: 0o700 });
    await copyFile(join(preparing, names.keys), signingKeysFile);
    // The database last: without it there is no market.
    for (const name of [names.files, names.database]) {
      if (existsSync(join(preparing, name))) {
        await rename(join(preparing, name), join(dataDir, name));
      }
    }
    return found;
  } catch (error) {
    await rm(join(dataDir, names.files), { recursive: true, force: true });
    await rm(signingKeysFile, { force: true });
    throw error;
  } finally {
    await rm(preparing, { recursive: true, force: true });
  }
}
