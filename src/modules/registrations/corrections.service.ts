/** What becomes of a registration later: amended, cancelled, revoked. Several people take each step. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { factsOf, paymentsOf } from "../contracts/filing.service.ts";
import { cases } from "./registrations.access.ts";
import { isExtended } from "./registrations.clock.ts";
import type { Case } from "./registrations.lifecycle.ts";
import { revisionsOf, whyExperts } from "./registrations.refusals.ts";

const nothingPending = {
  pendingAction: null,
  pendingBy: null,
  pendingOrganizationId: null,
  pendingReviewerId: null,
  pendingSince: null,
  pendingRevision: null,
  pendingGround: null,
  pendingNote: null,
} as const;

const begun = (actor: Actor, pendingAction: "amend" | "cancel" | "revoke") => ({
  ...nothingPending,
  pendingAction,
  pendingBy: actor.id,
  pendingOrganizationId: actor.organizationId,
  pendingSince: nowInstant(),
});

/** A step that is not the last one: who has begun, or gone on, is kept; nothing else changes. */
const goOn = (verb: string, changes: Partial<Case["row"]>, reason: string | null = null) => ({
  changes,
  to: "same" as const,
  as: `${verb}_request`,
  reason,
});

/** The last step: what was counted of the case is counted again with what was paid. */
async function correct(
  tx: Executor,
  { contract }: Case,
  changes: Partial<Case["row"]>,
  reason: string | null,
) {
  const payments = contract ? await paymentsOf(tx, contract.row.id) : [];
  return {
    changes: { ...nothingPending, ...changes },
    facts: { payments },
    reason,
    isRead: true as const,
  };
}

const notAgreed = (one: Case) => new AppError("registration.not_agreed", revisionsOf(one));

/**
 * An amendment of the contract comes into its registration: the applicant asks with the revision that all
 * parties confirmed, a first registrar agrees, a second one does it. The number stays. One that makes
 * the contract a large one needs what experts found, from the first registrar.
 */
export const amendRegistration = cases.handle(
  "amendRegistration",
  async ({ tx, actor, before, standing, input: { contractRevision, conclusion } }) => {
    const { row, contract } = before;
    if (!contract) throw notAgreed(before);
    if (standing.includes("applicant")) {
      if (before.revision !== contractRevision) throw notAgreed(before);
      return goOn("amend", { ...begun(actor, "amend"), pendingRevision: contractRevision });
    }
    const revision = row.pendingRevision ?? 0;
    const facts = await factsOf(tx, contract.row, revision);
    const { rules, disputed } = row;
    const { technologyAmount } = facts;
    // What experts would have looked at before registering, they look at before amending (draft art. 14).
    const isNewlyLarge =
      rules.expertReviewCompulsory &&
      isExtended(rules, { technologyAmount, disputed }) &&
      !isExtended(rules, row);
    const isFirst = row.pendingReviewerId === null;
    if (isNewlyLarge && isFirst && conclusion === undefined) {
      const why = whyExperts(rules, { technologyAmount, disputed });
      throw new AppError("registration.expert_review_needed", why);
    }
    const found =
      conclusion === undefined
        ? {}
        : { expertConclusion: conclusion, expertReviewConcludedAt: nowInstant() };
    if (isFirst && rules.twoReviewers) {
      return goOn("amend", { ...found, pendingReviewerId: actor.id });
    }
    const changes = {
      ...found,
      facts,
      expertReviewNeeded: row.expertReviewNeeded || isNewlyLarge,
      technologyAmount,
      contractRevision: revision,
      revision: row.revision + 1,
    };
    return correct(tx, before, changes, null);
  },
);

/**
 * A registration ends with its contract: the applicant asks, once all parties have agreed to cancel, and
 * a registrar does it.
 */
export const cancelRegistration = cases.handle(
  "cancelRegistration",
  ({ tx, actor, before, standing, input: { note } }) => {
    if (standing.includes("applicant")) {
      return goOn("cancel", { ...begun(actor, "cancel"), pendingNote: note }, note);
    }
    const decisionNote = note ?? before.row.pendingNote;
    return correct(tx, before, { decisionNote, decidedAt: nowInstant() }, decisionNote);
  },
);

/**
 * A registration should never have been: one registrar proposes to revoke it, with a ground, another one
 * does it. The contract is as it was before it was filed.
 */
export const revokeRegistration = cases.handle(
  "revokeRegistration",
  ({ tx, actor, before, input: { ground, note } }) => {
    const { row } = before;
    if (row.pendingAction === null && row.rules.twoReviewers) {
      const changes = { ...begun(actor, "revoke"), pendingGround: ground, pendingNote: note };
      return goOn("revoke", changes, note);
    }
    const decisionNote = row.pendingNote ?? note;
    const changes = {
      grounds: [row.pendingGround ?? ground],
      decisionNote,
      decidedAt: nowInstant(),
    };
    return correct(tx, before, changes, decisionNote);
  },
);

/** Ends what was begun: the applicant its own request, a registrar any. */
export const retractRegistrationStep = cases.handle("retractRegistrationStep", () => ({
  changes: nothingPending,
}));
