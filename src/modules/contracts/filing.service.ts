/** What the registration of a contract asks of it, and does to it. */
import type { StoredFacts } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import type { Call } from "../../lib/call.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Change } from "../../lifecycle/reactions.ts";
import type { Subject } from "../../lifecycle/resource.ts";
import { noPending } from "./confirmations.service.ts";
import { deals } from "./contracts.access.ts";
import { toFacts } from "./contracts.content.ts";
import { applicantOf, type Deal } from "./contracts.lifecycle.ts";
import * as store from "./contracts.store.ts";
import { selectPayments } from "./payments.store.ts";

/**
 * Begins the filing of a contract: it is locked, for the party that applies for its registration.
 * @returns the checks that its state must pass, for the caller to make with its own, and what files it
 * @throws AppError `contract.not_found` (404), `registration.not_applicant` (403)
 */
export async function beginFiling(tx: Executor, call: Call, id: string) {
  const { before, checks, end } = await deals.begin(tx, call, id, "fileContract");
  const { party } = applicantOf(before.parties);
  if (!party) throw new AppError("registration.not_applicant");
  return { contract: before.row, applicant: party, checks, file: () => end({}) };
}

type OfCase = Change<Subject & { contract: ContractOfCase | null }>;

/** The contract of a case, as the steps that follow its registration take it. */
const dealIn = ({ after: { contract } }: OfCase): Deal | null =>
  contract && { ...contract, said: [], isAmended: false };

/** Its registration was refused or withdrawn: it may be filed again. */
export async function releaseContract(change: OfCase): Promise<void> {
  const deal = dealIn(change);
  if (deal) await deals.move(change.tx, change.origin, deal, "releaseContract");
}

/** It is registered. */
export async function noteRegistration(change: OfCase): Promise<void> {
  const deal = dealIn(change);
  if (deal) await deals.move(change.tx, change.origin, deal, "noteRegistration");
}

/** Its registration was cancelled, as all parties had agreed. */
export async function cancelRegistered(change: OfCase): Promise<void> {
  const deal = dealIn(change);
  if (!deal) return;
  const changes = { cancelledAt: nowInstant() };
  await deals.move(change.tx, change.origin, deal, "cancelRegistered", { changes });
}

/** Its registration should never have been: it is as it was before it was filed. */
export async function revokeRegistered(change: OfCase): Promise<void> {
  const deal = dealIn(change);
  if (!deal) return;
  const { tx, origin } = change;
  // What was agreed was to end a registered contract: the parties may agree again.
  await store.voidConfirmations(tx, deal.row.id, "cancel", deal.row.revision);
  const changes = { ...noPending, cancellationAgreedAt: null };
  await deals.move(tx, origin, deal, "revokeRegistered", { changes });
}

/** The facts of a revision that its parties have confirmed. */
export async function factsOf(
  db: Executor,
  contract: Pick<store.ContractRow, "id" | "reference">,
  revision: number,
): Promise<StoredFacts> {
  const kept = await store.selectRevision(db, contract.id, revision);
  if (!kept) throw new Error("a contract in force keeps each of its revisions");
  return toFacts(contract, kept);
}

/** Other contracts that resemble this one, for screening. */
export const similarContracts = store.selectSimilar;

/** What was paid under a contract and not voided. */
export const paymentsOf = async (db: Executor, contractId: string) =>
  (await selectPayments(db, contractId)).filter((payment) => payment.voidedAt === null);

/** A contract that goes with a case, locked. */
export type ContractOfCase = Pick<Deal, "row" | "parties">;

/** A payment that counts. */
export type PaymentOfCase = Awaited<ReturnType<typeof paymentsOf>>[number];
