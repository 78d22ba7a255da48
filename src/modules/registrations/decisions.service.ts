/** The decision on a case: a number, or a refusal. */
import { registrations } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import { updateLocked } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError, assertAll } from "../../lib/errors.ts";
import { random } from "../../lib/ids.ts";
import { nextStatus } from "../../lib/lifecycle.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { paymentsOf, stepContract } from "../contracts/filing.service.ts";
import { recordRegistryEntry } from "../registry/registry.service.ts";
import { countedOf, recordPayments, recordVolume } from "../statistics/statistics.service.ts";
import { assertCodes } from "../taxonomies/taxonomies.service.ts";
import { lockCase, record, toRegistration } from "./registrations.access.ts";
import { registrationLifecycle } from "./registrations.lifecycle.ts";
import type { RefuseInput, Registration } from "./registrations.schema.ts";
import { groundsOf } from "./registrations.service.ts";
import * as store from "./registrations.store.ts";

/** @throws AppError `registration.same_reviewer` (409) for the first reviewer, where two must look */
export function assertSecond(
  { rules }: store.RegistrationRow,
  first: string | null,
  actor: Actor,
): void {
  if (rules.twoReviewers && first === actor.id) throw new AppError("registration.same_reviewer");
}

/** Year, office and serial: sixteen digits, gap-free for each office and year. */
const numberOf = (year: number, officeCode: string, serial: number): string =>
  `${year}${officeCode}${String(serial).padStart(6, "0")}`;

/** 72 random bits, short enough to type. */
const newCheckCode = (): string => random.bytes(9).toString("base64url");

/**
 * The second reviewer registers the contract: it gets its number, is counted, and appears in the feed.
 * @throws AppError `registration.invalid_transition`, `registration.same_reviewer`,
 *   `registration.expert_review_needed` (409)
 */
export async function registerContract(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Registration> {
  const { row: before, contract } = await lockCase(tx, context, actor, id, ["registrar"]);
  const status = "registered" as const;
  assertAll([
    () => nextStatus(registrationLifecycle, before.status, "register", "registrar"),
    () => assertSecond(before, before.firstReviewerId, actor),
    () => {
      if (!before.expertReviewNeeded || before.expertReviewConcludedAt) return;
      throw new AppError("registration.expert_review_needed");
    },
  ]);
  if (contract) await stepContract(tx, context, contract, "register");
  const registeredOn = today();
  const numberYear = Number(registeredOn.slice(0, 4));
  const [payments, serial] = await Promise.all([
    contract ? paymentsOf(tx, contract.row.id) : [],
    // The last row that others wait for: from here on nothing is waited for but the commit.
    store.nextSerial(tx, before.officeCode, numberYear),
  ]);
  const after = await updateLocked(tx, registrations, before, {
    status,
    number: numberOf(numberYear, before.officeCode, serial),
    numberYear,
    serial,
    secondReviewerId: actor.id,
    registeredAt: nowInstant(),
    registeredOn,
    decidedAt: nowInstant(),
    checkCode: newCheckCode(),
  });
  const auditRecordId = await record(tx, context, "register", before, after);
  const counted = countedOf(after);
  await recordRegistryEntry(tx, auditRecordId, "registered", after);
  await recordVolume(tx, auditRecordId, [{ sign: 1, counted }]);
  await recordPayments(tx, auditRecordId, 1, counted, payments);
  return toRegistration(after, actor);
}

/**
 * A registrar refuses a case, before acceptance anyone, afterwards the second reviewer; the contract may
 * be filed again.
 * @throws AppError `registration.invalid_transition`, `registration.same_reviewer` (409)
 */
export async function refuseRegistration(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  { grounds, note }: RefuseInput,
): Promise<Registration> {
  await assertCodes(tx, groundsOf(grounds));
  const { row: before, contract } = await lockCase(tx, context, actor, id, ["registrar"]);
  const status = nextStatus(registrationLifecycle, before.status, "refuse", "registrar");
  if (before.status === "accepted") assertSecond(before, before.firstReviewerId, actor);
  if (contract) await stepContract(tx, context, contract, "release");
  const after = await updateLocked(tx, registrations, before, {
    status,
    grounds,
    decisionNote: note,
    decidedAt: nowInstant(),
    secondReviewerId: before.status === "accepted" ? actor.id : null,
  });
  await record(tx, context, "refuse", before, after, note);
  return toRegistration(after, actor);
}
