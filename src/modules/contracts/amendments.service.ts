/** Changes of a contract in force: put up by one party, confirmed by all, then the contract's next revision. */
import { contractAmendments, contracts } from "../../../db/schema/contracts.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { allowedActions, nextStatus } from "../../lib/lifecycle.ts";
import { parsePatched } from "../../lib/patched.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAmendment } from "./amendments.access.ts";
import { isSaidByAll, noPending, say, settleResult, type Word } from "./confirmations.service.ts";
import { isInForce, type Loaded, lockAs, record, standingOf } from "./contracts.access.ts";
import { contractFaults } from "./contracts.completeness.ts";
import { hashContent, toColumns, toContent, toPartyRows } from "./contracts.content.ts";
import { amendmentLifecycle } from "./contracts.lifecycle.ts";
import {
  type Amendment,
  type AmendmentInput,
  type ConfirmInput,
  ContractContent,
} from "./contracts.schema.ts";
import { partyOf, prepareContent } from "./contracts.service.ts";
import * as store from "./contracts.store.ts";

async function toAmendment(
  db: Executor,
  actor: Actor,
  loaded: Loaded,
  row: store.AmendmentRow,
): Promise<Amendment> {
  const said = await store.selectConfirmations(db, row.contractId, row.revision);
  // Once the contract has gone on to this revision, words on cancelling it are its own.
  const confirmations = said.filter((one) => one.action === "confirm");
  return {
    ...row,
    content: canonicalJson(row.content),
    confirmations: confirmations.map(({ createdAt, ...one }) => ({ ...one, at: createdAt })),
    allowedActions: allowedActions(amendmentLifecycle, row.status, standingOf(actor, loaded)),
  };
}

/** Who is who, in order: an amendment changes what is said of the parties, not who they are. */
const identities = ({ sellers, buyers }: ContractContent) =>
  canonicalJson([sellers, buyers].map((side) => side.map((p) => p.organizationId ?? p.name)));

/**
 * Puts up a change of a contract in force for its parties to confirm.
 * @throws AppError `request.invalid` (400), `contract.not_in_force`, `contract.incomplete`,
 *   `amendment.already_open` (409), `contract.not_owner` (403)
 */
export async function amendContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  input: AmendmentInput,
): Promise<Amendment> {
  const loaded = await lockAs(tx, context, actor, id, ["party"]);
  const { row, parties } = loaded;
  if (!isInForce(row)) throw new AppError("contract.not_in_force");
  const current = toContent(row, parties);
  const patched = parsePatched(ContractContent, current, input.patch);
  const { content, inside } = await prepareContent(tx, patched, current);
  if (identities(content) !== identities(current)) {
    throw new AppError("request.invalid", {
      faults: [bodyFault(["patch", "sellers"], "party.fixed")],
    });
  }
  const universities = [...inside.values()].filter((own) => own.kind === "university");
  const faults = contractFaults(content, new Set(universities.map((own) => own.id)));
  if (faults.length > 0) throw new AppError("contract.incomplete", { faults });
  const hashed = hashContent(content, row, await store.selectContentFiles(tx, id));
  const [after] = await tx
    .insert(contractAmendments)
    .values({
      id: newId(),
      contractId: id,
      revision: row.revision + 1,
      organizationId: actor.organizationId,
      createdBy: actor.id,
      reason: input.reason,
      patch: input.patch,
      content: hashed.content,
      contentSha256: hashed.contentSha256,
    })
    .returning();
  if (!after) throw new Error("insert returned no row");
  await recordAmendment(tx, context, "create", loaded, null, after);
  return toAmendment(tx, actor, loaded, after);
}

async function load(db: Executor, actor: Actor, contractId: string): Promise<Loaded> {
  const row = await store.selectContract(db, actor, contractId);
  if (!row) throw new AppError("contract.not_found");
  return { row, parties: await store.selectParties(db, contractId) };
}

/** All amendments of a contract, oldest first. */
export async function listAmendments(db: Executor, actor: Actor, contractId: string) {
  const loaded = await load(db, actor, contractId);
  const data: Amendment[] = [];
  for (const row of await store.selectAmendments(db, contractId)) {
    data.push(await toAmendment(db, actor, loaded, row));
  }
  return { data };
}

/** @throws AppError `contract.not_found`, `amendment.not_found` (404) */
export async function readAmendment(
  db: Executor,
  actor: Actor,
  contractId: string,
  id: string,
): Promise<Amendment> {
  const loaded = await load(db, actor, contractId);
  const row = await store.selectAmendment(db, contractId, id);
  if (!row) throw new AppError("amendment.not_found");
  return toAmendment(db, actor, loaded, row);
}

