/** Pieces of HTTP that are rules of their own: language, cursors, merge patch, entity tags. */
import t from "tap";
import { z } from "zod";
import { AppError } from "../../src/lib/errors.ts";
import {
  assertVersion,
  etagOf,
  expectedVersion,
  noneMatches,
  versionedOf,
} from "../../src/lib/etag.ts";
import { preferredLanguage } from "../../src/lib/language.ts";
import { mergePatch } from "../../src/lib/merge-patch.ts";
import { countLimit, readCursor, toPage, totalOf } from "../../src/lib/pagination.ts";
import { parsePatched } from "../../src/lib/patched.ts";

t.test("the better language of Accept-Language; Chinese when it names neither", async (t) => {
  const cases: [string | undefined, string][] = [
    [undefined, "zh"],
    ["", "zh"],
    ["*", "zh"],
    ["fr-FR, de", "zh"],
    ["en", "en"],
    ["EN-us", "en"],
    ["zh-Hant-TW", "zh"],
    ["zh;q=0.5, en;q=0.8", "en"],
    ["en;q=0.5, zh;q=0.8", "zh"],
    ["en, zh", "en"],
    ["zh, en", "zh"],
    ["fr, en;q=0.1", "en"],
    ["en;q=0", "zh"],
    ["en ; q=0.9 , zh-CN ; q=0.3", "en"],
    ["en;q=rubbish", "zh"],
  ];
  for (const [header, language] of cases) {
    t.equal(preferredLanguage(header), language, String(header));
  }
});

/** RFC 7396, appendix A: target, patch, result. */
const mergeCases: [unknown, unknown, unknown][] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

t.test("merge patch: every case of RFC 7396, appendix A", async (t) => {
  for (const [target, patch, result] of mergeCases) {
    t.strictSame(mergePatch(target, patch), result, JSON.stringify([target, patch]));
  }
});

t.test("merge patch leaves target and patch as they were", async (t) => {
  const target = Object.freeze({ a: Object.freeze({ b: 1, c: 2 }), d: 3 });
  const patch = Object.freeze({ a: Object.freeze({ b: null }), d: null });
  t.strictSame(mergePatch(target, patch), { a: { c: 2 } });
  t.strictSame(target, { a: { b: 1, c: 2 }, d: 3 });
});

const Thing = z.strictObject({
  name: z.string().min(1),
  note: z.string().nullable().default(null),
});

t.test("a patched whole is parsed: null takes the default, or is missed", async (t) => {
  const current = { name: "a", note: "b" };
  t.strictSame(parsePatched(Thing, current, { note: null }), { name: "a", note: null });
  try {
    parsePatched(Thing, current, { name: null, other: 1 });
    t.fail("it went through");
  } catch (error) {
    const { code, details } = error as AppError;
    t.equal(code, "request.invalid");
    t.match(details.faults, [
      { pointer: "/name", code: "required" },
      { pointer: "/other", code: "unknown_field" },
    ]);
  }
});

