/** What was paid under a contract, as it is stored. */
import { and, asc, eq, isNull, sql } from "drizzle-orm";
import { contractPayments } from "../../../db/schema/contract-payments.ts";
import type { Executor } from "../../database/connect.ts";
import * as ids from "../../database/external-ids.ts";
import { prepared } from "../../database/prepared.ts";

export type PaymentRow = typeof contractPayments.$inferSelect;

/** Payments of a contract, oldest first. */
export const selectPayments = (db: Executor, contractId: string): Promise<PaymentRow[]> =>
  prepared(db, "read_payments", (name) =>
    db
      .select()
      .from(contractPayments)
      .where(eq(contractPayments.contractId, sql.placeholder("contractId")))
      .orderBy(asc(contractPayments.paidOn), asc(contractPayments.id))
      .prepare(name),
  ).execute({ contractId });

/** The payment that an organization calls so, unless it is void; nobody else of it gives that id meanwhile. */
export const holdExternalId = (tx: Executor, organizationId: string, externalId: string) =>
  ids.holdExternalId(
    tx,
    "payment",
    organizationId,
    externalId,
    sql`select id, version from ${contractPayments} where organization_id = ${organizationId}
      and external_id = ${externalId} and voided_at is null`,
  );

export const lockPayment = async (tx: Executor, contractId: string, id: string) =>
  (
    await tx
      .select()
      .from(contractPayments)
      .where(and(eq(contractPayments.contractId, contractId), eq(contractPayments.id, id)))
      .for("update")
  )[0];

/** What was paid and not voided, in yuan: wider than the amounts that it adds up. */
export async function sumPayments(db: Executor, contractId: string): Promise<string> {
  const [sum] = await db
    .select({ amount: sql<string>`coalesce(sum(${contractPayments.amount}), 0)::numeric(38, 2)` })
    .from(contractPayments)
    .where(and(eq(contractPayments.contractId, contractId), isNull(contractPayments.voidedAt)));
  return sum?.amount ?? "0.00";
}
