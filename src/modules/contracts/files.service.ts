/** When files may be added to a contract or taken away, and what a signed copy brings about. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { amendmentSigned } from "./amendments.service.ts";
import { afterCancellation, afterConfirmation, say } from "./confirmations.service.ts";
import { auditOf, isInForce, type Loaded, lockAs } from "./contracts.access.ts";
import * as store from "./contracts.store.ts";
import { lockContractOfCase } from "./filing.service.ts";

interface ContractFile {
  purpose: string;
  side?: "seller" | "buyer" | undefined;
  position?: number | undefined;
}

/** Purposes of files that are part of what is confirmed. */
const contentPurposes = new Set(["contract_text", "annex"]);

/** Purposes of files that stand for an outside party's word. */
const wordPurposes = new Set(["signed_copy", "cancellation_copy"]);

/**
 * An outside party's word comes from the other side, whose interest it is that it was given. Where
 * nobody of that side is in the market, whoever is has to do.
 * @throws AppError `attachment.other_side` (403)
 */
function assertOtherSide({ parties }: Loaded, actor: Actor, { side }: ContractFile): void {
  const others = parties.filter((party) => party.side !== side && party.organizationId !== null);
  const isOther = others.some((party) => party.organizationId === actor.organizationId);
  if (others.length > 0 && !isOther) throw new AppError("attachment.other_side");
}

/**
 * Whether the caller may add such a file to a contract now; the contract stays locked.
 * @returns the revision that the file belongs to, and who reads of it
 * @throws AppError `contract.not_found` (404), `contract.not_owner`, `attachment.other_side` (403),
 *   `attachment.locked` (409)
 */
export async function authorizeContractFile(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  file: ContractFile,
): Promise<{ revision: number; readers: (string | null)[]; confidential: boolean }> {
  const loaded = await lockAs(tx, { ...context, expected: null }, actor, id, ["owner", "party"]);
  const { row } = loaded;
  const { readers, confidential } = auditOf(loaded);
  const amendment = await store.lockOpenAmendment(tx, id);
  const revision =
    file.purpose === "signed_copy" ? (amendment?.revision ?? row.revision) : row.revision;
  const inForce = ["effective", "filed", "registered"].includes(row.status);
  const isOutside = loaded.parties.some(
    (party) =>
      party.side === file.side && party.position === file.position && party.organizationId === null,
  );
  if (isOutside && wordPurposes.has(file.purpose)) assertOtherSide(loaded, actor, file);
  const fits: Record<string, boolean> = {
    contract_text: row.status === "draft",
    annex: row.status === "draft",
    document: row.status !== "cancelled",
    signed_copy:
      isOutside && (row.status === "confirming" || (amendment !== undefined && isInForce(row))),
    cancellation_copy: isOutside && row.pendingAction === "cancel",
    payment_proof: inForce,
  };
  if (!fits[file.purpose]) throw new AppError("attachment.locked");
  return { revision, readers, confidential };
}

/**
 * What a file that was just added brings about: a signed copy is the word of its outside party.
 * @throws AppError `contract.already_confirmed` (409)
 */
export async function contractFileAdded(
  tx: Executor,
  context: WriteContext,
  id: string,
  attachmentId: string,
  { purpose, side, position }: ContractFile,
): Promise<void> {
  if (side === undefined || position === undefined) return;
  const loaded = await lockContractOfCase(tx, id);
  const word = { side, position, by: null, attachmentId };
  if (purpose === "cancellation_copy") {
    await say(tx, loaded, "cancel", word);
    await afterCancellation(tx, context, loaded, loaded, loaded.row.pendingReason);
  }
  if (purpose !== "signed_copy") return;
  if (loaded.row.status === "confirming") {
    await say(tx, loaded, "confirm", word);
    await afterConfirmation(tx, context, loaded);
  } else await amendmentSigned(tx, context, loaded, word);
}

/**
 * Whether the caller may take a file away again: what is not part of a confirmed content, while drafting.
 * @throws AppError `contract.not_found` (404), `contract.not_owner` (403), `attachment.locked` (409)
 */
export async function authorizeContractFileRemoval(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  { purpose }: ContractFile,
): Promise<{ readers: (string | null)[]; confidential: boolean }> {
  const loaded = await lockAs(tx, { ...context, expected: null }, actor, id, ["owner", "party"]);
  const isDraft = loaded.row.status === "draft";
  const isRemovable = contentPurposes.has(purpose) ? isDraft : purpose === "document";
  if (!isRemovable) throw new AppError("attachment.locked");
  const { readers, confidential } = auditOf(loaded);
  return { readers, confidential };
}
