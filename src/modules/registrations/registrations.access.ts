/** How a case is shown, and what runs its steps. */

import type { Actor } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { stored } from "../../lifecycle/stored.ts";
import { type Case, registration } from "./registrations.lifecycle.ts";
import type { Registration } from "./registrations.schema.ts";
import * as store from "./registrations.store.ts";

type Row = Case["row"];

/** Whether the office's clock runs: not while the applicant is asked for something, nor once it is decided. */
const isRunning = (status: Row["status"]): boolean =>
  status === "filed" || status === "accepted" || status === "expert_review";

const yuan = (amount: string) => ({ amount, currency: "CNY" });

/** Where the whole certificate is, for those who have it. */
export const certificatePathOf = ({ number, checkCode }: Row): string | null =>
  number && checkCode ? `/v1/registrations/${number}/certificate?code=${checkCode}` : null;

/** A case as this caller may see it: what screening found is for registrars. */
export function toRegistration(one: Case, actor: Actor): Registration {
  const { row } = one;
  const isRegistrar = registration.standing(one, actor).includes("registrar");
  const { facts, screening, firstReviewerId, secondReviewerId } = row;
  const { supplementNote, supplementDueOn } = row;
  return {
    ...row,
    contractReference: facts.contractReference,
    title: facts.title,
    type: facts.type,
    subtype: facts.subtype,
    seller: facts.seller,
    buyer: facts.buyer,
    totalAmount: yuan(facts.totalAmount),
    technologyAmount: yuan(facts.technologyAmount),
    amountStatus: facts.amountStatus,
    overdue: isRunning(row.status) && row.dueOn !== null && row.dueOn < today(),
    supplement:
      supplementNote !== null && supplementDueOn !== null
        ? {
            note: supplementNote,
            grounds: row.supplementGrounds,
            dueOn: supplementDueOn,
            suppliedAt: row.supplementedAt,
          }
        : null,
    certificatePath: actor.role === "operator" ? null : certificatePathOf(row),
    pending:
      row.pendingAction && row.pendingSince
        ? {
            action: row.pendingAction,
            by: row.pendingOrganizationId,
            since: row.pendingSince,
            revision: row.pendingRevision,
          }
        : null,
    allowedActions: registration.allowedActions(one, actor),
    ...(isRegistrar
      ? { screening, firstReviewerId, secondReviewerId }
      : { screening: undefined, firstReviewerId: undefined, secondReviewerId: undefined }),
  };
}

/** What runs the steps of a case. */
export const cases = stored(registration, {
  lock: store.lockCase,
  reply: (_, actor, one) => toRegistration(one, actor),
  isPlain: true,
});
