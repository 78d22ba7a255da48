/** From a draft to a contract in force, or to none: put up, confirmed, sent back, retracted, cancelled. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import {
  cancelling,
  confirming,
  noPending,
  revisionChanged,
  say,
} from "./confirmations.service.ts";
import { deals } from "./contracts.access.ts";
import { contractFaults } from "./contracts.completeness.ts";
import { hashContent, toContent, toPartyRows } from "./contracts.content.ts";
import type { Deal } from "./contracts.lifecycle.ts";
import { prepareContent, reopen } from "./contracts.service.ts";
import * as store from "./contracts.store.ts";
import { hasPart, linksOf } from "./links.service.ts";

/** The content of a draft as it would be put up, and what it lacks; its links may have moved meanwhile. */
async function assess(tx: Executor, actor: Actor, { row, parties }: Deal) {
  const current = toContent(row, parties);
  const { content, inside } = await prepareContent(tx, current, current);
  const universities = [...inside.values()].filter((own) => own.kind === "university");
  const { links, faults } = await linksOf(tx, actor, { ...row, ...content }, row);
  if (!hasPart(row.organizationId, content, links)) throw new AppError("contract.not_owner");
  faults.push(...contractFaults(content, new Set(universities.map((own) => own.id))));
  const files = await store.selectContentFiles(tx, row.id);
  const hashed = hashContent(content, { ...row, ...links }, files);
  return { faults, hashed, links, whole: content };
}

/**
 * Puts a draft up for its parties to confirm.
 * @throws AppError `contract.incomplete` (409) with a pointer to everything that is missing,
 *   `match.invalid_transition` (409) when the match that it comes of has ended
 */
export const submitContract = deals.handle("submitContract", async ({ tx, actor, before }) => {
  const { id, revision } = before.row;
  const { faults, hashed, links, whole } = await assess(tx, actor, before);
  if (faults.length > 0) throw new AppError("contract.incomplete", { faults });
  const { contentSha256, content } = hashed;
  await store.insertRevision(tx, { id: newId(), contractId: id, revision, content, contentSha256 });
  // What the market knows of the parties may be newer than the draft.
  await store.replaceParties(tx, id, toPartyRows(id, whole));
  return {
    changes: { ...links, contentSha256, submittedAt: nowInstant() },
    facts: { parties: await store.selectParties(tx, id) },
  };
});

/** The party that the caller speaks for. */
export function partyOf({ parties }: Deal, actor: Actor): store.PartyRow {
  const own = parties.find((party) => party.organizationId === actor.organizationId);
  if (!own) throw new AppError("contract.not_owner");
  return own;
}

/** A party confirms the revision that it has read; with the last one the contract is effective. */
export const confirmContract = deals.handle(
  "confirmContract",
  async ({ tx, actor, before, input }) => {
    const { revision, contentSha256 } = before.row;
    if (input.revision !== revision || input.contentSha256 !== contentSha256) {
      throw revisionChanged(before.row);
    }
    const { side, position } = partyOf(before, actor);
    await say(tx, before, "confirm", { side, position, by: actor, attachmentId: null });
    return confirming(tx, before);
  },
);

/** A party sends the contract back to be changed; what was confirmed is void. */
export const returnContract = deals.handle("returnContract", async ({ tx, before }) => ({
  changes: await reopen(tx, before),
}));

/**
 * A party ends what several have to do and not all have done: the confirming of a revision, or the
 * cancelling of a contract in force.
 */
export const retractContract = deals.handle("retractContract", async ({ tx, before }) => {
  const { id, status, pendingAction, revision } = before.row;
  const action = status === "confirming" ? "confirm" : pendingAction;
  if (action) await store.voidConfirmations(tx, id, action, revision);
  return { changes: noPending };
});

/**
 * A party cancels: alone before the contract is effective; afterwards all must say so, and a registered
 * one then waits for its office.
 */
export const cancelContract = deals.handle(
  "cancelContract",
  async ({ tx, call, actor, before, input: { reason } }) => {
    const { status, pendingAction } = before.row;
    if (status === "draft" || status === "confirming") {
      return { changes: { cancelledAt: nowInstant() } };
    }
    const { side, position } = partyOf(before, actor);
    await say(tx, before, "cancel", { side, position, by: actor, attachmentId: null });
    const begun = pendingAction
      ? {}
      : {
          pendingAction: "cancel" as const,
          pendingBy: actor.id,
          pendingSince: nowInstant(),
          pendingReason: reason,
        };
    const { changes, ...rest } = await cancelling(tx, call, before);
    return { ...rest, changes: { ...begun, ...changes } };
  },
);
