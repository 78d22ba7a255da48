/** Changes of a contract in force: put up by one party, confirmed by all, then the contract's next revision. */
import { contractAmendments } from "../../../db/schema/contract-amendments.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor, Origin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { parsePatched } from "../../lib/patched.ts";
import { amendments, changeOf, toAmendment } from "./amendments.access.ts";
import type { Amendment, AmendmentInput } from "./amendments.schema.ts";
import { lockOpenAmendment, selectAmendment, selectAmendments } from "./amendments.store.ts";
import {
  isSaidByAll,
  noPending,
  revisionChanged,
  say,
  type Word,
} from "./confirmations.service.ts";
import { ContractContent } from "./content.schema.ts";
import { deals, findDeal } from "./contracts.access.ts";
import { contractFaults } from "./contracts.completeness.ts";
import { hashContent, toColumns, toContent, toPartyRows } from "./contracts.content.ts";
import {
  type AmendmentKey,
  amendable,
  type Change,
  type Deal,
  isInForce,
} from "./contracts.lifecycle.ts";
import { notInForce } from "./contracts.refusals.ts";
import { prepareContent } from "./contracts.service.ts";
import * as store from "./contracts.store.ts";
import { partyOf } from "./signing.service.ts";

/** Who is who, in order: an amendment changes what is said of the parties, not who they are. */
const identities = ({ sellers, buyers }: ContractContent) =>
  canonicalJson([sellers, buyers].map((side) => side.map((p) => p.organizationId ?? p.name)));

/** Names the places of faults as they stand in the request: the content is its member `patch`. */
async function inPatch<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || !error.details.faults) throw error;
    const faults = error.details.faults.map((fault) => ({
      ...fault,
      pointer: `/patch${fault.pointer}`,
    }));
    throw new AppError(error.code, { ...error.details, faults });
  }
}

/** The content as a patch would make it, and all that keeps it from being put up. */
async function changed(tx: Executor, { row, parties }: Deal, patch: AmendmentInput["patch"]) {
  const current = toContent(row, parties);
  const patched = parsePatched(ContractContent, current, patch);
  const { content, inside } = await prepareContent(tx, patched, current);
  const fault = (path: string[], code: "party.fixed" | "unchanged") =>
    new AppError("request.invalid", { faults: [bodyFault(path, code)] });
  if (identities(content) !== identities(current)) throw fault(["sellers"], "party.fixed");
  const universities = [...inside.values()].filter((own) => own.kind === "university");
  const faults = contractFaults(content, new Set(universities.map((own) => own.id)));
  if (faults.length > 0) throw new AppError("contract.incomplete", { faults });
  const hashed = hashContent(content, row, await store.selectContentFiles(tx, row.id));
  // Nobody is asked to confirm what is so.
  if (hashed.contentSha256 === row.contentSha256) throw fault([], "unchanged");
  return hashed;
}

/**
 * Puts up a change of a contract in force for its parties to confirm.
 * @throws AppError `request.invalid` (400), `contract.not_in_force`, `contract.incomplete`,
 *   `amendment.already_open` (409), `contract.not_owner` (403)
 */
export async function amendContract(
  tx: Executor,
  call: Call,
  id: string,
  input: AmendmentInput,
): Promise<Amendment> {
  const { before: deal } = await deals.lockAs(tx, call, id, ["party"]);
  const { row } = deal;
  if (!isInForce(row)) throw new AppError("contract.not_in_force", notInForce(row, amendable));
  const hashed = await inPatch(() => changed(tx, deal, input.patch));
  const after = await insertRow(tx, contractAmendments, {
    id: newId(),
    contractId: id,
    revision: row.revision + 1,
    organizationId: call.actor.organizationId,
    createdBy: call.actor.id,
    reason: input.reason,
    patch: input.patch,
    content: hashed.content,
    contentSha256: hashed.contentSha256,
  });
  const made = await changeOf(tx, deal, after);
  await amendments.made(tx, call, made, "create", after.reason);
  return toAmendment(made, call.actor);
}

/** All amendments of a contract, oldest first. */
export async function listAmendments(db: Executor, actor: Actor, contractId: string) {
  const deal = await findDeal(db, actor, contractId);
  const data: Amendment[] = [];
  for (const row of await selectAmendments(db, contractId)) {
    data.push(toAmendment(await changeOf(db, deal, row), actor));
  }
  return { data };
}

/** @throws AppError `contract.not_found`, `amendment.not_found` (404) */
export async function readAmendment(
  db: Executor,
  actor: Actor,
  { id, amendmentId }: AmendmentKey,
): Promise<Amendment> {
  const deal = await findDeal(db, actor, id);
  const row = await selectAmendment(db, id, amendmentId);
  if (!row) throw new AppError("amendment.not_found");
  return toAmendment(await changeOf(db, deal, row), actor);
}

/** A party confirms an amendment; with the last one it is the contract's content. */
export const confirmAmendment = amendments.handle(
  "confirmAmendment",
  async ({ tx, call, actor, before, input }) => {
    const { row, deal } = before;
    if (input.revision !== row.revision || input.contentSha256 !== row.contentSha256) {
      throw revisionChanged(row);
    }
    const { side, position } = partyOf(deal, actor);
    await say(tx, deal, "confirm", { side, position, by: actor, attachmentId: null }, row);
    return confirmingChange(tx, call, before);
  },
);

/**
 * A signed copy of an outside party, attached while an amendment waits for it.
 * @throws AppError `contract.already_confirmed`, `contract.not_in_force` (409)
 */
export async function amendmentSigned(
  tx: Executor,
  origin: Origin,
  deal: Deal,
  word: Word,
): Promise<void> {
  const row = await lockOpenAmendment(tx, deal.row.id);
  if (!row) return;
  if (!isInForce(deal.row))
    throw new AppError("contract.not_in_force", notInForce(deal.row, amendable));
  await say(tx, deal, "confirm", word, row);
  const before = await changeOf(tx, deal, row);
  const outcome = await confirmingChange(tx, origin, before);
  await amendments.move(tx, origin, before, "confirmAmendmentBySignedCopy", outcome);
}

/** What a party's word comes to: nothing yet, or the contract has its next revision. */
async function confirmingChange(tx: Executor, origin: Origin, { row, deal }: Change) {
  const { revision, content, contentSha256, contractId, reason } = row;
  const isLast = await isSaidByAll(tx, deal.parties, contractId, "confirm", revision);
  if (!isLast) return { to: "same" as const, reason };
  await store.insertRevision(tx, { id: newId(), contractId, revision, content, contentSha256 });
  const names = Object.keys(ContractContent.shape);
  // It was parsed when it was put up; what was hashed beside it is left out.
  const next = Object.fromEntries(names.map((name) => [name, content[name]])) as ContractContent;
  // A word on cancelling was about the content before.
  await store.voidConfirmations(tx, contractId, "cancel", deal.row.revision);
  await store.replaceParties(tx, contractId, toPartyRows(contractId, next));
  const changed = {
    changes: { ...toColumns(next), revision, contentSha256, ...noPending },
    facts: { parties: await store.selectParties(tx, contractId), said: [] },
    reason,
    isRead: true as const,
  };
  await deals.change(tx, origin, deal, changed, "amend");
  return { changes: { effectiveAt: nowInstant() }, reason };
}

/** A party gives an amendment up, its own or another's, while not all have confirmed. */
export const withdrawAmendment = amendments.handle(
  "withdrawAmendment",
  async ({ tx, before: { row } }) => {
    await store.voidConfirmations(tx, row.contractId, "confirm", row.revision);
    return { reason: row.reason };
  },
);
