/** What becomes of a registration later: amended, cancelled, revoked. Several people take each step. */
import { registrations } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { nextStatus, transitionRefused } from "../../lib/lifecycle.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { factsOf, paymentsOf, stepContract } from "../contracts/filing.service.ts";
import { recordRegistryEntry } from "../registry/registry.service.ts";
import { countedOf, recordPayments, recordVolume } from "../statistics/statistics.service.ts";
import { assertCodes } from "../taxonomies/taxonomies.service.ts";
import { assertSecond } from "./decisions.service.ts";
import { lockCase, record, standingOf, toRegistration } from "./registrations.access.ts";
import { isExtended } from "./registrations.clock.ts";
import { registrationLifecycle } from "./registrations.lifecycle.ts";
import type { AmendInput, Registration, RevokeInput } from "./registrations.schema.ts";
import type { RegistrationRow } from "./registrations.store.ts";

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

/** Refuses a step while another one is under way, or before it was begun. */
function assertPending(row: RegistrationRow, action: string | null): void {
  if (row.pendingAction === action) return;
  throw transitionRefused(registrationLifecycle, row.status, "registrar");
}

/** A step that is not the last one: who has begun, or gone on, is kept; nothing else changes. */
async function goOn(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  before: RegistrationRow,
  verb: string,
  changes: Partial<RegistrationRow>,
  reason: string | null = null,
): Promise<Registration> {
  const after = await updateRow(tx, registrations, before, changes);
  await record(tx, context, `${verb}_request`, before, after, reason);
  return toRegistration(after, actor);
}

/** The last step: the change, and what is fed and counted from it. */
async function correct(
  tx: Executor,
  context: WriteContext,
  before: RegistrationRow,
  kind: "amended" | "cancelled" | "revoked",
  changes: Partial<RegistrationRow>,
  reason: string | null,
): Promise<RegistrationRow> {
  const after = await updateRow(tx, registrations, before, { ...nothingPending, ...changes });
  const verbs = { amended: "amend", cancelled: "cancel", revoked: "revoke" } as const;
  const auditRecordId = await record(tx, context, verbs[kind], before, after, reason);
  await recordRegistryEntry(tx, auditRecordId, kind, after);
  const payments = before.contractId ? await paymentsOf(tx, before.contractId) : [];
  const [was, is] = [countedOf(before), countedOf(after)];
  await recordVolume(tx, auditRecordId, [{ sign: -1, counted: was }]);
  await recordPayments(tx, auditRecordId, -1, was, payments);
  if (kind !== "amended") return after;
  await recordVolume(tx, auditRecordId, [{ sign: 1, counted: is }]);
  await recordPayments(tx, auditRecordId, 1, is, payments);
  return after;
}

/** Whether the caller speaks for the applicant here; a registrar otherwise. */
const isApplicant = (actor: Actor, row: RegistrationRow) =>
  standingOf(actor, row).includes("applicant");

/**
 * An amendment of the contract comes into its registration: the applicant asks with the revision that all
 * parties confirmed, a first registrar agrees, a second one does it. The number stays. One that makes
 * the contract a large one needs what experts found, from the first registrar.
 * @throws AppError `registration.not_agreed`, `registration.same_reviewer`,
 *   `registration.expert_review_needed`, `registration.invalid_transition` (409)
 */
export async function amendRegistration(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  { contractRevision, conclusion }: AmendInput,
): Promise<Registration> {
  const { row: before, contract } = await lockCase(tx, context, actor, id, [
    "applicant",
    "registrar",
  ]);
  const asks = isApplicant(actor, before);
  nextStatus(registrationLifecycle, before.status, "amend", asks ? "applicant" : "registrar");
  assertPending(before, asks ? null : "amend");
  if (!contract) throw new AppError("registration.not_agreed");
  const { row } = contract;
  if (asks) {
    const isNext =
      row.revision === contractRevision && row.revision > (before.contractRevision ?? 0);
    if (!isNext || row.cancellationAgreedAt) throw new AppError("registration.not_agreed");
    const changes = { ...begun(actor, "amend"), pendingRevision: contractRevision };
    return goOn(tx, context, actor, before, "amend", changes);
  }
  const revision = before.pendingRevision ?? 0;
  if (row.revision !== revision) throw new AppError("registration.not_agreed");
  const facts = await factsOf(tx, row, revision);
  const { rules, disputed } = before;
  const { technologyAmount } = facts;
  // What experts would have looked at before registering, they look at before amending (draft art. 14).
  const isNewlyLarge =
    rules.expertReviewCompulsory &&
    isExtended(rules, { technologyAmount, disputed }) &&
    !isExtended(rules, before);
  const isFirst = before.pendingReviewerId === null;
  if (isNewlyLarge && isFirst && conclusion === undefined) {
    throw new AppError("registration.expert_review_needed");
  }
  const found =
    conclusion === undefined
      ? {}
      : { expertConclusion: conclusion, expertReviewConcludedAt: nowInstant() };
  if (isFirst && rules.twoReviewers) {
    const changes = { ...found, pendingReviewerId: actor.id };
    return goOn(tx, context, actor, before, "amend", changes);
  }
  assertSecond(before, before.pendingReviewerId, actor);
  const changes = {
    ...found,
    facts,
    expertReviewNeeded: before.expertReviewNeeded || isNewlyLarge,
    technologyAmount: facts.technologyAmount,
    contractRevision: revision,
    revision: before.revision + 1,
  };
  const after = await correct(tx, context, before, "amended", changes, null);
  return toRegistration(after, actor);
}

