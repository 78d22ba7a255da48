import type { registrations, StoredFacts } from "../../../db/schema/registrations.ts";
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import { regionPrefix } from "../../lib/regions.ts";
import { compareAmounts, sumAmounts } from "../../lib/wire.ts";
import { addDays } from "../../lib/working-days.ts";
import type { ContractVolume, ContractVolumeQuery } from "./statistics.schema.ts";
import * as store from "./statistics.store.ts";
import { type Cell, suppress } from "./statistics.suppression.ts";

/** A registered contract as it is counted. */
export interface Counted {
  registrationId: string;
  officeOrganizationId: string;
  origin: "here" | "imported";
  registeredOn: string;
  facts: StoredFacts;
}

/** Money that arrived, as it is counted. */
interface Paid {
  id: string;
  paidOn: string;
  amount: string;
}

/** Size bands by total amount in yuan, lower bound inclusive (domain: report tables). */
export const sizeBands = [
  ["lt_10k", "0"],
  ["10k_100k", "10000"],
  ["100k_1m", "100000"],
  ["1m_10m", "1000000"],
  ["10m_100m", "10000000"],
  ["gte_100m", "100000000"],
] as const;

const sizeBandOf = (amount: string): string =>
  sizeBands.findLast(([, from]) => compareAmounts(amount, from) >= 0)?.[0] ?? "lt_10k";

/** GB/T 2260 of a party in mainland China, else its country. */
const placeOf = ({ regionCode, countryCode }: StoredFacts["seller"]): string =>
  countryCode === "CN" ? (regionCode ?? "") : countryCode;

function toEntry(auditRecordId: string, sign: 1 | -1, counted: Counted): store.VolumeEntry {
  const { facts, registrationId, officeOrganizationId, origin, registeredOn } = counted;
  return {
    id: newId(),
    auditRecordId,
    kind: "contract",
    sign,
    registrationId,
    officeOrganizationId,
    origin,
    registeredOn,
    signedOn: facts.signedOn,
    type: facts.type,
    subtype: facts.subtype,
    field: facts.fieldCode,
    intellectualProperty: facts.intellectualPropertyType,
    planSource: facts.planSourceCode,
    industry: facts.industryCode,
    sellerNature: facts.seller.natureCode,
    buyerNature: facts.buyer.natureCode,
    sellerRegion: placeOf(facts.seller),
    buyerRegion: placeOf(facts.buyer),
    sizeBand: sizeBandOf(facts.totalAmount),
    totalAmount: facts.totalAmount,
    technologyAmount: facts.technologyAmount,
  };
}

/**
 * Counts a registration, or takes it away again, with the change itself.
 * @param auditRecordId the record of the change: its place in the log is the moment of the correction
 */
export const recordVolume = (
  tx: Executor,
  auditRecordId: string,
  changes: readonly { sign: 1 | -1; counted: Counted }[],
): Promise<void> =>
  store.insertEntries(
    tx,
    changes.map(({ sign, counted }) => toEntry(auditRecordId, sign, counted)),
  );

/** Counts payments under a registered contract, or takes them away again. */
export const recordPayments = (
  tx: Executor,
  auditRecordId: string,
  sign: 1 | -1,
  counted: Counted,
  payments: readonly Paid[],
): Promise<void> =>
  store.insertEntries(
    tx,
    payments.map(({ id, paidOn, amount }) => ({
      ...toEntry(auditRecordId, sign, counted),
      kind: "payment" as const,
      paymentId: id,
      paidOn,
      totalAmount: amount,
      technologyAmount: "0.00",
    })),
  );

/** The same for one payment of a contract, if it is registered now; else its registration will count it. */
export async function recordPaymentOf(
  tx: Executor,
  auditRecordId: string,
  contractId: string,
  sign: 1 | -1,
  payment: Paid,
): Promise<void> {
  const registration = await store.selectRegistered(tx, contractId);
  if (!registration) return;
  await recordPayments(tx, auditRecordId, sign, countedOf(registration), [payment]);
}

/**
 * A registration as it is counted.
 * @throws Error for one that never was registered: a bug of the caller
 */
