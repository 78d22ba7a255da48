/** What the public can work out from the contract volume that it is shown: for tests of what is hidden. */
import { sumAmounts } from "../../src/lib/wire.ts";
import {
  type Cell,
  isSafe,
  keyOf,
  type Shares,
  suppress,
} from "../../src/modules/statistics/statistics.suppression.ts";

/** A registered contract, with the values of its dimensions by their names. */
export interface Registered {
  quarter: string;
  seller: string;
  buyer: string;
  totalAmount: string;
  technologyAmount: string;
  values: Record<string, string>;
}

/** What is released of some contracts by one dimension: the table, and which of its figures are not safe. */
export interface Table {
  cells: Cell[];
  small: Set<string>;
}

/** A figure of the public views, whether they hide it, and whether it may not be known. */
export interface Fact {
  count: number;
  hidden: boolean;
  isUnsafe: boolean;
}

/** Parts and their sum. */
interface Line {
  parts: Fact[];
  sum: Fact;
  /** Whether it follows from the others: a year's values sum up to what its quarters do. */
  follows?: boolean;
}

/** All figures of some views, and all sums that hold between them. */
export interface System {
  facts: Fact[];
  lines: Line[];
}

/** A figure of a view, with its place there. */
export interface Row extends Fact {
  period: string;
  value: string;
}

/** Everything that the public can ask: the sum of all, the totals, and the tables, by quarter and by year. */
export interface Views {
  total: Row;
  totals: Row[];
  tables: Row[][];
}

