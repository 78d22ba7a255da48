/** Lists of results and needs: filtered, searched, sorted, paged. Each feature gives its part as a `ListingList`. */
import type { PgColumn } from "drizzle-orm/pg-core";
import { z } from "zod";
import type { ListingTable } from "../../../db/schema/listings.ts";
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import type { OpenReply } from "../../lib/http.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import type { Gap } from "./listings.schema.ts";
import { columnsOf, type Owner } from "./listings.store.ts";
import type { ListingTexts } from "./listings.texts.ts";
import * as store from "./lists.store.ts";
import type { Facets, SearchMatch, Understood } from "./search.schema.ts";
import {
  highlightsOf,
  nearWords,
  type Search,
  toUnderstood,
  understand,
} from "./search.service.ts";
import * as search from "./search.store.ts";

/** What a feature tells of its lists. */
export interface ListingList<Row> {
  noun: "result" | "need";
  table: ListingTable;
  /** What a row of a list shows. */
  columns: Record<string, PgColumn>;
  /** What else is read of it to show where the words of a search stand. */
  wordColumns: Record<string, PgColumn>;
  textsOf: (row: Row) => ListingTexts;
  /** What a whole row lacks. */
  gapsOf: (row: never) => Gap[];
  conditions: store.Conditions;
  orders: Record<string, store.Order>;
  facetColumns: (scope: store.ListRequest["scope"]) => search.FacetColumns;
}

interface ListQuery {
  scope: store.ListRequest["scope"];
  q?: string | undefined;
  sort?: string | undefined;
  regionCode?: string | undefined;
  limit: number;
  cursor?: string | undefined;
  include?: ("total" | "facets" | "gaps")[] | undefined;
  expand?: readonly string[] | undefined;
}

export interface SearchPage<T> extends Page<T> {
  facets?: Facets;
  understood?: Understood;
  /** What comes nearest, when nothing was found. */
  nearest?: T[];
}

/** Other names of orders. */
const byAnotherName: Record<string, string> = { newest: "-publishedAt" };

function sortOf(query: ListQuery): string {
  if (query.sort) return byAnotherName[query.sort] ?? query.sort;
  if (query.q !== undefined) return "relevance";
  return query.scope === "public" ? "-publishedAt" : "-updatedAt";
}

/** A relevance cursor's key: version of the term statistics, and score. */
const relevanceKey = z.string().regex(/^\d{1,15}\.\d{1,15}$/);

/**
 * Where a page of a ranked list begins.
 * @throws AppError `cursor.expired` (400) when scores are no longer those of the cursor
 */
function positionOf(list: string, query: ListQuery, { version }: Search) {
  const after = readCursor(list, query, relevanceKey);
  if (!after) return null;
  const [of, key = ""] = after.key.split(".");
  if (Number(of) !== version) throw new AppError("cursor.expired");
  return { key, id: after.id };
}

/** Tells lists apart for their cursors. */
const nameOf = (of: { noun: string }, actor: Actor | null, scope: string, sort: string) =>
  `${of.noun}s ${scope} ${scope === "own" ? actor?.organizationId : ""} ${sort}`;

/** What is read of a list in an order of its own. */
function pageRequest<Row>(
  of: ListingList<Row>,
  list: string,
  query: ListQuery,
  sort: string,
  conditions: readonly store.Condition[],
): store.ListRequest {
  const order = (query.scope === "own" && store.ownOrders(of.table)[sort]) || of.orders[sort];
  if (!order) throw new Error(`no order ${sort}`);
  const name = `${of.noun}s_${sort}${withGaps(query) ? "_gaps" : ""}`;
  const after = readCursor(list, query, store.sortKeys[order.key]);
  return { name, scope: query.scope, order, conditions, after, limit: query.limit };
}

/** The column that a list is sorted by is one of those that it shows; a last day may be none. */
const keyIn = (sort: string) => (row: object) =>
  String((row as Record<string, unknown>)[sort.replace("-", "")] ?? "infinity");

const withGaps = ({ include }: Pick<ListQuery, "include">): boolean =>
  include?.includes("gaps") ?? false;

