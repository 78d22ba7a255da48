/** What the parties say of a revision, and what follows once all have said it. */
import { contracts } from "../../../db/schema/contracts.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import {
  concludeMatch,
  failConcludedMatch,
  lockMatchOfContract,
} from "../matches/matches.service.ts";
import { restoreNeedsOf } from "../needs/needs.service.ts";
import { restoreResultsOf, transferResult } from "../results/results.service.ts";
import { withdrawOpenAmendment } from "./amendments.access.ts";
import { type Loaded, record } from "./contracts.access.ts";
import * as store from "./contracts.store.ts";

/** Whether every party has said so of this revision. */
export async function isSaidByAll(
  tx: Executor,
  parties: readonly Pick<store.PartyRow, "side" | "position">[],
  contractId: string,
  action: "confirm" | "cancel",
  revision: number,
): Promise<boolean> {
  const all = await store.selectConfirmations(tx, contractId, revision);
  const said = all.filter((one) => one.action === action);
  return parties.every(({ side, position }) =>
    said.some((one) => one.side === side && one.position === position),
  );
}

export interface Word {
  side: "seller" | "buyer";
  position: number;
  /** The person who says so for a party; null for a signed copy. */
  by: Actor | null;
  attachmentId: string | null;
}

/**
 * Keeps a party's word on a revision, the current one unless another is given.
 * @throws AppError `contract.already_confirmed` (409)
 */
export async function say(
  tx: Executor,
  { row }: Loaded,
  action: "confirm" | "cancel",
  { side, position, by, attachmentId }: Word,
  of: { revision: number; contentSha256: string | null } = row,
): Promise<void> {
  const said = await store.selectConfirmations(tx, row.id, of.revision);
  const twice = said.some(
    (one) => one.action === action && one.side === side && one.position === position,
  );
  if (twice) throw new AppError("contract.already_confirmed");
  await store.insertConfirmation(tx, {
    id: newId(),
    contractId: row.id,
    action,
    revision: of.revision,
    contentSha256: of.contentSha256 ?? "",
    side,
    position,
    organizationId: by?.organizationId ?? null,
    memberId: by?.id ?? null,
    attachmentId,
  });
}

/**
 * What follows from a confirmation: nothing yet, or the contract is effective.
 * @throws AppError `match.invalid_transition` (409) when the match that it comes of has ended
 */
export async function afterConfirmation(
  tx: Executor,
  context: WriteContext,
  before: Loaded,
): Promise<Loaded> {
  const { row, parties } = before;
  const isLast = await isSaidByAll(tx, parties, row.id, "confirm", row.revision);
  const changes = isLast ? { status: "effective" as const, effectiveAt: nowInstant() } : {};
  const after = { parties, row: await updateRow(tx, contracts, row, changes) };
  await record(tx, context, "confirm", before, after);
  // A match that has ended stops the first word, not only the last.
  if (!isLast && row.matchId) await lockMatchOfContract(tx, row.matchId);
  if (!isLast) return after;
  if (row.matchId) await concludeMatch(tx, context, row.matchId);
  await settleResult(tx, context, null, row);
  return after;
}

type Taking = Pick<store.ContractRow, "id" | "type" | "licenceKind" | "resultId">;

/** A transfer, or an exclusive licence, takes its result off the market. */
const takesResult = ({ type, licenceKind }: Taking): boolean =>
  type === "transfer" || licenceKind === "exclusive";

/**
 * Puts the result where the contract in force says: transferred, or as it was.
 * @param before the content before an amendment; null when the contract has just taken effect
 */
export async function settleResult(
  tx: Executor,
  context: WriteContext,
  before: Taking | null,
  after: Taking,
): Promise<void> {
  const [took, takes] = [before !== null && takesResult(before), takesResult(after)];
  if (took && !takes) await restoreResultsOf(tx, context, after.id);
  if (takes && !took && after.resultId) {
    await transferResult(tx, context, after.resultId, after.id);
  }
}

/** Nothing that several people have to do is under way. */
export const noPending = {
  pendingAction: null,
  pendingBy: null,
  pendingSince: null,
  pendingReason: null,
};

/** What follows from a word on cancelling: nothing yet, or all parties have agreed. */
export async function afterCancellation(
  tx: Executor,
  context: WriteContext,
  { row, parties }: Loaded,
  before: Loaded,
  reason: string | null,
): Promise<Loaded> {
  const isLast = await isSaidByAll(tx, parties, row.id, "cancel", row.revision);
  const now = nowInstant();
  const isRegistered = row.status === "registered";
  const end = isRegistered ? {} : { status: "cancelled" as const, cancelledAt: now };
  const changes = isLast ? { ...noPending, ...end, cancellationAgreedAt: now } : {};
  const after = { parties, row: await updateRow(tx, contracts, row, changes) };
  await record(tx, context, "cancel", before, after, reason);
  if (isLast) await withdrawOpenAmendment(tx, context, after);
  if (isLast && !isRegistered) await undo(tx, context, after.row);
  return after;
}

/** What a contract in force had brought about is taken back when it is cancelled. */
export async function undo(
  tx: Executor,
  context: WriteContext,
  row: store.ContractRow,
): Promise<void> {
  if (row.matchId) await failConcludedMatch(tx, context, row.matchId);
  await restoreResultsOf(tx, context, row.id);
  await restoreNeedsOf(tx, context, row.id);
}
