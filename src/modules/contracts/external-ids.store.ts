/** The ids that organizations give contracts themselves, as they are stored. */
import { and, eq, notInArray, sql } from "drizzle-orm";
import { contractExternalIds, contracts } from "../../../db/schema/contracts.ts";
import type { Executor } from "../../database/connect.ts";
import * as ids from "../../database/external-ids.ts";

const given = (contractId: string, organizationId: string) =>
  and(
    eq(contractExternalIds.contractId, contractId),
    eq(contractExternalIds.organizationId, organizationId),
  );

/** What an organization calls a contract. */
export async function selectExternalId(
  db: Executor,
  contractId: string,
  organizationId: string,
): Promise<string | null> {
  const [found] = await db
    .select({ externalId: contractExternalIds.externalId })
    .from(contractExternalIds)
    .where(given(contractId, organizationId));
  return found?.externalId ?? null;
}

/** The contract that an organization calls so; nobody else of it gives that id until the transaction ends. */
export const holdExternalId = (
  tx: Executor,
  organizationId: string,
  externalId: string,
  toChange: boolean,
) =>
  ids.holdExternalId(
    tx,
    "contract",
    organizationId,
    externalId,
    sql`select c.id, c.version from ${contractExternalIds} e join ${contracts} c on c.id = e.contract_id
      where e.organization_id = ${organizationId} and e.external_id = ${externalId}
      ${toChange ? sql`for update` : sql``}`,
  );

/** Calls a contract so; null: no more. */
export async function writeExternalId(
  tx: Executor,
  contractId: string,
  organizationId: string,
  externalId: string | null,
): Promise<void> {
  if (externalId === null) {
    await tx.delete(contractExternalIds).where(given(contractId, organizationId));
    return;
  }
  await tx
    .insert(contractExternalIds)
    .values({ contractId, organizationId, externalId })
    .onConflictDoUpdate({
      target: [contractExternalIds.contractId, contractExternalIds.organizationId],
      set: { externalId },
    });
}

/** What those call it who have no part in it any more is forgotten. */
export const keepExternalIdsOf = (
  tx: Executor,
  contractId: string,
  organizationIds: readonly string[],
) =>
  tx
    .delete(contractExternalIds)
    .where(
      and(
        eq(contractExternalIds.contractId, contractId),
        notInArray(contractExternalIds.organizationId, [...organizationIds]),
      ),
    );

// Written out: in a query of one table drizzle leaves the table's name away, and `id` were the other's.
/** Of the contract of each row of a list: what an organization calls it. */
export const externalIdOf = (organizationId: string) =>
  sql<string | null>`(select e.external_id from ${contractExternalIds} e
    where e.contract_id = contracts.id and e.organization_id = ${organizationId})`;

/** That an organization calls it so. */
export const isCalled = (organizationId: string, externalId: string) =>
  sql`${contracts.id} in (select e.contract_id from ${contractExternalIds} e
    where e.organization_id = ${organizationId} and e.external_id = ${externalId})`;
