/** Files and folders that nobody else on the machine may look into. */
import { chmodSync, statSync } from "node:fs";

/** Modes of what this program makes: for its user alone. */
export const privateModes = { file: 0o600, folder: 0o700 } as const;

/**
 * Takes a file or folder away from group and others, where it is this user's. What is not there, or
 * belongs to somebody else, stays as it is. Links are followed.
 * @throws Error with the system's code where the disk refuses it
 */
export function closeToOthers(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  // Windows has no such modes.
  if (!found || found.uid !== process.getuid?.() || (found.mode & 0o077) === 0) return;
  chmodSync(path, found.mode & 0o700);
}
