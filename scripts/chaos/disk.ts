/** A small disk for one trial, and filling it to the last byte. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../src/lib/temporary.ts";

export interface SmallDisk {
  folder: string;
  fill: () => void;
  empty: () => void;
  remove: () => void;
}

/** Mounts a tmpfs; null where this user may not. @param megabytes that it holds */
export function mountSmallDisk(megabytes: number): SmallDisk | null {
  const folder = temporaryFolder("disk");
  const unmount = () => {
    try {
      execFileSync("umount", ["-l", folder], { stdio: "pipe" });
    } catch {
      // It never was mounted, or is not any more.
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "tmpfs", folder], {
      stdio: "pipe",
    });
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  process.on("exit", unmount);
  const filler = join(folder, "filler");
  return {
    folder,
    fill: () => {
      const file = openSync(filler, "a");
      try {
        // Down to single bytes: what is written beside it must find nothing.
        for (let size = 1 << 20; size >= 1; size >>= 4) {
          const block = Buffer.alloc(size);
          try {
            while (writeSync(file, block) === size);
          } catch {
            // This much does not fit any more.
          }
        }
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(filler, { force: true }),
    remove: () => {
      process.off("exit", unmount);
      unmount();
    },
  };
}
