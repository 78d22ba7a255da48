import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newId } from "../lib/ids.ts";

/**
 * Takes the folder for this process; the embedded database does not, and two processes in one folder
 * would diverge. The lock names its process; that of a dead process is taken over.
 * @returns a function that gives the folder back
 * @throws Error when a running process holds it
 */
export function lockFolder(folder: string): () => void {
  const lock = join(folder, "lock");
  const own = join(folder, `lock.${newId()}`);
  const mark = `${process.pid} ${startOf(process.pid)}`;
  writeFileSync(own, mark);
  try {
    if (!tryLink(own, lock)) {
      const holder = readFileSync(lock, "utf8");
      if (isAlive(holder)) throw refusal(folder, holder);
      const stale = `${own}.stale`;
      renameSync(lock, stale);
      // Between the look and the move another process may have taken it over: give its lock back.
      const moved = readFileSync(stale, "utf8");
      if (moved !== holder) {
        tryLink(stale, lock);
        rmSync(stale, { force: true });
        throw refusal(folder, moved);
      }
      rmSync(stale, { force: true });
      if (!tryLink(own, lock)) throw refusal(folder, readFileSync(lock, "utf8"));
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    if (readFileSync(lock, "utf8") === mark) rmSync(lock, { force: true });
  };
}

const refusal = (folder: string, holder: string) =>
  // With a code, as the system's own refusals have: the message says all, nobody needs the stack.
  Object.assign(
    new Error(
      `${folder} is in use by process ${holder.split(" ")[0]}: stop it, or set DATA_DIR to another folder.`,
    ),
    { code: "FOLDER_IN_USE" },
  );

/** Whether `to` could be made to name the same file as `from`; false when it exists already. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function isAlive(holder: string): boolean {
  const [pid = "", started = ""] = holder.split(" ");
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  // Process ids are used again; the start time tells whether it is the same process.
  return startOf(Number(pid)) === started;
}

/** When a process started, in clock ticks since boot, or empty where /proc does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
