/**
 * What of a public table is hidden, so that nobody reads a single firm's contract out of it.
 *
 * A figure of one or two contracts is hidden, and with it so many others that it cannot be worked out from all
 * that is shown, taken together. Views by quarter, by year and without a dimension show parts of one
 * table, so it is decided as a whole, whichever is asked for. As a network (`lib/network.ts`): contracts
 * flow from the outside to all years, to each year, to its quarters, from a quarter through a cell to the
 * value's year, and outside again. A small figure is hidden with the cheapest cycle through it.
 *
 * First the totals, which are the same for every dimension; then the dimension's cells, which leave the totals
 * as they are. Several dimensions give away no more together than one, because each cycle through hidden
 * totals can be closed in every dimension, and any other cycle leaves the totals alone.
 *
 * What cannot be protected: the counts of a quarter that has as many values as contracts, which their number
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
import { sumAmounts } from "../../lib/wire.ts";

/** Fewest contracts that a shown figure holds. */
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

export interface Shown {
  rows: { period: string; value: string; figure: Figure | null }[];
  total: Figure | null;
}

/** A cell, a year's sum of a value, or a total. */
interface Member extends Edge {
  period: string;
  value: string;
  figure: Figure;
}

/** Between which quarters something must be able to flow in every dimension; null is the outside. */
interface Link {
  from: string | null;
  to: string | null;
}

/** The table by `period` with null for what is hidden. */
export function suppress(cells: readonly Cell[], period: "year" | "quarter"): Shown {
  const { total, links } = decideTotals(cells);
  const parts = decideCells(cells, links)[period];
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
function decideTotals(cells: readonly Cell[]): { total: Member; links: Link[] } {
  const [outside, all] = [newNode(), newNode()];
  const total = member(outside, all, "", "", sum(cells));
  const years: Member[] = [];
  const quarters: Member[] = [];
  for (const [year, inYear] of inOrder(groupBy(cells, (cell) => cell.year))) {
    const node = newNode();
    years.push(member(all, node, year, "", sum(inYear)));
    for (const [quarter, list] of inOrder(groupBy(inYear, (cell) => cell.quarter))) {
      quarters.push(member(node, outside, quarter, "", sum(list)));
    }
  }
  const links = [total, ...years, ...quarters].filter(isSmall).map((small) => {
    // Always found: all totals can grow together.
    const cycle = cheapestCycle(small, true, new Map()) ?? [];
    hide(cycle);
    const grows = new Map(cycle.map((step) => [step.edge, step.grows]));
    return {
      from: quarters.find((quarter) => grows.get(quarter) === true)?.period ?? null,
      to: quarters.find((quarter) => grows.get(quarter) === false)?.period ?? null,
    };
  });
  return { total, links };
}

/** A dimension's cells and their years' sums, hidden or not. */
function decideCells(cells: readonly Cell[], links: readonly Link[]) {
  const { rows, outside, quarter, year } = tableOf(cells);
  // Nodes tied by cycles along which counts can change, and by those along which amounts can.
  const [counts, amounts]: [Groups, Groups] = [new Map(), new Map()];
  const take = (cycle: readonly Step[], isBounded: boolean) => {
    hide(cycle);
    join(amounts, cycle);
    if (isBounded) join(counts, cycle);
  };

  for (const { from, to } of links) {
    // Without groups: what flows through another link would not flow alone in another dimension.
    const ends = [rows.get(from ?? "") ?? outside, rows.get(to ?? "") ?? outside] as const;
    const bounded = cheapestWay(...ends, "along", new Map());
    const way = bounded ?? cheapestWay(...ends, "freely", new Map());
    take(way?.steps ?? [], bounded !== null);
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
function tableOf(cells: readonly Cell[]) {
  const outside = newNode();
  const rows = new Map(cells.map((cell) => [cell.quarter, newNode()]));
  const keyOf = (cell: Cell) => `${cell.year} ${cell.value}`;
  const columns = new Map(cells.map((cell) => [keyOf(cell), newNode()]));
  const columnOf = (cell: Cell) => columns.get(keyOf(cell)) as Node;
  const quarter = cells.map((cell) =>
    member(rows.get(cell.quarter) as Node, columnOf(cell), cell.quarter, cell.value, cell),
  );
  const year = [...groupBy(cells, keyOf).values()].map((list) => {
    const [first] = list;
    return member(columnOf(first), outside, first.year, first.value, sum(list));
  });
  return { rows, outside, quarter, year };
}

function member(from: Node, to: Node, period: string, value: string, figure: Figure): Member {
  const { count } = figure;
  const one = { from, to, period, value, figure, count, hidden: count > 0 && count < least };
  // What is none is shown, and moves nothing.
  return count > 0 ? connect(one) : one;
}

const isSmall = ({ count }: Member): boolean => count > 0 && count < least;

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
