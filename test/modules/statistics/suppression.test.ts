/**
 * What the public table hides: small figures, and enough others that neither a view nor several taken
 * together give one away.
 */
import fc from "fast-check";
import t, { type Test } from "tap";
import { nowInstant } from "../../../src/lib/clock.ts";
import { isReleaseDue } from "../../../src/modules/statistics/releases.service.ts";
import { isSafe, suppress } from "../../../src/modules/statistics/statistics.suppression.ts";
import {
  counted,
  type Fact,
  narrowed,
  opened,
  type Registered,
  type Row,
  seenTwice,
  solved,
  systemIn,
  systemOf,
  tableOf,
  viewsOf,
} from "../../support/public-figures.ts";

let made = 0;

/** Contracts of one quarter and value, each of a seller and a buyer of its own, all of one size. */
const cell = (quarter: string, value: string, count: number): Registered[] =>
  Array.from({ length: count }, () => {
    made += 1;
    const [totalAmount, technologyAmount] = ["100.00", "90.00"];
    const parties = { seller: `seller ${made}`, buyer: `buyer ${made}` };
    return { quarter, ...parties, totalAmount, technologyAmount, values: { a: value } };
  });

const suppressed = (contracts: Registered[], period: "year" | "quarter") => {
  const { cells, small } = tableOf(contracts, "a");
  return suppress(cells, period, small);
};

const shown = (contracts: Registered[], period: "year" | "quarter") =>
  Object.fromEntries(
    suppressed(contracts, period).rows.map(({ period, value, figure }) => [
      `${period} ${value}`,
      figure?.count ?? null,
    ]),
  );

const isSmall = ({ isUnsafe }: Fact): boolean => isUnsafe;

t.test("cells of three and more are shown", async (t) => {
  const cells = [cell("2025-Q1", "a", 3), cell("2025-Q1", "b", 7), cell("2025-Q2", "a", 5)].flat();
  t.same(shown(cells, "quarter"), { "2025-Q1 a": 3, "2025-Q1 b": 7, "2025-Q2 a": 5 });
  t.same(suppressed(cells, "quarter").total?.count, 15);
});

t.test("a small cell is hidden with the smallest others of its row and column", async (t) => {
  const cells = [
    cell("2025-Q1", "a", 2),
    cell("2025-Q1", "b", 9),
    cell("2025-Q1", "c", 5),
    cell("2025-Q2", "a", 8),
    cell("2025-Q2", "b", 9),
    cell("2025-Q2", "c", 6),
  ].flat();
  t.same(shown(cells, "quarter"), {
    ...{ "2025-Q1 a": null, "2025-Q1 b": 9, "2025-Q1 c": null },
    ...{ "2025-Q2 a": null, "2025-Q2 b": 9, "2025-Q2 c": null },
  });
});

t.test("a year does not tell what one of its quarters hides", async (t) => {
  // Alone in its year's quarters but one: were the year shown, it could be subtracted.
  const cells = [cell("2025-Q1", "a", 1), cell("2025-Q1", "b", 4), cell("2025-Q1", "c", 6)].flat();
  const years = shown(cells, "year");
  t.equal(years["2025 a"], null);
  t.equal(Object.values(years).filter((count) => count === null).length, 2);
});

t.test("several totals taken together do not solve a hidden cell", async (t) => {
  // Decided line by line, T(Q1) + T(Q2) less the years of c1 and c2 less the open cells gave Q1 c3.
  const rows = { Q1: [2, 2, 2, 5], Q2: [2, 2, 5, 5], Q3: [5, 5, 2, 2], Q4: [5, 5, 2, 2] };
  const cells = Object.entries(rows).flatMap(([quarter, counts]) =>
    counts.flatMap((count, at) => cell(`2025-${quarter}`, `c${at + 1}`, count)),
  );
  const system = systemOf(cells, ["a"]);
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
  ].flat();
  t.same(shown([...cells].reverse(), "quarter"), shown(cells, "quarter"));
  t.equal(shown(cells, "quarter")["2025-Q1 a"], null);
});

const quarters = ["2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"];
const few = (max: number) => fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max }));

