/** The clock: civil days in Shanghai, instants in UTC. */
import t from "tap";
import { addYears, clock, instantIn, nowInstant, today } from "../../src/lib/clock.ts";

t.test("some years later; a leap day becomes 28 February in a common year", async (t) => {
  t.equal(addYears("2026-03-02", 1), "2027-03-02");
  t.equal(addYears("2024-02-29", 1), "2025-02-28");
  t.equal(addYears("2024-02-29", 4), "2028-02-29");
  t.equal(addYears("2023-02-28", 1), "2024-02-28");
  t.equal(addYears("2026-12-31", 10), "2036-12-31");
  t.equal(addYears("2026-01-01", 0), "2026-01-01");
  t.equal(addYears("2096-02-29", 4), "2100-02-28", "2100 has no leap day");
});

t.test("today is the day in Shanghai, whatever the day in UTC", async (t) => {
  const { now } = clock;
  t.teardown(() => {
    clock.now = now;
  });
  clock.now = () => new Date("2026-03-01T15:59:59.999Z");
  t.equal(today(), "2026-03-01");
  clock.now = () => new Date("2026-03-01T16:00:00.000Z");
  t.equal(today(), "2026-03-02");
  t.equal(nowInstant(), "2026-03-01T16:00:00.000Z");
  t.equal(instantIn(90), "2026-03-01T16:01:30.000Z");
  t.equal(instantIn(-0.5), "2026-03-01T15:59:59.500Z");
});
