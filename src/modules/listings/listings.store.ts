/** One listing: read, locked, written. What lists read is in `lists.store.ts`. */
import { and, eq, getTableColumns, inArray, is, or, type SQL, sql } from "drizzle-orm";
import { type PgColumn, PgNumeric } from "drizzle-orm/pg-core";
import { interests } from "../../../db/schema/interests.ts";
import type { ListingRow, ListingTable, SearchColumn } from "../../../db/schema/listings.ts";
import { matches } from "../../../db/schema/matches.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { moment } from "../../database/moment.ts";
import { placeholdersFor, prepared } from "../../database/prepared.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import type { Marked } from "../../lib/http.ts";
import type { SearchColumns } from "../../lib/terms.ts";
import { type Listing, openStatuses, type ReadRow } from "./listings.lifecycle.ts";
import type { ListingOrganization } from "./listings.schema.ts";

/** What a listing shows of its owner. */
export const owner = {
  id: organizations.id,
  name: organizations.name,
  kind: organizations.kind,
  regionCode: organizations.regionCode,
};

export type Owner = ListingOrganization;

/** All columns but those that follow from the others: they are many and for the database only. */
export function columnsOf(table: ListingTable) {
  const { titleText, summaryText, titleTerms, searchTerms, facetTerms, ...columns } =
    getTableColumns(table);
  return columns;
}

export type Found<Row> = Omit<Row, SearchColumn> & {
  organization: Owner;
  organizationStatus?: Listing["organizationStatus"];
  /** The owner let this caller know who it is: it accepted an interest of theirs, or a match. */
  revealed?: boolean;
};

/** A row of one of the tables. Drizzle does not follow a table that is a parameter: what it finds is told here. */
export type RowOf<T extends ListingTable> = T["$inferSelect"];

/** Live or ended, and its organization in good standing. */
const openToAll = (table: ListingTable) =>
  and(inArray(table.status, [...openStatuses]), eq(organizations.status, "verified"));

/** Open to all; or the caller's own; or the caller is the operator. */
export const readable = (table: ListingTable, organizationId: unknown, operator: unknown) =>
  or(openToAll(table), sql`${table.organizationId} = ${organizationId}`, sql`${operator}::boolean`);

/**
 * Whether the owner accepted an interest of the caller's organization in it, or a match that the caller
 * brought about or is the other side of. Nothing is looked up for those who are not signed in.
 */
export function revealedTo(table: ListingTable, name: string, organizationId: unknown) {
  const [own, other] = name === "result" ? ["result", "need"] : ["need", "result"];
  const column = (of: string, rest: string) => sql.raw(`m.${of}_${rest}`);
  return sql<boolean>`case when ${organizationId}::uuid is null then false else
    exists (select from ${interests} i where i.${sql.raw(`${own}_id`)} = ${table.id}
      and i.asker_organization_id = ${organizationId}::uuid and i.status = 'accepted')
    or exists (select from ${matches} m where ${column(own ?? "", "id")} = ${table.id}
      and ${column(own ?? "", "accepted_at")} is not null
      and ${organizationId}::uuid in (m.broker_organization_id, ${column(other ?? "", "organization_id")}))
    end`;
}

/** A listing that this caller may read, with its owner. */
export async function selectListing<T extends ListingTable>(
  db: Executor,
  table: T,
  name: string,
  actor: Actor | null,
  id: string,
): Promise<Found<RowOf<T>> | undefined> {
  const statement = prepared(db, `read_${name}`, (statementName) =>
    db
      .select({
        ...columnsOf(table),
        organization: owner,
        organizationStatus: organizations.status,
        revealed: revealedTo(table, name, sql.placeholder("organizationId")),
      })
      .from<ListingTable>(table)
      .innerJoin(organizations, eq(organizations.id, table.organizationId))
      .where(
        and(
          eq(table.id, sql.placeholder("id")),
          readable(table, sql.placeholder("organizationId"), sql.placeholder("operator")),
        ),
      )
      .prepare(statementName),
  );
  const organizationId = actor?.organizationId ?? null;
  const [row] = await statement.execute({ id, organizationId, operator: isOperator(actor) });
  return row as Found<RowOf<T>> | undefined;
}

/**
 * The last writes of a listing and of its owner: a mark that changes with either, whoever makes them and
 * however. (`xmin` is the transaction that wrote a row as it is.)
 */
export const markOf = (table: ListingTable) =>
  sql<string>`${table}.xmin::text || ' ' || ${organizations}.xmin::text`;

