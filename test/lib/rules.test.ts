/** The clock, lifecycles as data, and what listings are found by. */
import t from "tap";
import { addYears, clock, instantIn, nowInstant, today } from "../../src/lib/clock.ts";
import {
  allowedActions,
  defineLifecycle,
  nextStatus,
  statusPairs,
} from "../../src/lib/lifecycle.ts";
import { queryTermsOf, searchTermsOf } from "../../src/lib/search-terms.ts";

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

t.test(
  "a listing is found by words, pairs of characters, and single ones of its title",
  async (t) => {
    t.same(
      searchTermsOf("LED封装", ["散热胶 H2"]).sort(),
      ["h2", "led", "封", "封装", "散热", "热胶", "装"].sort(),
    );
    t.same(searchTermsOf("轴承", [null, undefined, ""]).sort(), ["承", "轴", "轴承"].sort());
    t.same(searchTermsOf("轴承轴承", ["轴承"]).length, 4, "no duplicates: 轴, 承, 轴承, 承轴");
  },
);

t.test("full-width letters and capitals are found by small ones, and the other way", async (t) => {
  t.same(queryTermsOf("ＬＥＤ"), ["led"]);
  t.ok(searchTermsOf("ＬＥＤ　灯", []).includes("led"));
  t.same(queryTermsOf("5G"), ["5g"]);
});

t.test("a query asks for each word and each pair; one single character for itself", async (t) => {
  t.same(queryTermsOf("轴承钢"), ["轴承", "承钢"]);
  t.same(queryTermsOf("钢"), ["钢"]);
  t.same(queryTermsOf("LED封装 led"), ["led", "封装"]);
  t.same(queryTermsOf("！？ ..."), []);
  t.same(queryTermsOf("𠮷野家"), ["𠮷野", "野家"], "a character beyond the first plane is one");
});

t.test("a query of a part of a title finds the title", async (t) => {
  const terms = new Set(searchTermsOf("盐碱地玉米专用缓释肥制备技术", ["亩均减肥两成"]));
  for (const q of ["缓释肥", "玉米", "肥", "盐碱地 技术", "减肥"]) {
    t.ok(
      queryTermsOf(q).every((term) => terms.has(term)),
      q,
    );
  }
  t.notOk(queryTermsOf("小麦").every((term) => terms.has(term)));
  t.notOk(
    queryTermsOf("亩").every((term) => terms.has(term)),
    "a single character looks at titles only",
  );
});

t.test("a rare character written with two code units is one character", async (t) => {
  t.same(queryTermsOf("𠮷"), ["𠮷"]);
  t.ok(searchTermsOf("𠮷野", []).includes("𠮷"));
});
