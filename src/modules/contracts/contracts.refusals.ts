/** What is particular about refusals of contracts and amendments. */
import type { ErrorDetails } from "../../lib/errors.ts";
import type { Deal } from "./contracts.lifecycle.ts";
import type { ConfirmationRow, PartyRow } from "./contracts.store.ts";

/** What is said of one that is not in force, or not enough so: in which status it would have to be. */
export function notInForce(
  { status, cancellationAgreedAt }: Deal["row"],
  needed: readonly string[],
): ErrorDetails {
  const isEnding = needed.includes(status) && cancellationAgreedAt !== null;
  const detail = isEnding
    ? {
        en: `It is about to end: all parties agreed to cancel it at ${cancellationAgreedAt}.`,
        zh: `各方已于 ${cancellationAgreedAt} 同意解除该合同。`,
      }
    : {
        en: `It is ${status}, and would have to be: ${needed.join(", ")}.`,
        zh: `当前状态为 ${status}，须为：${needed.join("、")}。`,
      };
  return { detail };
}

/** When a party has given its word. */
export function alreadySaid(one: ConfirmationRow | undefined): ErrorDetails {
  if (!one) return {};
  const { side, position, revision, createdAt } = one;
  const detail = {
    en: `The ${side} at position ${position} did so for revision ${revision} at ${createdAt}.`,
    zh: `${side === "seller" ? "卖方" : "买方"}（position ${position}）已于 ${createdAt} 就第 ${revision} 版表示同意。`,
  };
  return { detail };
}

/** Who applies instead. */
export function notApplicant(party: PartyRow | undefined): ErrorDetails {
  if (!party) return {};
  const { name } = party;
  const detail = { en: `${name} applies for this one.`, zh: `该合同由${name}申请登记。` };
  return { detail };
}
