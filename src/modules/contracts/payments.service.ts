/** Money that was actually received under a contract; rewards and the figure `paid` follow it. */
import { contractPayments } from "../../../db/schema/contracts.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { recordPaymentOf } from "../statistics/statistics.service.ts";
import { auditOf, type Loaded, lockAs } from "./contracts.access.ts";
import type { Payment, PaymentInput } from "./contracts.schema.ts";
import { readContract } from "./contracts.service.ts";
import * as store from "./contracts.store.ts";

const toPayment = (row: store.PaymentRow): Payment => ({
  ...row,
  amount: { amount: row.amount, currency: "CNY" },
});

const inForce: readonly string[] = ["effective", "filed", "registered"];

/** Writes down a change of a payment, for the record and for the figures. */
async function record(
  tx: Executor,
  context: WriteContext,
  verb: "create" | "void",
  loaded: Loaded,
  before: store.PaymentRow | null,
  after: store.PaymentRow,
): Promise<void> {
  const { subject, ...who } = auditOf(loaded);
  const auditRecordId = await recordAudit(tx, context, {
    ...who,
    type: `payment.${verb}`,
    subject: { id: after.id, organizationId: subject.organizationId },
    before,
    after,
    reason: after.voidReason,
  });
  const sign = verb === "create" ? 1 : -1;
  await recordPaymentOf(tx, auditRecordId, loaded.row.id, sign, after);
}

/** The payments of a contract, voided ones too, by day. */
export async function listPayments(db: Executor, actor: Actor, contractId: string) {
  await readContract(db, actor, contractId);
  return { data: (await store.selectPayments(db, contractId)).map(toPayment) };
}

/**
 * Records a payment under a contract in force.
 * @throws AppError `request.invalid` for a day to come or before the signing, `contract.not_in_force`,
 *   `payment.voucher_taken` (409), `contract.not_owner` (403)
 */
export async function recordPayment(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  contractId: string,
  { amount: { amount }, ...input }: PaymentInput,
): Promise<Payment> {
  if (input.paidOn > today()) {
    throw new AppError("request.invalid", { faults: [bodyFault(["paidOn"], "date.future")] });
  }
  const loaded = await lockAs(tx, context, actor, contractId, ["party"]);
  if (!inForce.includes(loaded.row.status)) throw new AppError("contract.not_in_force");
  if (loaded.row.signedOn && input.paidOn < loaded.row.signedOn) {
    const faults = [bodyFault(["paidOn"], "date.before_signed")];
    throw new AppError("request.invalid", { faults });
  }
  const [after] = await tx
    .insert(contractPayments)
    .values({
      ...input,
      amount,
      id: newId(),
      contractId,
      organizationId: actor.organizationId,
      createdBy: actor.kind === "member" ? actor.id : null,
    })
    .returning();
  if (!after) throw new Error("insert returned no row");
  await record(tx, context, "create", loaded, null, after);
  return toPayment(after);
}

/**
 * Takes a wrong entry out of the figures; it stays to be read.
 * @throws AppError `payment.not_found` (404), `payment.invalid_transition` (409) when it is void already
 */
export async function voidPayment(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  contractId: string,
  id: string,
  reason: string,
): Promise<Payment> {
  const loaded = await lockAs(tx, { ...context, expected: null }, actor, contractId, ["party"]);
  const before = await store.lockPayment(tx, contractId, id);
  if (!before) throw new AppError("payment.not_found");
  if (before.voidedAt) {
    throw new AppError("payment.invalid_transition", {
      members: { currentStatus: "voided", allowedActions: [] },
    });
  }
  const changes = { voidedAt: nowInstant(), voidReason: reason };
  const after = await updateRow(tx, contractPayments, before, changes);
  await record(tx, context, "void", loaded, before, after);
  return toPayment(after);
}