const id = (n: number) => `01890000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const rows = [1, 2, 3].map((n) => ({ id: id(n), key: `k${n}` }));
const pageOf = (query: { limit: number; status?: string }, list = "things") =>
  toPage(
    list,
    query,
    rows.slice(0, query.limit + 1),
    (row) => row.key,
    (row) => row.id,
  );

t.test("a page with more to come ends in a cursor that says where it ended", async (t) => {
  const page = pageOf({ limit: 2 });
  t.same(page.data, [id(1), id(2)]);
  t.equal(page.page.hasMore, true);
  t.same(readCursor("things", { cursor: page.page.next }), { key: "k2", id: id(2) });
});

t.test("the last page has no cursor, an empty one neither", async (t) => {
  t.same(pageOf({ limit: 3 }), { data: rows.map((row) => row.id), page: { hasMore: false } });
  t.same(
    toPage(
      "things",
      { limit: 3 },
      [],
      () => "",
      (row) => row,
    ),
    { data: [], page: { hasMore: false } },
  );
  t.equal(readCursor("things", {}), null);
});

t.test(
  "a cursor fits its list and its filters only; the size of the page may change",
  async (t) => {
    const query = { limit: 1, status: "open" };
    const cursor = pageOf(query).page.next;
    t.ok(readCursor("things", { cursor, status: "open", limit: 50, include: "total" } as never));
    t.ok(readCursor("things", { cursor, status: "open", other: undefined } as never));
    const wrong: [string, object][] = [
      ["others", { cursor, status: "open" }],
      ["things", { cursor, status: "shut" }],
      ["things", { cursor }],
      ["things", { cursor, status: "open", q: "x" }],
    ];
    for (const [list, other] of wrong) {
      t.throws(() => readCursor(list, other as { cursor: string }), { code: "request.invalid" });
    }
  },
);

t.test("what is no cursor is refused, whatever it is", async (t) => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const real = JSON.parse(
    Buffer.from(String(pageOf({ limit: 1 }).page.next), "base64url").toString(),
  );
  for (const cursor of [
    "x",
    "%%%",
    encode({}),
    encode([]),
    encode([real[0], real[1]]),
    encode([real[0], real[1], "no uuid"]),
    encode([real[0], 7, real[2]]),
    encode([real[0], "k".repeat(101), real[2]]),
    encode(["000000000000", real[1], real[2]]),
  ]) {
    t.throws(() => readCursor("things", { cursor }), {
      code: "request.invalid",
      details: { faults: [{ parameter: "cursor", code: "cursor.invalid" }] },
    });
  }
  t.ok(readCursor("things", { cursor: encode(real) }), "the control: the real one is read");
});

t.test("a total is exact up to its limit", async (t) => {
  t.same(totalOf(0), { exact: 0 });
  t.same(totalOf(countLimit), { exact: countLimit });
  t.same(totalOf(countLimit + 1), { atLeast: countLimit });
});

const of = (version: number, id = "a need") => ({ version, id });

t.test(
  "an entity tag is version, resource and a hash of the body, or the hash alone",
  async (t) => {
    t.match(etagOf(of(7), "body"), /^"7-[\w-]{20}"$/);
    t.match(etagOf(null, "body"), /^"[\w-]{16}"$/);
    t.equal(etagOf(of(7), "body"), etagOf(of(7), Buffer.from("body")));
    t.not(etagOf(of(7), "body"), etagOf(of(7), "other"));
    t.not(etagOf(of(7), "body"), etagOf(of(8), "body"));
    t.not(etagOf(of(7), "body"), etagOf(of(7, "another"), "body"));
    t.same(versionedOf({ id: "x", version: 3, code: "y" }), { id: "x", version: 3 });
    t.same(versionedOf({ code: "y", version: 3 }), { id: "y", version: 3 });
    for (const none of [null, undefined, {}, { version: "3" }]) t.equal(versionedOf(none), null);
  },
);

t.test("If-None-Match compares weakly, one of several is enough", async (t) => {
  const etag = etagOf(of(1), "body");
  for (const header of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) t.ok(noneMatches(header, etag));
  for (const header of ["", `"x"`, etag.slice(1, -1), etagOf(of(1), "other"), "foo*bar", "*, *"]) {
    t.notOk(noneMatches(header, etag), header);
  }
});

t.test("If-Match compares the version before the dash, and whose it is", async (t) => {
  const passes = (header: string | undefined, version = 7) => {
    try {
      assertVersion(of(version), expectedVersion(header));
      return true;
    } catch (error) {
      t.equal((error as AppError).code, "request.precondition_failed");
      return false;
    }
  };
  const tag = etagOf(of(7), "a");
  const good = [undefined, "*", " * ", tag, etagOf(of(7), "b"), `"7-"`, `"6-a", "7-b"`];
  for (const header of [...good, tag.replace(/"$/, '-gzip"'), `"7-gzip"`]) {
    t.ok(passes(header), String(header));
  }
  t.notOk(passes(etagOf(of(7, "another"), "a")), "another resource's");
  t.ok(passes(`${etagOf(of(7, "another"), "a")}, ${tag}`), "one of several");
  for (const header of ["foo*bar", "*x", '"*"', `"x", *`]) t.notOk(passes(header), header);
  for (const header of ["", "7", `"7"`, `"77-a"`, `"6-a"`, `W/"7-a"`, `"x-7-a"`, "rubbish"]) {
    t.notOk(passes(header), header);
  }
});

t.test("a refusal carries its code", async (t) => {
  t.match(new AppError("auth.required"), { code: "auth.required", message: "auth.required" });
});
