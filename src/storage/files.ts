/**
 * Where the bytes of attachments lie, by their SHA-256. The interface is all that the rest knows: an
 * object store would receive into a staging key and keep by a copy within the store.
 */
import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { link, lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { newId } from "../lib/ids.ts";
import { closeToOthers, privateModes } from "../lib/private.ts";
import { assertRoom, type Neighbour } from "./space.ts";
import {
  type Damage,
  DamagedFile,
  type Described,
  isOwnFolder,
  openFile,
  streamOf,
  verifier,
  verifyBytes,
} from "./stored-file.ts";

/** A file that came in and is not kept yet. */
export interface Received extends Described {
  /** Where its bytes are until it is kept or discarded. */
  path: string;
  discard: () => Promise<void>;
}

/** A kept file whose bytes were found to be right. The caller who opened it streams or closes it. */
export interface StoredFile {
  /** The bytes from `first` to `last`, both included. It fails with a DamagedFile when they end before. */
  stream: (first: number, last: number) => Readable;
  close: () => Promise<void>;
}

/** Something that lies in the store. */
export interface Entry {
  /** Below the store's folder. */
  path: string;
  /** The hash it is kept by; null for what the store did not put there, or a part of an upload. */
  sha256: string | null;
  isIncoming: boolean;
  modifiedAt: Date;
}

export interface FileStore {
  /**
   * Writes a stream down as it comes; the caller discards it in any case.
   * @throws Error with the system's code, such as `ENOSPC`; nothing stays behind
   */
  receive: (stream: Readable) => Promise<Received>;
  /** Makes a received file's bytes findable by their hash, in place of whatever was there. */
  keep: (received: Received) => Promise<void>;
  /** @throws DamagedFile when its bytes are not those that were kept */
  open: (file: Described) => Promise<StoredFile>;
  /** What is wrong with a kept file, after reading all of it again; null when it is whole. */
  inspect: (file: Described) => Promise<Damage | null>;
  /** Whether there is a file of this hash, whatever is in it. */
  has: (sha256: string) => Promise<boolean>;
  remove: (sha256: string) => Promise<void>;
  /** All that lies in the store. */
  entries: () => AsyncIterable<Entry>;
  /**
   * Closes folders that were made before to other users of the machine, where they are this user's. What
   * lies deeper nobody else reaches then.
   * @throws Error with the system's code where the disk refuses it
   */
  closeToOthers: () => Promise<void>;
  /** Removes what came in before and was neither kept nor discarded: its process died. */
  sweepIncoming: (seconds: number, now: Date) => Promise<void>;
}

/** Whether something lies in the store for longer than `seconds`. */
export const isOlder = ({ modifiedAt }: Entry, seconds: number, now: Date): boolean =>
  now.getTime() - modifiedAt.getTime() > seconds * 1000;

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder of the store. What is in its place goes, a link for one; what it led to stays. */
async function makeOwnFolder(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found && !found.isDirectory()) await rm(path, { force: true });
  await mkdir(path, { recursive: true, mode: privateModes.folder });
}

/** What a folder holds, in order; nothing when it cannot be read. */
const inside = async (folder: string): Promise<Dirent[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(() => [])).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );

/** Bytes of an upload after which it looks again whether there is room. */
const lookEvery = 1024 * 1024;

const pair = /^[0-9a-f]{2}$/;
const hashShape = /^[0-9a-f]{64}$/;

/**
 * A folder of this machine as the store: `ab/cd/<sha256>`. The folder itself may be a link, to where
 * the operator wants it; within it nothing is followed.
 * @param neighbour leaves room for a database, where it lies on the same disk
 */
