import { statfs } from "node:fs/promises";
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

/**
 * @param reserve bytes that must be left
 * @throws Error as the system does without room (`ENOSPC`)
 */
export async function assertRoom(folder: string, reserve: number): Promise<void> {
  const free = await freeBytes(folder);
  if (free === null || free > reserve) return;
  throw Object.assign(new Error("no room is left but the reserve"), { code: "ENOSPC" });
}
