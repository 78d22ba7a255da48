import { registrations } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { insertRow } from "../../database/rows.ts";
import { type Actor, systemOrigin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { readChangesCursor, toChangesPage } from "../../lib/changes.ts";
import { dayOf, nowInstant, today } from "../../lib/clock.ts";
import { AppError, assertAll } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { civilDate } from "../../lib/wire.ts";
import { dueDay } from "../../lib/working-days.ts";
import { beginFiling, factsOf, similarContracts } from "../contracts/filing.service.ts";
import { findCompetentOffice } from "../registration-offices/registration-offices.service.ts";
import { rulesOn } from "../registration-rules/registration-rules.service.ts";
import { cases, toRegistration } from "./registrations.access.ts";
import { dueOf } from "./registrations.clock.ts";
import { type Case, isUndecided, undecided } from "./registrations.lifecycle.ts";
import type { ListRegistrationsQuery, Registration } from "./registrations.schema.ts";
import { screen } from "./registrations.screening.ts";
import * as store from "./registrations.store.ts";

/** @param regionCode of the applicant; null for one that names no region */
const noOffice = (regionCode: string | null): AppError =>
  new AppError("registration.no_office", {
    detail: regionCode
      ? {
          en: `No registration office is competent for ${regionCode}.`,
          zh: `没有登记机构负责行政区划 ${regionCode}。`,
        }
      : {
          en: "The applicant names no region, and so no office.",
          zh: "申请方未填写行政区划，无法确定登记机构。",
        },
  });

/**
 * Files an effective contract with the office of the applicant's region.
 * @param note for the office; kept in the log of the case
 * @throws AppError `registration.not_applicant` (403), `contract.invalid_transition`,
 *   `registration.no_office`, `registration.incomplete`, `registration.already_filed` (409)
 */
export async function fileContract(
  tx: Executor,
  call: Call,
  contractId: string,
  note: string | null = null,
): Promise<Registration> {
  const { contract, applicant, checks, file } = await beginFiling(tx, call, contractId);
  const office = applicant.regionCode && (await findCompetentOffice(tx, applicant.regionCode));
  const { code: ruleSet, rules } = await rulesOn(tx, today());
  const isPast = contract.validUntil !== null && contract.validUntil < today();
  assertAll([
    ...checks,
    () => {
      if (!office) throw noOffice(applicant.regionCode);
    },
    () => {
      if (!rules.withinValidity || !isPast) return;
      const faults = [bodyFault(["validUntil"], "date.past")];
      throw new AppError("registration.incomplete", { faults });
    },
  ]);
  // The type checker does not see that it was checked.
  if (!office) throw noOffice(applicant.regionCode);
  const facts = await factsOf(tx, contract, contract.revision);
  const similar = await similarContracts(tx, contractId);
  const { relatedParties, validUntil } = contract;
  const { id, organizationId } = call.actor;
  await file();
  const row = await insertRow(tx, registrations, {
    id: newId(),
    contractId,
    contractRevision: contract.revision,
    officeId: office.id,
    officeCode: office.code,
    officeOrganizationId: office.organizationId,
    regionCode: applicant.regionCode,
    applicantOrganizationId: organizationId,
    applicantMemberId: id,
    ruleSet,
    rules,
    facts,
    technologyAmount: facts.technologyAmount,
    screening: screen({ facts, relatedParties, validUntil, similar, today: today() }),
    filedAt: nowInstant(),
  });
  const made = { ...store.unread, row, revision: contract.revision };
  await cases.made(tx, call, made, "file", note);
  return toRegistration(made, call.actor);
}

/** @throws AppError `registration.not_found` (404) for one that the caller may not see */
export async function readRegistration(
  db: Executor,
  actor: Actor,
  id: string,
): Promise<Registration> {
  const found = await store.selectRegistration(db, actor, id);
  if (!found) throw new AppError("registration.not_found");
  return toRegistration(found, actor);
}

/** The office's queue; for others the cases that they have a part in. */
export async function listRegistrations(
  db: Executor,
  actor: Actor,
  query: ListRegistrationsQuery,
): Promise<Page<Registration>> {
  const list = `registrations ${actor.organizationId}`;
  const byDue = query.sort === "dueOn";
  const after = byDue ? readCursor(list, query, civilDate) : readChangesCursor(list, query);
  const found = await store.selectRegistrations(db, actor, query, after);
  const rows = found.map((one) => ({ ...one, id: one.row.id, updatedAt: one.row.updatedAt }));
  const shown = (one: Case) => toRegistration(one, actor);
  const page = byDue
    ? toPage(list, query, rows, ({ row }) => row.dueOn ?? "", shown)
    : toChangesPage(list, query, rows, shown);
  if (query.include) page.total = totalOf(await store.countRegistrations(db, actor, query));
  return page;
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
 */
export const acceptRegistration = cases.handle(
  "acceptRegistration",
  async ({ tx, actor, before: { row } }) => ({
    changes: {
      ...(await acceptance(tx, row, row.supplementedAt ?? nowInstant())),
      firstReviewerId: actor.id,
    },
  }),
);

/** A registrar asks the applicant for something; from an accepted case the first reviewer does. */
export const requestSupplement = cases.handle(
  "requestSupplement",
  ({ before: { row }, input: { note, grounds, deadline } }) => {
    const { supplementDays, dayKind } = row.rules;
    const changes = {
      supplementNote: note,
      supplementGrounds: grounds,
      supplementDueOn: deadline ?? dueDay(today(), supplementDays, dayKind).date,
      // The lifecycle lets it come from these two only.
      supplementFrom: row.status === "accepted" ? ("accepted" as const) : ("filed" as const),
      supplementedAt: null,
    };
    return { changes, reason: note };
  },
);

/**
 * The applicant hands in what was asked for; the case goes back to where it was, and the clock starts
 * again.
 */
export const supplementRegistration = cases.handle(
  "supplementRegistration",
  async ({ tx, before: { row }, input: { note } }) => {
    const supplementedAt = nowInstant();
    const to = row.supplementFrom ?? "filed";
    const restarted = to === "accepted" ? await acceptance(tx, row, supplementedAt) : {};
    return { changes: { ...restarted, supplementedAt }, to, reason: note };
  },
);

/** The applicant takes the case back; the contract is as it was before. */
export const withdrawRegistration = cases.handle("withdrawRegistration", () => ({
  changes: { decidedAt: nowInstant() },
}));

/** The first reviewer gives the case to experts. */
export const beginExpertReview = cases.handle("beginExpertReview");

/** The first reviewer writes down what the experts found. */
export const concludeExpertReview = cases.handle(
  "concludeExpertReview",
  ({ input: { conclusion } }) => ({
    changes: { expertConclusion: conclusion, expertReviewConcludedAt: nowInstant() },
  }),
);

/** A registrar marks a case as disputed: experts look at it, and it may take longer. */
export const disputeRegistration = cases.handle("disputeRegistration", ({ before: { row } }) => {
  const size = { ...row, disputed: true };
  const due = row.acceptedAt ? dueOf(row.rules, size, dayOf(row.acceptedAt)) : {};
  const { dueOn, dueProvisional } = row;
  // A date that a registrar has set stands.
  const kept = row.dueReason === null ? {} : { dueOn, dueProvisional };
  return { changes: { ...due, ...kept, disputed: true } };
});

/** A registrar sets another due date, and says why. */
export const setDueDate = cases.handle(
  "setDueDate",
  ({ before: { row }, input: { dueOn, reason } }) => {
    if (row.acceptedAt && dueOn < dayOf(row.acceptedAt)) {
      const faults = [bodyFault(["dueOn"], "date.before_accepted")];
      throw new AppError("request.invalid", { faults });
    }
    return { changes: { dueOn, dueProvisional: false, dueReason: reason } };
  },
);

/** Cases whose supplement did not come in time, as they were seen: they are locked with their contracts. */
export const takeMissedSupplements = (tx: Executor, take: Take) =>
  store.selectMissedSupplements(tx, today(), take);

/** Withdraws them. */
export async function withdrawMissedSupplements(
  tx: Executor,
  missed: readonly Case["row"][],
): Promise<void> {
  for (const { id, version } of missed) {
    const before = await store.lockAnyCase(tx, id);
    // The applicant, or another process, was faster.
    if (before?.row.version !== version) continue;
    await cases.move(tx, systemOrigin, before, "withdrawMissedSupplement", {
      changes: { decidedAt: nowInstant() },
      reason: "supplement deadline missed",
    });
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
  call: Call,
  id: string,
): Promise<{ readers: (string | null)[]; confidential: boolean }> {
  const whichever = { ...call, expected: null };
  const { before, standings } = await cases.lockAs(tx, whichever, id, ["applicant", "registrar"]);
  const { row } = before;
  const isRegistrar = standings.includes("registrar");
  const isOpen = isRegistrar ? isUndecided(before) : row.status === "supplement_requested";
  if (!isOpen) {
    const needed = isRegistrar ? undecided : ["supplement_requested"];
    const detail = {
      en: `The case is ${row.status}, and would have to be: ${needed.join(", ")}.`,
      zh: `案件当前状态为 ${row.status}，须为：${needed.join("、")}。`,
    };
    throw new AppError("attachment.locked", { detail });
  }
  return {
    readers: [row.officeOrganizationId, row.applicantOrganizationId],
    confidential: row.facts.confidentiality === "trade_secret",
  };
}