export function countedOf(row: typeof registrations.$inferSelect): Counted {
  if (!row.registeredOn) throw new Error("only what was registered is counted");
  const { id: registrationId, officeOrganizationId, origin, registeredOn, facts } = row;
  return { registrationId, officeOrganizationId, origin, registeredOn, facts };
}

/** Adds what was sealed at these positions of the log to the running sums. */
export async function sumSealed(tx: Executor, { from, to }: { from: number; to: number }) {
  await store.addToSums(tx, from, to);
}

/** How many of the running sums differ from what the sealed entries add up to; 0 when all is well. */
export async function countWrongSums(db: Executor): Promise<number> {
  return store.countWrongSums(db, (await sealedState(db)).position);
}

/** Whether the caller has the full view; everybody else has the public one. */
const seesAll = (actor: Actor | null): boolean =>
  actor?.role === "registry" || actor?.role === "operator";

/** The last day of the last whole quarter. */
function lastWholeQuarter(): string {
  const [year = 0, month = 1] = today().split("-").map(Number);
  const first = Math.floor((month - 1) / 3) * 3 + 1;
  return addDays(`${year}-${String(first).padStart(2, "0")}-01`, -1);
}

/** The first day of the period in which `day` lies, and the last. */
function periodBounds(period: ContractVolumeQuery["period"], day: string): [string, string] {
  const [year = 0, month = 1] = day.split("-").map(Number);
  const length = { year: 12, quarter: 3, month: 1 }[period];
  const start = Math.floor((month - 1) / length) * length;
  const first = (months: number) => new Date(Date.UTC(year, months, 1)).toISOString().slice(0, 10);
  return [first(start), addDays(first(start + length), -1)];
}

/** From and to, widened to whole periods: a period is shown whole or not at all. */
function boundsOf({ period, from, to }: ContractVolumeQuery) {
  return {
    from: from ? periodBounds(period, from)[0] : null,
    to: to ? periodBounds(period, to)[1] : null,
  };
}

/** The position that `asOf` names. */
async function positionOf(db: Executor, asOf: string): Promise<number> {
  const sealed = await sealedState(db);
  const named = /^position:(\d+)$/.exec(asOf)?.[1];
  if (named !== undefined) {
    if (Number(named) > sealed.position) throw new AppError("statistics.as_of_unsealed");
    return Number(named);
  }
  // A day means its end, 24:00 in Asia/Shanghai.
  const instant = asOf.length === 10 ? `${asOf}T16:00:00.000Z` : asOf;
  if (instant > sealed.sealedThrough) throw new AppError("statistics.as_of_unsealed");
  return store.positionAt(db, instant);
}

/** SQL that tells a region's level: a GB/T 2260 code cut to it, or the country abroad. */
const levelOf = (column: string, level: ContractVolumeQuery["regionLevel"]): string => {
  const digits = { province: 2, city: 4, county: 6 }[level];
  return `case when ${column} ~ '^[0-9]' then rpad(left(${column}, ${digits}), 6, '0') else ${column} end`;
};

const columnOf = { sellerRegion: "e.seller_region", buyerRegion: "e.buyer_region" } as const;

/** The dimensions asked for, as columns. */
function groupingsOf({ by, regionLevel, region, flow }: ContractVolumeQuery): store.Grouping[] {
  return by.map((name) => {
    if (name === "sellerRegion" || name === "buyerRegion") {
      return { name, expression: levelOf(columnOf[name], regionLevel) };
    }
    if (name !== "direction") return { name, expression: store.dimensions[name] };
    // Where the other side lies, seen from the region. The region was checked to be six digits.
    const other = flow === "absorption" ? columnOf.sellerRegion : columnOf.buyerRegion;
    const code = region ?? "";
    const expression = `case when ${other} !~ '^[0-9]' then 'abroad'
      when ${other} like '${regionPrefix(code)}%' then 'inside'
      when ${other} like '${code.slice(0, 2)}%' then 'inside_province' else 'outside_province' end`;
    return { name, expression };
  });
}

