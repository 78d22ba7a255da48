/** What the registration of a contract asks of it, and does to it. */
import { contracts } from "../../../db/schema/contracts.ts";
import type { StoredFacts } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import { updateLocked } from "../../database/rows.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { nextStatus } from "../../lib/lifecycle.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { noPending, undo } from "./confirmations.service.ts";
import { applicantOf, type Loaded, record, refusedNow } from "./contracts.access.ts";
import { toFacts } from "./contracts.content.ts";
import { contractLifecycle } from "./contracts.lifecycle.ts";
import * as store from "./contracts.store.ts";

/**
 * The contract, locked, for the party that applies for its registration.
 * @returns with it the checks that its state must pass, for the caller to make with its own: they throw
 *   `contract.invalid_transition`, `amendment.already_open` (409)
 * @throws AppError `contract.not_found` (404), `registration.not_applicant` (403)
 */
export async function lockContractForFiling(
  tx: Executor,
  context: WriteContext,
  id: string,
): Promise<
  Loaded & { applicant: store.PartyRow; isImport: boolean; checks: readonly (() => unknown)[] }
> {
  const { actor } = context;
  const row = actor && (await store.lockContract(tx, actor, id));
  if (!row) throw new AppError("contract.not_found");
  const parties = await store.selectParties(tx, id);
  const { party, isImport } = applicantOf(parties);
  if (!party || party.organizationId !== actor.organizationId) {
    throw new AppError("registration.not_applicant");
  }
  assertVersion(row.version, context.expected);
  const loaded = { row, parties };
  const isAmended = (await store.lockOpenAmendment(tx, id)) !== undefined;
  const checks = [
    () => {
      nextStatus(contractLifecycle, row.status, "file", "applicant");
      // Nobody registers what is being cancelled.
      if (!row.pendingAction && !row.cancellationAgreedAt) return;
      throw refusedNow(loaded, actor, { isSaid: false, isAmended });
    },
    // Nor what is being changed.
    () => {
      if (isAmended) throw new AppError("amendment.already_open");
    },
  ];
  return { ...loaded, applicant: party, isImport, checks };
}

/**
 * A step of the contract that follows from its registration's.
 * @param before the contract, locked
 * @throws AppError `contract.invalid_transition` (409)
 */
export async function stepContract(
  tx: Executor,
  context: WriteContext,
  before: Loaded,
  action: "file" | "release" | "register" | "cancel" | "revoke",
): Promise<void> {
  const { row } = before;
  const by = action === "file" ? "applicant" : "system";
  const status = nextStatus(contractLifecycle, row.status, action, by);
  if (action === "revoke") {
    // What was agreed was to end a registered contract: the parties may agree anew.
    await store.voidConfirmations(tx, row.id, "cancel", row.revision);
  }
  const changes = {
    cancel: { cancelledAt: nowInstant() },
    revoke: { ...noPending, cancellationAgreedAt: null },
    file: {},
    release: {},
    register: {},
  }[action];
  const after = { ...before, row: await updateLocked(tx, contracts, row, { ...changes, status }) };
  await record(tx, context, action, before, after);
  if (action === "cancel") await undo(tx, context, after.row);
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

/** The contract as the office that decides on it needs it, locked. */
export async function lockContractOfCase(tx: Executor, id: string): Promise<Loaded> {
  const [row, parties] = await Promise.all([
    store.lockAnyContract(tx, id),
    store.selectParties(tx, id),
  ]);
  if (!row) throw new AppError("contract.not_found");
  return { row, parties };
}

/** Other contracts that resemble this one, for screening. */
export const similarContracts = store.selectSimilar;

/** What was paid under a contract and not voided. */
export const paymentsOf = async (db: Executor, contractId: string) =>
  (await store.selectPayments(db, contractId)).filter((payment) => payment.voidedAt === null);

export type { Loaded };
