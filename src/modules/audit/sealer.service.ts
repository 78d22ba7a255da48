/**
 * Gives audit records their place in commit order, and chains them by hash.
 *
 * Nothing is ordered inside the business transactions: a chain head that each of them touched would
 * serialize all writers. One sealer does it afterwards. A record is inserted after its subject's row is
 * locked, so of two transactions of which one depends on the other, the clock of the database at the
 * insert (`recorded_at`) tells which came first. A record gets its place once no older transaction is
 * running (`pg_snapshot_xmin`): nothing can still appear before it. And it waits while a record that was
 * made before it, of a younger transaction, has to wait: else that one's place would come after.
 */
import { createHash } from "node:crypto";
import type { Executor } from "../../database/connect.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { nowInstant } from "../../lib/clock.ts";
import * as store from "./audit.store.ts";

/** Records that one run seals at most. */
export const batch = 1_000;

/** Seconds after which an idle sealer notes again that everything is sealed. */
const idleSeconds = 5;

/** What is sealed of a record: all of it but how it came to its place. */
const textOf = ({ transactionId: _, recordedAt: __, ...record }: store.AuditRow): string =>
  canonicalJson(record);

/** SHA-256 of the hash before and the record's canonical text; the first one has nothing before it. */
export const chain = (previous: Buffer, record: store.AuditRow): Buffer =>
  createHash("sha256").update(previous).update(textOf(record)).digest();

export interface Sealed {
  from: number;
  to: number;
  /** There may be more to seal at once. */
  more: boolean;
}

/**
 * Seals what can be sealed, some at a time, in the caller's transaction.
 * @returns the positions that were given; null when there was nothing, or another sealer works
 */
export async function sealRecords(tx: Executor): Promise<Sealed | null> {
  const state = await store.lockState(tx);
  if (!state) return null;
  const horizon = await store.readHorizon(tx);
  // A database restored elsewhere counts its transactions anew: the old numbers tell nothing there.
  const { restarted } = horizon;
  if (restarted) await store.holdWriters(tx);
  const floor = restarted ? null : state.floor;
  const oldest = restarted ? null : horizon.oldest;
  const records = await store.selectSealable(tx, floor, oldest, batch);
  const [first] = records;
  if (!first) {
    await noteIdle(tx, state.sealedThrough, floor, horizon);
    return null;
  }

  const before = await store.lastSealedAt(tx, state.position);
  const now = nowInstant();
  // A clock that was set back must not make a later entry look earlier.
  const sealedAt = before !== undefined && before > now ? before : now;
  let { hash, position } = state;
  const entries = records.map((record) => {
    position += 1;
    hash = chain(hash, record);
    return { position, recordId: record.id, hash, sealedAt };
  });
  await store.insertEntries(tx, entries);
  const waiting = await store.selectWaiting(tx, floor);
  const sealedThrough = throughOf(waiting.since, sealedAt);
  await store.updateState(tx, {
    position,
    hash,
    sealedThrough,
    floor: floorOf(waiting.transaction, horizon.oldest),
  });
  return { from: state.position + 1, to: position, more: records.length === batch };
}

/** All before this instant is sealed: now, or just before the first that waits. */
function throughOf(since: string | null, now: string): string {
  if (since === null || since > now) return now;
  return new Date(Date.parse(since) - 1).toISOString();
}

/** Nothing older than this is unsealed. */
const floorOf = (waiting: string | null, oldest: string): string =>
  waiting !== null && BigInt(waiting) < BigInt(oldest) ? waiting : oldest;

/** Notes now and then that nothing was there to seal, so that an idle market's present can be asked for. */
async function noteIdle(
  tx: Executor,
  sealedThrough: string,
  floor: string | null,
  horizon: Awaited<ReturnType<typeof store.readHorizon>>,
): Promise<void> {
  const now = nowInstant();
  if (Date.parse(now) - Date.parse(sealedThrough) < idleSeconds * 1000) return;
  const waiting = await store.selectWaiting(tx, floor);
  const through = throughOf(waiting.since, now);
  if (through <= sealedThrough) return;
  const next = floorOf(waiting.transaction, horizon.oldest);
  await store.updateState(tx, { sealedThrough: through, floor: next });
}

/** Whether there is work for the sealer: one cheap look. */
export async function needsSealing(db: Executor): Promise<boolean> {
  if (await store.hasUnsealed(db)) return true;
  const state = await store.readState(db);
  const since = Date.parse(nowInstant()) - Date.parse(state?.sealedThrough ?? "");
  return since >= idleSeconds * 1000;
}
