/** Money that was actually received under a contract; rewards and the figure `paid` follow it. */
import { contractPayments } from "../../../db/schema/contract-payments.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow, updateRow } from "../../database/rows.ts";
import type { Actor, Origin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { externalIdTaken } from "../../lib/put.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { recordPaymentOf } from "../statistics/statistics.service.ts";
import { deals } from "./contracts.access.ts";
import { contract, type Deal, inForce, isBinding } from "./contracts.lifecycle.ts";
import { notInForce } from "./contracts.refusals.ts";
import { readContract } from "./contracts.service.ts";
import type { ListPaymentsQuery, Payment, PaymentInput } from "./payments.schema.ts";
import { holdExternalId, lockPayment, type PaymentRow, selectPayments } from "./payments.store.ts";

const toPayment = (row: PaymentRow, actor: Actor): Payment => ({
  ...row,
  externalId: row.organizationId === actor.organizationId ? row.externalId : undefined,
  amount: { amount: row.amount, currency: "CNY" },
});

/** Writes down a change of a payment, for the record and for the figures. */
async function record(
  tx: Executor,
  origin: Origin,
  verb: "create" | "void",
  deal: Deal,
  before: PaymentRow | null,
  after: PaymentRow,
): Promise<void> {
  const { owner, secret = false, ...who } = contract.audit(deal, origin, verb);
  const auditRecordId = await recordAudit(tx, origin, {
    ...who,
    confidential: secret,
    type: `payment.${verb}`,
    subject: { id: after.id, organizationId: owner },
    before,
    after,
    reason: after.voidReason,
  });
  const sign = verb === "create" ? 1 : -1;
  await recordPaymentOf(tx, auditRecordId, deal.row.id, sign, after);
}

/** The payments of a contract, voided ones too, by day; or those that the caller's organization calls so. */
export async function listPayments(
  db: Executor,
  actor: Actor,
  contractId: string,
  { externalId }: ListPaymentsQuery,
) {
  await readContract(db, actor, contractId);
  const all = (await selectPayments(db, contractId)).map((row) => toPayment(row, actor));
  return { data: externalId ? all.filter((one) => one.externalId === externalId) : all };
}

/**
 * Records a payment under a contract in force.
 * @throws AppError `request.invalid` for a day to come or before the signing, `contract.not_in_force`,
 *   `payment.voucher_taken`, `payment.external_id_taken` (409), `contract.not_owner` (403)
 */
export async function recordPayment(
  tx: Executor,
  call: Call,
  contractId: string,
  { amount: { amount }, ...input }: PaymentInput,
): Promise<Payment> {
  if (input.paidOn > today()) {
    throw new AppError("request.invalid", { faults: [bodyFault(["paidOn"], "date.future")] });
  }
  const { actor } = call;
  const { before: deal } = await deals.lockAs(tx, call, contractId, ["party"]);
  if (!isBinding(deal.row)) {
    throw new AppError("contract.not_in_force", notInForce(deal.row, inForce));
  }
  if (deal.row.signedOn && input.paidOn < deal.row.signedOn) {
    const faults = [bodyFault(["paidOn"], "date.before_signed")];
    throw new AppError("request.invalid", { faults });
  }
  const { externalId } = input;
  if (externalId !== null && (await holdExternalId(tx, actor.organizationId, externalId))) {
    throw externalIdTaken("payment");
  }
  const after = await insertRow(tx, contractPayments, {
    ...input,
    amount,
    id: newId(),
    contractId,
    organizationId: actor.organizationId,
    createdBy: actor.kind === "member" ? actor.id : null,
  });
  await record(tx, call, "create", deal, null, after);
  return toPayment(after, call.actor);
}

/**
 * Takes a wrong entry out of the figures; it stays to be read.
 * @throws AppError `payment.not_found` (404), `payment.invalid_transition` (409) when it is void already
 */
export async function voidPayment(
  tx: Executor,
  call: Call,
  contractId: string,
  id: string,
  reason: string,
): Promise<Payment> {
  const whichever = { ...call, expected: null };
  const { before: deal } = await deals.lockAs(tx, whichever, contractId, ["party"]);
  const before = await lockPayment(tx, contractId, id);
  if (!before) throw new AppError("payment.not_found");
  if (before.voidedAt) {
    throw new AppError("payment.invalid_transition", {
      detail: {
        en: `It was voided at ${before.voidedAt}.`,
        zh: `该记录已于 ${before.voidedAt} 作废。`,
      },
      members: { currentStatus: "voided", allowedActions: [] },
    });
  }
  const changes = { voidedAt: nowInstant(), voidReason: reason };
  const after = await updateRow(tx, contractPayments, before, changes);
  await record(tx, call, "void", deal, before, after);
  return toPayment(after, call.actor);
}
