/** What the parties say of a revision, and what it comes to. */
import type { Executor } from "../../database/connect.ts";
import type { Actor, Origin } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import { lockMatchOfContract } from "../matches/matches.service.ts";
import { withdrawOpenAmendment } from "./amendments.access.ts";
import type { Deal } from "./contracts.lifecycle.ts";
import { alreadySaid } from "./contracts.refusals.ts";
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

/** The refusal of a word on another revision than there is, which it names. */
export const revisionChanged = ({ revision }: { revision: number }): AppError =>
  new AppError("contract.revision_changed", {
    detail: { en: `It is at revision ${revision}.`, zh: `当前版本为第 ${revision} 版。` },
    members: { revision },
  });

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
  { row }: Deal,
  action: "confirm" | "cancel",
  { side, position, by, attachmentId }: Word,
  of: { revision: number; contentSha256: string | null } = row,
): Promise<void> {
  const said = await store.selectConfirmations(tx, row.id, of.revision);
  const twice = said.find(
    (one) => one.action === action && one.side === side && one.position === position,
  );
  if (twice) throw new AppError("contract.already_confirmed", alreadySaid(twice));
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
 * What the confirming of a revision comes to: nothing yet, or the contract is effective.
 * @throws AppError `match.invalid_transition` (409) when the match that it comes of has ended
 */
export async function confirming(tx: Executor, { row, parties }: Deal) {
  const isLast = await isSaidByAll(tx, parties, row.id, "confirm", row.revision);
  if (isLast) return { changes: { effectiveAt: nowInstant() } };
  // A match that has ended stops the first word, not only the last.
  if (row.matchId) await lockMatchOfContract(tx, row.matchId);
  return { to: "same" as const };
}

/** Nothing that several people have to do is under way. */
export const noPending = {
  pendingAction: null,
  pendingBy: null,
  pendingSince: null,
  pendingReason: null,
};

/** What a word on cancelling comes to: nothing yet, or all parties have agreed. */
export async function cancelling(tx: Executor, origin: Origin, deal: Deal) {
  const { row, parties } = deal;
  const isLast = await isSaidByAll(tx, parties, row.id, "cancel", row.revision);
  if (!isLast) return { to: "same" as const, changes: {} };
  await withdrawOpenAmendment(tx, origin, deal);
  const now = nowInstant();
  const end = row.status === "registered" ? {} : { cancelledAt: now };
  return { changes: { ...noPending, ...end, cancellationAgreedAt: now } };
}