/** Whether a page is nothing but its rows: a search and a count depend on more. */
export const isPlain = ({ scope, q, include, expand }: ListQuery): boolean =>
  scope === "public" && q === undefined && include === undefined && expand === undefined;

/** One plain page of the public list, as it is kept: with a mark of its rows, and how to find out that alone. */
export function openPage<Row extends { id: string }, Item extends object>(
  db: Executor,
  of: ListingList<Row>,
  query: ListQuery,
  conditions: readonly store.Condition[],
  toItem: (row: Row & { organization: Owner }) => Item,
): OpenReply<Page<Item>> {
  const sort = sortOf(query);
  const list = nameOf(of, null, query.scope, sort);
  const request = pageRequest(of, list, query, sort, conditions);
  return {
    markOf: () => store.selectPageMark(db, of.table, of.conditions, request),
    make: async () => {
      const rows = await store.selectMarkedListings<Row>(
        db,
        of.table,
        of.columns,
        of.conditions,
        request,
      );
      const body = toPage(list, query, rows, keyIn(sort), toItem);
      return { mark: store.markOfRows(rows), body };
    },
  };
}

/** Counting what a search finds reads ten thousand listings. */
const totalsForMembers = {
  en: "How many listings a search finds in all is told to those who are signed in; `facets` tells `matches`.",
  zh: "检索结果总数仅向已登录用户提供；分面统计中的 matches 可供参考。",
};

/** What callers in the code choose of a list. */
export interface ListOptions {
  /** False: when nothing is found, what comes nearest is not looked for. */
  nearest?: boolean;
}

/** One page of a list. */
export async function listListings<Row extends { id: string }, Item extends object>(
  db: Executor,
  actor: Actor | null,
  plain: ListingList<Row>,
  query: ListQuery,
  conditions: readonly store.Condition[],
  toListed: (row: Row & { organization: Owner }) => Item,
  { nearest = true }: ListOptions = {},
): Promise<SearchPage<Item & { match?: SearchMatch; gaps?: Gap[] }>> {
  // What a row lacks takes the whole of it to tell.
  const of = withGaps(query)
    ? { ...plain, columns: { ...columnsOf(plain.table), ...plain.columns } }
    : plain;
  const toItem = (row: Row & { organization: Owner }): Item & { gaps?: Gap[] } => ({
    ...toListed(row),
    ...(withGaps(query) && { gaps: of.gapsOf(row as never) }),
  });
  const { scope, limit } = query;
  const sort = sortOf(query);
  const list = nameOf(of, actor, scope, sort);
  if (query.q !== undefined && !actor && query.include?.includes("total")) {
    throw new AppError("auth.required", { detail: totalsForMembers });
  }
  const searched = query.q === undefined ? null : await understand(db, actor, query.q);
  const words = searched?.words ?? [];
  // Nothing but punctuation finds nothing.
  if (searched && words.length === 0) return nothing(query, searched);

  const where = store.whereOf(of.table, of.conditions, { scope, conditions }, searched !== null);
  const request: search.SearchRequest = {
    table: of.table,
    facetColumns: of.facetColumns(scope),
    where,
    words,
    withFacets: query.include?.includes("facets") ?? false,
    everywhere: scope !== "public",
    byCounty: /^\d{4}00$/.test(query.regionCode ?? "") && !query.regionCode?.endsWith("0000"),
    after: null,
    limit,
  };

  let page: SearchPage<Item & { match?: SearchMatch }>;
  let counted: Pick<search.Ranked, "matches" | "facets"> | null = null;
  if (searched && sort === "relevance") {
    const ranked = await search.selectRanked(db, {
      ...request,
      after: positionOf(list, query, searched),
    });
    counted = ranked;
    const columns = { ...of.columns, ...of.wordColumns };
    const ids = ranked.page.map(({ id }) => id);
    const rows = await store.selectListingsOf<Row>(db, of.table, columns, where, ids);
    const byId = new Map(rows.map((row) => [row.id, row]));
    const full = search.fullScore(words);
    const ranking = toPage(
      list,
      query,
      ranked.page,
      ({ score }) => `${searched.version}.${score}`,
      ({ id, score }) => {
        const row = byId.get(id);
        // Whatever left the list between the two looks is left out; the page ends where it ended.
        if (!row) return [];
        const match = matchOf(of, words, row, Math.round((score / full) * 10_000) / 10_000);
        return [{ ...toItem(row), match }];
      },
    );
    page = { ...ranking, data: ranking.data.flat() };
  } else {
    const plain = pageRequest(of, list, query, sort, conditions);
    const common = searched
      ? await search.isCommon(db, of.table, where, words, request.everywhere)
      : false;
    const rows = await store.selectListings<Row>(
      db,
      of.table,
      searched ? { ...of.columns, ...of.wordColumns } : of.columns,
      of.conditions,
      { ...plain, words: searched ? { words, common } : null },
    );
    page = toPage(list, query, rows, keyIn(sort), (row) =>
      searched ? { ...toItem(row), match: matchOf(of, words, row, null) } : toItem(row),
    );
    if (request.withFacets) {
      counted = searched
        ? await search.selectRanked(db, request)
        : await search.selectFacets(db, request, store.orderBy(of.table, plain.order));
    }
  }

  if (request.withFacets && counted) page.facets = facetsOf(counted, request.everywhere);
  if (query.include?.includes("total")) {
    page.total = totalOf(
      await store.countListings(db, of.table, of.conditions, words, { scope, conditions }),
    );
  }
  if (searched) {
    const isEmpty = page.data.length === 0 && query.cursor === undefined;
    const counts = isEmpty
      ? await search.countWords(db, of.table, where, words, request.everywhere)
      : undefined;
    page.understood = toUnderstood(searched, counts);
    if (counts && nearest) page.nearest = await findNearest(db, of, request, counts, toItem);
  }
  return page;
}

