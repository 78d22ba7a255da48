/** The embedded database's files: made beside and renamed when whole, looked at before they are opened, copied. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { cp, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { closeToOthers, privateModes } from "../lib/private.ts";
import { Refusal } from "../lib/refusal.ts";
import { freeBytes } from "../storage/space.ts";

/** Major version of PGlite's PostgreSQL; it opens no files of another one. */
export const postgresVersion = "18";

/** What the first files and a demo market take, in bytes, with room for the log of its changes. */
const leastFree = 160 * 1024 * 1024;

/** Copies made before an upgrade that are kept; the oldest goes first. */
const copiesKept = 3;

const making = "postgres.making";
const copying = "postgres.copying";
const copyPrefix = "postgres.before-";
const megabytes = (bytes: number) => Math.ceil(bytes / 1024 / 1024);

/** Bytes that are free in a folder; a disk that does not say has room, until it refuses. */
const roomIn = async (folder: string) => (await freeBytes(folder)) ?? Number.POSITIVE_INFINITY;

/** Makes the data folder when it is missing. @throws Refusal when it cannot be made or written to */
export function makeDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: privateModes.folder });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOSPC" ? "the disk is full" : code;
    throw new Refusal(
      `${folder} cannot be written to (${why}): it must be a folder of this user on a disk with room. DATA_DIR names it.`,
    );
  }
}

/** Closes the data folder and the database's files in it to other users of the machine. */
export function closeDataFolder(folder: string): void {
  try {
    for (const path of [folder, join(folder, "postgres")]) closeToOthers(path);
  } catch {
    // A disk that knows no modes holds a database all the same.
  }
}

/** Removes what a process that was killed left half-made. Only for who holds the folder's lock. */
export async function sweepHalfMade(folder: string): Promise<void> {
  for (const name of [making, copying])
    await rm(join(folder, name), { recursive: true, force: true });
}

/**
 * Makes the first files when there are none: beside, and renamed when they are whole and on the disk, so
 * that a process killed meanwhile leaves nothing that looks like a database.
 * @param make makes a database in the folder that it is given, and closes it
 * @returns the folder of the files
 * @throws Refusal when the disk has no room for them
 */
export async function makeFirstFiles(
  folder: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const files = join(folder, "postgres");
  if (existsSync(files) && (await readdir(files)).length > 0) return files;
  const free = await roomIn(folder);
  if (free < leastFree) {
    throw new Refusal(
      `${folder} has ${megabytes(free)} MB free, and a new database needs ${megabytes(leastFree)} MB: make room, or set DATA_DIR to a folder on another disk.`,
    );
  }
  const beside = join(folder, making);
  try {
    await make(beside);
    await moveWhole(beside, files);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
  return files;
}

/** Renames a folder once all that is in it is on the disk, and sees to it that the name is, too. */
async function moveWhole(from: string, to: string): Promise<void> {
  const files = await filesIn(from);
  // Many at once: the file system writes them together.
  while (files.length > 0) await Promise.all(files.splice(0, 64).map((file) => flush(file, "r+")));
  await rename(from, to);
  // Windows opens no folders, and keeps names by itself.
  if (process.platform !== "win32") await flush(dirname(to), "r");
}

async function flush(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What PostgreSQL cannot open a folder without. */
const essential = ["postgresql.conf", "base", "global/pg_control", "pg_wal", "pg_xact"];

/** PostgreSQL's control file has this size, in bytes. */
const controlFileSize = 8192;

/**
 * Looks at the files before they are opened.
 * @throws Refusal that says what is wrong: another PostgreSQL's, another user's, or not whole
 */
export function checkFiles(files: string): void {
  const owner = statSync(files).uid;
  const user = process.getuid?.();
  // PostgreSQL itself insists: what this user adds, the owner could not read.
  if (user !== undefined && owner !== user) {
    throw new Refusal(
      `${files} belongs to user ${owner}, and this program runs as user ${user}: run it as its owner, or give the folder away (chown -R).`,
    );
  }
  try {
    const version = readFileSync(join(files, "PG_VERSION"), "utf8").trim();
    if (version !== postgresVersion) {
      throw new Refusal(
        `${files} was made by PostgreSQL ${version || "of no version"}, and this program has PostgreSQL ${postgresVersion}: run the version of this program that made it, or set DATA_DIR to another folder.`,
      );
    }
    for (const name of essential) accessSync(join(files, name), constants.R_OK | constants.W_OK);
    const { size } = statSync(join(files, "global/pg_control"));
    if (size !== controlFileSize) throw broken(files, "global/pg_control is cut short");
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const { code, path } = error as NodeJS.ErrnoException;
    const what = path?.slice(files.length + 1) ?? "a file";
    throw broken(files, code === "ENOENT" ? `${what} is missing` : `${what}: ${code}`);
  }
}

const broken = (files: string, why: string) =>
  new Refusal(
    `${files} is not a whole database: ${why}. Put a copy or a backup in its place; if nothing in it is to be kept, move it away, and the next start makes a new one.`,
  );

/** Why the embedded PostgreSQL gave up on files that look whole. */
export async function explainFailedOpen(files: string, why: string): Promise<Refusal> {
  const free = await roomIn(dirname(files));
  // It wants a whole segment of its log.
  if (free < 16 * 1024 * 1024) {
    return new Refusal(
      `${files} could not be opened: its disk has ${megabytes(free)} MB free. Make room and start again.`,
    );
  }
  return broken(files, `PostgreSQL could not open it (${why})`);
}

/**
 * Copies the files of a closed database before it is upgraded; the newest three copies are kept.
 * @param name what becomes part of the copy's name, such as `0.2.0-2026-11-26T08-00-00Z`
 * @returns the folder of the copy
 * @throws Refusal when the disk has no room for it
 */
export async function copyFiles(folder: string, name: string): Promise<string> {
  const files = join(folder, "postgres");
  const [size, free] = [await sizeOf(files), await roomIn(folder)];
  if (free < size + leastFree) {
    throw new Refusal(
      `${files} is copied before it is upgraded, which takes ${megabytes(size)} MB, and ${megabytes(free)} MB are free: make room, or copy it elsewhere yourself and set UPGRADE_COPY=false.`,
    );
  }
  const [beside, copy] = [join(folder, copying), join(folder, `${copyPrefix}${name}`)];
  await cp(files, beside, { recursive: true });
  await moveWhole(beside, copy);
  const copies = (await readdir(folder)).filter((one) => one.startsWith(copyPrefix));
  // Their names end with the instant.
  const oldest = copies.sort((a, b) => (a.slice(-20) < b.slice(-20) ? 1 : -1)).slice(copiesKept);
  for (const one of oldest) await rm(join(folder, one), { recursive: true });
  return copy;
}

async function sizeOf(folder: string): Promise<number> {
  return (await filesIn(folder)).reduce((sum, file) => sum + statSync(file).size, 0);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}
