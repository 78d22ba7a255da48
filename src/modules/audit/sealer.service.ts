/**
 * Gives audit records their place in commit order, and chains them by hash.
 *
 * Nothing is ordered inside the business transactions: a chain head that each of them touched would
 * serialize all writers. One sealer does it afterwards, over what is committed and has no place yet. Of
 * two transactions of which one depends on the other, the first had committed before the second locked
 * the row that both change, and a record is inserted after that lock: so a reader who sees the second sees the
 * first, and the database's clock at the insert (`recorded_at`) puts them in order. What commits later
 * gets a later place: readers of the log never find something before what they have read.
 */
import { createHash } from "node:crypto";
import type { Executor } from "../../database/connect.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { nowInstant } from "../../lib/clock.ts";
import * as store from "./audit.store.ts";

/** Records that one run seals at most. */
const batch = 1_000;

/** Seconds after which an idle sealer notes again that everything is sealed. */
const idleSeconds = 5;

/** The form in which entries are sealed now. */
const currentFormat = 2;

/** An entry of the log with its record, but for its hash. */
export interface Sealable {
  position: number;
  format: number;
  sealedAt: string;
  /** The record's when it was sealed; null in format 1. */
  transactionId: string | null;
  record: store.AuditRow;
}

/**
 * What is sealed. In format 1 the record without the columns by which it was ordered. In format 2 all of it,
 * and its place: whoever changes the moment of a record or of its sealing changes what was sealed.
 */
function textOf({ format, position, sealedAt, transactionId, record }: Sealable): string {
  const { transactionId: _, recordedAt, ...columns } = record;
  if (format === 1) return canonicalJson(columns);
  return canonicalJson({
    format,
    position,
    sealedAt,
    record: { ...columns, recordedAt, transactionId },
  });
}

/** SHA-256 of the previous hash and the canonical text of what is sealed; the first entry has no previous hash. */
export const chain = (previous: Buffer, entry: Sealable): Buffer =>
  createHash("sha256").update(previous).update(textOf(entry)).digest();

/**
 * Whether the record's transaction is the one that was sealed, as far as that is known. A restore on another
 * server, where transactions are numbered anew, sets those of all records to 0.
 */
export const hasOwnTransaction = ({ format, transactionId, record }: Sealable): boolean =>
  format === 1 || record.transactionId === transactionId || record.transactionId === "0";

/** The log holds what the sealer did not write: it seals nothing more until somebody has looked. */
export class ForgedEntryError extends Error {
  readonly position: number;
  readonly recordId: string;

  constructor(forged: { position: number; recordId: string }, head: number) {
    super(
      `the log ends at position ${head}, but there is an entry at ${forged.position} that was not sealed`,
    );
    this.position = forged.position;
    this.recordId = forged.recordId;
  }
}

export interface Sealed {
  from: number;
  to: number;
  /** There may be more to seal at once. */
  more: boolean;
}

/**
 * Seals what is committed, some at a time, in the caller's transaction.
 * @param limit how many records at most
 * @returns the positions that were given; null when there was nothing, or another sealer works
 * @throws ForgedEntryError
 */
export async function sealRecords(tx: Executor, limit = batch): Promise<Sealed | null> {
  const state = await store.lockState(tx);
  if (!state) return null;
  const forged = await store.selectBeyondHead(tx);
  if (forged) throw new ForgedEntryError(forged, state.position);
  const { oldest, restarted, now } = await store.readHorizon(tx);
  // A database restored elsewhere numbers its transactions from the start: old numbers mean nothing.
  const floor = restarted ? null : state.floor;
  // The moment of this run, by the database's clock: whatever commits from now on is sealed by a later one.
  const sealedAt = later(now, state.sealedThrough);
  const records = await store.selectSealable(tx, floor, limit);
  if (records.length === 0) {
    if (isStale(state.sealedThrough)) {
      await store.updateState(tx, { sealedThrough: sealedAt, floor: oldest });
    }
    return null;
  }

  let { hash, position } = state;
  const entries = records.map((record) => {
    position += 1;
    const { transactionId } = record;
    const entry = { position, format: currentFormat, sealedAt, transactionId };
    hash = chain(hash, { ...entry, record });
    return { ...entry, recordId: record.id, hash };
  });
  await store.insertEntries(tx, entries);
  const more = records.length === limit;
  const waiting = more ? await store.selectWaiting(tx, floor) : null;
  // Older transactions than the horizon have ended, but for those whose records are still to be sealed.
  const isWaiting = waiting !== null && BigInt(waiting) < BigInt(oldest);
  const changes = { position, hash, sealedThrough: sealedAt, floor: isWaiting ? waiting : oldest };
  await store.updateState(tx, changes);
  return { from: state.position + 1, to: position, more };
}

/** Now, and in any case after the last run, though the clock was set back. */
const later = (now: string, last: string): string =>
  now > last ? now : new Date(Date.parse(last) + 1).toISOString();

const isStale = (sealedThrough: string): boolean =>
  Date.parse(nowInstant()) - Date.parse(sealedThrough) >= idleSeconds * 1000;

async function readState(db: Executor) {
  const state = await store.readState(db);
  if (!state) throw new Error("the sealer has its row since the migration");
  return state;
}

/** What waits to be sealed: how many records, and since when the oldest. */
export async function readBacklog(db: Executor): Promise<{ depth: number; since: string | null }> {
  return store.countUnsealed(db, (await readState(db)).floor);
}

/** The record whose turn it is, and the position that it would get; null when none waits. */
export async function nextToSeal(
  db: Executor,
): Promise<{ recordId: string; position: number } | null> {
  const { position, floor } = await readState(db);
  const [record] = await store.selectSealable(db, floor, 1);
  return record ? { recordId: record.id, position: position + 1 } : null;
}

/** Whether there is work for the sealer: two cheap looks. */
export async function needsSealing(db: Executor): Promise<boolean> {
  const state = await readState(db);
  return isStale(state.sealedThrough) || (await store.hasUnsealed(db, state.floor));
}
