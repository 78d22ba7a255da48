import { registrations } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { updateLocked } from "../../database/rows.ts";
import { type Actor, systemOrigin } from "../../lib/access.ts";
import { dayOf, nowInstant, today } from "../../lib/clock.ts";
import { AppError, assertAll } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { nextStatus } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { civilDate } from "../../lib/wire.ts";
import { dueDay } from "../../lib/working-days.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import {
  factsOf,
  lockContractForFiling,
  similarContracts,
  stepContract,
} from "../contracts/filing.service.ts";
import { findCompetentOffice } from "../registration-offices/registration-offices.service.ts";
import { rulesOn } from "../registration-rules/registration-rules.service.ts";
import { assertCodes } from "../taxonomies/taxonomies.service.ts";
import {
  lockCase,
  lockWithContract,
  record,
  standingOf,
  toRegistration,
} from "./registrations.access.ts";
import { dueOf } from "./registrations.clock.ts";
import { registrationLifecycle } from "./registrations.lifecycle.ts";
import type {
  DueDateInput,
  ListRegistrationsQuery,
  Registration,
  SupplementRequestInput,
} from "./registrations.schema.ts";
import { screen } from "./registrations.screening.ts";
import * as store from "./registrations.store.ts";

/**
 * Files an effective contract with the office of the applicant's region.
 * @param note for the office; kept in the log of the case
 * @throws AppError `registration.not_applicant` (403), `contract.invalid_transition`,
 *   `registration.no_office`, `registration.incomplete`, `registration.already_filed` (409)
 */
export async function fileContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  contractId: string,
  note: string | null = null,
): Promise<Registration> {
  const filed = await lockContractForFiling(tx, context, contractId);
  const { row: contract, applicant } = filed;
  const office = applicant.regionCode && (await findCompetentOffice(tx, applicant.regionCode));
  const { code: ruleSet, rules } = await rulesOn(tx, today());
  const isPast = contract.validUntil !== null && contract.validUntil < today();
  assertAll([
    ...filed.checks,
    () => {
      if (!office) throw new AppError("registration.no_office");
    },
    () => {
      if (!rules.withinValidity || !isPast) return;
      const faults = [bodyFault(["validUntil"], "date.past")];
      throw new AppError("registration.incomplete", { faults });
    },
  ]);
  // The type checker does not see that it was checked.
  if (!office) throw new AppError("registration.no_office");
  const facts = await factsOf(tx, contract, contract.revision);
  const similar = await similarContracts(tx, contractId);
  const { relatedParties, validUntil } = contract;
  await stepContract(tx, context, filed, "file");
  const after = await store.insertRegistration(tx, {
    id: newId(),
    contractId,
    contractRevision: contract.revision,
    officeId: office.id,
    officeCode: office.code,
    officeOrganizationId: office.organizationId,
    regionCode: applicant.regionCode,
    applicantOrganizationId: actor.organizationId,
    applicantMemberId: actor.id,
    ruleSet,
    rules,
    facts,
    technologyAmount: facts.technologyAmount,
    screening: screen({ facts, relatedParties, validUntil, similar, today: today() }),
    filedAt: nowInstant(),
  });
  await record(tx, context, "file", null, after, note);
  return toRegistration(after, actor);
}

/** @throws AppError `registration.not_found` (404) for one that the caller may not see */
export async function readRegistration(
  db: Executor,
  actor: Actor,
  id: string,
): Promise<Registration> {
  const row = await store.selectRegistration(db, actor, id);
  if (!row) throw new AppError("registration.not_found");
  return toRegistration(row, actor);
}

/** The office's queue; for others the cases that they have a part in. */
export async function listRegistrations(
  db: Executor,
  actor: Actor,
  query: ListRegistrationsQuery,
): Promise<Page<Registration>> {
  const list = `registrations ${actor.organizationId}`;
  const byDue = query.sort === "dueOn";
  const after = byDue ? readCursor(list, query, civilDate) : readCursor(list, query);
  const rows = await store.selectRegistrations(db, actor, query, after);
  const page = toPage(
    list,
    query,
    rows,
    (row) => (byDue ? (row.dueOn ?? "") : ""),
    (row) => toRegistration(row, actor),
  );
  if (query.include) page.total = totalOf(await store.countRegistrations(db, actor, query));
  return page;
}

/** Writes a step that changes nothing but the case, which is locked. */
async function step(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  before: store.RegistrationRow,
  verb: string,
  changes: Partial<store.RegistrationRow>,
  reason: string | null = null,
): Promise<Registration> {
  const after = await updateLocked(tx, registrations, before, changes);
  await record(tx, context, verb, before, after, reason);
  return toRegistration(after, actor);
}

