/**
 * Looks at the whole log and says what is wrong with it. The chain tells what was changed under it; signed heads
 * that were kept elsewhere tell what was cut off, or changed with the chain reckoned anew.
 */
import { toInstant } from "../../../db/schema/columns.ts";
import type { Executor } from "../../database/connect.ts";
import * as store from "./audit.store.ts";
import type { Head } from "./head.service.ts";
import { chain, hasOwnTransaction, type Sealable } from "./sealer.service.ts";

/** What is wrong with a log. */
export type FindingKind =
  /** Entries that a head or the sealer knows are not there any more. */
  | "cut"
  /** Up to a signed head the log is another one, though its chain fits. */
  | "rewritten"
  /** An entry in the midst of the log, or its record, is not there. */
  | "missing"
  /** An entry or its record is not what was sealed. */
  | "changed"
  /** Moments that cannot follow on each other. */
  | "order"
  /** An entry that the sealer did not write. */
  | "forged"
  /** A record that the sealer passed by, or should have sealed long ago. */
  | "unsealed"
  /** The sealer's own row is not as it was left. */
  | "state";

export interface Finding {
  kind: FindingKind;
  position: number | null;
  recordId: string | null;
  /** What was expected and what is there, in a sentence. */
  says: string;
}

/** What was looked at. */
export interface Looked {
  entries: number;
  /** Where the log ends. */
  head: { position: number; hash: string };
  /** Records without an entry that the next run of the sealer takes. */
  waiting: number;
}

interface Options {
  /** Told every some entries how many were looked at, and how many there are. */
  onProgress?: (done: number, of: number) => void;
}

type Whatever = Awaited<ReturnType<typeof store.selectWhatever>>[number];
type Entry = Omit<Whatever, "record"> & Sealable;

/** Entries that are read at once. */
const batch = 10_000;

/** Records without an entry that are looked at, at most. */
const mostWithoutEntry = 10_000;

/** Milliseconds for which a transaction may have been under way when the sealer came by: those of the service end sooner. */
const longestTransaction = 60_000;

/**
 * Looks at every entry, every record without one, and the sealer's row.
 * @param tx a transaction that sees one state throughout
 * @param heads signed heads that are to be believed
 * @yields what is wrong
 * @returns what was looked at
 */
export async function* inspectLog(
  tx: Executor,
  heads: readonly Head[],
  { onProgress }: Options = {},
): AsyncGenerator<Finding, Looked> {
  await store.allowTime(tx);
  const state = await store.readState(tx);
  if (!state) {
    yield {
      kind: "state",
      position: null,
      recordId: null,
      says: "The sealer's row (sealer_state) is not there: somebody removed it.",
    };
  }
  const known = heads.reduce(
    (furthest, { position }) => Math.max(furthest, position),
    state?.position ?? 0,
  );
  const kept = new Map<number, { hash: string; sealedAt: string }>();
  const wanted = new Set([state?.position, ...heads.map(({ position }) => position)]);
  const walk = startWalk(known);
  let [done, last]: [number, Whatever | null] = [0, null];
  for (let after: number | null = null; ; ) {
    const page: Whatever[] = await store.selectWhatever(tx, after, batch);
    for (const entry of page) {
      yield* walk.look(entry);
      if (entry.position > known) continue;
      last = entry;
      const { position, sealedAt } = entry;
      if (wanted.has(position)) kept.set(position, { hash: entry.hash.toString("hex"), sealedAt });
    }
    done += page.length;
    onProgress?.(done, Math.max(known, done));
    after = page.at(-1)?.position ?? null;
    if (page.length < batch) break;
  }
  yield* walk.end();
  const end = { position: last?.position ?? 0, hash: last?.hash.toString("hex") ?? "" };
  yield* againstHeads(heads, end.position, kept);
  if (state) yield* againstState(state, heads, end, kept);
  const through = [state?.sealedThrough ?? "", ...heads.map((head) => head.sealedThrough)];
  const waiting = yield* withoutEntry(tx, through.sort().at(-1) ?? "");
  return { entries: done, head: end, waiting };
}

const nameOf = ({ recordId }: Whatever) => `record ${recordId}`;

