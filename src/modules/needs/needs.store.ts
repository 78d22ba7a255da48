import { and, eq, inArray, isNull, or, sql } from "drizzle-orm";
import { contractParties, contracts } from "../../../db/schema/contracts.ts";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import type { Owner } from "../listings/listings.store.ts";
import type { ListingList } from "../listings/lists.service.ts";
import {
  type Condition,
  type Conditions,
  type ListRequest,
  type Order,
  sharedConditions,
} from "../listings/lists.store.ts";
import { gapsOf } from "./needs.completeness.ts";
import type { ListNeedsQuery } from "./needs.schema.ts";
import { type NeedWords, textsOf } from "./needs.texts.ts";

/** What would give an organization away in a text. */
export const selectOwnerTraces = async (tx: Executor, organizationId: string) =>
  (
    await tx
      .select({
        name: organizations.name,
        shortName: organizations.shortName,
        creditCode: organizations.creditCode,
      })
      .from(organizations)
      .where(eq(organizations.id, organizationId))
  )[0];

const summaryColumns = {
  id: needs.id,
  reference: needs.reference,
  organizationId: needs.organizationId,
  externalId: needs.externalId,
  status: needs.status,
  title: needs.title,
  summary: needs.summary,
  tags: needs.tags,
  fieldCode: needs.fieldCode,
  industryCode: needs.industryCode,
  regionCode: needs.regionCode,
  cooperationModes: needs.cooperationModes,
  needType: needs.needType,
  urgency: needs.urgency,
  budgetMin: needs.budgetMin,
  budgetMax: needs.budgetMax,
  budgetNegotiable: needs.budgetNegotiable,
  deadline: needs.deadline,
  anonymous: needs.anonymous,
  alias: needs.alias,
  completeness: needs.completeness,
  publishedAt: needs.publishedAt,
  validUntil: needs.validUntil,
  version: needs.version,
  createdAt: needs.createdAt,
  updatedAt: needs.updatedAt,
};

export type SummaryRow = Pick<typeof needs.$inferSelect, keyof typeof summaryColumns> & {
  organization: Owner;
};

const conditions: Conditions = {
  ...sharedConditions(needs, needs.budgetMax, sql`${needs.budgetNegotiable}`),
  named: () => sql`not ${needs.anonymous}`,
  needType: (value) => sql`${needs.needType} = ${value}`,
  urgency: (value) => sql`${needs.urgency} = ${value}`,
  maturityTo: (value) => sql`${needs.minimumMaturity} <= ${value}`,
  budgetFrom: (value) => sql`${needs.budgetMax} >= ${value}`,
  deadlineFrom: (value) => sql`${needs.deadline} >= ${value}`,
  deadlineTo: (value) => sql`${needs.deadline} <= ${value}`,
};

/** The filters that only needs have, as conditions by name. */
export function conditionsOf(query: ListNeedsQuery): Condition[] {
  const values: Record<string, unknown> = {
    // In public everything is published; the literal in the scope serves the partial indexes.
    status: query.scope === "public" ? undefined : query.status,
    needType: query.needType,
    urgency: query.urgency,
    maturityTo: query["minimumMaturity[lte]"],
    budgetFrom: query["budget[gte]"],
    deadlineFrom: query["deadline[gte]"],
    deadlineTo: query["deadline[lte]"],
  };
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, value }));
}

/**
 * In public, the filters that would tell who or where the owner of an anonymous need is find no such need:
 * its organization, and its county. Places that a province governs directly are cities.
 */
export function withoutAnonymous(scope: ListRequest["scope"], shared: Condition[]): Condition[] {
  const tells = ({ name, value }: Condition) =>
    name === "organization" || (name === "region" && String(value).slice(2, 4) !== "90");
  if (scope !== "public" || !shared.some(tells)) return shared;
  return [...shared, { name: "named", value: true }];
}

const orders: Record<string, Order> = {
  "-publishedAt": { column: needs.publishedAt, key: "instant", descending: true },
  publishedAt: { column: needs.publishedAt, key: "instant", descending: false },
  deadline: { column: needs.deadline, key: "date", descending: false },
  validUntil: { column: needs.validUntil, key: "date", descending: false },
  "-updatedAt": { column: needs.updatedAt, key: "instant", descending: true },
  updatedAt: { column: needs.updatedAt, key: "instant", descending: false },
  "-createdAt": { column: needs.createdAt, key: "instant", descending: true },
};

/** The list of needs. In public, an anonymous one lies in its city. */
export const needList: ListingList<SummaryRow & NeedWords> = {
  noun: "need",
  table: needs,
  columns: summaryColumns,
  wordColumns: {
    keywords: needs.keywords,
    background: needs.background,
    bottleneck: needs.bottleneck,
    existingBase: needs.existingBase,
    solverRequirements: needs.solverRequirements,
    targetIndicators: needs.targetIndicators,
  },
  textsOf,
  gapsOf,
  conditions,
  orders,
  facetColumns: (scope) => ({
    maturity: sql`${needs.minimumMaturity}`,
    amount: sql`${needs.budgetMax}`,
    negotiable: sql`${needs.budgetNegotiable}`,
    region:
      scope === "public"
        ? sql`case when ${needs.anonymous} and substr(${needs.regionCode}, 3, 2) <> '90' then ${needs.cityCode} || '00' else ${needs.regionCode} end`
        : sql`${needs.regionCode}`,
  }),
};

/** Whether a contract in force, of which this owner is a party, may be said to have solved the need. */
export async function isSolvingContract(
  db: Executor,
  contractId: string,
  needId: string,
  ownerId: string,
): Promise<boolean> {
  const found = await db
    .select({ id: contracts.id })
    .from(contracts)
    .innerJoin(contractParties, eq(contractParties.contractId, contracts.id))
    .where(
      and(
        eq(contracts.id, contractId),
        eq(contractParties.organizationId, ownerId),
        inArray(contracts.status, ["effective", "filed", "registered"]),
        or(isNull(contracts.needId), eq(contracts.needId, needId)),
      ),
    );
  return found.length > 0;
}

/** Which of these needs are anonymous. */
export async function selectAnonymous(
  db: Executor,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .select({ id: needs.id })
    .from(needs)
    .where(and(inArray(needs.id, [...ids]), eq(needs.anonymous, true)));
  return new Set(rows.map(({ id }) => id));
}

/** Those that a contract solved. */
export const solvedBy = (contractId: string) =>
  and(eq(needs.solvedContractId, contractId), eq(needs.status, "solved"));
