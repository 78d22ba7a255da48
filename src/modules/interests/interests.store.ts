import { and, eq, exists, getTableColumns, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { interests } from "../../../db/schema/interests.ts";
import { needs } from "../../../db/schema/needs.ts";
import { cityIn, organizations, sectionIn } from "../../../db/schema/organizations.ts";
import { results } from "../../../db/schema/results.ts";
import { changedIn, inOrder } from "../../database/changes.ts";
import type { Executor } from "../../database/connect.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { ListInterestsQuery } from "./interests.schema.ts";

export type InterestRow = typeof interests.$inferSelect;

const owner = alias(organizations, "owner");
const asker = alias(organizations, "asker");

const sideOf = (side: typeof owner | typeof asker) => ({
  organizationId: side.id,
  name: side.name,
  kind: side.kind,
  regionCode: side.regionCode,
  industryCode: side.industryCode,
});

/** Fewer organizations than this are not a crowd to be unknown in. */
const crowd = 3;

/**
 * Whether enough verified organizations are of the asker's kind, city and section of industry that these do
 * not tell which it is.
 */
const isOneOfMany = sql<boolean>`(select count(*) >= ${sql.raw(String(crowd))} from (
  select from ${organizations} o where o.status = 'verified' and o.kind = ${asker.kind}
    and ${cityIn("o.region_code")} = ${cityIn("asker.region_code")}
    and ${sectionIn("o.industry_code")} = ${sectionIn("asker.industry_code")}
  limit ${sql.raw(String(crowd))}) o)`;

/** An interest with its listing and both sides, everything of them: what is shown is the service's to say. */
const selectFound = (db: Executor) =>
  db
    .select({
      row: getTableColumns(interests),
      owner: sideOf(owner),
      asker: sideOf(asker),
      isAskerOneOfMany: isOneOfMany,
      listing: {
        reference: sql<string>`coalesce(${results.reference}, ${needs.reference})`,
        title: sql<string>`coalesce(${results.title}, ${needs.title})`,
        regionCode: sql<string | null>`coalesce(${results.regionCode}, ${needs.regionCode})`,
        anonymous: sql<boolean>`coalesce(${needs.anonymous}, false)`,
        contact: sql<InterestRow["contact"]>`coalesce(${results.contact}, ${needs.contact})`,
      },
    })
    .from(interests)
    .innerJoin(owner, eq(owner.id, interests.ownerOrganizationId))
    .innerJoin(asker, eq(asker.id, interests.askerOrganizationId))
    .leftJoin(results, eq(results.id, interests.resultId))
    .leftJoin(needs, eq(needs.id, interests.needId));

export type FoundInterest = Awaited<ReturnType<typeof selectFound>>[number];

/** Those about the caller's listings and those that it wrote; for the operator all. */
const visibleTo = (actor: Actor): SQL | undefined =>
  isOperator(actor)
    ? undefined
    : or(
        eq(interests.ownerOrganizationId, actor.organizationId),
        eq(interests.askerOrganizationId, actor.organizationId),
      );

export const selectInterest = async (db: Executor, actor: Actor, id: string) =>
  (await selectFound(db).where(and(eq(interests.id, id), visibleTo(actor))))[0];

export const lockInterest = async (tx: Executor, actor: Actor, id: string) =>
  (
    await selectFound(tx)
      .where(and(eq(interests.id, id), visibleTo(actor)))
      .for("update", { of: interests })
  )[0];

const isOverdue = () => sql`(${interests.status} = 'open' and ${interests.dueOn} < ${today()})`;

function conditions(actor: Actor, query: ListInterestsQuery): SQL | undefined {
  const { side, status, overdue, resultId, needId } = query;
  const { organizationId } = actor;
  return and(
    visibleTo(actor),
    changedIn(interests, query),
    side === "owner" ? eq(interests.ownerOrganizationId, organizationId) : undefined,
    side === "asker" ? eq(interests.askerOrganizationId, organizationId) : undefined,
    status ? eq(interests.status, status) : undefined,
    overdue === undefined ? undefined : overdue ? isOverdue() : sql`not ${isOverdue()}`,
    resultId ? eq(interests.resultId, resultId) : undefined,
    needId ? eq(interests.needId, needId) : undefined,
  );
}

/** Newest first, or by the last change. */
export const selectInterests = (
  db: Executor,
  actor: Actor,
  query: ListInterestsQuery,
  after: { key: string; id: string } | null,
) => {
  const { behind, by } = inOrder(interests, query, after);
  return selectFound(db)
    .where(and(conditions(actor, query), behind))
    .orderBy(...by)
    .limit(query.limit + 1);
};

export const countInterests = (db: Executor, actor: Actor, query: ListInterestsQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(interests)
      .where(conditions(actor, query))
      .limit(countLimit + 1)
      .as("counted"),
  );

export interface ListingRef {
  noun: "result" | "need";
  id: string;
}

/**
 * The listing that is asked about, if it is in public view, its owner in good standing. It stays so
 * until the transaction ends: a change that takes it out of view finds the interest, or keeps it from coming.
 */
export async function holdPublicListing(tx: Executor, { noun, id }: ListingRef) {
  const table = noun === "result" ? results : needs;
  const [found] = await tx
    .select({ organizationId: table.organizationId, fieldCode: table.fieldCode })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(
      and(
        eq(table.id, id),
        sql`${table.status} = 'published'`,
        eq(organizations.status, "verified"),
      ),
    )
    .for("share", { of: table });
  return found;
}

/**
 * Whether there is such a listing that this caller may read: open to all, its own, or one that it has
 * asked about, wherever that is now.
 */
export async function isListingReader(
  db: Executor,
  actor: Actor,
  { noun, id }: ListingRef,
): Promise<boolean> {
  const table = noun === "result" ? results : needs;
  const asked = db
    .select({ id: interests.id })
    .from(interests)
    .where(
      and(
        eq(noun === "result" ? interests.resultId : interests.needId, id),
        eq(interests.askerOrganizationId, actor.organizationId),
      ),
    );
  const reader = or(
    eq(table.organizationId, actor.organizationId),
    // As the listing itself is read.
    sql`(${table.status} in ('published', 'expired', 'transferred', 'solved', 'closed')
      and ${organizations.status} = 'verified')`,
    exists(asked),
  );
  const found = await db
    .select({ id: table.id })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(and(eq(table.id, id), isOperator(actor) ? undefined : reader));
  return found.length > 0;
}

/** Open interests in a listing, locked in a fixed order. */
export const lockOpenOf = (tx: Executor, { noun, id }: ListingRef): Promise<FoundInterest[]> =>
  selectFound(tx)
    .where(
      and(
        eq(noun === "result" ? interests.resultId : interests.needId, id),
        eq(interests.status, "open"),
      ),
    )
    .orderBy(interests.id)
    .for("update", { of: interests });

/** One interest whatever its caller, if it was accepted. */
export const selectAccepted = async (db: Executor, id: string): Promise<InterestRow | undefined> =>
  (
    await db
      .select()
      .from(interests)
      .where(and(eq(interests.id, id), eq(interests.status, "accepted")))
  )[0];

/**
 * Of each owner, the interests of the last year that it should have answered by now, and those that it
 * answered by their day. Owners without any are left out. Those in anonymous needs do not count: whoever
 * asked about one could see whose record moved.
 */
export async function countAnswers(db: Executor, ownerIds: readonly string[]) {
  const { rows } = await db.execute<{ ownerId: string; inTime: number; due: number }>(sql`
    select owner_organization_id as "ownerId", count(*)::int as due,
      count(*) filter (where (answered_at at time zone 'Asia/Shanghai')::date <= due_on)::int as "inTime"
    from ${interests} i
    where owner_organization_id = any(${sql.param(ownerIds)}::uuid[])
      and not exists (select from ${needs} n where n.id = i.need_id and n.anonymous)
      and created_at > now() - interval '1 year'
      and (status in ('accepted', 'declined') or (status = 'open' and due_on < ${today()}))
    group by 1`);
  return rows;
}
