/** What is particular about refusals of cases. */
import type { ErrorDetails } from "../../lib/errors.ts";
import type { Case } from "./registrations.lifecycle.ts";

/** Why experts must look at a case. */
export const whyExperts = (
  { expertThreshold }: Case["row"]["rules"],
  { disputed, technologyAmount }: Pick<Case["row"], "disputed" | "technologyAmount">,
): ErrorDetails => ({
  detail: disputed
    ? { en: "The case is disputed.", zh: "该案件存在争议。" }
    : {
        en: `Its technology amount of ${technologyAmount} yuan reaches the threshold of ${expertThreshold} yuan.`,
        zh: `技术交易额 ${technologyAmount} 元，达到须经专家评审的 ${expertThreshold} 元。`,
      },
});

/** What the parties have confirmed, and what is registered or asked for. */
export function revisionsOf({ row, revision, isEnding }: Case): ErrorDetails {
  if (isEnding) {
    return {
      detail: {
        en: "All parties have agreed to cancel the contract.",
        zh: "合同各方已同意解除合同。",
      },
    };
  }
  const { pendingRevision, contractRevision } = row;
  return {
    detail: {
      en: `In force is revision ${revision ?? "none"} of the contract, registered is ${contractRevision ?? "none"}${pendingRevision ? `, asked for is ${pendingRevision}` : ""}.`,
      zh: `合同生效版本为第 ${revision ?? "—"} 版，已登记第 ${contractRevision ?? "—"} 版${pendingRevision ? `，所申请的为第 ${pendingRevision} 版` : ""}。`,
    },
  };
}
