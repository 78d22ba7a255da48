/** When files may be added to a contract or taken away, and what a signed copy brings about. */
import type { Executor } from "../../database/connect.ts";
import type { Actor, Origin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { amendmentSigned } from "./amendments.service.ts";
import { lockOpenAmendment } from "./amendments.store.ts";
import { cancelling, confirming, say } from "./confirmations.service.ts";
import { dealOf, deals } from "./contracts.access.ts";
import { contract, type Deal, isBinding, isInForce } from "./contracts.lifecycle.ts";
import * as store from "./contracts.store.ts";

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
function assertOtherSide({ parties }: Deal, actor: Actor, { side }: ContractFile): void {
  const others = parties.filter((party) => party.side !== side && party.organizationId !== null);
  const isOther = others.some((party) => party.organizationId === actor.organizationId);
  if (others.length > 0 && !isOther) throw new AppError("attachment.other_side");
}

/** The contract, locked, for somebody with a part in it; a file goes with any version of it. */
async function lockWhichever(tx: Executor, call: Call, id: string): Promise<Deal> {
  const whichever = { ...call, expected: null };
  return (await deals.lockAs(tx, whichever, id, ["owner", "party"])).before;
}

/**
 * Whether the caller may add such a file to a contract now; the contract stays locked.
 * @returns the revision that the file belongs to, and who reads of it
 * @throws AppError `contract.not_found` (404), `contract.not_owner`, `attachment.other_side` (403),
 *   `attachment.locked` (409)
 */
export async function authorizeContractFile(
  tx: Executor,
  call: Call,
  id: string,
  file: ContractFile,
): Promise<{ revision: number; readers: (string | null)[]; confidential: boolean }> {
  const { actor } = call;
  const loaded = await lockWhichever(tx, call, id);
  const { row } = loaded;
  const { readers = [], secret = false } = contract.audit(loaded, call, "attach");
  const amendment = await lockOpenAmendment(tx, id);
  const revision =
    file.purpose === "signed_copy" ? (amendment?.revision ?? row.revision) : row.revision;
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
    payment_proof: isBinding(row),
  };
  if (!fits[file.purpose]) {
    const fitting = Object.keys(fits).filter((purpose) => fits[purpose]);
    const detail = {
      en: `The contract is ${row.status}. What can be added now: ${fitting.join(", ") || "nothing"}.`,
      zh: `合同当前状态为 ${row.status}，现在可增加的附件用途：${fitting.join("、") || "无"}。`,
    };
    throw new AppError("attachment.locked", { detail });
  }
  return { revision, readers: [...readers], confidential: secret };
}

/**
 * What a file that was just added brings about: a signed copy is the word of its outside party.
 * @throws AppError `contract.already_confirmed` (409)
 */
export async function contractFileAdded(
  tx: Executor,
  origin: Origin,
  id: string,
  attachmentId: string,
  { purpose, side, position }: ContractFile,
): Promise<void> {
  if (side === undefined || position === undefined) return;
  const row = await store.lockAnyContract(tx, id);
  if (!row) throw new AppError("contract.not_found");
  const deal = await dealOf(tx, row);
  const word = { side, position, by: null, attachmentId };
  if (purpose === "cancellation_copy") {
    await say(tx, deal, "cancel", word);
    const outcome = { ...(await cancelling(tx, origin, deal)), reason: row.pendingReason };
    await deals.move(tx, origin, deal, "cancelBySignedCopy", outcome);
  }
  if (purpose !== "signed_copy") return;
  if (row.status !== "confirming") return amendmentSigned(tx, origin, deal, word);
  await say(tx, deal, "confirm", word);
  await deals.move(tx, origin, deal, "confirmBySignedCopy", await confirming(tx, deal));
}

/**
 * Whether the caller may take a file away again: what is not part of a confirmed content, while drafting.
 * @throws AppError `contract.not_found` (404), `contract.not_owner` (403), `attachment.locked` (409)
 */
export async function authorizeContractFileRemoval(
  tx: Executor,
  call: Call,
  id: string,
  { purpose }: ContractFile,
): Promise<{ readers: (string | null)[]; confidential: boolean }> {
  const loaded = await lockWhichever(tx, call, id);
  const isDraft = loaded.row.status === "draft";
  const isRemovable = contentPurposes.has(purpose) ? isDraft : purpose === "document";
  if (!isRemovable) {
    const detail = contentPurposes.has(purpose)
      ? {
          en: `The contract is ${loaded.row.status}: a file of the purpose ${purpose} goes from a draft only.`,
          zh: `合同当前状态为 ${loaded.row.status}：用途为 ${purpose} 的附件仅可在草稿中删除。`,
        }
      : {
          en: `A file of the purpose ${purpose} stays.`,
          zh: `用途为 ${purpose} 的附件不可删除。`,
        };
    throw new AppError("attachment.locked", { detail });
  }
  const { readers = [], secret = false } = contract.audit(loaded, call, "detach");
  return { readers: [...readers], confidential: secret };
}
