/** A disk that a test can fill: a file system in memory, where this process may mount one. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Test } from "tap";
import { isOwnerRunning, temporaryFolder } from "../../src/lib/temporary.ts";

export interface SmallDisk {
  folder: string;
  /** Takes all room but so many bytes. */
  fill: (left: number) => Promise<void>;
  /** Gives back what was taken. */
  empty: () => void;
}

/** Takes away those of killed runs: their folders cannot be removed while they are mounted. */
function unmountLeftovers(): void {
  const mounts = readFileSync("/proc/mounts", "utf8").matchAll(
    / (\/\S*\/(grand-market-disk-\S+)) /g,
  );
  for (const [, path = "", name = ""] of mounts) {
    if (isOwnerRunning(name) === false) execFileSync("umount", ["-l", path]);
  }
}

/** Mounts one until the tests of the file have ended; null where that is not allowed. */
export function openSmallDisk(t: Test, megabytes: number): SmallDisk | null {
  const folder = temporaryFolder("disk");
  try {
    unmountLeftovers();
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder], {
      stdio: "ignore",
    });
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
  t.teardown(() => {
    execFileSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true });
  });
  const ballast = join(folder, "ballast");
  writeFileSync(ballast, "");
  return {
    folder,
    async fill(left) {
      const { bavail, bsize } = await statfs(folder);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left)), { flag: "a" });
    },
    empty: () => truncateSync(ballast, 0),
  };
}
