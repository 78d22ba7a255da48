/**
 * Folders for a while, in the system's temporary folder. A process that is killed leaves its own behind;
 * the name of each says whose it is, so that a later process removes what nobody uses any more.
 */
import { lstatSync, mkdtempSync, readlinkSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning, startOf } from "./processes.ts";

const prefix = "grand-market-";
const hour = 60 * 60 * 1000;

/** Milliseconds for which a folder of an owner that cannot be looked for is left alone. */
const unknownFor = 24 * hour;

/** Milliseconds for which the tests' copy of a database is kept since it was last used. */
const templateFor = 3 * 24 * hour;

/** Numbers of processes mean something among those of one container only. */
function namespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "";
  } catch {
    return "";
  }
}

const short = (digits: string) => (digits === "" ? "" : Number(digits).toString(36));
const long = (text: string) => (text === "" ? "" : String(Number.parseInt(text, 36)));

/** Tells this process from all others, those before and those to come. */
const ownerMark = () => [namespace(), String(process.pid), startOf(process.pid)].map(short);

/**
 * Makes a folder that is this process's own; others of the machine cannot look into it.
 * @param purpose one word in lower case
 */
export function temporaryFolder(purpose: string): string {
  return mkdtempSync(join(tmpdir(), `${prefix}${purpose}-${ownerMark().join("-")}-`));
}

const marked = /^grand-market-[a-z]+-([0-9a-z]*)-([0-9a-z]+)-([0-9a-z]*)-\w{6}$/;

/** Whether the owner that a folder's name tells of runs; null when that cannot be known. */
export function isOwnerRunning(name: string): boolean | null {
  const [, where, id, started] = marked.exec(name) ?? [];
  if (id === undefined || where !== short(namespace())) return null;
  return isRunning(Number(long(id)), long(started ?? ""));
}

/** Whether somebody listens on the embedded database's socket in a folder; null when there is none. */
const isListening = (folder: string) =>
  new Promise<boolean | null>((resolve) => {
    const socket = createConnection(join(folder, ".s.PGSQL.5432"));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", ({ code }: NodeJS.ErrnoException) =>
      resolve(code === "ENOENT" ? null : code !== "ECONNREFUSED"),
    );
  });

async function isLeft(name: string, age: number): Promise<boolean> {
  if (name.startsWith(`${prefix}template-`)) return age > templateFor;
  const isRunning = isOwnerRunning(name);
  if (isRunning !== null) return !isRunning;
  // Of another container, or of a version that marked nothing.
  const listening = await isListening(join(tmpdir(), name));
  return listening === null ? age > unknownFor : !listening && age > hour;
}

/**
 * Removes the folders that processes of this market left behind: of this user's, those whose owner ended.
 * @returns their names
 */
export async function sweepTemporaryFolders(now: Date): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const path = join(tmpdir(), name);
    try {
      const found = lstatSync(path);
      if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) continue;
      if (!(await isLeft(name, now.getTime() - found.mtimeMs))) continue;
      await rm(path, { recursive: true, force: true });
      removed.push(name);
    } catch {
      // Somebody else removes it, or it is not ours to remove: the next sweep looks again.
    }
  }
  return removed;
}