const amongGiven = (table: ListingTable) => sql`${table.id} = any(${sql.placeholder("ids")})`;

/** Those of these listings that are open to all, with their marks. */
export async function selectOpen<T extends ListingTable>(
  db: Executor,
  table: T,
  name: string,
  ids: readonly string[],
): Promise<{ id: string; mark: string; row: Found<RowOf<T>> }[]> {
  const statement = prepared(db, `read_open_${name}`, (statementName) =>
    db
      .select({ ...columnsOf(table), organization: owner, mark: markOf(table) })
      .from<ListingTable>(table)
      .innerJoin(organizations, eq(organizations.id, table.organizationId))
      .where(and(amongGiven(table), openToAll(table)))
      .prepare(statementName),
  );
  const rows = (await statement.execute({ ids })) as unknown as { id: string; mark: string }[];
  return rows.map(({ mark, ...row }) => ({
    id: row.id,
    mark,
    row: row as unknown as Found<RowOf<T>>,
  }));
}

/** Their marks alone. */
export async function selectOpenMarks(
  db: Executor,
  table: ListingTable,
  name: string,
  ids: readonly string[],
): Promise<(Marked & { id: string })[]> {
  const statement = prepared(db, `mark_open_${name}`, (statementName) =>
    db
      .select({ id: table.id, mark: markOf(table), moment })
      .from(table)
      .innerJoin(organizations, eq(organizations.id, table.organizationId))
      .where(and(amongGiven(table), openToAll(table)))
      .prepare(statementName),
  );
  return (await statement.execute({ ids })) as (Marked & { id: string })[];
}

/** Listings with what their steps are decided on, to be locked until the transaction ends. */
const selectSubjects = (tx: Executor, table: ListingTable) =>
  tx
    .select({
      row: columnsOf(table),
      organization: owner,
      organizationStatus: organizations.status,
    })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId));

/** A listing that this caller may read, locked until the transaction ends. */
export async function lockListing<T extends ListingTable>(
  tx: Executor,
  table: T,
  actor: Actor,
  id: string,
): Promise<Listing<ReadRow<RowOf<T>>> | undefined> {
  const [found] = await selectSubjects(tx, table)
    .where(and(eq(table.id, id), readable(table, actor.organizationId, isOperator(actor))))
    .for("update", { of: table });
  return found as Listing<ReadRow<RowOf<T>>> | undefined;
}

/** Listings that the program takes a step with, locked, in the order of their ids. */
export async function lockListings<T extends ListingTable>(
  tx: Executor,
  table: T,
  which: SQL | undefined,
): Promise<Listing<ReadRow<RowOf<T>>>[]> {
  const found = await selectSubjects(tx, table)
    .where(which)
    .orderBy(table.id)
    .for("update", { of: table });
  return found as Listing<ReadRow<RowOf<T>>>[];
}

/**
 * The state of a listing's organization, which stays as it is until the transaction ends: a transaction that closes
 * it waits, and has been waited for. It is locked before the listing, as by that one.
 */
export async function holdOwner(
  tx: Executor,
  table: ListingTable,
  id: string,
): Promise<Pick<Listing, "organizationStatus"> | undefined> {
  const of = tx.select({ id: table.organizationId }).from(table).where(eq(table.id, id));
  const [found] = await tx
    .select({ organizationStatus: organizations.status })
    .from(organizations)
    .where(eq(organizations.id, of))
    .for("share");
  return found;
}

/**
 * Writes a listing and gives it back with its owner, in one statement. Read back is what the database makes of
 * it: what was not given, and amounts, which get their decimals.
 */
export async function insertListing<T extends ListingTable>(
  tx: Executor,
  table: T,
  name: string,
  values: T["$inferInsert"],
): Promise<Found<RowOf<T>>> {
  const given: Record<string, unknown> = values;
  const columns = Object.entries<PgColumn>(columnsOf(table));
  const statement = prepared(tx, `insert_${name}`, (statementName) => {
    const made = columns.filter(([key, column]) => !(key in given) || is(column, PgNumeric));
    return tx
      .insert<ListingTable>(table)
      .values(placeholdersFor(table, Object.keys(given)))
      .returning({ ...Object.fromEntries(made), organization: ownerOf(table) })
      .prepare(statementName);
  });
  const [made] = await statement.execute(values);
  if (!made) throw new Error("insert returned no row");
  const row = Object.fromEntries(columns.map(([key]) => [key, given[key] ?? null]));
  return { ...row, ...made } as Found<RowOf<T>>;
}

