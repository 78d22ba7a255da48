/**
 * What the public table hides: small figures, and enough others that neither a view nor several taken
 * together give one away.
 */
import fc from "fast-check";
import t, { type Test } from "tap";
import { type Cell, suppress } from "../../../src/modules/statistics/statistics.suppression.ts";
import { counted, narrowed, solved, systemOf } from "../../support/public-figures.ts";

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

const isSmall = ({ count }: { count: number }): boolean => count < 3;

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

t.test("several totals taken together do not solve a hidden cell", async (t) => {
  // Decided line by line, T(Q1) + T(Q2) less the years of c1 and c2 less the open cells gave Q1 c3.
  const rows = { Q1: [2, 2, 2, 5], Q2: [2, 2, 5, 5], Q3: [5, 5, 2, 2], Q4: [5, 5, 2, 2] };
  const cells = Object.entries(rows).flatMap(([quarter, counts]) =>
    counts.map((count, at) => cell(`2025-${quarter}`, `c${at + 1}`, count)),
  );
  const system = systemOf([cells]);
  t.same(solved(system).filter(isSmall), []);
  t.same(counted(system).filter(isSmall), []);
  t.equal(shown(cells, "quarter")["2025-Q1 c3"], null);
});

t.test("the order in which cells come decides nothing about totals", async (t) => {
  const cells = [
    cell("2024-Q4", "a", 9),
    cell("2025-Q1", "a", 4),
    cell("2025-Q2", "a", 4),
    cell("2025-Q3", "a", 2),
  ];
  t.same(shown([...cells].reverse(), "quarter"), shown(cells, "quarter"));
  t.equal(shown(cells, "quarter")["2025-Q1 a"], null);
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

/** Contracts that have two dimensions, in the table of either. */
const pairs = fc
  .array(
    fc.record({
      quarter: fc.constantFrom(...quarters),
      a: fc.constantFrom("a", "b", "c", "d"),
      b: fc.constantFrom("u", "v", "w"),
      count: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 20 })),
    }),
    { maxLength: 20 },
  )
  .map((list) =>
    (["a", "b"] as const).map((by) => {
      const keys = [...new Set(list.map((one) => `${one.quarter} ${one[by]}`))];
      return keys.map((key) => {
        const [quarter = "", value = ""] = key.split(" ");
        const same = list.filter((one) => one.quarter === quarter && one[by] === value);
        return cell(
          quarter,
          value,
          same.reduce((sum, { count }) => sum + count, 0),
        );
      });
    }),
  );

/** Whether in some quarter as many values are shown as there are contracts: their number tells them. */
const hasSingles = (cells: Cell[]): boolean =>
  quarters.some((quarter) => {
    const row = cells.filter((one) => one.quarter === quarter);
    return row.length > 1 && row.every(({ count }) => count === 1);
  });

/** Tries that something holds for many tables, or pairs of them, and says how many they were. */
function holdsFor<T>(
  t: Test,
  numRuns: number,
  what: string,
  arbitrary: fc.Arbitrary<T>,
  holds: (one: T) => boolean,
): void {
  fc.assert(fc.property(arbitrary, holds), { numRuns });
  t.pass(`${numRuns} ${what}`);
}

t.test("no hidden small figure can be worked out, from all views taken together", async (t) => {
  holdsFor(t, 3000, "tables", tables, (cells) => {
    const system = systemOf([cells]);
    return (
      system.facts.every((one) => one.hidden || !isSmall(one) || one.count === 0) &&
      !solved(system).some(isSmall) &&
      !narrowed(system, 0).some(isSmall)
    );
  });
});

t.test("nor by two dimensions of the same contracts", async (t) => {
  holdsFor(t, 2000, "pairs of tables", pairs, (both) => {
    const system = systemOf(both);
    return !solved(system).some(isSmall) && !narrowed(system, 0).some(isSmall);
  });
});

t.test("nor by knowing that what is hidden is not zero", async (t) => {
  holdsFor(t, 3000, "tables", tables, (cells) => {
    fc.pre(!hasSingles(cells));
    return !counted(systemOf([cells])).some(isSmall);
  });
  holdsFor(t, 2000, "pairs of tables", pairs, (both) => {
    fc.pre(!both.some(hasSingles));
    return !narrowed(systemOf(both), 1).some(isSmall);
  });
});

t.test(
  "what is shown without a dimension hides what any dimension hides with its totals",
  async (t) => {
    holdsFor(t, 3000, "tables", tables, (cells) => {
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
    });
  },
);
