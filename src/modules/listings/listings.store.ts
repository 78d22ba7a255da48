import {
  and,
  eq,
  getTableColumns,
  inArray,
  or,
  type Placeholder,
  type SQL,
  sql,
} from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { z } from "zod";
import { interests } from "../../../db/schema/interests.ts";
import type { ListingRow, ListingTable, SearchColumn } from "../../../db/schema/listings.ts";
import { matches } from "../../../db/schema/matches.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { placeholdersFor, prepared } from "../../database/prepared.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { SearchColumns } from "../../lib/terms.ts";
import { civilDate, instantInput } from "../../lib/wire.ts";
import { openStatuses } from "./listings.lifecycle.ts";
import { type SearchWord, wordsIn } from "./search.store.ts";

/** What a listing shows of its owner. */
const owner = {
  id: organizations.id,
  name: organizations.name,
  kind: organizations.kind,
  regionCode: organizations.regionCode,
};

export interface Owner {
  id: string;
  name: string;
  kind: typeof organizations.$inferSelect.kind;
  regionCode: string;
}

/** All columns but those that follow from the others: they are many and for the database only. */
function columnsOf(table: ListingTable) {
  const { titleText, summaryText, titleTerms, searchTerms, facetTerms, ...columns } =
    getTableColumns(table);
  return columns;
}

export type Found<Row> = Omit<Row, SearchColumn> & {
  organization: Owner;
  /** The owner let this caller know who it is: it accepted an interest of theirs, or a match. */
  revealed?: boolean;
};

/** Open to all and its organisation in good standing; or the caller's own; or the caller is the operator. */
const readable = (table: ListingTable, organizationId: unknown, operator: unknown) =>
  or(
    and(inArray(table.status, [...openStatuses]), eq(organizations.status, "verified")),
    sql`${table.organizationId} = ${organizationId}`,
    sql`${operator}::boolean`,
  );

/**
 * Whether the owner accepted an interest of the caller's organisation in it, or a match that the caller
 * brought about or is the other side of. Nothing is looked up for those who are not signed in.
 */
