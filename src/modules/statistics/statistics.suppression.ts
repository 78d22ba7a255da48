/**
 * What of a public table is hidden, so that nobody reads a single firm's contract out of it.
 *
 * A cell of one or two contracts is hidden, and with it so many others that no line's total gives a
 * hidden cell away. Lines are, for each value and
 * year, the quarters with the year; for each quarter and each year, the values with their total; the
 * quarters' totals with their year's; the years' totals with the grand total. Views by quarter, by year
 * and without a dimension show parts of this one table, so it is decided as a whole, whichever is asked
 * for: first the totals, which are the same for every dimension, then the dimension's cells, which
 * leave the totals as they are. What can be reckoned from open totals alone, such as a cell that is alone
 * in its row, is open itself and cannot hide another.
 */
import { sumAmounts } from "../../lib/wire.ts";

/** Fewest contracts that a shown cell holds. */
const least = 3;

export interface Figure {
  count: number;
  totalAmount: string;
  technologyAmount: string;
}

/** One quarter of one value. There is none for zero contracts. */
export interface Cell extends Figure {
  year: string;
  quarter: string;
  value: string;
}

/** A cell, a year's sum or a total, with whether it is hidden. */
interface Member {
  figure: Figure;
  hidden: boolean;
}

/** Members of which the last is the sum of the others. */
type Line = readonly Member[];

const sum = (figures: readonly Figure[]): Figure => ({
  count: figures.reduce((total, { count }) => total + count, 0),
  totalAmount: sumAmounts(figures.map(({ totalAmount }) => totalAmount)),
  technologyAmount: sumAmounts(figures.map(({ technologyAmount }) => technologyAmount)),
});

const member = (figure: Figure): Member => ({
  figure,
  hidden: figure.count > 0 && figure.count < least,
});

/** Members by a key, in the order in which the keys first come. */
function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item]);
  return found;
}

/**
 * Whether a line gives away what it hides: a hidden total of open parts, a single hidden part beside an
 * open total, or hidden parts of one contract each, which their number gives away.
 */
export function tells(line: Line): boolean {
  const total = line.at(-1);
  const hidden = line.slice(0, -1).filter((one) => one.hidden);
  if (!total) return false;
  if (total.hidden) return hidden.length === 0;
  const together = hidden.reduce((count, { figure }) => count + figure.count, 0);
  return hidden.length === 1 || (hidden.length > 1 && together <= hidden.length);
}

/**
 * Hides more until no line gives anything away.
 * @param mayHide whether a member may be hidden; the smallest that may is
 */
function settle(lines: readonly Line[], mayHide: (one: Member) => boolean): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const line of lines) {
      if (!tells(line)) continue;
      const [partner] = line
        .filter((one) => !one.hidden && one.figure.count > 0 && mayHide(one))
        .sort((a, b) => a.figure.count - b.figure.count);
      if (!partner) continue;
      partner.hidden = true;
      changed = true;
    }
  }
}

/** What anybody can reckon from open totals alone: a line's only unknown member is none. */
function openFrom(totals: readonly Member[], lines: readonly Line[]): ReadonlySet<Member> {
  const open = new Set(totals);
  for (let changed = true; changed; ) {
    changed = false;
    for (const line of lines) {
      const [unknown, ...more] = line.filter((one) => !open.has(one));
      if (!unknown || more.length > 0) continue;
      open.add(unknown);
      changed = true;
    }
  }
  return open;
}

export interface Shown {
  rows: { period: string; value: string; figure: Figure | null }[];
  total: Figure | null;
}

/** The table by `period` with null for what is hidden. */
export function suppress(cells: readonly Cell[], period: "year" | "quarter"): Shown {
  const table = tableOf(cells);
  const parts = period === "year" ? table.years : table.cells;
  return {
    rows: parts.map(({ period, value, hidden, figure }) => ({
      period,
      value,
      figure: hidden ? null : figure,
    })),
    total: table.total.hidden ? null : table.total.figure,
  };
}

interface Placed extends Member {
  period: string;
  year: string;
  value: string;
}

/** The whole table with its sums, and the lines that tie them; also for tests. */
export function tableOf(cells: readonly Cell[]) {
  const quarterTotals = new Map(
    [...groups(cells, (cell) => cell.quarter)].map(([quarter, list]) => [
      quarter,
      { ...member(sum(list)), year: quarter.slice(0, 4) },
    ]),
  );
  const yearTotals = new Map(
    [...groups(cells, (cell) => cell.year)].map(([year, list]) => [year, member(sum(list))]),
  );
  const total = member(sum(cells));
  const totalLines: Line[] = [
    ...[...yearTotals].map(([year, whole]) => [
      ...[...quarterTotals.values()].filter((one) => one.year === year),
      whole,
    ]),
    [...yearTotals.values(), total],
  ];
  // A sum of one part is that part: hidden with it, or open with it.
  settle(totalLines, () => true);

  const placed: Placed[] = cells.map((cell) => ({
    ...member(cell),
    period: cell.quarter,
    year: cell.year,
    value: cell.value,
  }));
  const years: Placed[] = [...groups(placed, ({ year, value }) => `${year} ${value}`).values()].map(
    (list) => {
      const { year, value } = list[0] as Placed;
      return { ...member(sum(list.map(({ figure }) => figure))), period: year, year, value };
    },
  );
  const fixed = new Set<Member>([...quarterTotals.values(), ...yearTotals.values()]);
  const rows: Line[] = [
    ...[...groups(placed, (cell) => cell.period)].map(([quarter, list]) => [
      ...list,
      quarterTotals.get(quarter) as Member,
    ]),
    ...[...groups(years, (one) => one.year)].map(([year, list]) => [
      ...list,
      yearTotals.get(year) as Member,
    ]),
  ];
  const columns: Line[] = years.map((whole) => [
    ...placed.filter(({ year, value }) => year === whole.year && value === whole.value),
    whole,
  ]);
  // What is the whole of a hidden total is hidden with it.
  for (const row of rows) {
    if (row.length === 2 && row[0] && row[1]?.hidden) row[0].hidden = true;
  }
  const open = openFrom(
    [...fixed].filter((one) => !one.hidden),
    [...rows, ...columns],
  );
  settle([...rows, ...columns], (one) => !fixed.has(one) && !open.has(one));
  return { cells: placed, years, total, lines: [...totalLines, ...rows, ...columns] };
}
