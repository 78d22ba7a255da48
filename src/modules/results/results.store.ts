import { and, eq, sql } from "drizzle-orm";
import { results } from "../../../db/schema/results.ts";
import type { Actor } from "../../lib/access.ts";
import type { Owner } from "../listings/listings.store.ts";
import { ownIdOf } from "../listings/listings.view.ts";
import type { ListingList } from "../listings/lists.service.ts";
import {
  type Condition,
  type Conditions,
  type Order,
  sharedConditions,
} from "../listings/lists.store.ts";
import { gapsOf } from "./results.completeness.ts";
import type { ListResultsQuery, Result } from "./results.schema.ts";
import { type ResultWords, textsOf } from "./results.texts.ts";

const summaryColumns = {
  id: results.id,
  reference: results.reference,
  organizationId: results.organizationId,
  externalId: results.externalId,
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
  version: results.version,
  createdAt: results.createdAt,
  updatedAt: results.updatedAt,
};

export type SummaryRow = Pick<typeof results.$inferSelect, keyof typeof summaryColumns> & {
  organization: Owner;
};

const negotiable = sql`${results.priceKind} = 'negotiable'`;

const conditions: Conditions = {
  ...sharedConditions(results, results.priceMin, negotiable),
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

const orders: Record<string, Order> = {
  "-publishedAt": { column: results.publishedAt, key: "instant", descending: true },
  publishedAt: { column: results.publishedAt, key: "instant", descending: false },
  "-maturity": { column: results.maturity, key: "level", descending: true },
  validUntil: { column: results.validUntil, key: "date", descending: false },
  "-updatedAt": { column: results.updatedAt, key: "instant", descending: true },
  updatedAt: { column: results.updatedAt, key: "instant", descending: false },
  "-createdAt": { column: results.createdAt, key: "instant", descending: true },
};

/** The list of results. */
export const resultList: ListingList<SummaryRow & ResultWords> = {
  noun: "result",
  table: results,
  columns: summaryColumns,
  wordColumns: {
    keywords: results.keywords,
    description: results.description,
    applicationField: results.applicationField,
    technicalIndicators: results.technicalIndicators,
    advantages: results.advantages,
    benefits: results.benefits,
  },
  textsOf,
  gapsOf,
  conditions,
  orders,
  facetColumns: () => ({
    maturity: sql`${results.maturity}`,
    amount: sql`${results.priceMin}`,
    negotiable,
    region: sql`${results.regionCode}`,
  }),
};

/** A row of a list on the wire. */
export const toSummary = (row: SummaryRow, price: Result["price"], actor: Actor | null) => ({
  ...row,
  externalId: ownIdOf(row, actor),
  price,
});

/** Those that a contract transferred. */
export const transferredBy = (contractId: string) =>
  and(eq(results.transferredContractId, contractId), eq(results.status, "transferred"));
