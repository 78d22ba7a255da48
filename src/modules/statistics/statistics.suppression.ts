/**
 * What of a public table is hidden, so that nobody reads a single firm's contract out of it.
 *
 * A figure of too few firms (`isSafe`) is hidden, and with it so many others that it cannot be worked out from all
 * that is shown, taken together. Views by quarter, by year and without a dimension show parts of one
 * table, so it is decided as a whole, whichever is asked for. As a network (`lib/network.ts`): contracts
 * flow from the outside to all years, to each year, to its quarters, from a quarter through a cell to the
 * value's year, and outside again. A small figure is hidden with the cheapest cycle through it.
 *
 * First the totals, which are the same for every dimension; then the dimension's cells, which leave the totals
 * as they are. Several dimensions give away no more together than one, because each cycle through hidden
 * totals can be closed in every dimension, and any other cycle leaves the totals alone.
 *
 * How many contracts of a year are in force is no secret: registration numbers tell the year and count up, and
 * anybody may ask which are valid. So no count is protected by a year's, and a year hides the totals of all its
 * quarters or of none.
 *
 * What cannot be protected: the count of all that a year has; the counts of a quarter that has as many values as contracts, which their number
 * tells, and so that of a small total if such a quarter is its partner (amounts are safe); and a quarter's
 * only value, which is its total, hidden or open with it.
 */
import {
  cheapestCycle,
  cheapestWay,
  connect,
  type Edge,
  type Groups,
  groupOf,
  hide,
  join,
  type Node,
  newNode,
  type Step,
} from "../../lib/network.ts";
import { sumAmounts, toFen } from "../../lib/wire.ts";

/**
 * Fewest different sellers, and buyers, of a figure that is shown: of two, each knows what the other one has. The
 * threshold rule for tables of amounts; A. Hundepool et al., Statistical Disclosure Control (2012), chapter 4.
 */
const leastParties = 3;

/**
 * Most that one seller or one buyer may have of an amount that is shown, in percent: beyond, the amount is nearly
 * its own. The dominance rule (n, k) of the same chapter with n = 1 and k = 85.
 */
const mostOfOne = 85n;

export interface Figure {
  count: number;
  totalAmount: string;
  technologyAmount: string;
}

/** Whose figure it is. */
export interface Shares extends Omit<Figure, "count"> {
  /** Different lead sellers and lead buyers. */
  sellers: number;
  buyers: number;
  /** Of each amount, what the one seller or buyer has that has the most of it. */
  largestTotal: string;
  largestTechnology: string;
}

/** Whether a figure tells of no single firm by itself. */
export function isSafe(figure: Shares): boolean {
  const { sellers, buyers, totalAmount, technologyAmount } = figure;
  return (
    Math.min(sellers, buyers) >= leastParties &&
    !dominates(figure.largestTotal, totalAmount) &&
    !dominates(figure.largestTechnology, technologyAmount)
  );
}

const dominates = (largest: string, all: string): boolean =>
  toFen(largest) * 100n > toFen(all) * mostOfOne;

/** The period of everything, and the value of a total. */
const whole = "all";

/** The key of a figure among those that are not safe. */
export const keyOf = (period: string, value: string): string => `${period} ${value}`;

/** One quarter of one value. There is none for zero contracts. */
export interface Cell extends Figure {
  year: string;
  quarter: string;
  value: string;
}

export interface Shown {
  rows: { period: string; value: string; figure: Figure | null }[];
  total: Figure | null;
}

/** A cell, a year's sum of a value, or a total. */
interface Member extends Edge {
  period: string;
  value: string;
  figure: Figure;
  /** Hidden for its own sake. */
  isUnsafe: boolean;
}

/** Between which quarters something must be able to flow in every dimension; null is the outside. */
interface Link {
  from: string | null;
  to: string | null;
  /** Whether it leaves the number of each year's contracts as it is: that one can be counted by their numbers. */
  isWithinYear: boolean;
}

/**
 * The table by `period` with null for what is hidden.
 * @param small keys (`keyOf`) of the cells, their years' sums and the totals that are not safe
 */
export function suppress(
  cells: readonly Cell[],
  period: "year" | "quarter",
  small: ReadonlySet<string>,
): Shown {
  const { total, links } = decideTotals(cells, small);
  const parts = decideCells(cells, small, links)[period];
  return {
    rows: parts.map(({ period, value, hidden, figure }) => ({
      period,
      value,
      figure: hidden ? null : figure,
    })),
    total: total.hidden ? null : total.figure,
  };
}

/**
 * The sum of all, hidden or not, and the links that protect small totals. The totals alone are a tree: each
 * cycle leaves them at one quarter, or at the sum of all, for the cells, and comes back at another.
 */