function revealedTo(table: ListingTable, name: string, organizationId: unknown) {
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
export async function selectListing<Row extends ListingRow>(
  db: Executor,
  table: ListingTable,
  name: string,
  actor: Actor | null,
  id: string,
): Promise<Found<Row> | undefined> {
  const statement = prepared(db, `read_${name}`, (statementName) =>
    db
      .select({
        ...columnsOf(table),
        organization: owner,
        revealed: revealedTo(table, name, sql.placeholder("organizationId")),
      })
      .from(table)
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
  // The table is one of the two that have these columns and more.
  return row as Found<Row> | undefined;
}

/** The same, locked until the transaction ends. */
export async function lockListing<Row extends ListingRow>(
  tx: Executor,
  table: ListingTable,
  actor: Actor,
  id: string,
): Promise<Found<Row> | undefined> {
  const [row] = await tx
    .select({ ...columnsOf(table), organization: owner })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(and(eq(table.id, id), readable(table, actor.organizationId, isOperator(actor))))
    .for("update", { of: table });
  return row as Found<Row> | undefined;
}

/** The state of an organisation, which stays as it is until the transaction ends. */
export const holdOrganizationStatus = async (tx: Executor, id: string) =>
  (
    await tx
      .select({ status: organizations.status })
      .from(organizations)
      .where(eq(organizations.id, id))
      .for("share")
  )[0]?.status;

/** Writes a listing and gives it back with its owner, in one statement. */
export async function insertListing<Row extends ListingRow>(
  tx: Executor,
  table: ListingTable,
  name: string,
  values: { organizationId: string } & Partial<Row>,
): Promise<Found<Row>> {
  const statement = prepared(tx, `insert_${name}`, (statementName) =>
    tx
      .insert(table)
      // The caller's values are those of the whole table, of which `ListingTable` shows the shared part.
      .values(placeholdersFor(table, Object.keys(values)) as never)
      .returning({ ...columnsOf(table), organization: ownerOf(table) })
      .prepare(statementName),
  );
  const [row] = await statement.execute(values);
  if (!row) throw new Error("insert returned no row");
  return row as unknown as Found<Row>;
}

const ownerOf = (table: ListingTable) =>
  sql<Owner>`(select json_build_object('id', o.id, 'name', o.name, 'kind', o.kind, 'regionCode', o.region_code)
    from ${organizations} o where o.id = ${table.organizationId})`;

/** Published listings whose last day has passed, locked; those that another process holds are left to it. */
export const lockOverdue = (tx: Executor, table: ListingTable, today: string, take: Take) =>
  tx
    .select()
    .from(table)
    .where(
      and(
        sql`${table.status} = 'published'`,
        sql`${table.validUntil} < ${today}`,
        isFreeFor(take, table.id),
      ),
    )
    .orderBy(table.validUntil, table.id)
    .limit(take.limit)
    .for("update", { skipLocked: true });

/** A listing in public view, locked; undefined for any other. */
export const lockPublished = async (tx: Executor, table: ListingTable, id: string) =>
  (
    await tx
      .select()
      .from(table)
      .where(and(eq(table.id, id), sql`${table.status} = 'published'`))
      .for("update")
  )[0];

/** Listings of an organisation that are under review or have been public. */
export const lockLiveOf = (tx: Executor, table: ListingTable, organizationId: string) =>
  tx
    .select()
    .from(table)
    .where(
      and(
        eq(table.organizationId, organizationId),
        inArray(table.status, ["submitted", "published", "expired"]),
      ),
    )
    .orderBy(table.id)
    .for("update");

export const deleteListing = (tx: Executor, table: ListingTable, id: string) =>
  tx.delete(table).where(eq(table.id, id));

/** One condition of a list: which one, and its value. Its SQL takes the value or a placeholder for it. */
export interface Condition {
  name: string;
  value: unknown;
}
export type Conditions = Readonly<Record<string, (value: SQL | Placeholder | unknown) => SQL>>;

/** What the sort keys of a cursor may look like. */
export const sortKeys = {
  instant: instantInput,
  date: civilDate,
  level: z.string().regex(/^[1-9]$/),
} as const;

/** An order of a list. */
export interface Order {
  column: PgColumn;
  key: keyof typeof sortKeys;
  descending: boolean;
}

export interface ListRequest {
  /** Names the list and the order, for the prepared statement. */
  name: string;
  scope: "public" | "own" | "all";
  order: Order;
  conditions: readonly Condition[];
  /** A search; `common` when more than `depth` listings match it. */
  words?: { words: readonly SearchWord[]; common: boolean } | null;
  after: { key: string; id: string } | null;
  limit: number;
}

/**
 * Conditions that every list of listings offers, by name.
 * @param amount the column that the bands of money go by
 */
export const sharedConditions = (table: ListingTable, amount: PgColumn): Conditions => ({
  organization: (value) => sql`${table.organizationId} = ${value}`,
  status: (value) => sql`${table.status} = ${value}`,
  field: (value) => sql`${table.fieldCode} = ${value}`,
  fieldTop: (value) => sql`${table.fieldTop} = ${value}`,
  // Beside `fields`, for the index.
  fieldTops: (value) => sql`${table.fieldTop} = any(${value})`,
  fields: (value) => sql`(${table.fieldTop} = any(${value}) or ${table.fieldCode} = any(${value}))`,
  industry: (value) => sql`${table.industryCode} = ${value}`,
  industrySection: (value) => sql`${table.industrySection} = ${value}`,
  province: (value) => sql`${table.provinceCode} = ${value}`,
  city: (value) => sql`${table.cityCode} = ${value}`,
  region: (value) => sql`${table.regionCode} = ${value}`,
  cooperationMode: (value) => sql`${table.cooperationModes} @> array[${value}]::text[]`,
  tag: (value) => sql`${table.tags} @> array[${value}]::text[]`,
  moneyNegotiable: () => sql`${amount} is null`,
  moneyFrom: (value) => sql`${amount} >= ${value}`,
  moneyBelow: (value) => sql`${amount} < ${value}`,
  publishedFrom: (value) => sql`${table.publishedAt} >= ${value}`,
  publishedTo: (value) => sql`${table.publishedAt} <= ${value}`,
});

// Literals, not parameters: only so can a partial index serve a prepared statement.
const inScope = (table: ListingTable, scope: ListRequest["scope"]) =>
  scope === "public"
    ? and(sql`${table.status} = 'published'`, sql`${organizations.status} = 'verified'`)
    : undefined;

/**
 * One page, one row more than the limit when there is a next one. The order ends in the id, so it is
 * total. Lists with at most one filter are prepared once; more combinations would fill the memory of
 * the server's sessions.
 */
export async function selectListings<Row>(
  db: Executor,
  table: ListingTable,
  columns: Record<string, PgColumn>,
  conditions: Conditions,
  request: ListRequest,
): Promise<(Row & { organization: Owner })[]> {
  const { name, scope, order, after, limit } = request;
  const build = (statementName: string) => {
    const position = sql`(${order.column}, ${table.id})`;
    const given = sql`(${sql.placeholder("key")}, ${sql.placeholder("id")})`;
    const where = [
      inScope(table, scope),
      ...request.conditions.map((c) => conditions[c.name]?.(sql.placeholder(c.name))),
      request.words && searchedIn(table, conditions, request),
      after && (order.descending ? sql`${position} < ${given}` : sql`${position} > ${given}`),
    ];
    return db
      .select({ ...columns, organization: owner })
      .from(table)
      .innerJoin(organizations, eq(organizations.id, table.organizationId))
      .where(and(...where.filter((condition) => condition !== null)))
      .orderBy(orderBy(table, order))
      .limit(sql.placeholder("limit"))
      .prepare(statementName);
  };
  const names = request.conditions.map((condition) => condition.name);
  const key = [name, scope, after ? "next" : "first", ...names].join("_");
  const filters = names.filter((n) => n !== "organization");
  const plain = filters.length <= 1 && !request.words;
  const statement = plain ? prepared(db, key, build) : build("");
  const values = Object.fromEntries(request.conditions.map((c) => [c.name, c.value]));
  const rows = await statement.execute({ ...values, ...after, limit: limit + 1 });
  return rows as (Row & { organization: Owner })[];
}

/** The order of a list, which ends in the id and so is total. */
export function orderBy(table: ListingTable, { column, descending }: Order): SQL {
  const direction = sql.raw(descending ? "desc" : "asc");
  return sql`${column} ${direction}, ${table.id} ${direction}`;
}

/**
 * The words of a search beside another order than relevance, which the planner must not be left to
 * guess at: few matches are taken from the index of the terms and sorted; of many, the first ones are
 * soon met by walking the order's own index.
 */
function searchedIn(table: ListingTable, conditions: Conditions, request: ListRequest) {
  const { words, common } = request.words ?? { words: [], common: false };
  const everywhere = request.scope !== "public";
  if (common) return sql`${wordsIn(table, words)} is true`;
  const where = and(whereOf(table, conditions, request, true), wordsIn(table, words, everywhere));
  return sql`${table.id} = any(array(select ${table.id} from ${table}
    inner join ${organizations} on ${eq(organizations.id, table.organizationId)} where ${where}))`;
}

/** The terms in `facet_terms` that a condition asks for, one of them if it names several. */
const facetTermsOf: Readonly<Record<string, (value: unknown) => string[]>> = {
  fieldTop: (code) => [`field:${code}`],
  fieldTops: (codes) => (codes as string[]).map((code) => `field:${code}`),
  industrySection: (code) => [`industry:${code}`],
  province: (code) => [`province:${code}`],
  city: (code) => [`city:${code}`],
  region: (code) => [`region:${code}`],
  cooperationMode: (code) => [String(code)],
};

/**
 * A scope and its filters, with their values.
 * @param searched beside the words of a search: filters that are terms are looked for together with the
 * words, in one index; what has a common word and fits would else be picked out of all that has it
 */
export const whereOf = (
  table: ListingTable,
  conditions: Conditions,
  { scope, conditions: given }: Pick<ListRequest, "scope" | "conditions">,
  searched: boolean,
): SQL | undefined =>
  and(
    inScope(table, scope),
    ...given.map(({ name, value }) => {
      const terms = searched ? facetTermsOf[name]?.(value) : undefined;
      if (!terms) return conditions[name]?.(sql.param(value));
      return sql`${table.facetTerms} && ${sql.param(terms)}::text[]`;
    }),
  );

/**
 * Listings in the order of their ids, locked: those behind the last one that was taken.
 * @param among the ids of those that are meant; all when absent
 */
export async function lockAfter<Row extends ListingRow>(
  tx: Executor,
  table: ListingTable,
  take: Take,
  among: SQL | undefined,
): Promise<Row[]> {
  const rows = await tx
    .select()
    .from(table)
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
  return rows as unknown as Row[];
}

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

/** Those of these listings that are in public view, whole, in no order. */
export async function selectPublished<Row extends ListingRow>(
  db: Executor,
  table: ListingTable,
  ids: readonly string[],
): Promise<Found<Row>[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({ ...columnsOf(table), organization: owner })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(and(inArray(table.id, [...ids]), inScope(table, "public")));
  return rows as unknown as Found<Row>[];
}

/** Some listings, as far as they are in a list, in no order. */
export async function selectListingsOf<Row>(
  db: Executor,
  table: ListingTable,
  columns: Record<string, PgColumn>,
  where: SQL | undefined,
  ids: readonly string[],
): Promise<(Row & { organization: Owner })[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({ ...columns, organization: owner })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(and(inArray(table.id, [...ids]), where));
  return rows as unknown as (Row & { organization: Owner })[];
}

/** How many match, counted no further than is told. */
export const countListings = (
  db: Executor,
  table: ListingTable,
  conditions: Conditions,
  words: readonly SearchWord[],
  request: Pick<ListRequest, "scope" | "conditions">,
) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(table)
      .innerJoin(organizations, eq(organizations.id, table.organizationId))
      .where(
        and(
          whereOf(table, conditions, request, words.length > 0),
          words.length > 0 ? wordsIn(table, words, request.scope !== "public") : undefined,
        ),
      )
      .limit(countLimit + 1)
      .as("counted"),
  );