export function folderStore(root: string, neighbour: Neighbour | null = null): FileStore {
  const incoming = join(root, "incoming");
  const placeOf = (sha256: string) => join(root, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  const verify = verifier();

  /** Something that lies at a place, as the store sees it; null when it is gone meanwhile. */
  async function entryOf(path: string, isPlain: boolean): Promise<Entry | null> {
    const found = await lstat(join(root, path)).catch(() => null);
    if (!found) return null;
    const name = path.split(/[\\/]/).at(-1) ?? "";
    const isOurs = isPlain && hashShape.test(name) && placeOf(name) === join(root, path);
    const isIncoming = isPlain && dirname(path) === "incoming";
    return { path, sha256: isOurs ? name : null, isIncoming, modifiedAt: found.mtime };
  }

  async function* entries(path = "", depth = 0): AsyncGenerator<Entry> {
    for (const one of await inside(join(root, path))) {
      const below = join(path, one.name);
      const isOurs = pair.test(one.name) ? depth < 2 : depth === 0 && one.name === "incoming";
      if (one.isDirectory() && isOurs && path !== "incoming") {
        yield* entries(below, depth + 1);
        continue;
      }
      const entry = await entryOf(below, one.isFile());
      if (entry) yield entry;
    }
  }

  return {
    async receive(stream) {
      const path = join(incoming, newId());
      const discard = () => rm(path, { force: true });
      const hash = createHash("sha256");
      let size = 0;
      let looked = -lookEvery;
      try {
        await mkdir(root, { recursive: true, mode: privateModes.folder });
        await makeOwnFolder(incoming);
        // There before anything can fail: a file that is only being opened would come after its removal.
        const file = await open(path, "wx", privateModes.file);
        await pipeline(
          stream,
          async function* (chunks: AsyncIterable<Buffer>) {
            for await (const chunk of chunks) {
              if (neighbour && size + chunk.length - looked >= lookEvery) {
                looked = size;
                await assertRoom(incoming, chunk.length, neighbour);
              }
              hash.update(chunk);
              size += chunk.length;
              yield chunk;
            }
          },
          file.createWriteStream(),
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
      const folders = [dirname(place), dirname(dirname(place))];
      for (const folder of folders.toReversed()) await makeOwnFolder(folder);
      // Whatever lies there, damaged or as good, is replaced in one step; who reads it reads on.
      const fresh = join(incoming, newId());
      try {
        await link(path, fresh);
        await rename(fresh, place);
      } finally {
        // Renaming one name of a file to another of its names does nothing.
        await rm(fresh, { force: true });
      }
      // The folders may be new as well.
      for (const folder of [...folders, root]) await sync(folder);
    },

    async open(file) {
      const opened = await openFile(root, placeOf(file.sha256), file.size);
      const { handle } = opened;
      try {
        await verify(opened, file);
      } catch (error) {
        await handle.close();
        throw error;
      }
      return {
        stream: (first, last) => streamOf(handle, first, last),
        close: () => handle.close(),
      };
    },

    async inspect(file) {
      try {
        const { handle } = await openFile(root, placeOf(file.sha256), file.size);
        await verifyBytes(handle, file).finally(() => handle.close());
        return null;
      } catch (error) {
        if (error instanceof DamagedFile) return error.reason;
        throw error;
      }
    },

    has: async (sha256) => (await lstat(placeOf(sha256)).catch(() => null))?.isFile() ?? false,

    async remove(sha256) {
      const place = placeOf(sha256);
      const isOurs = await isOwnFolder(root, dirname(place)).catch(() => false);
      if (isOurs) await rm(place, { force: true });
    },

    entries,

    async closeToOthers() {
      closeToOthers(root);
      for (const one of await inside(root)) {
        if (one.isDirectory() && (pair.test(one.name) || one.name === "incoming")) {
          closeToOthers(join(root, one.name));
        }
      }
    },

    async sweepIncoming(seconds, now) {
      const found = await lstat(incoming).catch(() => null);
      if (!found?.isDirectory()) return;
      for (const { name } of await inside(incoming)) {
        const entry = await entryOf(join("incoming", name), true);
        if (entry && isOlder(entry, seconds, now)) {
          await rm(join(incoming, name), { recursive: true, force: true });
        }
      }
    },
  };
}
