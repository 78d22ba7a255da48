import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Bytes that are free for this process on the disk of a folder, or of the nearest one above it that is
 * there; null when the disk does not say.
 */
export async function freeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    const above = dirname(folder);
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT" && above !== folder;
    return isMissing ? freeBytes(above) : null;
  }
}

/** A database that may lie on the same disk, and the bytes that it needs there. */
export interface Neighbour {
  folder: string;
  reserve: number;
}

/**
 * @param bytes that are about to be written
 * @throws Error as the system does without room (`ENOSPC`), when the neighbour would have too little
 */
export async function assertRoom(folder: string, bytes: number, neighbour: Neighbour) {
  const [own, theirs] = await Promise.all([stat(folder), stat(neighbour.folder)]);
  if (own.dev !== theirs.dev) return;
  const free = await freeBytes(folder);
  if (free === null || free - bytes > neighbour.reserve) return;
  throw Object.assign(new Error("no room is left but the database's"), { code: "ENOSPC" });
}