/**
 * A registration ends with its contract: the applicant asks, once all parties have agreed to cancel, and
 * a registrar does it.
 * @throws AppError `registration.not_agreed`, `registration.invalid_transition` (409)
 */
export async function cancelRegistration(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  note: string | null,
): Promise<Registration> {
  const { row: before, contract } = await lockCase(tx, context, actor, id, [
    "applicant",
    "registrar",
  ]);
  const asks = isApplicant(actor, before);
  const by = asks ? "applicant" : "registrar";
  const status = nextStatus(registrationLifecycle, before.status, "cancel", by);
  assertPending(before, asks ? null : "cancel");
  if (!contract?.row.cancellationAgreedAt) {
    throw new AppError("registration.not_agreed");
  }
  if (asks) {
    const changes = { ...begun(actor, "cancel"), pendingNote: note };
    return goOn(tx, context, actor, before, "cancel", changes, note);
  }
  const changes = { status, decisionNote: note ?? before.pendingNote, decidedAt: nowInstant() };
  const after = await correct(tx, context, before, "cancelled", changes, changes.decisionNote);
  await stepContract(tx, context, contract, "cancel");
  return toRegistration(after, actor);
}

/**
 * A registration should never have been: one registrar proposes to revoke it, with a ground, another one
 * does it. The contract is as it was before it was filed.
 * @throws AppError `registration.same_reviewer`, `registration.invalid_transition` (409)
 */
export async function revokeRegistration(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  { ground, note }: RevokeInput,
): Promise<Registration> {
  await assertCodes(tx, [{ path: ["ground"], taxonomy: "revocation-grounds", code: ground }]);
  const { row: before, contract } = await lockCase(tx, context, actor, id, ["registrar"]);
  const status = nextStatus(registrationLifecycle, before.status, "revoke", "registrar");
  const isFirst = before.pendingAction === null && before.rules.twoReviewers;
  if (isFirst) {
    const changes = { ...begun(actor, "revoke"), pendingGround: ground, pendingNote: note };
    return goOn(tx, context, actor, before, "revoke", changes, note);
  }
  if (before.rules.twoReviewers) assertPending(before, "revoke");
  assertSecond(before, before.pendingBy, actor);
  const changes = {
    status,
    grounds: [before.pendingGround ?? ground],
    decisionNote: before.pendingNote ?? note,
    decidedAt: nowInstant(),
  };
  const after = await correct(tx, context, before, "revoked", changes, changes.decisionNote);
  if (contract) await stepContract(tx, context, contract, "revoke");
  return toRegistration(after, actor);
}

/**
 * Ends what was begun: the applicant its own request, a registrar any.
 * @throws AppError `registration.invalid_transition` (409) when nothing is pending
 */
export async function retractRegistrationStep(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Registration> {
  const { row: before } = await lockCase(tx, context, actor, id, ["applicant", "registrar"]);
  const own = before.pendingOrganizationId === actor.organizationId;
  const isRegistrar = standingOf(actor, before).includes("registrar");
  const by = isRegistrar ? "registrar" : "applicant";
  nextStatus(registrationLifecycle, before.status, "retract", by);
  if (before.pendingAction === null || !(own || isRegistrar)) {
    throw transitionRefused(registrationLifecycle, before.status, by);
  }
  const after = await updateRow(tx, registrations, before, nothingPending);
  await record(tx, context, "retract", before, after);
  return toRegistration(after, actor);
}