/** Contracts by some key, in the order of the keys. */
function grouped<T extends Registered>(contracts: readonly T[], key: (one: T) => string) {
  const groups = new Map<string, T[]>();
  for (const one of contracts) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

const amounts = ["totalAmount", "technologyAmount"] as const;

/** Whose contracts they are, worked out as plainly as can be. */
export function sharesOf(contracts: readonly Registered[]): Shares {
  const sides = (["seller", "buyer"] as const).map((side) =>
    grouped(contracts, (one) => one[side]).map(([, list]) => list),
  );
  const [sumOf, largestOf] = [
    (list: readonly Registered[], of: (typeof amounts)[number]) =>
      sumAmounts(list.map((one) => one[of])),
    (of: (typeof amounts)[number]) =>
      sides
        .flat()
        .map((list) => sumOf(list, of))
        .sort((a, b) => Number(a) - Number(b))
        .at(-1) ?? "0.00",
  ];
  return {
    sellers: sides[0]?.length ?? 0,
    buyers: sides[1]?.length ?? 0,
    totalAmount: sumOf(contracts, "totalAmount"),
    technologyAmount: sumOf(contracts, "technologyAmount"),
    largestTotal: largestOf("totalAmount"),
    largestTechnology: largestOf("technologyAmount"),
  };
}

const yearOf = ({ quarter }: Registered): string => quarter.slice(0, 4);

/** What a release holds of these contracts. @param by a dimension; null for none */
export function tableOf(contracts: readonly Registered[], by: string | null): Table {
  const valueIn = ({ values }: Registered) => (by ? (values[by] ?? "") : "all");
  const figures = [
    ...[...grouped(contracts, ({ quarter }) => quarter), ...grouped(contracts, yearOf)].flatMap(
      ([period, list]) =>
        [...grouped(list, valueIn), ["all", list] as const].map(
          ([value, same]) => [keyOf(period, value), same] as const,
        ),
    ),
    [keyOf("all", "all"), contracts] as const,
  ];
  const cells = grouped(contracts, (one) => keyOf(one.quarter, valueIn(one))).map(([, list]) => {
    const [first] = list as [Registered];
    const { totalAmount, technologyAmount } = sharesOf(list);
    return {
      year: yearOf(first),
      quarter: first.quarter,
      value: valueIn(first),
      count: list.length,
      totalAmount,
      technologyAmount,
    };
  });
  const unsafe = figures.filter(([, list]) => list.length > 0 && !isSafe(sharesOf(list)));
  return { cells, small: new Set(unsafe.map(([key]) => key)) };
}

const countOf = (cells: readonly Cell[]): number =>
  cells.reduce((total, { count }) => total + count, 0);

/** The rows of one view, each with the count that it shows or hides. */
const rowsOf = ({ cells, small }: Table, period: "quarter" | "year"): Row[] =>
  suppress(cells, period, small).rows.map((row) => ({
    period: row.period,
    value: row.value,
    count: countOf(cells.filter((one) => one[period] === row.period && one.value === row.value)),
    hidden: row.figure === null,
    isUnsafe: small.has(keyOf(row.period, row.value)),
  }));

/** What the public is shown of these contracts by these dimensions. */
export function viewsOf(contracts: readonly Registered[], dimensions: readonly string[]): Views {
  const plain = tableOf(contracts, null);
  return {
    total: {
      period: "all",
      value: "all",
      count: contracts.length,
      hidden: suppress(plain.cells, "quarter", plain.small).total === null,
      isUnsafe: plain.small.has(keyOf("all", "all")),
    },
    totals: [...rowsOf(plain, "quarter"), ...rowsOf(plain, "year")],
    tables: dimensions.map((by) => {
      const table = tableOf(contracts, by);
      return [...rowsOf(table, "quarter"), ...rowsOf(table, "year")];
    }),
  };
}

/** All that the public can ask of these contracts, taken together. */
export const systemOf = (contracts: readonly Registered[], dimensions: readonly string[]) =>
  systemIn(viewsOf(contracts, dimensions));

/** All sums that hold between what is shown and hidden. */
export function systemIn({ total, totals, tables }: Views): System {
  const isYear = ({ period }: Row) => period.length === 4;
  const years = totals.filter(isYear);
  const facts: Fact[] = [total, ...totals];
  const lines: Line[] = [{ parts: years, sum: total }];
  for (const sum of years) {
    lines.push({ parts: totals.filter(({ period }) => period.startsWith(`${sum.period}-`)), sum });
  }
  for (const rows of tables) {
    const byQuarter = rows.filter((row) => !isYear(row));
    facts.push(...rows);
    for (const sum of totals) {
      const parts = rows.filter(({ period }) => period === sum.period);
      lines.push({ parts, sum, follows: isYear(sum) });
    }
    for (const sum of rows.filter(isYear)) {
      const isPart = (one: Row) => one.value === sum.value && one.period.startsWith(sum.period);
      lines.push({ parts: byQuarter.filter(isPart), sum });
    }
  }
  return { facts, lines };
}

/** Views in which also is open what `knows` says. */
export function opened({ total, totals, tables }: Views, knows: (row: Row) => boolean): Views {
  const open = (row: Row): Row => ({ ...row, hidden: row.hidden && !knows(row) });
  return {
    total: open(total),
    totals: totals.map(open),
    tables: tables.map((rows) => rows.map(open)),
  };
}

/**
 * What who has looked twice knows of the first look: a single contract was corrected in between, so that of every
 * other one both say the same, and the difference of the sums of all is that contract.
 */
export function seenTwice(first: Views, second: Views): Views {
  const rowsIn = ({ total, totals, tables }: Views) =>
    [[total], totals, ...tables].map(
      (rows) => new Map(rows.map((row) => [keyOf(row.period, row.value), row])),
    );
  const again = rowsIn(second);
  const isOpen = (at: number, row: Row) =>
    again[at]?.get(keyOf(row.period, row.value))?.hidden === false;
  const open = (rows: Row[], at: number) =>
    rows.map((row) => ({ ...row, hidden: row.hidden && !isOpen(at, row) }));
  return {
    total: open([first.total], 0)[0] as Row,
    totals: open(first.totals, 1),
    tables: first.tables.map((rows, at) => open(rows, at + 2)),
  };
}

/** The largest prime below 2^25: products of two remainders are exact. */
const prime = 33_554_393;

function inverse(value: number): number {
  // Fermat: value^(prime - 2).
  let [result, power] = [1, value];
  for (let rest = prime - 2; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = (result * power) % prime;
    power = (power * power) % prime;
  }
  return result;
}

/**
 * The hidden facts that have a single solution in all lines taken together, by Gauss-Jordan elimination
 * modulo a large prime: so can amounts be told, and counts of which nothing else is known.
 */
export function solved({ facts, lines }: System): Fact[] {
  const unknown = facts.filter(({ hidden }) => hidden);
  const place = new Map(unknown.map((one, at) => [one, at]));
  const matrix = lines.map(({ parts, sum }) => {
    const row = unknown.map(() => 0);
    for (const part of parts) if (part.hidden) row[place.get(part)!] = 1;
    if (sum.hidden) row[place.get(sum)!] = prime - 1;
    return row;
  });
  const found: Fact[] = [];
  const pivots: { column: number; row: number[] }[] = [];
  for (const column of unknown.keys()) {
    const at = matrix.findIndex((row) => row[column] !== 0);
    const [pivot] = at < 0 ? [] : matrix.splice(at, 1);
    if (!pivot) continue;
    const scale = inverse(pivot[column]!);
    for (const [i, value] of pivot.entries()) pivot[i] = (value * scale) % prime;
    for (const row of [...matrix, ...pivots.map((one) => one.row)]) {
      const times = prime - row[column]!;
      if (times === prime) continue;
      for (const [i, value] of pivot.entries()) row[i] = (row[i]! + value * times) % prime;
    }
    pivots.push({ column, row: pivot });
  }
  for (const { column, row } of pivots) {
    if (row.every((value, at) => value === 0 || at === column)) found.push(unknown[column]!);
  }
  return found;
}

/** The hidden facts that are told by bounds, narrowed line by line: each is at least `least`. */
export function narrowed({ facts, lines }: System, least: 0 | 1): Fact[] {
  const bounds = new Map(
    facts.map((one) => [one, one.hidden ? [least, 10_000] : [one.count, one.count]]),
  );
  const of = (one: Fact, side: 0 | 1) => bounds.get(one)![side]!;
  for (let changed = true; changed; ) {
    changed = false;
    const narrow = (one: Fact, low: number, high: number) => {
      const next = [Math.max(of(one, 0), low), Math.min(of(one, 1), high)];
      changed ||= next[0] !== of(one, 0) || next[1] !== of(one, 1);
      bounds.set(one, next);
    };
    for (const { parts, sum } of lines) {
      const all = (side: 0 | 1) => parts.reduce((so, part) => so + of(part, side), 0);
      narrow(sum, all(0), all(1));
      for (const part of parts) {
        narrow(part, of(sum, 0) - (all(1) - of(part, 1)), of(sum, 1) - (all(0) - of(part, 0)));
      }
    }
  }
  return facts.filter((one) => one.hidden && of(one, 0) === of(one, 1));
}

/**
 * The hidden facts of one dimension whose count is told, exactly, to who knows that each is one or more: those
 * that cannot change by one with others that lines tie to them, step by step around a cycle.
 */
export function counted({ facts, lines }: System): Fact[] {
  const kept = lines.filter(({ follows }) => !follows);
  const isIn = (one: Fact) => (line: Line) => line.sum === one || line.parts.includes(one);
  const [total] = facts;
  if (!total) return [];
  // Every fact is in two lines, if all years of all values make up the total.
  const years = facts.filter((one) => one !== total && kept.filter(isIn(one)).length === 1);
  const all = [...kept, { parts: years, sum: total }];
  const linesOf = new Map(facts.map((one) => [one, all.filter(isIn(one))]));
  const sign = (one: Fact, line: Line) => (line.sum === one ? -1 : 1);

  const canChange = (fact: Fact, by: 1 | -1): boolean => {
    if (fact.count + by < 1) return false;
    const [start, goal] = linesOf.get(fact)!;
    const queue = [{ line: start!, excess: sign(fact, start!) * by }];
    const seen = new Set([start]);
    for (const { line, excess } of queue) {
      for (const one of [...line.parts, line.sum]) {
        const change = -excess * sign(one, line);
        if (one === fact || !one.hidden || one.count + change < 1) continue;
        const next = linesOf.get(one)!.find((other) => other !== line)!;
        if (next === goal) return true;
        if (seen.has(next)) continue;
        seen.add(next);
        queue.push({ line: next, excess: sign(one, next) * change });
      }
    }
    return false;
  };
  return facts.filter((one) => one.hidden && !canChange(one, 1) && !canChange(one, -1));
}