/** What has some of the words of a search that found nothing, within its filters. */
async function findNearest<Row extends { id: string }, Item extends object>(
  db: Executor,
  of: ListingList<Row>,
  { table, where, words, everywhere }: search.SearchRequest,
  counts: readonly number[],
  toItem: (row: Row & { organization: Owner }) => Item,
): Promise<(Item & { match: SearchMatch })[]> {
  const near = nearWords(words, counts);
  const ids = await search.selectNearest(db, table, where, near, everywhere);
  const columns = { ...of.columns, ...of.wordColumns };
  const rows = await store.selectListingsOf<Row>(db, table, columns, where, ids);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    return row ? [{ ...toItem(row), match: matchOf(of, near, row, null) }] : [];
  });
}

const matchOf = <Row>(
  of: ListingList<Row>,
  words: readonly search.SearchWord[],
  row: Row,
  score: number | null,
): SearchMatch => ({ score, highlights: highlightsOf(words, of.textsOf(row)) });

const facetNames = [
  "fieldCode",
  "industryCode",
  "regionCode",
  "maturity",
  "cooperationMode",
  "moneyBand",
] as const;

function facetsOf(
  { matches, facets }: Pick<search.Ranked, "matches" | "facets">,
  withStatus: boolean,
): Facets {
  const [fieldCode, industryCode, regionCode, maturity, cooperationMode, moneyBand] =
    facetNames.map((name) => facets?.[name] ?? []);
  const counts = { fieldCode, industryCode, regionCode, maturity, cooperationMode, moneyBand };
  return {
    matches: Math.min(matches, search.depth),
    approximate: matches > search.depth,
    // One for each name.
    ...(counts as Record<(typeof facetNames)[number], Facets["fieldCode"]>),
    ...(withStatus ? { status: facets?.status ?? [] } : {}),
  };
}

function nothing(query: ListQuery, searched: Search): SearchPage<never> {
  const none = { matches: 0, facets: null };
  return {
    data: [],
    page: { hasMore: false },
    ...(query.include?.includes("total") ? { total: { exact: 0 } } : {}),
    ...(query.include?.includes("facets")
      ? { facets: facetsOf(none, query.scope !== "public") }
      : {}),
    understood: toUnderstood(searched),
  };
}
