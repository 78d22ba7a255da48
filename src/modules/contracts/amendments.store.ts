/** Amendments of a contract, as they are stored. */
import { and, asc, eq, sql } from "drizzle-orm";
import { contractAmendments } from "../../../db/schema/contract-amendments.ts";
import type { Executor } from "../../database/connect.ts";

export type AmendmentRow = typeof contractAmendments.$inferSelect;

/** All of a contract, oldest first. */
export const selectAmendments = (db: Executor, contractId: string): Promise<AmendmentRow[]> =>
  db
    .select()
    .from(contractAmendments)
    .where(eq(contractAmendments.contractId, contractId))
    .orderBy(asc(contractAmendments.id));

/** An amendment of this contract, locked when `lock` says so. */
export async function selectAmendment(
  db: Executor,
  contractId: string,
  id: string,
  lock = false,
): Promise<AmendmentRow | undefined> {
  const query = db
    .select()
    .from(contractAmendments)
    .where(and(eq(contractAmendments.contractId, contractId), eq(contractAmendments.id, id)));
  return (lock ? await query.for("update") : await query)[0];
}

const openAmendment = (db: Executor, contractId: string) =>
  db
    .select()
    .from(contractAmendments)
    .where(
      and(
        eq(contractAmendments.contractId, contractId),
        // A literal, so that the partial index serves it.
        sql`${contractAmendments.status} = 'confirming'`,
      ),
    );

/** The amendment that waits for its parties. */
export const selectOpenAmendment = async (db: Executor, contractId: string) =>
  (await openAmendment(db, contractId))[0];

/** The same, locked. */
export const lockOpenAmendment = async (tx: Executor, contractId: string) =>
  (await openAmendment(tx, contractId).for("update"))[0];
