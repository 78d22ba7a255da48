/** A file of the store as it is read: never through a link, and never with bytes that were not verified. */
import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";

/**
 * What can be wrong with a file that a row refers to: it is not there, something else is in its place
 * (a link, a folder), it is longer or shorter, its bytes are others, or the disk does not give them.
 */
export const damages = ["missing", "foreign", "size", "hash", "unreadable"] as const;
export type Damage = (typeof damages)[number];

/** Thrown instead of bytes that were not uploaded. */
export class DamagedFile extends Error {
  readonly reason: Damage;

  constructor(reason: Damage) {
    super(`a stored file is damaged: ${reason}`);
    this.reason = reason;
  }
}

/** What a row knows of its bytes. */
export interface Described {
  sha256: string;
  size: number;
}

const reasons: Record<string, Damage> = {
  ENOENT: "missing",
  ELOOP: "foreign",
  ENOTDIR: "foreign",
  ENXIO: "foreign",
  EISDIR: "foreign",
};

/** Errors that say nothing of the file: the process has too many open, or no memory. */
const ours = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"]);

function damageOf(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof DamagedFile || code === undefined || ours.has(code)) return error;
  return new DamagedFile(reasons[code] ?? "unreadable");
}

// A link in the file's place is not followed, and a pipe there not waited for. Windows knows neither.
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Whether a folder below `root` is really there: none on the way is a link. */
export async function isOwnFolder(root: string, folder: string): Promise<boolean> {
  return (await realpath(folder)) === join(await realpath(root), relative(root, folder));
}

/** An open file that has the size it should have. The caller who opened it closes it. */
export interface OpenFile {
  handle: FileHandle;
  /** Tells this state of this file from any other. */
  identity: string;
}

const identityOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats) =>
  [dev, ino, size, mtimeNs, ctimeNs].join(" ");

/** @throws DamagedFile when it is not a plain file of this size below `root` */
export async function openFile(root: string, place: string, size: number): Promise<OpenFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(place, flags);
    const found = await handle.stat({ bigint: true });
    if (!found.isFile() || !(await isOwnFolder(root, dirname(place)))) {
      throw new DamagedFile("foreign");
    }
    if (found.size !== BigInt(size)) throw new DamagedFile("size");
    return { handle, identity: identityOf(found) };
  } catch (error) {
    await handle?.close();
    throw damageOf(error);
  }
}

/** Bytes that are read at once: hashing them takes less than a millisecond. */
const pieceSize = 128 * 1024;

/** The bytes from `first` to `last`, both included. @throws DamagedFile when they end before */
async function* piecesOf(handle: FileHandle, first: number, last: number) {
  for (let at = first; at <= last; ) {
    const piece = Buffer.allocUnsafe(Math.min(pieceSize, last - at + 1));
    const { bytesRead } = await handle
      .read(piece, 0, piece.length, at)
      .catch((error: unknown) => Promise.reject(damageOf(error)));
    if (bytesRead === 0) throw new DamagedFile("size");
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** Reads all of it. @throws DamagedFile when its bytes are not those that were stored */
export async function verifyBytes(handle: FileHandle, { sha256, size }: Described): Promise<void> {
  const hash = createHash("sha256");
  for await (const piece of piecesOf(handle, 0, size - 1)) hash.update(piece);
  if (hash.digest("hex") !== sha256) throw new DamagedFile("hash");
}

/** A stream of a part of the file, which closes it at its end, however that comes. */
export function streamOf(handle: FileHandle, first: number, last: number): Readable {
  const stream = Readable.from(piecesOf(handle, first, last), {
    objectMode: false,
    highWaterMark: pieceSize,
  });
  stream.once("close", () => {
    handle.close().catch(() => {});
  });
  return stream;
}

/** Milliseconds for which a file that was read whole and did not change counts as whole. */
const trusted = 10 * 60 * 1000;
const remembered = 10_000;

/**
 * Verifies bytes before they are sent, and remembers for a while which it has read: as long as nobody
 * wrote to the file, its state tells, and a disk that loses bits by itself is found out soon.
 */
export function verifier(now: () => number = () => performance.now()) {
  const known = new Map<string, { identity: string; until: number }>();
  const running = new Map<string, Promise<void>>();

  return async ({ handle, identity }: OpenFile, file: Described): Promise<void> => {
    const { sha256 } = file;
    const found = known.get(sha256);
    if (found?.identity === identity && found.until > now()) return;
    // Callers who come together wait for one reading.
    const key = `${sha256} ${identity}`;
    const verifying = running.get(key) ?? verifyBytes(handle, file);
    running.set(key, verifying);
    try {
      await verifying;
    } finally {
      running.delete(key);
    }
    known.delete(sha256);
    known.set(sha256, { identity, until: now() + trusted });
    for (const oldest of known.keys()) {
      if (known.size <= remembered) break;
      known.delete(oldest);
    }
  };
}
