import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { nowInstant } from "../lib/clock.ts";
import { isRunning, startOf } from "../lib/processes.ts";
import { Refusal } from "../lib/refusal.ts";

/** The byte that is locked: far behind the text, which others read meanwhile (Windows locks reading, too). */
const lockedByte = 0x7fff_0000;

/**
 * Takes the folder for this process; the embedded database does not, and two processes in one folder
 * would diverge. The lock is the kernel's: it ends with the process, however that ends, and holds for all
 * processes of the machine, in whatever container. The file `lock` stays; what is in it is for people.
 * @returns a function that gives the folder back
 * @throws Refusal when another process holds it, or when nothing can be locked there
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const file = join(folder, "lock");
  const tryLock = await loadTryLock();
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!attempt(() => tryLock(fd, lockedByte, 1), folder))
      throw inUse(folder, await nextHolder(file));
    const before = readHolder(file);
    if (isOldHolderAlive(before)) throw inUse(folder, before);
    ftruncateSync(fd);
    writeSync(fd, `${process.pid} ${startOf(process.pid)} ${hostname()} ${nowInstant()}`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return () => closeSync(fd);
}

type TryLock = typeof import("fs-native-extensions").tryLock;

/** Loaded here, so that a service on a PostgreSQL server runs where the package has no binary. */
async function loadTryLock(): Promise<TryLock> {
  try {
    return (await import("fs-native-extensions")).tryLock;
  } catch {
    throw new Refusal(
      `The embedded database cannot lock its folder on ${process.platform} ${process.arch}: set DATABASE_URL to a PostgreSQL server.`,
    );
  }
}

function attempt(lock: () => boolean, folder: string): boolean {
  try {
    return lock();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Some kernels say so when it is locked.
    if (code === "EACCES") return false;
    throw new Refusal(
      `${folder} is on a file system that locks no files (${code}), so two processes could write to it at once: set DATA_DIR to a folder on a disk of this machine.`,
    );
  }
}

interface Holder {
  pid: string;
  /** When it started, in clock ticks since boot. */
  ticks: string;
  host?: string;
  since?: string;
}

/** Who wrote the file last; nobody when it is empty. */
function readHolder(file: string): Holder {
  const [pid = "", ticks = "", host, since] = readFileSync(file, "utf8").split(" ");
  return { pid, ticks, host, since };
}

/** Who writes it next, if it is empty: the process that has just locked it does so at once. */
async function nextHolder(file: string): Promise<Holder> {
  for (let looks = 0; looks < 50; looks++) {
    const holder = readHolder(file);
    if (holder.pid) return holder;
    await setTimeout(10);
  }
  return readHolder(file);
}

function inUse(folder: string, { pid, host, since }: Holder): Refusal {
  const where = host ? ` on host ${host}, which took it at ${since}` : "";
  const who = pid ? ` by process ${pid}${where}` : "";
  return new Refusal(`${folder} is in use${who}: stop it, or set DATA_DIR to another folder.`);
}

/** Version 0.1.0 locked nothing: it wrote who it is, and looked whether that process lives. */
const isOldHolderAlive = ({ pid, ticks, host }: Holder): boolean =>
  !host && /^\d+$/.test(pid) && isRunning(Number(pid), ticks);