/** Contracts of firms that each have one, so that only their number makes a figure unsafe. */
const tables = fc
  .array(
    fc.record({
      quarter: fc.constantFrom(...quarters),
      value: fc.constantFrom("a", "b", "c", "d"),
      count: few(40),
    }),
    { maxLength: 24 },
  )
  .map((list) => {
    const cells = new Map(list.map((one) => [`${one.quarter} ${one.value}`, one]));
    return [...cells.values()].flatMap(({ quarter, value, count }) => cell(quarter, value, count));
  });

/** The same with two dimensions. */
const pairs = fc
  .array(
    fc.record({
      quarter: fc.constantFrom(...quarters),
      a: fc.constantFrom("a", "b", "c", "d"),
      b: fc.constantFrom("u", "v", "w"),
      count: few(20),
    }),
    { maxLength: 20 },
  )
  .map((list) =>
    list.flatMap(({ quarter, a, b, count }) =>
      cell(quarter, a, count).map((one) => ({ ...one, values: { a, b } })),
    ),
  );

/** Contracts of few firms, some of which have nearly all of an amount. */
const firms = fc.array(
  fc.record({
    quarter: fc.constantFrom(...quarters),
    seller: fc.constantFrom("s1", "s2", "s3", "s4", "s5"),
    buyer: fc.constantFrom("b1", "b2", "b3", "b4", "b5", "b6"),
    totalAmount: fc.constantFrom("100.00", "120.50", "9000.00"),
    technologyAmount: fc.constantFrom("0.00", "50.00", "90.00"),
    values: fc.record({
      a: fc.constantFrom("a", "b", "c"),
      b: fc.constantFrom("u", "v"),
    }),
  }),
  { maxLength: 60 },
);

/** Whether in some quarter as many values are shown as there are contracts: their number tells them. */
const hasSingles = (contracts: Registered[], by: string): boolean =>
  quarters.some((quarter) => {
    const row = tableOf(contracts, by).cells.filter((one) => one.quarter === quarter);
    return row.length > 1 && row.every(({ count }) => count === 1);
  });

/** Whether a year has one contract in each of its quarters. */
const isSingles = (totals: readonly Row[], year: Row): boolean =>
  totals.filter(({ period }) => period.startsWith(`${year.period}-`)).length === year.count;

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

/** What can be worked out of unsafe figures. @param least what is known of each hidden count */
const found = (views: ReturnType<typeof viewsOf>, least: 0 | 1): Fact[] => {
  const system = systemIn(views);
  return [...solved(system), ...narrowed(system, least)].filter(isSmall);
};

t.test("no hidden small figure can be worked out, from all views taken together", async (t) => {
  holdsFor(t, 3000, "tables", tables, (contracts) => {
    const system = systemOf(contracts, ["a"]);
    return (
      system.facts.every((one) => one.hidden || !isSmall(one) || one.count === 0) &&
      !solved(system).some(isSmall) &&
      !narrowed(system, 0).some(isSmall)
    );
  });
});

t.test("nor by two dimensions of the same contracts", async (t) => {
  holdsFor(t, 2000, "pairs of tables", pairs, (contracts) => {
    const system = systemOf(contracts, ["a", "b"]);
    return !solved(system).some(isSmall) && !narrowed(system, 0).some(isSmall);
  });
});

t.test("nor by knowing that what is hidden is not zero", async (t) => {
  holdsFor(t, 3000, "tables", tables, (contracts) => {
    fc.pre(!hasSingles(contracts, "a"));
    return !counted(systemOf(contracts, ["a"])).some(isSmall);
  });
  holdsFor(t, 2000, "pairs of tables", pairs, (contracts) => {
    fc.pre(!["a", "b"].some((by) => hasSingles(contracts, by)));
    return !narrowed(systemOf(contracts, ["a", "b"]), 1).some(isSmall);
  });
});