/** Goes through the entries by position; what is wrong with one is told with the next, which says more about it. */
function startWalk(known: number) {
  /** What the hash before the next entry may be: as it is stored, and as it was reckoned where these differ. */
  let before: Buffer[] | null = [Buffer.alloc(0)];
  let expected = 1;
  let previous: Whatever | null = null;
  let doubted: { entry: Entry; reckoned: Buffer; from: Buffer; previous: Whatever | null } | null =
    null;
  let isNumbered = false;

  function* tellDoubted(next: Whatever | null): Generator<Finding> {
    if (!doubted) return;
    const { entry, reckoned, from, previous: earlier } = doubted;
    doubted = null;
    const { position, recordId } = entry;
    const where = { position, recordId };
    const follows = next && isWhole(next) && chain(reckoned, next).equals(next.hash);
    const [is, was] = [reckoned.toString("hex"), entry.hash.toString("hex")];
    if (follows) {
      const says = `The hash of position ${position} was overwritten: ${is} is right, as the next entry shows, ${was} is stored.`;
      yield { kind: "changed", ...where, says };
      return;
    }
    const instants = [earlier?.sealedAt, next?.sealedAt];
    const other = instants.find(
      (sealedAt) => sealedAt && chain(from, { ...entry, sealedAt }).equals(entry.hash),
    );
    const says = other
      ? `The sealed_at of position ${position} was changed: ${other} was sealed, ${entry.sealedAt} is stored.`
      : `What is stored at position ${position} is not what was sealed: ${coveredBy(entry)} was changed. The hash ${was} was sealed, ${is} comes of what is stored.${oddity(entry, earlier, next)}`;
    yield { kind: "changed", ...where, says };
  }

  function* look(entry: Whatever): Generator<Finding> {
    const { position, recordId } = entry;
    const where = { position, recordId };
    if (position > known) {
      yield* tellDoubted(null);
      const fits = before?.some((hash) => isWhole(entry) && chain(hash, entry).equals(entry.hash));
      const chained = fits
        ? "It continues the chain: either sealer_state was set back to before it, or it was forged together with its hash; a signed head (--head) tells which."
        : "Its hash does not continue the chain.";
      const says = `The log ends at position ${known}, but there is an entry at ${position}, of ${nameOf(entry)}, that was not sealed. ${chained}`;
      yield { kind: "forged", ...where, says };
      before = [entry.hash];
      return;
    }
    if (position < expected) {
      const says = `An entry at position ${position}, of ${nameOf(entry)}, where another one stands or none can: it was put in.`;
      yield { kind: "forged", ...where, says };
      return;
    }
    yield* tellDoubted(entry);
    if (position > expected) {
      const missing = position - expected;
      const says = `${missing === 1 ? `The entry of position ${expected} is` : `The entries of positions ${expected} to ${position - 1} are`} missing: removed.`;
      yield { kind: "missing", position: expected, recordId: null, says };
      before = null;
    }
    if (isWhole(entry)) yield* compare(entry);
    else {
      const says = `The record of position ${position}, ${recordId}, is missing: removed.`;
      yield { kind: "missing", ...where, says };
      before = [entry.hash];
    }
    expected = position + 1;
    previous = entry;
  }

  function* compare(entry: Entry): Generator<Finding> {
    const { position, recordId, record } = entry;
    const where = { position, recordId };
    // Behind a gap there is nothing to reckon from.
    const fits = before?.find((hash) => chain(hash, entry).equals(entry.hash));
    const [from] = before ?? [];
    if (from && !fits) {
      const reckoned = chain(from, entry);
      doubted = { entry, reckoned, from, previous };
      before = [entry.hash, reckoned];
    } else before = [entry.hash];
    if (!hasOwnTransaction(entry)) {
      const says = `The transaction_id of ${nameOf(entry)}, position ${position}, was changed: ${entry.transactionId} was sealed, ${record.transactionId} is stored.`;
      yield { kind: "changed", ...where, says };
    } else if (isNumbered && record.transactionId === "0" && entry.transactionId !== "0") {
      const was = entry.transactionId ?? "its own";
      const says = `The transaction_id of ${nameOf(entry)}, position ${position}, was changed: ${was} was sealed, 0 is stored. A restore sets all to 0, but records before it have theirs.`;
      yield { kind: "changed", ...where, says };
    }
    if (record.transactionId !== "0") isNumbered = true;
    // Of newer entries the hash covers it.
    const odd = entry.format === 1 && oddity(entry, previous, null);
    if (odd) {
      yield {
        kind: "order",
        ...where,
        says: `The moments of position ${position} cannot be.${odd}`,
      };
    }
  }

  return { look, end: () => tellDoubted(null) };
}

const isWhole = (entry: Whatever): entry is Entry => entry.record !== null;

const coveredBy = ({ format }: Entry): string =>
  format === 1
    ? "a column of its record"
    : "a column of its record (recorded_at among them), or the entry's sealed_at or transaction_id,";

/** What the moments of an entry tell about which of them was changed; empty when they fit their neighbours. */
function oddity(entry: Entry, before: Whatever | null, after: Whatever | null): string {
  const { sealedAt, record } = entry;
  const says: string[] = [];
  if (before && sealedAt < before.sealedAt) {
    says.push(
      `Its sealed_at ${sealedAt} is before that of the entry before it, ${before.sealedAt}.`,
    );
  }
  if (after && sealedAt > after.sealedAt) {
    says.push(`Its sealed_at ${sealedAt} is after that of the entry after it, ${after.sealedAt}.`);
  }
  // Both are of one server in one format: their texts compare as the moments do.
  const orderOf = ({ recordedAt, id }: { recordedAt: string; id: string }) => `${recordedAt} ${id}`;
  const isBefore = (a: Whatever | null, b: Whatever | null) =>
    a?.record && b?.record && a.sealedAt === b.sealedAt && orderOf(a.record) > orderOf(b.record);
  if (isBefore(before, entry) || isBefore(entry, after)) {
    says.push(
      `Its recorded_at ${record.recordedAt} does not fit the order of those sealed with it.`,
    );
  }
  const recorded = Date.parse(toInstant(record.recordedAt));
  // 0.1.0 sealed by the clock of its own machine.
  if (recorded > Date.parse(sealedAt) + 3_600_000) {
    says.push(`Its recorded_at ${record.recordedAt} is after its sealed_at ${sealedAt}.`);
  }
  // A record is written after its transaction began, which `at` says, rounded.
  if (recorded < Date.parse(record.at) - 1_000) {
    says.push(
      `Its recorded_at ${record.recordedAt} is before its transaction began, ${record.at}.`,
    );
  }
  return says.map((sentence) => ` ${sentence}`).join("");
}