/** Contract, then amendment, locked in this order for one of its parties. */
async function lockAmendment(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  contractId: string,
  id: string,
): Promise<{ loaded: Loaded; before: store.AmendmentRow }> {
  const loaded = await lockAs(tx, { ...context, expected: null }, actor, contractId, ["party"]);
  const before = await store.selectAmendment(tx, contractId, id, true);
  if (!before) throw new AppError("amendment.not_found");
  assertVersion(before.version, context.expected);
  return { loaded, before };
}

/**
 * A party confirms an amendment; with the last one it is the contract's content.
 * @throws AppError `contract.revision_changed`, `contract.already_confirmed`,
 *   `amendment.invalid_transition`, `contract.not_in_force` (409)
 */
export async function confirmAmendment(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  contractId: string,
  id: string,
  input: ConfirmInput,
): Promise<Amendment> {
  const { loaded, before } = await lockAmendment(tx, context, actor, contractId, id);
  nextStatus(amendmentLifecycle, before.status, "confirm", "party");
  if (input.revision !== before.revision || input.contentSha256 !== before.contentSha256) {
    throw new AppError("contract.revision_changed");
  }
  const { side, position } = partyOf(loaded, actor);
  await say(tx, loaded, "confirm", { side, position, by: actor, attachmentId: null }, before);
  const after = await afterWord(tx, context, loaded, before);
  return toAmendment(tx, actor, loaded, after);
}

/**
 * A signed copy of an outside party, attached while an amendment waits for it.
 * @throws AppError `contract.already_confirmed`, `contract.not_in_force` (409)
 */
export async function amendmentSigned(
  tx: Executor,
  context: WriteContext,
  loaded: Loaded,
  word: Word,
): Promise<void> {
  const before = await store.lockOpenAmendment(tx, loaded.row.id);
  if (!before) return;
  await say(tx, loaded, "confirm", word, before);
  await afterWord(tx, context, loaded, before);
}

/** What follows from a party's word: nothing yet, or the contract has its next revision. */
async function afterWord(
  tx: Executor,
  context: WriteContext,
  loaded: Loaded,
  before: store.AmendmentRow,
): Promise<store.AmendmentRow> {
  const { row, parties } = loaded;
  // Filed, it is what the office decides on; ended, there is nothing to change.
  if (!isInForce(row)) throw new AppError("contract.not_in_force");
  const { revision, content, contentSha256 } = before;
  const isLast = await isSaidByAll(tx, parties, row.id, "confirm", revision);
  const changes = isLast ? { status: "effective" as const, effectiveAt: nowInstant() } : {};
  const after = await updateRow(tx, contractAmendments, before, changes);
  await recordAmendment(tx, context, "confirm", loaded, before, after);
  if (!isLast) return after;
  await store.insertRevision(tx, {
    id: newId(),
    contractId: row.id,
    revision,
    content,
    contentSha256,
  });
  const names = Object.keys(ContractContent.shape);
  const own = Object.fromEntries(names.map((name) => [name, content[name]]));
  // It was parsed when it was put up; what was hashed beside it is left out.
  const next = own as ContractContent;
  const columns = { ...toColumns(next), revision, contentSha256 };
  // A word on cancelling was about the content before.
  await store.voidConfirmations(tx, row.id, "cancel", row.revision);
  const changed = await updateRow(tx, contracts, row, { ...columns, ...noPending });
  await store.replaceParties(tx, row.id, toPartyRows(row.id, next));
  const now = { row: changed, parties: await store.selectParties(tx, row.id) };
  await record(tx, context, "amend", loaded, now, before.reason);
  await settleResult(tx, context, row, changed);
  return after;
}

/**
 * A party gives an amendment up, its own or another's, while not all have confirmed.
 * @throws AppError `amendment.invalid_transition` (409)
 */
export async function withdrawAmendment(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  contractId: string,
  id: string,
): Promise<Amendment> {
  const { loaded, before } = await lockAmendment(tx, context, actor, contractId, id);
  const status = nextStatus(amendmentLifecycle, before.status, "withdraw", "party");
  await store.voidConfirmations(tx, contractId, "confirm", before.revision);
  const after = await updateRow(tx, contractAmendments, before, { status });
  await recordAmendment(tx, context, "withdraw", loaded, before, after);
  return toAmendment(tx, actor, loaded, after);
}