/** What a new listing takes over of its organization. */
export async function selectDefaults(
  tx: Executor,
  organizationId: string,
): Promise<Pick<ListingRow, "regionCode" | "contact">> {
  const statement = prepared(tx, "listing_defaults", (name) =>
    tx
      .select({ regionCode: organizations.regionCode, contact: organizations.contact })
      .from(organizations)
      .where(eq(organizations.id, sql.placeholder("organizationId")))
      .prepare(name),
  );
  const [found] = await statement.execute({ organizationId });
  if (!found) throw new Error("the caller's organization is not there");
  return found;
}

/** How many drafts an organization has, counted up to a limit. */
export async function countDrafts(
  tx: Executor,
  table: ListingTable,
  name: string,
  organizationId: string,
  limit: number,
): Promise<number> {
  const statement = prepared(tx, `count_drafts_${name}`, (statementName) => {
    const drafts = tx
      .select({ one: sql`1`.as("one") })
      .from(table)
      .where(
        and(
          eq(table.organizationId, sql.placeholder("organizationId")),
          sql`${table.status} = 'draft'`,
        ),
      )
      .limit(sql.placeholder("limit"))
      .as("drafts");
    return tx.select({ count: sql<number>`count(*)::int` }).from(drafts).prepare(statementName);
  });
  const [found] = await statement.execute({ organizationId, limit });
  return found?.count ?? 0;
}

/** One at a time of an organization adds a draft, until the transaction ends. */
export const lockDrafts = (tx: Executor, name: string, organizationId: string) =>
  tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`${name} drafts of ${organizationId}`}, 0))`,
  );

const ownerOf = (table: ListingTable) =>
  sql<Owner>`(select json_build_object('id', o.id, 'name', o.name, 'kind', o.kind, 'regionCode', o.region_code)
    from ${organizations} o where o.id = ${table.organizationId})`;

/** Published listings whose last day has passed, locked; those that another process holds are left to it. */
export async function lockOverdue<T extends ListingTable>(
  tx: Executor,
  table: T,
  today: string,
  take: Take,
): Promise<Listing<ReadRow<RowOf<T>>>[]> {
  const found = await selectSubjects(tx, table)
    .where(
      and(
        sql`${table.status} = 'published'`,
        sql`${table.validUntil} < ${today}`,
        isFreeFor(take, table.id),
      ),
    )
    .orderBy(table.validUntil, table.id)
    .limit(take.limit)
    .for("update", { of: table, skipLocked: true });
  return found as Listing<ReadRow<RowOf<T>>>[];
}

/** The one with this id, if it is in public view. */
export const ifPublished = (table: ListingTable, id: string) =>
  and(eq(table.id, id), sql`${table.status} = 'published'`);

/** Those of an organization that are under review or have been public. */
export const liveOf = (table: ListingTable, organizationId: string) =>
  and(
    eq(table.organizationId, organizationId),
    inArray(table.status, ["submitted", "published", "expired"]),
  );

export const deleteListing = (tx: Executor, table: ListingTable, id: string) =>
  tx.delete(table).where(eq(table.id, id));

/**
 * Listings in the order of their ids, locked: those behind the last one that was taken.
 * @param among the ids of those that are meant; all when absent
 */
export async function lockAfter<T extends ListingTable>(
  tx: Executor,
  table: T,
  take: Take,
  among: SQL | undefined,
): Promise<RowOf<T>[]> {
  const rows = await tx
    .select()
    .from<ListingTable>(table)
    .where(
      and(
        take.after ? sql`${table.id} > ${take.after}` : undefined,
        among ? sql`${table.id} in ${among}` : undefined,
        isFreeFor(take, table.id),
      ),
    )
    .orderBy(table.id)
    .limit(take.limit)
    .for("update");
  return rows as RowOf<T>[];
}

export const countAll = (db: Executor, table: ListingTable): Promise<number> => db.$count(table);

/** Writes what listings are searched by, in one statement. */
export async function updateSearchColumns(
  tx: Executor,
  table: ListingTable,
  rows: readonly ({ id: string } & SearchColumns)[],
): Promise<void> {
  await tx.execute(sql`
    update ${table} set title_text = new."titleText", summary_text = new."summaryText",
      title_terms = new."titleTerms", search_terms = new."searchTerms"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as new(id uuid, "titleText" text, "summaryText" text, "titleTerms" text[], "searchTerms" text[])
    where ${table.id} = new.id`);
}
