/** Reading the log: records as their readers may see them, and whether the chain is whole. */
import type { Executor } from "../../database/connect.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import type {
  AuditRecord,
  ListAuditQuery,
  LogVerification,
  VerifyLogQuery,
} from "./audit.schema.ts";
import * as store from "./audit.store.ts";
import { chain, hasOwnTransaction } from "./sealer.service.ts";

function toRecord(row: store.FoundRecord, actor: Actor): AuditRecord {
  const { readerIds: _, confidential, transactionId: __, recordedAt: ___, hash, ...record } = row;
  const operator = isOperator(actor);
  const isOwn = row.organizationId === actor.organizationId;
  const withheld = confidential && operator && !isOwn;
  // Which person acted is for that person's organization: the others read which organization it was.
  const isOfActor = record.actorOrganizationId === actor.organizationId;
  return {
    ...record,
    actorId: operator || isOfActor ? record.actorId : null,
    address: operator ? record.address : null,
    hash: hash?.toString("hex") ?? null,
    withheld,
    ...(withheld ? { before: null, after: null, reason: null } : {}),
  };
}

/** Records of the caller's own subjects, the log backwards; for the operator all. */
export async function listAuditRecords(
  db: Executor,
  actor: Actor,
  query: ListAuditQuery,
): Promise<Page<AuditRecord>> {
  const list = `audit ${actor.organizationId}`;
  const rows = await store.selectRecords(db, actor, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows,
    () => "",
    (row) => toRecord(row, actor),
  );
  if (query.include) page.total = totalOf(await store.countRecords(db, actor, query));
  return page;
}

/** @throws AppError `audit_record.not_found` (404) */
export async function readAuditRecord(
  db: Executor,
  actor: Actor,
  id: string,
): Promise<AuditRecord> {
  const row = await store.selectRecord(db, actor, id);
  if (!row) throw new AppError("audit_record.not_found");
  return toRecord(row, actor);
}

/** Entries that are verified at once at most. */
export const verifiedAtOnce = 10_000;

/**
 * Recomputes the chain over some positions from the records as they are stored now.
 * @returns where it is broken, if it is
 * @throws AppError `request.invalid` (400) for a first position that the log has not reached
 */
export async function verifyLog(db: Executor, query: VerifyLogQuery): Promise<LogVerification> {
  const state = await store.readState(db);
  if (!state) throw new Error("the sealer has its row since the migration");
  const last = Math.min(query.to ?? state.position, state.position);
  if (query.from && query.from > state.position) {
    throw new AppError("request.invalid", {
      faults: [{ parameter: "from", code: "position.beyond_head" }],
    });
  }
  const from = query.from ?? Math.max(1, last - verifiedAtOnce + 1);
  const to = Math.min(last, from + verifiedAtOnce - 1);
  const head = { position: state.position, hash: state.hash.toString("hex") };
  const brokenAt = await findBreak(db, from, to);
  // The chain's end is kept apart: a log that was cut off is told by it.
  const isWhole = to < state.position || (await isHead(db, state));
  const broken = brokenAt ?? (isWhole ? null : state.position);
  const forgedAt = (await store.selectBeyondHead(db))?.position ?? null;
  return { ok: broken === null && forgedAt === null, from, to, head, brokenAt: broken, forgedAt };
}

async function isHead(db: Executor, state: { position: number; hash: Buffer }): Promise<boolean> {
  if (state.position === 0) return true;
  return (await store.selectHash(db, state.position))?.equals(state.hash) ?? false;
}

async function findBreak(db: Executor, from: number, to: number): Promise<number | null> {
  if (to < from) return null;
  const before = from > 1 ? await store.selectHash(db, from - 1) : Buffer.alloc(0);
  if (!before) return from - 1;
  let hash = before;
  let position = from;
  for (const entry of await store.selectEntries(db, from, to)) {
    hash = chain(hash, entry);
    if (entry.position !== position || !entry.hash.equals(hash)) return position;
    if (!hasOwnTransaction(entry)) return position;
    position += 1;
  }
  return position > to ? null : position;
}
