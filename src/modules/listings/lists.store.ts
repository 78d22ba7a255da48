/** Lists of listings: their conditions, orders and pages as SQL. */
import { and, eq, inArray, type Placeholder, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { z } from "zod";
import { type ListingTable, lastDayOf } from "../../../db/schema/listings.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { moment } from "../../database/moment.ts";
import { prepared, preparedIfFew } from "../../database/prepared.ts";
import type { Marked } from "../../lib/http.ts";
import { countLimit } from "../../lib/pagination.ts";
import { civilDate, instantInput } from "../../lib/wire.ts";
import { columnsOf, type Found, markOf, type Owner, owner, type RowOf } from "./listings.store.ts";
import { type SearchWord, wordsIn } from "./search.store.ts";

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
  lastDay: z.union([civilDate, z.literal("infinity")]),
  score: z.string().regex(/^\d{1,3}$/),
  level: z.string().regex(/^[1-9]$/),
} as const;

/** An order of a list. */
export interface Order {
  column: PgColumn | SQL;
  key: keyof typeof sortKeys;
  descending: boolean;
}

/** Orders of the owner's own list alone. */
export const ownOrders = (table: ListingTable): Readonly<Record<string, Order>> => ({
  validUntil: { column: lastDayOf(table.validUntil), key: "lastDay", descending: false },
  "-validUntil": { column: lastDayOf(table.validUntil), key: "lastDay", descending: true },
  completeness: { column: table.completeness, key: "score", descending: false },
  "-completeness": { column: table.completeness, key: "score", descending: true },
});

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
 * @param negotiable that it is said to be negotiated: whoever said nothing did not say that
 */
export const sharedConditions = (
  table: ListingTable,
  amount: PgColumn,
  negotiable: SQL,
): Conditions => ({
  organization: (value) => sql`${table.organizationId} = ${value}`,
  externalId: (value) => sql`${table.externalId} = ${value}`,
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
  moneyNegotiable: () => sql`(${amount} is null and ${negotiable})`,
  moneyFrom: (value) => sql`${amount} >= ${value}`,
  moneyBelow: (value) => sql`${amount} < ${value}`,
  publishedFrom: (value) => sql`${table.publishedAt} >= ${value}`,
  publishedTo: (value) => sql`${table.publishedAt} <= ${value}`,
  validFrom: (value) => sql`${table.validUntil} >= ${value}`,
  // By the index of that order. What has no last day does not end before any.
  validTo: (value) => sql`${lastDayOf(table.validUntil)} <= ${value}`,
  completenessFrom: (value) => sql`${table.completeness} >= ${value}`,
  completenessTo: (value) => sql`${table.completeness} <= ${value}`,
  updatedFrom: (value) => sql`${table.updatedAt} >= ${value}`,
  updatedTo: (value) => sql`${table.updatedAt} <= ${value}`,
});

// Literals, not parameters: only so can a partial index serve a prepared statement.
const inScope = (table: ListingTable, scope: ListRequest["scope"]) =>
  scope === "public"
    ? and(sql`${table.status} = 'published'`, sql`${organizations.status} = 'verified'`)
    : undefined;

/**
 * One page, one row more than the limit when there is a next one. The order ends in the id, so it is
 * total. Lists with at most one filter are prepared once; of more combinations the first ones, which would
 * else fill the memory of the server's sessions.
 */
export async function selectListings<Row>(
  db: Executor,
  table: ListingTable,
  columns: Record<string, PgColumn>,
  conditions: Conditions,
  request: ListRequest,
): Promise<(Row & { organization: Owner })[]> {
  const shown = { ...columns, organization: owner };
  const rows = await preparedFor(db, request, "rows", (name) =>
    pageOf(db, table, conditions, request, shown).prepare(name),
  ).execute(valuesOf(request));
  return rows as unknown as (Row & { organization: Owner })[];
}

/** The rows of the same page, each with its mark, for a list whose pages are kept. */
export async function selectMarkedListings<Row>(
  db: Executor,
  table: ListingTable,
  columns: Record<string, PgColumn>,
  conditions: Conditions,
  request: ListRequest,
): Promise<(Row & { organization: Owner; mark: string })[]> {
  const shown = { ...columns, organization: owner, mark: markOf(table) };
  const rows = await preparedFor(db, request, "marked", (name) =>
    pageOf(db, table, conditions, request, shown).prepare(name),
  ).execute(valuesOf(request));
  return rows as unknown as (Row & { organization: Owner; mark: string })[];
}

/** What a page is made of: its rows in their order, each as it was last written. */
export const markOfRows = (rows: readonly { id: string; mark: string }[]): string =>
  rows.map(({ id, mark }) => `${id} ${mark}`).join(",");

/** The same of the page as it is now, by one value. */
export async function selectPageMark(
  db: Executor,
  table: ListingTable,
  conditions: Conditions,
  request: ListRequest,
): Promise<Marked | null> {
  const build = (name: string) => {
    const line = { line: sql`${table.id} || ' ' || ${markOf(table)}` };
    const page = pageOf(db, table, conditions, request, line);
    return db
      .select({ mark: sql<string>`array_to_string(array(${page}), ',')`, moment })
      .from(sql`(select) as one`)
      .prepare(name);
  };
  const [found] = await preparedFor(db, request, "mark", build).execute(valuesOf(request));
  return found ?? null;
}

/** One page, and one row more. */
function pageOf(
  db: Executor,
  table: ListingTable,
  conditions: Conditions,
  request: ListRequest,
  shown: Record<string, PgColumn | SQL | typeof owner>,
) {
  const { scope, order, after } = request;
  const position = sql`(${order.column}, ${table.id})`;
  const given = sql`(${sql.placeholder("key")}, ${sql.placeholder("id")})`;
  const where = [
    inScope(table, scope),
    ...request.conditions.map((c) => conditions[c.name]?.(sql.placeholder(c.name))),
    request.words && searchedIn(table, conditions, request),
    after && (order.descending ? sql`${position} < ${given}` : sql`${position} > ${given}`),
  ];
  return db
    .select(shown)
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(and(...where.filter((condition) => condition !== null)))
    .orderBy(orderBy(table, order))
    .limit(sql.placeholder("limit"));
}

const valuesOf = ({ conditions, after, limit }: ListRequest) => ({
  ...Object.fromEntries(conditions.map(({ name, value }) => [name, value])),
  ...after,
  limit: limit + 1,
});

/** A statement about a page, prepared as far as there are few combinations of filters. */
function preparedFor<T extends object>(
  db: Executor,
  { name, scope, after, words, conditions }: ListRequest,
  what: string,
  build: (name: string) => T,
): T {
  const names = conditions.map((condition) => condition.name);
  const filters = names.filter((n) => n !== "organization");
  // What a search looks for is part of its text.
  if (words) return build("");
  const key = [name, what, scope, after ? "next" : "first", ...names].join("_");
  return (filters.length > 1 ? preparedIfFew : prepared)(db, key, build);
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

/** Those of these listings that are in public view, whole, in no order. */
export async function selectPublished<T extends ListingTable>(
  db: Executor,
  table: T,
  ids: readonly string[],
): Promise<Found<RowOf<T>>[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({ ...columnsOf(table), organization: owner })
    .from<ListingTable>(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(and(inArray(table.id, [...ids]), inScope(table, "public")));
  return rows as Found<RowOf<T>>[];
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