/** Under which rules and until when, for a case that counts as accepted at an instant. */
async function acceptance(
  tx: Executor,
  size: { technologyAmount: string; disputed: boolean },
  acceptedAt: string,
) {
  const day = dayOf(acceptedAt);
  const { code: ruleSet, rules } = await rulesOn(tx, day);
  return { acceptedAt, ruleSet, rules, ...dueOf(rules, size, day), dueReason: null };
}

/**
 * A registrar accepts the case and is its first reviewer; the clock runs from now, or from the day of the
 * supplement that was asked for before.
 * @throws AppError `registration.invalid_transition` (409) and those of `lockCase`
 */
export async function acceptRegistration(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Registration> {
  const { row: before } = await lockCase(tx, context, actor, id, ["registrar"]);
  const status = nextStatus(registrationLifecycle, before.status, "accept", "registrar");
  const taken = await acceptance(tx, before, before.supplementedAt ?? nowInstant());
  const changes = { ...taken, status, firstReviewerId: actor.id };
  return step(tx, context, actor, before, "accept", changes);
}

/** @throws AppError `registration.not_first_reviewer` (409) for anybody but the first reviewer */
function assertFirst(row: store.RegistrationRow, actor: Actor): void {
  if (row.firstReviewerId !== actor.id) throw new AppError("registration.not_first_reviewer");
}

/**
 * A registrar asks the applicant for something; from an accepted case the first reviewer does.
 * @throws AppError `registration.invalid_transition`, `registration.not_first_reviewer` (409),
 *   `request.invalid` for a deadline that has passed
 */
export async function requestSupplement(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  { note, grounds, deadline }: SupplementRequestInput,
): Promise<Registration> {
  const faults = deadline && deadline < today() ? [bodyFault(["deadline"], "date.past")] : [];
  await assertCodes(tx, groundsOf(grounds), faults);
  const { row: before } = await lockCase(tx, context, actor, id, ["registrar"]);
  const action = "request-supplement";
  const status = nextStatus(registrationLifecycle, before.status, action, "registrar");
  if (before.status === "accepted") assertFirst(before, actor);
  const { supplementDays, dayKind } = before.rules;
  const changes = {
    status,
    supplementNote: note,
    supplementGrounds: grounds,
    supplementDueOn: deadline ?? dueDay(today(), supplementDays, dayKind).date,
    // The lifecycle lets it come from these two only.
    supplementFrom: before.status === "accepted" ? ("accepted" as const) : ("filed" as const),
    supplementedAt: null,
  };
  return step(tx, context, actor, before, "request_supplement", changes, note);
}

/** Codes of `registration-grounds` in a list. */
export const groundsOf = (grounds: readonly string[]) =>
  grounds.map((code, i) => ({ path: ["grounds", i], taxonomy: "registration-grounds", code }));

/**
 * The applicant hands in what was asked for; the case goes back to where it was, and the clock starts
 * again.
 * @throws AppError `registration.invalid_transition` (409)
 */
export async function supplementRegistration(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  note: string,
): Promise<Registration> {
  const { row: before } = await lockCase(tx, context, actor, id, ["applicant"]);
  nextStatus(registrationLifecycle, before.status, "supplement", "applicant");
  const supplementedAt = nowInstant();
  const restarted =
    before.supplementFrom === "accepted" ? await acceptance(tx, before, supplementedAt) : {};
  const changes = { ...restarted, status: before.supplementFrom ?? "filed", supplementedAt };
  return step(tx, context, actor, before, "supplement", changes, note);
}

/** The applicant takes the case back; the contract is as it was before. */
export async function withdrawRegistration(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Registration> {
  const { row: before, contract } = await lockCase(tx, context, actor, id, ["applicant"]);
  const status = nextStatus(registrationLifecycle, before.status, "withdraw", "applicant");
  if (contract) await stepContract(tx, context, contract, "release");
  return step(tx, context, actor, before, "withdraw", { status, decidedAt: nowInstant() });
}

/** The first reviewer gives the case to experts. */
export async function beginExpertReview(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Registration> {
  const { row: before } = await lockCase(tx, context, actor, id, ["registrar"]);
  const status = nextStatus(registrationLifecycle, before.status, "expert-review", "registrar");
  assertFirst(before, actor);
  return step(tx, context, actor, before, "expert_review", { status });
}

/** The first reviewer writes down what the experts found. */
export async function concludeExpertReview(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  conclusion: string,
): Promise<Registration> {
  const { row: before } = await lockCase(tx, context, actor, id, ["registrar"]);
  const status = nextStatus(registrationLifecycle, before.status, "conclude-review", "registrar");
  assertFirst(before, actor);
  const changes = {
    status,
    expertConclusion: conclusion,
    expertReviewConcludedAt: nowInstant(),
  };
  return step(tx, context, actor, before, "conclude_review", changes);
}

/**
 * A registrar marks a case as disputed: experts look at it, and it may take longer.
 * @throws AppError `registration.invalid_transition` (409) once it is decided
 */
export async function disputeRegistration(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  reason: string,
): Promise<Registration> {
  const { row: before } = await lockCase(tx, context, actor, id, ["registrar"]);
  assertUndecided(before);
  const size = { ...before, disputed: true };
  const due = before.acceptedAt ? dueOf(before.rules, size, dayOf(before.acceptedAt)) : {};
  const { dueOn, dueProvisional } = before;
  // A date that a registrar has set stands.
  const kept = before.dueReason === null ? {} : { dueOn, dueProvisional };
  const changes = { ...due, ...kept, disputed: true };
  return step(tx, context, actor, before, "dispute", changes, reason);
}

/**
 * A registrar sets another due date, and says why.
 * @throws AppError `registration.invalid_transition` (409) before acceptance and once it is decided,
 *   `request.invalid` (400) for a day before acceptance
 */
export async function setDueDate(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  { dueOn, reason }: DueDateInput,
): Promise<Registration> {
  const { row: before } = await lockCase(tx, context, actor, id, ["registrar"]);
  if (before.acceptedAt === null) throw undecidedOnly(before);
  assertUndecided(before);
  if (dueOn < dayOf(before.acceptedAt)) {
    const faults = [bodyFault(["dueOn"], "date.before_accepted")];
    throw new AppError("request.invalid", { faults });
  }
  const changes = { dueOn, dueProvisional: false, dueReason: reason };
  return step(tx, context, actor, before, "set_due_date", changes, reason);
}

const undecided: readonly string[] = ["filed", "supplement_requested", "accepted", "expert_review"];

const undecidedOnly = (row: store.RegistrationRow) =>
  new AppError("registration.invalid_transition", {
    members: { currentStatus: row.status, allowedActions: [] },
  });

function assertUndecided(row: store.RegistrationRow): void {
  if (!undecided.includes(row.status)) throw undecidedOnly(row);
}

/** Cases whose supplement did not come in time, as they were seen: they are locked with their contracts. */
export const takeMissedSupplements = (tx: Executor, take: Take) =>
  store.selectMissedSupplements(tx, today(), take);

/** Withdraws them. */
export async function withdrawMissedSupplements(
  tx: Executor,
  missed: readonly store.RegistrationRow[],
): Promise<void> {
  const context = { ...systemOrigin, expected: null };
  for (const seen of missed) {
    const locked = await lockWithContract(tx, seen);
    // The applicant, or another process, was faster.
    if (!locked || locked.row.version !== seen.version) continue;
    const { row: before, contract } = locked;
    const status = nextStatus(registrationLifecycle, before.status, "withdraw", "job");
    if (contract) await stepContract(tx, context, contract, "release");
    const changes = { status, decidedAt: nowInstant() };
    const after = await updateLocked(tx, registrations, before, changes);
    await record(tx, context, "withdraw", before, after, "supplement deadline missed");
  }
}

/** Whether the caller may read a case, and so its files. */
export const isRegistrationReader = async (
  db: Executor,
  actor: Actor,
  id: string,
): Promise<boolean> => (await store.selectRegistration(db, actor, id)) !== undefined;

/**
 * Whether the caller may add a file to a case now: the applicant what it was asked for, a registrar
 * until the decision.
 * @throws AppError `registration.not_found` (404), `registration.not_owner` (403), `attachment.locked` (409)
 */
export async function authorizeRegistrationFile(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<{ readers: (string | null)[]; confidential: boolean }> {
  const unversioned = { ...context, expected: null };
  const { row } = await lockCase(tx, unversioned, actor, id, ["applicant", "registrar"]);
  const isRegistrar = standingOf(actor, row).includes("registrar");
  const fits = isRegistrar ? undecided.includes(row.status) : row.status === "supplement_requested";
  if (!fits) throw new AppError("attachment.locked");
  return {
    readers: [row.officeOrganizationId, row.applicantOrganizationId],
    confidential: row.facts.confidentiality === "trade_secret",
  };
}
