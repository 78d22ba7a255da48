import { and, asc, eq, inArray, ne, or, type SQL, sql } from "drizzle-orm";
import { contractAmendments } from "../../../db/schema/contract-amendments.ts";
import { contractParties, contracts } from "../../../db/schema/contracts.ts";
import { matches } from "../../../db/schema/matches.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { registrations } from "../../../db/schema/registrations.ts";
import { changedIn, inOrder } from "../../database/changes.ts";
import type { Executor } from "../../database/connect.ts";
import { startsWith } from "../../database/starts-with.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { countLimit } from "../../lib/pagination.ts";
import { regionPrefix } from "../../lib/regions.ts";
import { type OpenDeal, openDeals } from "./organizations.lifecycle.ts";
import type { ListOrganizationsQuery } from "./organizations.schema.ts";

export type OrganizationRow = typeof organizations.$inferSelect;

/** The organizations that a caller may read: the verified ones, the own one, for the operator all. */
function visibleTo(actor: Actor | null): SQL | undefined {
  if (isOperator(actor)) return undefined;
  const verified = eq(organizations.status, "verified");
  return actor ? or(verified, eq(organizations.id, actor.organizationId)) : verified;
}

export const selectOrganization = async (db: Executor, actor: Actor | null, id: string) =>
  (
    await db
      .select()
      .from(organizations)
      .where(and(eq(organizations.id, id), visibleTo(actor)))
  )[0];

export const lockOrganization = async (tx: Executor, actor: Actor, id: string) =>
  (
    await tx
      .select()
      .from(organizations)
      .where(and(eq(organizations.id, id), visibleTo(actor)))
      .for("update")
  )[0];

/** The pending organizations that claim a credit code, but one; locked in a fixed order. */
export const lockOtherClaims = (tx: Executor, creditCode: string, id: string) =>
  tx
    .select()
    .from(organizations)
    .where(
      and(
        eq(organizations.creditCode, creditCode),
        eq(organizations.status, "pending"),
        ne(organizations.id, id),
      ),
    )
    .orderBy(asc(organizations.id))
    .for("update");

/** Lets one transaction at a time decide who a credit code belongs to. */
export const lockCreditCode = (tx: Executor, creditCode: string) =>
  tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`credit code ${creditCode}`}, 0))`,
  );

/**
 * Whether the organization still has a part in something under way: a match; a contract that waits for
 * its parties, to take effect, to be amended or cancelled, or for its office; a case that it has to
 * decide, or asked to change.
 */
export async function selectOpenDeals(tx: Executor, id: string): Promise<OpenDeal[]> {
  const open = sql`${matches.status} in ('proposed', 'agreed', 'negotiating')`;
  const found = await tx.execute<Record<OpenDeal, boolean>>(sql`
    select exists (select from ${matches} where ${open} and ${matches.resultOrganizationId} = ${id})
      or exists (select from ${matches} where ${open} and ${matches.needOrganizationId} = ${id})
      or exists (select from ${matches} where ${open} and ${matches.brokerOrganizationId} = ${id})
      as matches,
      exists (
        select from ${contractParties} join ${contracts} on ${contracts.id} = ${contractParties.contractId}
        where ${contractParties.organizationId} = ${id} and (
          ${contracts.status} in ('confirming', 'filed') or ${contracts.pendingAction} is not null
          or (${contracts.status} = 'registered' and ${contracts.cancellationAgreedAt} is not null)
          or exists (
            select from ${contractAmendments} where ${contractAmendments.contractId} = ${contracts.id}
            and ${contractAmendments.status} = 'confirming'
          )
        )
      ) as contracts,
      exists (
        select from ${registrations} where ${registrations.officeOrganizationId} = ${id}
        and ${registrations.status} in ('filed', 'supplement_requested', 'accepted', 'expert_review')
      )
      or exists (
        select from ${registrations} where ${registrations.pendingAction} is not null
        and (${registrations.applicantOrganizationId} = ${id} or ${registrations.officeOrganizationId} = ${id})
      ) as registrations`);
  const [has] = found.rows;
  return openDeals.filter((kind) => has?.[kind]);
}

function conditions(actor: Actor | null, query: ListOrganizationsQuery): SQL | undefined {
  const prefix = query.regionCode && regionPrefix(query.regionCode);
  return and(
    visibleTo(actor),
    changedIn(organizations, query),
    query.kind ? eq(organizations.kind, query.kind) : undefined,
    query.status ? eq(organizations.status, query.status) : undefined,
    query.creditCode ? eq(organizations.creditCode, query.creditCode) : undefined,
    prefix ? startsWith(organizations.regionCode, prefix) : undefined,
  );
}

/** In the order in which they were entered, or by the last change. */
export const selectOrganizations = (
  db: Executor,
  actor: Actor | null,
  query: ListOrganizationsQuery,
  after: { key: string; id: string } | null,
) => {
  const { behind, by } = inOrder(organizations, query, after, false);
  return db
    .select()
    .from(organizations)
    .where(and(conditions(actor, query), behind))
    .orderBy(...by)
    .limit(query.limit + 1);
};

/** Those of some that a caller may read. */
export const selectOrganizationsOf = (db: Executor, actor: Actor | null, ids: readonly string[]) =>
  db
    .select()
    .from(organizations)
    .where(and(inArray(organizations.id, [...ids]), visibleTo(actor)));

export const countOrganizations = (
  db: Executor,
  actor: Actor | null,
  query: ListOrganizationsQuery,
) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(organizations)
      .where(conditions(actor, query))
      .limit(countLimit + 1)
      .as("counted"),
  );
