/** What the public table hides: small cells, and enough others that no line gives one away. */
import fc from "fast-check";
import t from "tap";
import {
  type Cell,
  suppress,
  tableOf,
} from "../../src/modules/statistics/statistics.suppression.ts";

const cell = (quarter: string, value: string, count: number): Cell => ({
  year: quarter.slice(0, 4),
  quarter,
  value,
  count,
  totalAmount: `${count * 100}.00`,
  technologyAmount: `${count * 90}.00`,
});

const shown = (cells: Cell[], period: "year" | "quarter") =>
  Object.fromEntries(
    suppress(cells, period).rows.map(({ period, value, figure }) => [
      `${period} ${value}`,
      figure?.count ?? null,
    ]),
  );

t.test("cells of three and more are shown", async (t) => {
  const cells = [cell("2025-Q1", "a", 3), cell("2025-Q1", "b", 7), cell("2025-Q2", "a", 5)];
  t.same(shown(cells, "quarter"), { "2025-Q1 a": 3, "2025-Q1 b": 7, "2025-Q2 a": 5 });
  t.same(suppress(cells, "quarter").total?.count, 15);
});

t.test("a small cell is hidden with the smallest others of its row and column", async (t) => {
  const cells = [
    cell("2025-Q1", "a", 2),
    cell("2025-Q1", "b", 9),
    cell("2025-Q1", "c", 5),
    cell("2025-Q2", "a", 8),
    cell("2025-Q2", "b", 9),
    cell("2025-Q2", "c", 6),
  ];
  t.same(shown(cells, "quarter"), {
    ...{ "2025-Q1 a": null, "2025-Q1 b": 9, "2025-Q1 c": null },
    ...{ "2025-Q2 a": null, "2025-Q2 b": 9, "2025-Q2 c": null },
  });
});

t.test("a year does not tell what one of its quarters hides", async (t) => {
  // Alone in its year's quarters but one: were the year shown, it could be subtracted.
  const cells = [cell("2025-Q1", "a", 1), cell("2025-Q1", "b", 4), cell("2025-Q1", "c", 6)];
  const years = shown(cells, "year");
  t.equal(years["2025 a"], null);
  t.equal(Object.values(years).filter((count) => count === null).length, 2);
});

const quarters = ["2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"];
const tables = fc
  .array(
    fc.record({
      quarter: fc.constantFrom(...quarters),
      value: fc.constantFrom("a", "b", "c", "d"),
      count: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 40 })),
    }),
    { maxLength: 24 },
  )
  .map((list) => {
    const cells = new Map(list.map((one) => [`${one.quarter} ${one.value}`, one]));
    return [...cells.values()].map(({ quarter, value, count }) => cell(quarter, value, count));
  });

/**
 * What a reader can work out: the least and the most that each hidden member may hold, narrowed line by
 * line (a total is the sum of its parts).
 */
function workedOut(lines: ReturnType<typeof tableOf>["lines"]): Map<object, [number, number]> {
  const bounds = new Map<object, [number, number]>();
  for (const one of lines.flat()) {
    bounds.set(one, one.hidden ? [0, 10_000] : [one.figure.count, one.figure.count]);
  }
  const of = (one: object) => bounds.get(one)!;
  for (let lap = 0; lap < 30; lap++) {
    for (const line of lines) {
      const [parts, total] = [line.slice(0, -1), line.at(-1)!];
      const sum = (side: 0 | 1, without?: object) =>
        parts.reduce((all, part) => all + (part === without ? 0 : of(part)[side]), 0);
      const [low, high] = of(total);
      bounds.set(total, [Math.max(low, sum(0)), Math.min(high, sum(1))]);
      for (const part of parts) {
        const [least, most] = of(part);
        const up = of(total)[1] - sum(0, part);
        const down = of(total)[0] - sum(1, part);
        bounds.set(part, [Math.max(least, down), Math.min(most, up)]);
      }
    }
  }
  return bounds;
}

t.test("no hidden small cell can be worked out, from all views taken together", async (t) => {
  fc.assert(
    fc.property(tables, (cells) => {
      const { lines, cells: placed, years } = tableOf(cells);
      const bounds = workedOut(lines);
      for (const [one, [low, high]] of bounds) {
        const { hidden, figure } = one as (typeof placed)[number];
        if (hidden && figure.count < 3 && low === high) return false;
      }
      return [...placed, ...years].every(({ figure, hidden }) => hidden || figure.count > 2);
    }),
    { numRuns: 3000 },
  );
  t.pass("three thousand tables");
});

t.test(
  "what is shown without a dimension hides what any dimension hides with its totals",
  async (t) => {
    fc.assert(
      fc.property(tables, (cells) => {
        const totals = new Map<string, number>();
        for (const { quarter, count } of cells) {
          totals.set(quarter, (totals.get(quarter) ?? 0) + count);
        }
        const plain = [...totals].map(([quarter, count]) => cell(quarter, "all", count));
        const open = shown(plain, "quarter");
        const split = suppress(cells, "quarter").rows;
        // A quarter whose total is open and which hides anything hides at least two of its cells.
        return quarters.every((quarter) => {
          const row = split.filter(({ period }) => period === quarter);
          const hidden = row.filter(({ figure }) => figure === null).length;
          if (open[`${quarter} all`] == null) return row.length === 0 || hidden >= 1;
          return hidden !== 1;
        });
      }),
      { numRuns: 3000 },
    );
    t.pass("three thousand tables");
  },
);
