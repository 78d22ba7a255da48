/**
 * Where the bytes of attachments lie, by their SHA-256. The interface is all that the rest knows: an
 * object store would receive into a staging key and keep by a copy within the store.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { access, link, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { newId } from "../lib/ids.ts";

/** A file that came in and is not kept yet. */
export interface Received {
  sha256: string;
  size: number;
  /** Where its bytes are until it is kept or discarded. */
  path: string;
  discard: () => Promise<void>;
}

export interface FileStore {
  /** Writes a stream down as it comes; whoever calls discards it in any case. */
  receive: (stream: Readable) => Promise<Received>;
  /** Makes a received file's bytes findable by their hash. Again for the same bytes: nothing changes. */
  keep: (received: Received) => Promise<void>;
  read: (sha256: string) => Readable;
  remove: (sha256: string) => Promise<void>;
  /** Hashes of what is kept, and of nothing that came within the last `seconds`. */
  olderThan: (seconds: number, now: Date) => AsyncIterable<string>;
  /** Removes what came in before and was neither kept nor discarded: its process died. */
  sweepIncoming: (seconds: number, now: Date) => Promise<void>;
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder of this machine as the store: `ab/cd/<sha256>`. */
export function folderStore(root: string): FileStore {
  const incoming = join(root, "incoming");
  const placeOf = (sha256: string) => join(root, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  const isOld = async (path: string, seconds: number, now: Date) => {
    const found = await stat(path).catch(() => null);
    return found !== null && now.getTime() - found.mtimeMs > seconds * 1000;
  };
  const namesIn = (folder: string) => readdir(folder).catch(() => [] as string[]);

  return {
    async receive(stream) {
      await mkdir(incoming, { recursive: true });
      const path = join(incoming, newId());
      const discard = () => rm(path, { force: true });
      const hash = createHash("sha256");
      let size = 0;
      try {
        await pipeline(
          stream,
          async function* (chunks: AsyncIterable<Buffer>) {
            for await (const chunk of chunks) {
              hash.update(chunk);
              size += chunk.length;
              yield chunk;
            }
          },
          createWriteStream(path),
        );
        // On the disk before any row says that it is there.
        await sync(path);
      } catch (error) {
        await discard();
        throw error;
      }
      return { sha256: hash.digest("hex"), size, path, discard };
    },

    async keep({ sha256, path }) {
      const place = placeOf(sha256);
      await mkdir(dirname(place), { recursive: true });
      await link(path, place).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
      // The folders may be new as well.
      for (const folder of [dirname(place), dirname(dirname(place)), root]) await sync(folder);
      await access(place);
    },

    read: (sha256) => createReadStream(placeOf(sha256)),

    remove: (sha256) => rm(placeOf(sha256), { force: true }),

    async *olderThan(seconds, now) {
      for (const first of await namesIn(root)) {
        if (!/^[0-9a-f]{2}$/.test(first)) continue;
        for (const second of await namesIn(join(root, first))) {
          for (const name of await namesIn(join(root, first, second))) {
            if (await isOld(join(root, first, second, name), seconds, now)) yield name;
          }
        }
      }
    },

    async sweepIncoming(seconds, now) {
      for (const name of await namesIn(incoming)) {
        const path = join(incoming, name);
        if (await isOld(path, seconds, now)) await rm(path, { force: true });
      }
    },
  };
}