/** The filters asked for. */
function conditionsOf(query: ContractVolumeQuery): store.Condition[] {
  const equal = (expression: string, value: string | undefined): store.Condition[] =>
    value === undefined ? [] : [{ expression, operator: "=", value }];
  const within = (expression: string, prefix: string): store.Condition => ({
    expression,
    operator: "like",
    value: `${prefix}%`,
  });
  const { region, flow, fieldCode, industryCode } = query;
  const place = region ? regionPrefix(region) : "";
  return [
    ...(region && flow !== "absorption" ? [within(columnOf.sellerRegion, place)] : []),
    ...(region && flow !== "output" ? [within(columnOf.buyerRegion, place)] : []),
    ...equal("e.type", query.type),
    ...equal("e.subtype", query.subtype),
    ...(fieldCode ? [within("e.field", fieldCode)] : []),
    ...(industryCode ? [within("e.industry", industryCode)] : []),
    ...equal("e.intellectual_property", query.intellectualPropertyType),
    ...equal("e.plan_source", query.planSourceCode),
    ...equal("e.seller_nature", query.sellerNature),
    ...equal("e.buyer_nature", query.buyerNature),
    ...equal("e.size_band", query.sizeBand),
    ...equal("e.origin", query.origin),
  ];
}

const yuan = (amount: string) => ({ amount, currency: "CNY" as const });

const isSummed = (name: string): name is store.Dimension => Object.hasOwn(store.dimensions, name);

/** How far the log is sealed; the row is there since the migration. */
async function sealedState(db: Executor) {
  const sealed = await store.selectSealed(db);
  if (!sealed) throw new Error("the sealer has its row since the migration");
  return sealed;
}

/** The table that was asked for, from the running sums where they have it. */
async function select(
  db: Executor,
  query: ContractVolumeQuery,
  position: number | null,
): Promise<store.VolumeRow[]> {
  const { dateBasis, period, by } = query;
  const bounds = boundsOf(query);
  const conditions = conditionsOf(query);
  const [dimension = null] = by;
  const fits = dimension === null || isSummed(dimension);
  const isRegion = dimension === "sellerRegion" || dimension === "buyerRegion";
  const asKept = fits && !(isRegion && query.regionLevel !== "county");
  if (
    position === null &&
    by.length <= 1 &&
    conditions.length === 0 &&
    dateBasis !== "paid" &&
    asKept
  ) {
    const { floor } = await sealedState(db);
    return store.selectSummed(db, { ...bounds, basis: dateBasis, period, dimension, floor });
  }
  return store.selectVolume(db, {
    ...bounds,
    basis: dateBasis,
    period,
    groupings: groupingsOf(query),
    conditions,
    position,
  });
}

/**
 * Registered contracts by period and any dimensions, in yuan.
 * @throws AppError `statistics.public_view` (403) for what only registries and the operator may ask,
 *   `statistics.as_of_unsealed` (400)
 */
export async function readContractVolume(
  db: Executor,
  actor: Actor | null,
  query: ContractVolumeQuery,
): Promise<ContractVolume> {
  if (!seesAll(actor)) return readPublicVolume(db, query);
  const position = query.asOf ? await positionOf(db, query.asOf) : null;
  const rows = await select(db, query, position);
  // A contract that was paid in two periods is one contract: the total is asked for, not added up.
  const whole = query.dateBasis === "paid" ? await totalPaid(db, query, position) : totalOf(rows);
  const now = position ?? (await sealedState(db)).position;
  return {
    ...headOf(query, "full"),
    asOf: { position: now, instant: instantOf(query.asOf) },
    rows: rows.map((row) => ({
      period: row.period,
      ...row.values,
      ...figureOf(query, row),
      suppressed: false,
    })),
    total: { ...figureOf(query, whole), suppressed: false },
  };
}

const instantOf = (asOf: string | undefined): string | null => {
  if (asOf === undefined) return nowInstant();
  if (asOf.startsWith("position:")) return null;
  return asOf.length === 10 ? `${asOf}T16:00:00.000Z` : asOf;
};

const headOf = (query: ContractVolumeQuery, view: "full" | "public") => ({
  dateBasis: query.dateBasis,
  period: query.period,
  by: query.by,
  view,
  timeZone: "Asia/Shanghai" as const,
  currency: "CNY" as const,
});

const figureOf = (
  { dateBasis }: ContractVolumeQuery,
  row: Pick<store.VolumeRow, "count" | "totalAmount" | "technologyAmount">,
) => ({
  count: row.count,
  totalAmount: yuan(row.totalAmount),
  // What was paid is not split into technology and the rest.
  technologyAmount: dateBasis === "paid" ? null : yuan(row.technologyAmount),
});

