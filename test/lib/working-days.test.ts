/** Terms in days, as the State Council's holidays and the Civil Code count them. */
import fc from "fast-check";
import t from "tap";
import { addDays, dueDay, isWorkingDay } from "../../src/lib/working-days.ts";

const dayLength = 24 * 60 * 60 * 1000;
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10);
const between = (first: string, last: string) =>
  fc
    .integer({ min: Date.parse(first) / dayLength, max: Date.parse(last) / dayLength })
    .map((day) => dateOf(day * dayLength));
/** Days of years that have a holiday table, and of those that have none yet. */
const tabled = between("2010-01-01", "2026-08-31");
const untabled = between("2030-01-01", "2089-12-31");
const weekday = (date: string) => new Date(`${date}T00:00:00Z`).getUTCDay();

t.test("days of the calendar, over months, years and leap days", async (t) => {
  t.equal(addDays("2026-01-31", 1), "2026-02-01");
  t.equal(addDays("2026-12-31", 1), "2027-01-01");
  t.equal(addDays("2028-02-28", 1), "2028-02-29");
  t.equal(addDays("2026-03-01", -1), "2026-02-28");
  t.equal(addDays("2026-11-24", 0), "2026-11-24");
  const days = fc.integer({ min: -4000, max: 4000 });
  fc.assert(
    fc.property(tabled, days, (date, count) => {
      t.equal(addDays(addDays(date, count), -count), date);
    }),
    { numRuns: 50 },
  );
});

t.test("weeks without a holiday have five working days", async (t) => {
  const week = ["23", "24", "25", "26", "27", "28", "29"].map((day) => `2026-11-${day}`);
  t.same(week.map(isWorkingDay), [true, true, true, true, true, false, false]);
});

// The State Council's notices for 2024, 2025 and 2026.
t.test("holidays are off, and the days that make up for them are worked", async (t) => {
  const off = [
    ["2026-01-01", "2026-01-03", "New Year"],
    ["2026-02-15", "2026-02-23", "Spring Festival"],
    ["2026-04-04", "2026-04-06", "Qingming"],
    ["2026-05-01", "2026-05-05", "Labour Day"],
    ["2026-06-19", "2026-06-21", "Dragon Boat"],
    ["2026-09-25", "2026-09-27", "Mid-Autumn"],
    ["2026-10-01", "2026-10-07", "National Day"],
    ["2025-10-01", "2025-10-08", "National Day and Mid-Autumn in one"],
    ["2024-02-10", "2024-02-17", "Spring Festival"],
  ] as const;
  for (const [first, last, name] of off) {
    for (let date: string = first; date <= last; date = addDays(date, 1)) {
      t.notOk(isWorkingDay(date), `${name}, ${date}`);
    }
  }
  const madeUp = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20"];
  for (const date of [...madeUp, "2026-10-10", "2025-09-28", "2025-10-11", "2024-02-18"]) {
    t.ok([0, 6].includes(weekday(date)), "on a weekend");
    t.ok(isWorkingDay(date), `${date} makes up for a holiday`);
  }
  t.notOk(isWorkingDay("2026-10-11"), "the Sunday after");
});

t.test("the first day does not count", async (t) => {
  t.same(dueDay("2026-11-24", 1, "calendar"), { date: "2026-11-25", provisional: false });
  t.same(dueDay("2026-11-24", 1, "working"), { date: "2026-11-25", provisional: false });
  t.equal(dueDay("2026-11-27", 1, "working").date, "2026-11-30", "over a weekend");
  for (const start of ["2026-11-27", "2026-11-28", "2026-11-29"]) {
    t.equal(dueDay(start, 1, "working").date, "2026-11-30", "from a day off as well");
  }
  t.equal(dueDay("2026-11-24", 30, "calendar").date, "2026-12-24", "registration, rules of 2000");
  t.equal(dueDay("2026-11-24", 10, "working").date, "2026-12-08", "an interest");
  t.equal(dueDay("2026-11-02", 15, "working").date, "2026-11-23", "registration, rules of 2026");
});

t.test(
  "over National Day of 2026 a term loses the holidays and gains the days made up",
  async (t) => {
    t.equal(dueDay("2026-09-30", 1, "working").date, "2026-10-08");
    t.equal(dueDay("2026-09-30", 3, "working").date, "2026-10-10", "a Saturday");
    t.equal(dueDay("2026-09-30", 4, "working").date, "2026-10-12");
    t.equal(dueDay("2026-09-18", 10, "working").date, "2026-10-09");
    t.equal(dueDay("2026-09-24", 15, "working").date, "2026-10-22");
    t.equal(
      dueDay("2026-09-30", 10, "calendar").date,
      "2026-10-10",
      "days of the calendar all count",
    );
  },
);

t.test("a year without a table counts Monday to Friday, and says that this may move", async (t) => {
  fc.assert(
    fc.property(untabled, (date) => {
      t.equal(isWorkingDay(date), weekday(date) % 6 !== 0, date);
    }),
    { numRuns: 100 },
  );
  t.same(dueDay("2088-09-30", 1, "working"), { date: "2088-10-01", provisional: true });
  t.same(dueDay("2088-10-01", 10, "calendar"), { date: "2088-10-11", provisional: false });
  const crossing = dueDay("2026-12-24", 10, "working");
  t.same(crossing, { date: "2027-01-07", provisional: true }, "2027 has no table yet");
  t.equal(dueDay("2026-12-24", 5, "working").provisional, false, "all of it lies in 2026");
});

t.test("a term of working days holds just so many of them, and ends on one", async (t) => {
  fc.assert(
    fc.property(fc.oneof(tabled, untabled), fc.integer({ min: 1, max: 60 }), (start, count) => {
      const { date } = dueDay(start, count, "working");
      let held = 0;
      for (let day = addDays(start, 1); day <= date; day = addDays(day, 1)) {
        if (isWorkingDay(day)) held += 1;
      }
      t.equal(held, count, `${start} ${count}`);
      t.ok(isWorkingDay(date));
      t.ok(date < dueDay(start, count + 1, "working").date, "one day more is later");
    }),
    { numRuns: 100 },
  );
});

t.test("a year of the table works about two hundred and fifty days", async (t) => {
  for (const year of [2024, 2025, 2026]) {
    let days = 0;
    for (let date = `${year}-01-01`; date <= `${year}-12-31`; date = addDays(date, 1)) {
      if (isWorkingDay(date)) days += 1;
    }
    t.ok(days >= 245 && days <= 252, `${year}: ${days}`);
  }
});
