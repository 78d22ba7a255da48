/** Whether the store holds what rows refer to, and nothing else. Reads every byte of it. */
import type { Executor } from "../../database/connect.ts";
import { type FileStore, isOlder } from "../../storage/files.ts";
import type { Damage } from "../../storage/stored-file.ts";
import * as store from "./attachments.store.ts";

/** Seconds after which bytes that no row refers to count as orphaned: no upload lasts that long. */
export const orphanedAfter = 24 * 60 * 60;

/**
 * What does not fit: a file whose bytes are not what was uploaded, with the attachments that have it; bytes
 * that no row refers to, of an upload that broke off or of rows that are gone; something that the store did
 * not put there, a link for one, which only the operator may remove.
 */
export type Finding =
  | { kind: Damage; sha256: string; attachments: string[] }
  | { kind: "orphan"; path: string; sha256: string | null; isOld: boolean }
  | { kind: "stranger"; path: string };

interface Verifying {
  now: Date;
  /** Hears now and then how many files were looked at, and how many rows' files there are. */
  onProgress?: (done: number, total: number) => void;
}

const pageSize = 500;

/** Compares the files that a database knows with those in a store. Memory does not grow with their number. */
export async function* verifyFiles(
  db: Executor,
  files: FileStore,
  { now, onProgress }: Verifying,
): AsyncGenerator<Finding> {
  yield* verifyKept(db, files, onProgress);
  yield* findOrphans(db, files, now);
}

async function* verifyKept(
  db: Executor,
  files: FileStore,
  onProgress: Verifying["onProgress"],
): AsyncGenerator<Finding> {
  const total = await store.countFiles(db);
  let done = 0;
  for (let after = ""; ; ) {
    const page = await store.selectFiles(db, after, pageSize);
    for (const { ids, ...file } of page) {
      const damage = await files.inspect(file);
      done += 1;
      onProgress?.(done, total);
      // A service that runs meanwhile may have removed it, or mended it.
      if (!damage || !(await store.isReferred(db, file.sha256))) continue;
      const still = await files.inspect(file);
      if (still) yield { kind: still, sha256: file.sha256, attachments: ids };
    }
    if (page.length < pageSize) return;
    after = page.at(-1)?.sha256 ?? "";
  }
}

async function* findOrphans(db: Executor, files: FileStore, now: Date): AsyncGenerator<Finding> {
  let batch: { path: string; sha256: string; isOld: boolean }[] = [];
  async function* orphansOfBatch(): AsyncGenerator<Finding> {
    const referred = await store.selectReferred(
      db,
      batch.map(({ sha256 }) => sha256),
    );
    for (const one of batch) if (!referred.has(one.sha256)) yield { kind: "orphan", ...one };
    batch = [];
  }
  for await (const entry of files.entries()) {
    const { path, sha256 } = entry;
    const isOld = isOlder(entry, orphanedAfter, now);
    if (sha256) batch.push({ path, sha256, isOld });
    else if (entry.isIncoming) yield { kind: "orphan", path, sha256, isOld };
    else yield { kind: "stranger", path };
    if (batch.length === pageSize) yield* orphansOfBatch();
  }
  yield* orphansOfBatch();
}

/** Hashes of kept files that no row refers to and that have been there for long. */
export async function* oldOrphans(
  db: Executor,
  files: FileStore,
  now: Date,
): AsyncGenerator<string> {
  for await (const found of findOrphans(db, files, now)) {
    if (found.kind === "orphan" && found.sha256 && found.isOld) yield found.sha256;
  }
}

/** Files that are looked at when a process starts. */
const sample = 20;

/**
 * Whether none of the newest files is in the store though rows refer to them: another folder was given,
 * or its disk is not there.
 */
export async function areAllMissing(db: Executor, files: FileStore): Promise<boolean> {
  const newest = await store.selectNewestHashes(db, sample);
  for (const sha256 of newest) if (await files.has(sha256)) return false;
  return newest.length > 0;
}
