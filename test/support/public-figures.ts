/** What the public can work out from the contract volume that it is shown: for tests of what is hidden. */
import { type Cell, suppress } from "../../src/modules/statistics/statistics.suppression.ts";

/** A figure of the public views, and whether they hide it. */
interface Fact {
  count: number;
  hidden: boolean;
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

const countOf = (cells: readonly Cell[]): number =>
  cells.reduce((total, { count }) => total + count, 0);

/** The same contracts without a dimension. */
export function withoutDimension(cells: readonly Cell[]): Cell[] {
  return [...new Set(cells.map(({ quarter }) => quarter))].sort().map((quarter) => {
    const count = countOf(cells.filter((one) => one.quarter === quarter));
    const amount = `${count}.00`;
    const year = quarter.slice(0, 4);
    return { year, quarter, value: "", count, totalAmount: amount, technologyAmount: amount };
  });
}

/** The rows of one view, each with the count that it shows or hides. */
const rowsOf = (cells: readonly Cell[], period: "quarter" | "year") =>
  suppress(cells, period).rows.map((row) => ({
    period: row.period,
    value: row.value,
    count: countOf(cells.filter((one) => one[period] === row.period && one.value === row.value)),
    hidden: row.figure === null,
  }));

/** Everything that the public can ask of these contracts, each table being them by another dimension. */
export function systemOf(tables: readonly (readonly Cell[])[]): System {
  const plain = withoutDimension(tables[0] ?? []);
  const total = { count: countOf(plain), hidden: suppress(plain, "quarter").total === null };
  const totals = [...rowsOf(plain, "quarter"), ...rowsOf(plain, "year")];
  const years = totals.filter(({ period }) => period.length === 4);
  const facts: Fact[] = [total, ...totals];
  const lines: Line[] = [{ parts: years, sum: total }];
  for (const sum of years) {
    lines.push({ parts: totals.filter(({ period }) => period.startsWith(`${sum.period}-`)), sum });
  }
  for (const cells of tables) {
    const byQuarter = rowsOf(cells, "quarter");
    const byYear = rowsOf(cells, "year");
    facts.push(...byQuarter, ...byYear);
    for (const sum of totals) {
      const parts = [...byQuarter, ...byYear].filter(({ period }) => period === sum.period);
      lines.push({ parts, sum, follows: sum.period.length === 4 });
    }
    for (const sum of byYear) {
      const isPart = (one: (typeof byQuarter)[number]) =>
        one.value === sum.value && one.period.startsWith(sum.period);
      lines.push({ parts: byQuarter.filter(isPart), sum });
    }
  }
  return { facts, lines };
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
