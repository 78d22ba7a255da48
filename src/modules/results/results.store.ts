import { and, eq, sql } from "drizzle-orm";
import type { ListingTable } from "../../../db/schema/listings.ts";
import { results } from "../../../db/schema/results.ts";
import type { Executor } from "../../database/connect.ts";
import {
  type Condition,
  type Conditions,
  countListings,
  type ListRequest,
  type Order,
  type Owner,
  selectListings,
  sharedConditions,
  sortKeys,
} from "../listings/listings.store.ts";
import type { ListResultsQuery, Result } from "./results.schema.ts";

// It has all the columns of a listing, and more.
const listingTable = results as unknown as ListingTable;

const summaryColumns = {
  id: results.id,
  reference: results.reference,
  status: results.status,
  title: results.title,
  summary: results.summary,
  tags: results.tags,
  fieldCode: results.fieldCode,
  industryCode: results.industryCode,
  regionCode: results.regionCode,
  cooperationModes: results.cooperationModes,
  resultType: results.resultType,
  maturity: results.maturity,
  priceKind: results.priceKind,
  priceMin: results.priceMin,
  priceMax: results.priceMax,
  completeness: results.completeness,
  publishedAt: results.publishedAt,
  validUntil: results.validUntil,
  createdAt: results.createdAt,
  updatedAt: results.updatedAt,
};

type SummaryRow = Pick<typeof results.$inferSelect, keyof typeof summaryColumns> & {
  organization: Owner;
};

const conditions: Conditions = {
  ...sharedConditions(listingTable),
  resultType: (value) => sql`${results.resultType} = ${value}`,
  sampleStatus: (value) => sql`${results.sampleStatus} = ${value}`,
  ipType: (value) => sql`${results.intellectualPropertyTypes} @> array[${value}]::text[]`,
  priceKind: (value) => sql`${results.priceKind} = ${value}`,
  maturity: (value) => sql`${results.maturity} = ${value}`,
  maturityFrom: (value) => sql`${results.maturity} >= ${value}`,
  maturityTo: (value) => sql`${results.maturity} <= ${value}`,
  priceTo: (value) => sql`${results.priceMin} <= ${value}`,
};

/** The filters that only results have, as conditions by name. */
export function conditionsOf(query: ListResultsQuery): Condition[] {
  const values: Record<string, unknown> = {
    // In public everything is published; the literal in the scope serves the partial indexes.
    status: query.scope === "public" ? undefined : query.status,
    resultType: query.resultType,
    sampleStatus: query.sampleStatus,
    ipType: query.intellectualPropertyType,
    priceKind: query.priceKind,
    maturity: query.maturity,
    maturityFrom: query["maturity[gte]"],
    maturityTo: query["maturity[lte]"],
    priceTo: query["price[lte]"],
  };
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, value }));
}

type Sort = NonNullable<ListResultsQuery["sort"]>;

const orders: Record<Sort, Order> = {
  "-publishedAt": { column: results.publishedAt, key: "instant", descending: true },
  publishedAt: { column: results.publishedAt, key: "instant", descending: false },
  "-maturity": { column: results.maturity, key: "level", descending: true },
  validUntil: { column: results.validUntil, key: "date", descending: false },
  "-updatedAt": { column: results.updatedAt, key: "instant", descending: true },
  "-createdAt": { column: results.createdAt, key: "instant", descending: true },
};

/** What the sort key in a cursor of this order must be. */
export const cursorKey = (sort: Sort) => sortKeys[orders[sort].key];

/** The value that a row is sorted by, as a cursor carries it. */
export function sortKey(sort: Sort, row: SummaryRow): string {
  return String(
    row[
      sort.replace("-", "") as "publishedAt" | "maturity" | "validUntil" | "updatedAt" | "createdAt"
    ],
  );
}

export const selectResults = (
  db: Executor,
  sort: Sort,
  request: Omit<ListRequest, "name" | "order">,
) =>
  selectListings<SummaryRow>(db, listingTable, summaryColumns, conditions, {
    ...request,
    name: `results_${sort}`,
    order: orders[sort],
  });

export const countResults = (db: Executor, request: Pick<ListRequest, "scope" | "conditions">) =>
  countListings(db, listingTable, conditions, request);

/** A row of a list on the wire. */
export const toSummary = (row: SummaryRow, price: Result["price"]) => ({ ...row, price });

/** The results that a contract transferred, locked. */
export const lockTransferredBy = (tx: Executor, contractId: string) =>
  tx
    .select()
    .from(results)
    .where(and(eq(results.transferredContractId, contractId), eq(results.status, "transferred")))
    .orderBy(results.id)
    .for("update");