t.test("three sellers, three buyers, and none with more than 85 % of an amount", async (t) => {
  const safe = {
    sellers: 3,
    buyers: 3,
    totalAmount: "1000.00",
    technologyAmount: "200.00",
    largestTotal: "850.00",
    largestTechnology: "170.00",
  };
  t.ok(isSafe(safe), "85 % is not more than 85 %");
  t.notOk(isSafe({ ...safe, sellers: 2, buyers: 9 }));
  t.notOk(isSafe({ ...safe, sellers: 9, buyers: 2 }));
  t.notOk(isSafe({ ...safe, largestTotal: "850.01" }));
  t.notOk(isSafe({ ...safe, largestTechnology: "170.01" }));
  t.ok(isSafe({ ...safe, technologyAmount: "0.00", largestTechnology: "0.00" }));
});

t.test("nor where few firms have many contracts, or one has nearly all of an amount", async (t) => {
  holdsFor(t, 1000, "lists of contracts", firms, (contracts) => {
    const views = viewsOf(contracts, ["a", "b"]);
    const { facts } = systemIn(views);
    return facts.every((one) => one.hidden || !isSmall(one)) && found(views, 0).length === 0;
  });
  holdsFor(t, 1000, "lists of contracts", firms, (contracts) => {
    fc.pre(!["a", "b"].some((by) => hasSingles(contracts, by)));
    return (
      found(viewsOf(contracts, ["a", "b"]), 1).length === 0 &&
      ["a", "b"].every((by) => !counted(systemOf(contracts, [by])).some(isSmall))
    );
  });
});

t.test("nor by looking before and after a contract of a past quarter is revoked", async (t) => {
  const corrected = fc.record({ contracts: firms, at: fc.nat() });
  holdsFor(t, 500, "revocations", corrected, ({ contracts, at }) => {
    fc.pre(contracts.length > 0);
    const first = viewsOf(contracts, ["a", "b"]);
    // What the public is shown after the revocation.
    const isReleased = isReleaseDue(1, nowInstant());
    const rest = isReleased ? contracts.toSpliced(at % contracts.length, 1) : contracts;
    return found(seenTwice(first, viewsOf(rest, ["a", "b"])), 0).length === 0;
  });
});

t.test("what a year's number leaves beside open quarters is no value's own", async (t) => {
  // Were the third quarter open, six contracts less its three would be those of `a`, which are two firms'.
  const of = (quarter: string, a: string, seller: string, buyer: string, totalAmount: string) => ({
    ...{ quarter, seller, buyer, totalAmount, technologyAmount: "50.00" },
    values: { a },
  });
  const contracts = [
    of("2025-Q2", "a", "s1", "b1", "100.00"),
    of("2025-Q2", "a", "s1", "b1", "100.00"),
    of("2025-Q3", "b", "s2", "b1", "9000.00"),
    of("2025-Q3", "c", "s5", "b4", "100.00"),
    of("2025-Q3", "b", "s1", "b3", "9000.00"),
    of("2025-Q4", "a", "s1", "b1", "100.00"),
  ];
  const years = opened(
    viewsOf(contracts, ["a"]),
    ({ period, value }) => period === "2025" && value === "all",
  );
  t.ok(years.totals.some(({ period, hidden }) => period === "2025-Q3" && hidden));
  t.same(found(years, 1), []);
});

t.test("nor by counting the numbers of each year that are valid", async (t) => {
  holdsFor(t, 1000, "walks", firms, (contracts) => {
    const inYear = ({ period }: Row) =>
      contracts.filter(({ quarter }) => quarter.startsWith(period.slice(0, 4))).length;
    fc.pre(!["a", "b"].some((by) => hasSingles(contracts, by)));
    const plain = viewsOf(contracts, ["a", "b"]);
    // As with values: quarters of one contract each are told by the number of the year's contracts.
    fc.pre(plain.totals.every((one) => one.period.length > 4 || !isSingles(plain.totals, one)));
    const walked = opened(plain, ({ period, value }) => value === "all" && !period.includes("-"));
    // What is all that its year has is counted with it.
    return found(walked, 1).every((one) => one.count === inYear(one as Row));
  });
});

t.test(
  "what is shown without a dimension hides what any dimension hides with its totals",
  async (t) => {
    holdsFor(t, 3000, "tables", tables, (contracts) => {
      const plain = contracts.map((one) => ({ ...one, values: { a: "all" } }));
      const open = shown(plain, "quarter");
      const split = suppressed(contracts, "quarter").rows;
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
