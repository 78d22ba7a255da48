/** The contract volume as it is read: whole and current for registries and the operator, in releases for everybody else. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { sumAmounts } from "../../lib/wire.ts";
import { addDays } from "../../lib/working-days.ts";
import { selectReleased } from "./releases.store.ts";
import type { ContractVolume, ContractVolumeQuery } from "./statistics.schema.ts";
import { sealedState } from "./statistics.service.ts";
import * as store from "./statistics.store.ts";
import { type Cell, type Figure, isSafe, keyOf, suppress } from "./statistics.suppression.ts";

/** Whether the caller has the full view; everybody else has the public one. */
const seesAll = (actor: Actor | null): boolean =>
  actor?.role === "registry" || actor?.role === "operator";

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

/** The refusal of what is not sealed yet, which says what is. */
const unsealed = ({ position, sealedThrough }: { position: number; sealedThrough: string }) =>
  new AppError("statistics.as_of_unsealed", {
    detail: {
      en: `It is sealed to position ${position}, through ${sealedThrough}.`,
      zh: `已封存至第 ${position} 位，截至 ${sealedThrough}。`,
    },
  });

/** The position that `asOf` names. */
async function positionOf(db: Executor, asOf: string): Promise<number> {
  const sealed = await sealedState(db);
  const named = /^position:(\d+)$/.exec(asOf)?.[1];
  if (named !== undefined) {
    if (Number(named) > sealed.position) throw unsealed(sealed);
    return Number(named);
  }
  // A day means its end, 24:00 in Asia/Shanghai.
  const instant = asOf.length === 10 ? `${asOf}T16:00:00.000Z` : asOf;
  if (instant > sealed.sealedThrough) throw unsealed(sealed);
  return store.positionAt(db, instant);
}

const yuan = (amount: string) => ({ amount, currency: "CNY" as const });

const isSummed = (name: string): name is store.Dimension => Object.hasOwn(store.dimensions, name);

/** The table that was asked for, from the running sums where they have it. */
async function select(
  db: Executor,
  query: ContractVolumeQuery,
  position: number | null,
): Promise<store.VolumeRow[]> {
  const { dateBasis, period, by } = query;
  const bounds = boundsOf(query);
  const [dimension = null] = by;
  const fits = dimension === null || isSummed(dimension);
  const isRegion = dimension === "sellerRegion" || dimension === "buyerRegion";
  const asKept = fits && !(isRegion && query.regionLevel !== "county");
  if (
    position === null &&
    by.length <= 1 &&
    !store.isFiltered(query) &&
    dateBasis !== "paid" &&
    asKept
  ) {
    const { floor } = await sealedState(db);
    return store.selectSummed(db, { ...bounds, basis: dateBasis, period, dimension, floor });
  }
  return store.selectVolume(db, { ...query, ...bounds, basis: dateBasis, position });
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
      releasedAt: null,
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
  const asked = { ...query, ...boundsOf(query), by: [], basis: "paid", period: "whole" } as const;
  const rows = await store.selectVolume(db, { ...asked, position });
  return totalOf(rows);
}

/** What anybody may ask: one dimension, year or quarter, nothing else. */
function assertPublic(query: ContractVolumeQuery): void {
  const { period, by, dateBasis, asOf, region } = query;
  const isBeyond = {
    period: period === "month",
    by:
      by.length > 1 ||
      by.includes("direction") ||
      // Types are sums of sub-types: shown beside each other, the one would tell what the other hides.
      by.includes("subtype"),
    regionLevel: query.regionLevel !== "county",
    dateBasis: dateBasis !== "registered",
    asOf: asOf !== undefined,
    region: region !== undefined,
    flow: query.flow !== "output",
    filters: store.isFiltered(query),
  };
  const beyond = Object.entries(isBeyond).flatMap(([name, is]) => (is ? [name] : []));
  if (beyond.length === 0) return;
  const detail = {
    en: `Beyond it is what was asked with: ${beyond.join(", ")}.`,
    zh: `以下参数超出公开统计的范围：${beyond.join("、")}。`,
  };
  throw new AppError("statistics.public_view", { detail });
}

/**
 * The public view: quarters that are over, as they were released, with what would tell of single firms hidden.
 * That is always decided on the whole table by quarter, so that the view by year shows nothing that the other
 * one hides, and asking for a shorter span shows no more.
 */
async function readPublicVolume(db: Executor, query: ContractVolumeQuery): Promise<ContractVolume> {
  assertPublic(query);
  // `assertPublic` let no computed dimension through.
  const [dimension = null] = query.by as store.Dimension[];
  const released = await selectReleased(db, dimension);
  const unsafe = released.filter((row) => !isSafe(row));
  const small = new Set(unsafe.map(({ period, value }) => keyOf(period, value)));
  const cells: Cell[] = released
    .filter((row) => row.period.includes("-") && row.dimension === (dimension ?? "all"))
    .map((row) => ({
      year: row.period.slice(0, 4),
      quarter: row.period,
      value: row.value,
      count: row.count,
      totalAmount: row.totalAmount,
      technologyAmount: row.technologyAmount,
    }));
  const moments = new Map<string, string>();
  for (const { period, releasedAt } of released) {
    for (const key of ["all", period.slice(0, 4), period]) {
      if (releasedAt && releasedAt > (moments.get(key) ?? "")) moments.set(key, releasedAt);
    }
  }
  const bounds = boundsOf(query);
  const [first, end] = [bounds.from?.slice(0, 7) ?? "", bounds.to?.slice(0, 7) ?? "9999"];
  const inSpan = (period: string) => {
    const month = period.length === 4 ? period : monthOf(period);
    return month >= first.slice(0, month.length) && month <= end.slice(0, month.length);
  };
  const shown = suppress(cells, query.period === "year" ? "year" : "quarter", small);
  const rows = shown.rows.filter((row) => inSpan(row.period));
  const isWhole = rows.length === shown.rows.length && shown.total !== null;
  return {
    ...headOf(query, "public"),
    asOf: { position: null, instant: moments.get("all") ?? null },
    rows: rows.map(({ period, value, figure }) => ({
      period,
      ...(dimension ? { [dimension]: value } : {}),
      ...hiddenOr(figure),
      releasedAt: moments.get(period) ?? null,
    })),
    // A total over a part of the table could be subtracted from another part's.
    total: hiddenOr(isWhole ? shown.total : null),
  };
}

/** The first month of a quarter: `2026-Q2` is `2026-04`. */
const monthOf = (quarter: string): string =>
  `${quarter.slice(0, 4)}-${String((Number(quarter.slice(-1)) - 1) * 3 + 1).padStart(2, "0")}`;

const hiddenOr = (figure: Figure | null) =>
  figure
    ? {
        count: figure.count,
        totalAmount: yuan(figure.totalAmount),
        technologyAmount: yuan(figure.technologyAmount),
        suppressed: false,
      }
    : { count: null, totalAmount: null, technologyAmount: null, suppressed: true };