function decideTotals(
  cells: readonly Cell[],
  small: ReadonlySet<string>,
): { total: Member; links: Link[] } {
  const [outside, all] = [newNode(), newNode()];
  const member = memberOf(small);
  const total = member(outside, all, whole, whole, sum(cells));
  const years: Member[] = [];
  const quarters: Member[] = [];
  for (const [year, inYear] of inOrder(groupBy(cells, (cell) => cell.year))) {
    const node = newNode();
    years.push(member(all, node, year, whole, sum(inYear)));
    for (const [quarter, list] of inOrder(groupBy(inYear, (cell) => cell.quarter))) {
      quarters.push(member(node, outside, quarter, whole, sum(list)));
    }
  }
  const links: Link[] = [];
  const alone: Member[] = [];
  for (const inYear of groupBy(quarters, ({ period }) => period.slice(0, 4)).values()) {
    if (!inYear.some(isSmall)) continue;
    const hub = inYear.reduce((most, one) => (one.count > most.count ? one : most));
    // The number of a year's contracts is known: what it leaves beside the open quarters would be the sum of the
    // hidden ones, and of a value that has nothing else. So all of them are hidden, and can change with each other.
    if (inYear.length === 1 || hub.count === 1) alone.push(...inYear.filter(isSmall));
    else {
      for (const one of inYear) {
        one.hidden = true;
        if (one === hub) continue;
        links.push({ from: one.period, to: hub.period, isWithinYear: true });
      }
    }
  }
  for (const one of [total, ...years, ...alone].filter(isSmall)) {
    // Always found: all totals can grow together.
    const cycle = cheapestCycle(one, true, new Map()) ?? [];
    hide(cycle);
    const grows = new Map(cycle.map((step) => [step.edge, step.grows]));
    links.push({
      from: quarters.find((quarter) => grows.get(quarter) === true)?.period ?? null,
      to: quarters.find((quarter) => grows.get(quarter) === false)?.period ?? null,
      isWithinYear: false,
    });
  }
  return { total, links };
}

/** A dimension's cells and their years' sums, hidden or not. */
function decideCells(cells: readonly Cell[], small: ReadonlySet<string>, links: readonly Link[]) {
  const { rows, outside, quarter, year } = tableOf(cells, memberOf(small));
  // Nodes tied by cycles along which counts can change, and by those along which amounts can.
  const [counts, amounts]: [Groups, Groups] = [new Map(), new Map()];
  const take = (cycle: readonly Step[], isBounded: boolean) => {
    hide(cycle);
    join(amounts, cycle);
    if (isBounded) join(counts, cycle);
  };

  for (const { from, to, isWithinYear } of links) {
    // Without groups: what flows through another link would not flow alone in another dimension.
    const ends = [rows.get(from ?? "") ?? outside, rows.get(to ?? "") ?? outside] as const;
    const bounded = cheapestWay(...ends, "along", new Map());
    const way = bounded ?? cheapestWay(...ends, "freely", new Map());
    take(way?.steps ?? [], bounded !== null && isWithinYear);
  }

  const protect = (one: Member, isBounded: boolean) => {
    const groups = isBounded ? counts : amounts;
    if (groupOf(groups, one.from) === groupOf(groups, one.to)) return;
    take(cheapestCycle(one, isBounded, groups) ?? [], isBounded);
  };
  // In a row of single contracts none can be more, as none can be less, unless a link lets its total change.
  const isLoose = (row: Node) =>
    groupOf(counts, row).length > 1 ||
    (row.edges.length > 1 && row.edges.some(({ count }) => count > 1));
  const loose = new Set([...rows.values()].filter(isLoose));
  for (const one of quarter.filter(isSmall)) if (loose.has(one.from)) protect(one, true);
  for (const one of year.filter(isSmall)) {
    if (one.from.edges.some(({ from }) => loose.has(from))) protect(one, true);
  }
  for (const one of [...quarter, ...year].filter(isSmall)) protect(one, false);
  return { quarter, year };
}

/** A dimension's table as a network, without the totals: a node for each quarter and each value's year. */
function tableOf(cells: readonly Cell[], member: ReturnType<typeof memberOf>) {
  const outside = newNode();
  const rows = new Map(cells.map((cell) => [cell.quarter, newNode()]));
  const yearOf = (cell: Cell) => keyOf(cell.year, cell.value);
  const columns = new Map(cells.map((cell) => [yearOf(cell), newNode()]));
  const columnOf = (cell: Cell) => columns.get(yearOf(cell)) as Node;
  const quarter = cells.map((cell) =>
    member(rows.get(cell.quarter) as Node, columnOf(cell), cell.quarter, cell.value, cell),
  );
  const year = [...groupBy(cells, yearOf).values()].map((list) => {
    const [first] = list;
    return member(columnOf(first), outside, first.year, first.value, sum(list));
  });
  return { rows, outside, quarter, year };
}

/** Makes the members of a table, those that are not safe hidden. */
const memberOf =
  (small: ReadonlySet<string>) =>
  (from: Node, to: Node, period: string, value: string, figure: Figure): Member => {
    const { count } = figure;
    const isUnsafe = count > 0 && small.has(keyOf(period, value));
    const one = { from, to, period, value, figure, count, isUnsafe, hidden: isUnsafe };
    // What is none is shown, and moves nothing.
    return count > 0 ? connect(one) : one;
  };

const isSmall = ({ isUnsafe }: Member): boolean => isUnsafe;

const sum = (figures: readonly Figure[]): Figure => ({
  count: figures.reduce((total, { count }) => total + count, 0),
  totalAmount: sumAmounts(figures.map(({ totalAmount }) => totalAmount)),
  technologyAmount: sumAmounts(figures.map(({ technologyAmount }) => technologyAmount)),
});

/** Items by a key, in the order in which the keys first come. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, [T, ...T[]]> {
  const found = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const list = found.get(keyOf(item));
    if (list) list.push(item);
    else found.set(keyOf(item), [item]);
  }
  return found;
}

/** By key: whichever order a dimension's cells come in, the totals are decided alike. */
const inOrder = <T>(groups: Map<string, T>): [string, T][] =>
  [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