const totalOf = (rows: readonly store.VolumeRow[]) => ({
  count: rows.reduce((sum, row) => sum + row.count, 0),
  totalAmount: sumAmounts(rows.map((row) => row.totalAmount)),
  technologyAmount: sumAmounts(rows.map((row) => row.technologyAmount)),
});

/** Contracts that were paid anything in the whole span, each once. */
async function totalPaid(db: Executor, query: ContractVolumeQuery, position: number | null) {
  const rows = await store.selectVolume(db, {
    ...boundsOf(query),
    basis: "paid",
    period: "whole",
    groupings: [],
    conditions: conditionsOf(query),
    position,
  });
  return totalOf(rows);
}

/** What anybody may ask: one dimension, year or quarter, nothing else. */
function assertPublic(query: ContractVolumeQuery): void {
  const { period, by, dateBasis, asOf, region } = query;
  const isPlain =
    period !== "month" &&
    by.length <= 1 &&
    !by.includes("direction") &&
    // Types are sums of sub-types: shown beside each other, the one would tell what the other hides.
    !by.includes("subtype") &&
    query.regionLevel === "county" &&
    dateBasis === "registered" &&
    asOf === undefined &&
    region === undefined &&
    query.flow === "output" &&
    conditionsOf(query).length === 0;
  if (!isPlain) throw new AppError("statistics.public_view");
}

/**
 * The public view: whole quarters that are over, small cells hidden. What is hidden is always decided on
 * the table by quarter, so that the view by year shows nothing that the other one hides.
 */
async function readPublicVolume(db: Executor, query: ContractVolumeQuery): Promise<ContractVolume> {
  assertPublic(query);
  const last = lastWholeQuarter();
  const [dimension = null] = query.by;
  // Small cells are told by all quarters there are, whatever span was asked for: asking for less must
  // not show more.
  const { floor } = await sealedState(db);
  const all = await store.selectSummed(db, {
    floor,
    basis: "registered",
    period: "quarter",
    from: null,
    to: last,
    // `assertPublic` let no computed dimension through.
    dimension: dimension as store.Dimension | null,
  });
  const cells: Cell[] = all.map((row) => ({
    year: row.period.slice(0, 4),
    quarter: row.period,
    value: dimension ? (row.values[dimension] ?? "") : "all",
    count: row.count,
    totalAmount: row.totalAmount,
    technologyAmount: row.technologyAmount,
  }));
  const bounds = boundsOf(query);
  const [first, end] = [bounds.from?.slice(0, 7) ?? "", bounds.to?.slice(0, 7) ?? "9999"];
  const inSpan = (period: string) => {
    const month = period.length === 4 ? period : monthOf(period);
    return month >= first.slice(0, month.length) && month <= end.slice(0, month.length);
  };
  const shown = suppress(cells, query.period === "year" ? "year" : "quarter");
  const rows = shown.rows.filter((row) => inSpan(row.period));
  const isWhole = rows.length === shown.rows.length && shown.total !== null;
  return {
    ...headOf(query, "public"),
    asOf: { position: null, instant: nowInstant() },
    rows: rows.map(({ period, value, figure }) => ({
      period,
      ...(dimension ? { [dimension]: value } : {}),
      ...hiddenOr(figure),
    })),
    // A total over a part of the table could be subtracted from another part's.
    total: hiddenOr(isWhole ? shown.total : null),
  };
}

/** The first month of a quarter: `2026-Q2` is `2026-04`. */
const monthOf = (quarter: string): string =>
  `${quarter.slice(0, 4)}-${String((Number(quarter.slice(-1)) - 1) * 3 + 1).padStart(2, "0")}`;

const hiddenOr = (figure: Pick<Cell, "count" | "totalAmount" | "technologyAmount"> | null) =>
  figure
    ? {
        count: figure.count,
        totalAmount: yuan(figure.totalAmount),
        technologyAmount: yuan(figure.technologyAmount),
        suppressed: false,
      }
    : { count: null, totalAmount: null, technologyAmount: null, suppressed: true };
