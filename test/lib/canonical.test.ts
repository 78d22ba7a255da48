/** The one text of a JSON value that is hashed. */
import fc from "fast-check";
import t from "tap";
import { canonicalJson } from "../../src/lib/canonical.ts";

/** What is kept here: strings, whole numbers, booleans, nulls, and lists and objects of them. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string({ unit: "grapheme" }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value")),
    fc.dictionary(fc.string({ unit: "grapheme" }), tie("value")),
  ),
}));

/** The same value with every object's members in another order. */
function shuffled(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(shuffled);
  if (json === null || typeof json !== "object") return json;
  const members = Object.entries(json).reverse();
  return Object.fromEntries(members.map(([name, member]) => [name, shuffled(member)]));
}

// Through JSON: what a database gives back has no prototype of its own and no minus zero.
const plain = (json: unknown): unknown => JSON.parse(JSON.stringify(json));

t.test("members by name, no blanks, text as it is", async (t) => {
  t.equal(canonicalJson({ b: 1, a: [true, null, "x"] }), '{"a":[true,null,"x"],"b":1}');
  t.equal(canonicalJson({}), "{}");
  t.equal(canonicalJson([]), "[]");
  t.equal(canonicalJson({ title: "缓释肥\n“一号”" }), '{"title":"缓释肥\\n“一号”"}');
  t.equal(canonicalJson({ a: { d: 1, c: { f: 2, e: 3 } } }), '{"a":{"c":{"e":3,"f":2},"d":1}}');
  t.equal(canonicalJson([{ b: 1, a: 2 }]), '[{"a":2,"b":1}]', "also within a list");
});

t.test("names sort by their UTF-16 units, as RFC 8785 has it", async (t) => {
  const names = {
    "\u20ac": 1,
    "\r": 2,
    "\ufb33": 3,
    "1": 4,
    "\ud83d\ude00": 5,
    "\u0080": 6,
    "\u00f6": 7,
  };
  const order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"];
  t.same(
    [...canonicalJson(names).matchAll(/:(\d)/g)].map(([, digit]) => digit).join(""),
    "2467153",
  );
  const text = canonicalJson(names);
  const places = order.map((name) => text.indexOf(JSON.stringify(name)));
  t.same(
    places,
    [...places].sort((a, b) => a - b),
  );
  t.equal(canonicalJson({ 10: "a", 9: "b" }), '{"10":"a","9":"b"}', "numbers sort as text");
});

t.test("what is absent and what is undefined is the same; null is not", async (t) => {
  t.equal(canonicalJson({ a: undefined, b: 1 }), canonicalJson({ b: 1 }));
  t.not(canonicalJson({ a: null, b: 1 }), canonicalJson({ b: 1 }));
  t.equal(canonicalJson([undefined]), "[null]", "a list keeps its places, as in JSON");
  t.equal(canonicalJson(undefined), "null");
});

t.test("the order of members does not matter, that of a list does", async (t) => {
  fc.assert(
    fc.property(value, (json) => {
      t.equal(canonicalJson(shuffled(json)), canonicalJson(json));
    }),
    { numRuns: 200 },
  );
  t.not(canonicalJson([1, 2]), canonicalJson([2, 1]));
});

t.test("it is JSON of the same value, and two values have two texts", async (t) => {
  fc.assert(
    fc.property(value, (json) => {
      t.strictSame(JSON.parse(canonicalJson(json)), plain(json));
      t.equal(canonicalJson(plain(json)), canonicalJson(json), "stored and read again");
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(value, value, (one, other) => {
      const same = canonicalJson(one) === canonicalJson(other);
      t.equal(same, JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)));
    }),
    { numRuns: 200 },
  );
});

/** Entries in one order, which tells two values apart whatever the order of their members was. */
function sorted(json: unknown): unknown {
  if (Array.isArray(json)) return ["list", json.map(sorted)];
  if (json === null || typeof json !== "object") return json;
  const entries = Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1));
  return ["object", entries.map(([name, member]) => [name, sorted(member)])];
}
