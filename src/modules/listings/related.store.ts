/** Listings that other resources are joined with. */
import { and, eq, inArray, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { ListingTable } from "../../../db/schema/listings.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { type Owner, owner, readable, revealedTo } from "./listings.store.ts";

/** Those of some listings that this caller may read, in no order. */
export async function selectRelated<Row>(
  db: Executor,
  table: ListingTable,
  name: string,
  columns: Record<string, PgColumn>,
  actor: Actor | null,
  ids: readonly string[],
): Promise<(Row & { organization: Owner; revealed: boolean })[]> {
  const caller = sql`${actor?.organizationId ?? null}::uuid`;
  const rows = await db
    .select({ ...columns, organization: owner, revealed: revealedTo(table, name, caller) })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(and(inArray(table.id, [...ids]), readable(table, caller, isOperator(actor))));
  return rows as unknown as (Row & { organization: Owner; revealed: boolean })[];
}
