/** Whether a process that left its mark is still the one that runs under its number. */
import { readFileSync } from "node:fs";

/** When a process started, in clock ticks since boot, or empty where /proc does not tell. */
export function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

/**
 * Whether a process of this machine, or of this container, runs.
 * @param start what `startOf` said of it: process ids are used again, the start tells whether it is the same
 */
export function isRunning(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return startOf(pid) === start;
}
