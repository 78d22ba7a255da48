/** The clock, and lifecycles as data. */
import t from "tap";
import { addYears, clock, instantIn, nowInstant, today } from "../../src/lib/clock.ts";
import {
  allowedActions,
  defineLifecycle,
  nextStatus,
  statusPairs,
} from "../../src/lib/lifecycle.ts";

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

const door = defineLifecycle("need", [
  { from: ["open"], action: "shut", by: "owner", to: "shut" },
  { from: ["open", "shut"], action: "lock", by: "operator", to: "locked" },
  { from: ["shut"], action: "open", by: "owner", to: "open" },
  { from: ["shut"], action: "open", by: "job", to: "locked" },
]);

t.test("an action leads from a status of its line to the line's end", async (t) => {
  t.equal(nextStatus(door, "open", "shut", "owner"), "shut");
  t.equal(nextStatus(door, "shut", "lock", "operator"), "locked");
  t.equal(nextStatus(door, "shut", "open", "owner"), "open");
  t.equal(nextStatus(door, "shut", "open", "job"), "locked", "the same action by another");
});

t.test("what the table does not list is refused, with what is possible", async (t) => {
  t.throws(() => nextStatus(door, "shut", "shut", "owner"), {
    code: "need.invalid_transition",
    details: { members: { currentStatus: "shut", allowedActions: ["open"] } },
  });
  t.throws(() => nextStatus(door, "open", "lock", "owner"), {
    code: "need.invalid_transition",
    details: { members: { currentStatus: "open", allowedActions: ["shut"] } },
  });
  t.throws(() => nextStatus(door, "locked", "open", "owner"), {
    code: "need.invalid_transition",
    details: { members: { currentStatus: "locked", allowedActions: [] } },
  });
});

t.test("allowed actions are those of all of the caller's standings, each once", async (t) => {
  t.same(allowedActions(door, "open", ["owner", "operator"]), ["shut", "lock"]);
  t.same(allowedActions(door, "shut", ["owner", "job"]), ["open"]);
  t.same(allowedActions(door, "open", []), []);
  t.same(allowedActions(door, "locked", ["owner", "operator", "job", "system"]), []);
});

t.test("all pairs of a table, each once", async (t) => {
  t.same(statusPairs(door), ["open>locked", "open>shut", "shut>locked", "shut>open"]);
});