/** What signed heads say against the log: where it was cut, and between which of them it was written anew. */
function* againstHeads(
  heads: readonly Head[],
  end: number,
  kept: ReadonlyMap<number, { hash: string; sealedAt: string }>,
): Generator<Finding> {
  const sorted = [...heads].sort(
    (a, b) => a.position - b.position || a.issuedAt.localeCompare(b.issuedAt),
  );
  let held = 0;
  const wrong: Head[] = [];
  for (const head of sorted) {
    const { position, hash, sealedAt, issuedAt } = head;
    if (position === 0 || position > end) continue;
    const found = kept.get(position);
    if (!found) continue;
    if (found.hash !== hash) {
      wrong.push(head);
      continue;
    }
    if (wrong.length === 0) held = position;
    if (sealedAt !== null && found.sealedAt !== sealedAt) {
      const says = `The sealed_at of position ${position} was changed: the head of ${issuedAt} says ${sealedAt}, ${found.sealedAt} is stored.`;
      yield { kind: "changed", position, recordId: null, says };
    }
  }
  const [first] = wrong;
  if (first) {
    const { position, issuedAt, hash } = first;
    const others = wrong.length > 1 ? ` Nor do ${wrong.length - 1} other heads fit.` : "";
    const says = `Between positions ${held + 1} and ${position} a record was changed, put in or taken out, and the chain was reckoned anew: the head of ${issuedAt} says that position ${position} has the hash ${hash}, now it has ${kept.get(position)?.hash}.${held > 0 ? ` Up to position ${held} the log is what it was.` : ""}${others}`;
    yield { kind: "rewritten", position, recordId: null, says };
  }
  const longest = sorted.at(-1);
  if (longest && longest.position > end) {
    const { position, issuedAt } = longest;
    const says = `The log was cut: it had ${position} entries when the head of ${issuedAt} was signed, now it ends at position ${end}. ${position - end} entries at its end are missing.`;
    yield { kind: "cut", position: end + 1, recordId: null, says };
  }
}

/** What the sealer's row says against the log. */
function* againstState(
  state: { position: number; hash: Buffer },
  heads: readonly Head[],
  end: { position: number; hash: string },
  kept: ReadonlyMap<number, { hash: string }>,
): Generator<Finding> {
  const longest = heads.reduce<Head | null>(
    (most, head) => (head.position > (most?.position ?? state.position) ? head : most),
    null,
  );
  if (longest) {
    const says = `sealer_state was set back: it says that the log ends at position ${state.position}, but when the head of ${longest.issuedAt} was signed it ended at ${longest.position}.`;
    yield { kind: "state", position: state.position, recordId: null, says };
  }
  if (state.position > end.position) {
    const says = `The log was cut: sealer_state says that it ends at position ${state.position}, but its last entry is at ${end.position}.`;
    yield { kind: "cut", position: end.position + 1, recordId: null, says };
    return;
  }
  const is = kept.get(state.position)?.hash ?? "";
  const was = state.hash.toString("hex");
  if (is !== was) {
    const says = `sealer_state says that position ${state.position} has the hash ${was || "(none)"}, its entry has ${is || "(none)"}: one of them was changed.`;
    yield { kind: "state", position: state.position, recordId: null, says };
  }
}

/**
 * Records without an entry: those that the sealer has passed by, and those that it should have sealed.
 * @param through everything that was committed before this instant was sealed
 * @returns how many just wait for its next run
 */
async function* withoutEntry(tx: Executor, through: string): AsyncGenerator<Finding, number> {
  let waiting = 0;
  for (const record of await store.selectWithoutEntry(tx, mostWithoutEntry)) {
    const { id, type, transactionId, isPassed } = record;
    const recordedAt = toInstant(record.recordedAt);
    const where = { kind: "unsealed", position: null, recordId: id } as const;
    if (isPassed) {
      const says = `Record ${id} (${type}, recorded_at ${recordedAt}) has no entry in the log, and its transaction ${transactionId} ended before all was sealed: it was put in afterwards with an old transaction, or its entry was removed.`;
      yield { ...where, says };
    } else if (Date.parse(recordedAt) < Date.parse(through) - longestTransaction) {
      const says = `Record ${id} (${type}) says that it was recorded at ${recordedAt}, but has no entry in the log, in which everything to ${through} is: it was put in afterwards with a false moment, its entry was removed, or sealing has stopped (docs/operations.md).`;
      yield { ...where, says };
    } else waiting += 1;
  }
  return waiting;
}
