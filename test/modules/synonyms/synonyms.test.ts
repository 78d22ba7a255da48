/** Synonyms: the table that the operator keeps, and what searches make of it. */
import { eq, sql } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { termStatisticsVersions } from "../../../db/schema/matching.ts";
import { synonyms } from "../../../db/schema/synonyms.ts";
import { synonymGroups } from "../../../db/synonyms/synonyms.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { newId } from "../../../src/lib/ids.ts";
import { fold, synonymTermsOf } from "../../../src/lib/terms.ts";
import { refoldSynonyms } from "../../../src/modules/synonyms/synonyms.service.ts";
import { publishedResult } from "../../support/listings.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, type Reply } from "../../support/market.ts";
import { pointersOf, refused, statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const university = await market.person("university");
const asOperator = market.as(operator);
const asNobody = market.as(null);
const path = "/v1/synonyms";
const unknownId = "01890000-0000-7000-8000-000000000000";

const rowOf = async (id: string) =>
  (await db.select().from(synonyms).where(eq(synonyms.id, id)))[0];
const add = (words: string[], note: string | null = null, by: Caller = operator) =>
  market.as(by)("POST", path, { body: { words, note } });
const change = (id: string, body: object, etag?: string, by: Caller = operator) =>
  market.as(by)("PATCH", `${path}/${id}`, { body, headers: etag ? { "if-match": etag } : {} });
const remove = (id: string, headers: Record<string, string> = {}) =>
  asOperator("DELETE", `${path}/${id}`, { headers });
const list = (query: Record<string, string>) =>
  asNobody("GET", `${path}?${new URLSearchParams(query)}`);
/** Version of the term statistics; 0 when they were never counted. */
const versionNow = async () => (await db.select().from(termStatisticsVersions))[0]?.version ?? 0;

t.test("a new market begins with groups of its own", async (t) => {
  t.ok(synonymGroups.length >= 38);
  const { body } = await list({ limit: "100", include: "total" });
  t.same(body.total, { exact: synonymGroups.length });
  const shown = body.data.map(({ words }: { words: string[] }) => words.join("/")).sort();
  t.same(shown, synonymGroups.map((words) => words.join("/")).sort());
  for (const words of synonymGroups) {
    for (const word of words) t.ok(synonymTermsOf(fold(word)).terms.length > 0, word);
    t.equal(new Set(words.map(fold)).size, words.length, words.join("/"));
  }
  const [row] = await db.select().from(synonyms).where(sql`words @> array['机器学习']`);
  t.same(row?.folded, ["机器学习", "machine learning", "machinelearning"]);
});

t.test("migrating again neither doubles a group nor brings a deleted one back", async (t) => {
  const all = () => db.select().from(synonyms).orderBy(synonyms.id);
  const before = await all();
  await migrate(market.database);
  t.same(await all(), before);
  const [first, ...rest] = before;
  t.equal((await remove(first?.id ?? "")).status, 204);
  await migrate(market.database);
  t.same(await all(), rest);
  // All of them: the table is as empty as that of a new market.
  for (const { id } of rest) await remove(id);
  t.same(await all(), []);
  await migrate(market.database);
  t.same(await all(), []);
});

t.test("no two groups have the same words, in whatever order or form", async (t) => {
  const { id } = (await add(["发光陶瓷", "夜光陶瓷"])).body;
  refused(t, await add(["夜光陶瓷", "發光陶瓷"]), 409, "synonym.words_taken");
  const other = await add(["发光陶瓷", "夜光陶瓷", "蓄光陶瓷"]);
  t.equal(other.status, 201, "a word may stand in several");
  const changed = await change(
    other.body.id,
    { words: ["夜光陶瓷", "发光陶瓷"] },
    String(other.headers.etag),
  );
  refused(t, changed, 409, "synonym.words_taken");
  const both = await Promise.all([add(["甲烷菌", "产甲烷菌"]), add(["产甲烷菌", "甲烷菌"])]);
  t.same(statusesOf(both), [201, 409]);
  // Folded again, groups may become the same one: the oldest stays.
  const words = ["夜光陶瓷", "發光陶瓷"];
  await db.insert(synonyms).values({ id: newId(), words, folded: ["as it was folded once"] });
  // What the next one has, outdated as it is, is in nobody's way.
  await db.insert(synonyms).values([
    { id: newId(), words: ["新词甲", "新词乙"], folded: ["as another was folded once"] },
    { id: newId(), words: ["新词丙", "新词丁"], folded: ["新词甲", "新词乙"] },
  ]);
  const { id: synonymId, words: synonymWords } = synonyms;
  await db.transaction(async (tx) => {
    const columns = { id: synonymId, words: synonymWords };
    const groups = await tx.select(columns).from(synonyms).orderBy(synonymId);
    await refoldSynonyms(tx, groups, "all");
  });
  t.equal(await db.$count(synonyms, sql`folded @> array['新词甲', '新词乙']`), 1);
  t.equal(await db.$count(synonyms, sql`folded @> array['新词丙', '新词丁']`), 1);
  t.match(await rowOf(id), { folded: ["发光陶瓷", "夜光陶瓷"] });
  t.equal(await db.$count(synonyms, sql`folded @> array['夜光陶瓷']`), 2);
  await db.delete(synonyms);
});

t.test("adding a group", async (t) => {
  t.test("it is stored, shown, audited, and makes new scores", async (t) => {
    const before = await versionNow();
    const reply = await add(["ＬＥＤ", "發光二極管"], "行业通称。");
    t.equal(reply.status, 201);
    const { id } = reply.body;
    t.equal(reply.headers.location, `${path}/${id}`);
    t.match(reply.headers.etag, /^"1-/);
    t.match(reply.body, { words: ["ＬＥＤ", "發光二極管"], note: "行业通称。", version: 1 });
    t.same(Object.keys(reply.body).sort(), [
      "createdAt",
      "id",
      "note",
      "updatedAt",
      "version",
      "words",
    ]);
    t.match(await rowOf(id), { folded: ["led", "发光二极管"], createdBy: operator.id });
    t.same((await asNobody("GET", `${path}/${id}`)).body, reply.body);
    const records = await auditsOf(market, id);
    t.match(records, [
      {
        type: "synonym.create",
        actorId: operator.id,
        organizationId: null,
        before: null,
        after: { words: ["ＬＥＤ", "發光二極管"], note: "行业通称。" },
      },
    ]);
    const after = await versionNow();
    t.equal(after, before + 1);
    await remove(id);
  });

  t.test("a word may stand in several groups", async (t) => {
    const [one, two] = [await add(["磁共振", "MRI"]), await add(["磁共振", "NMR"])];
    t.same([one.status, two.status], [201, 201]);
    const { body } = await list({ q: "磁共振" });
    t.same(
      body.data.map(({ id }: { id: string }) => id),
      [two.body.id, one.body.id],
    );
    for (const { body } of [one, two]) await remove(body.id);
  });

  t.test("every fault is named, and nothing stored", async (t) => {
    const before = [await db.$count(synonyms), await db.$count(auditRecords), await versionNow()];
    const faults = async (words: unknown, ...pointers: string[]) => {
      const reply = await asOperator("POST", path, { body: { words } });
      const problem = refused(t, reply, 400, "request.invalid");
      t.same(pointersOf(problem), pointers, JSON.stringify(words));
      return problem.errors;
    };
    await faults(["只有一个"], "/words");
    await faults(
      Array.from({ length: 21 }, (_, i) => `词语${i}`),
      "/words",
    );
    await faults(["长".repeat(31), "锂电池"], "/words/0");
    t.match(await faults(["LED", "led", "ＬＥＤ"], "/words/1", "/words/2"), [
      { code: "duplicate" },
      { code: "duplicate" },
    ]);
    await faults(["發光", "发光"], "/words/1");
    await faults(["machine learning", "machine-learning"], "/words/1");
    t.match(await faults(["……", "，。", "水体"], "/words/0", "/words/1"), [
      { code: "synonym.nothing_to_find" },
      { code: "synonym.nothing_to_find" },
    ]);
    await faults(["锂电池", "a\u0000b"], "/words/1");
    const reply = await asOperator("POST", path, {
      body: { words: ["甲醇", "木精"], note: "", folded: [] },
    });
    t.same(pointersOf(refused(t, reply, 400, "request.invalid")), ["/folded", "/note"]);
    const after = [await db.$count(synonyms), await db.$count(auditRecords), await versionNow()];
    t.same(after, before);
  });

  t.test("the same key again adds nothing", async (t) => {
    const body = { words: ["甲醇", "木精"] };
    const send = () =>
      asOperator("POST", path, { body, headers: { "idempotency-key": "methanol" } });
    const [first, again] = [await send(), await send()];
    t.equal(again.headers["idempotent-replayed"], "true");
    t.same(again.body, first.body);
    t.equal((await list({ q: "木精" })).body.data.length, 1);
    await remove(first.body.id);
  });
});

t.test("the list is paged, and finds a word in any of its forms", async (t) => {
  const ids: string[] = [];
  for (const words of [
    ["LED", "发光二极管"],
    ["machine vision", "机器视觉"],
    ["废水", "污水"],
  ]) {
    ids.unshift((await add(words)).body.id);
  }
  const idsOf = ({ body }: Reply) => body.data.map(({ id }: { id: string }) => id);
  t.same(idsOf(await list({})), ids);
  const first = await list({ limit: "2", include: "total" });
  t.same(first.body.total, { exact: 3 });
  t.same(idsOf(first), ids.slice(0, 2));
  const second = await list({ limit: "2", cursor: first.body.page.next });
  t.same(idsOf(second), ids.slice(2));
  t.equal(second.body.page.hasMore, false);
  refused(t, await list({ q: "LED", cursor: first.body.page.next }), 400, "request.invalid");
  for (const q of ["LED", "led", "ＬＥＤ", "發光二極管"]) {
    t.same(idsOf(await list({ q, include: "total" })), ids.slice(2), q);
  }
  for (const q of ["Machine Vision", "machinevision"]) t.same(idsOf(await list({ q })), [ids[1]]);
  for (const q of ["发光", "vision", "LED灯"]) t.same(idsOf(await list({ q })), [], q);
  refused(t, await list({ word: "LED" }), 400, "request.invalid");
  const oldest = ids[2] ?? "";
  await change(oldest, { note: "常用。" }, "*");
  const latest = await list({ limit: "1" });
  t.same(idsOf(latest), [oldest], "the latest change first");
  const rest = await list({ limit: "2", cursor: latest.body.page.next });
  t.same(idsOf(rest), ids.slice(0, 2));
  for (const id of ids) await remove(id);
});

t.test("changing and deleting a group", async (t) => {
  t.test("a merge patch changes what it names", async (t) => {
    const { id } = (await add(["锂电池", "锂离子电池"], "电池")).body;
    const before = await versionNow();
    const reply = await change(id, { words: ["锂电池", "锂离子电池", "Li ion"] }, '"1-"');
    t.equal(reply.status, 200);
    t.match(reply.headers.etag, /^"2-/);
    t.match(reply.body, { words: ["锂电池", "锂离子电池", "Li ion"], note: "电池", version: 2 });
    t.match(await rowOf(id), { folded: ["锂电池", "锂离子电池", "li ion", "liion"], version: 2 });
    t.match((await auditsOf(market, id)).at(-1), {
      type: "synonym.update",
      before: { words: ["锂电池", "锂离子电池"], version: 1 },
      after: { words: ["锂电池", "锂离子电池", "Li ion"], version: 2 },
    });
    t.equal(await versionNow(), before + 1);
    t.equal((await change(id, { note: null }, "*")).body.note, null);
    await remove(id);
  });

  t.test("refusals change nothing", async (t) => {
    const { id } = (await add(["锂电池", "锂离子电池"])).body;
    const before = [await rowOf(id), await db.$count(auditRecords), await versionNow()];
    refused(t, await change(id, { note: "x" }), 428, "request.precondition_required");
    refused(t, await change(id, { note: "x" }, '"7-"'), 412, "request.precondition_failed");
    refused(t, await remove(id, { "if-match": '"7-"' }), 412, "request.precondition_failed");
    const one = await change(id, { words: ["锂电池"] }, "*");
    t.same(pointersOf(refused(t, one, 400, "request.invalid")), ["/words"]);
    const none = await change(id, { words: null }, "*");
    t.same(pointersOf(refused(t, none, 400, "request.invalid")), ["/words"]);
    refused(t, await change(unknownId, { note: "x" }, "*"), 404, "synonym.not_found");
    refused(t, await remove(unknownId), 404, "synonym.not_found");
    refused(t, await asNobody("GET", `${path}/${unknownId}`), 404, "synonym.not_found");
    for (const role of ["university", "enterprise", "brokerage", "registry"] as const) {
      const other = market.as(await market.person(role));
      const options = { body: { words: ["甲醇", "木精"] }, headers: { "if-match": "*" } };
      refused(t, await other("POST", path, options), 403, "auth.forbidden_role");
      refused(t, await other("PATCH", `${path}/${id}`, options), 403, "auth.forbidden_role");
      refused(t, await other("DELETE", `${path}/${id}`), 403, "auth.forbidden_role");
    }
    const machine = market.as(await market.client(operator, ["results:write"]));
    refused(t, await machine("DELETE", `${path}/${id}`), 403, "auth.person_required");
    t.same([await rowOf(id), await db.$count(auditRecords), await versionNow()], before);
    await remove(id);
  });

  t.test("two changes of one version at once: one is told to read again", async (t) => {
    const { id } = (await add(["锂电池", "锂离子电池"])).body;
    const before = await versionNow();
    const replies = await Promise.all(["甲", "乙"].map((note) => change(id, { note }, '"1-"')));
    t.same(statusesOf(replies), [200, 412]);
    t.equal((await rowOf(id))?.version, 2);
    t.equal(await versionNow(), before + 1);
    await remove(id);
  });

  t.test("several at once: each makes a version of its own", async (t) => {
    const before = await versionNow();
    const replies = await Promise.all(
      ["甲", "乙", "丙", "丁"].map((word) => add([`${word}醇`, `${word}基醇`])),
    );
    t.same(statusesOf(replies), [201, 201, 201, 201]);
    t.equal(await versionNow(), before + 4);
    const gone = await Promise.all(replies.map(({ body }) => remove(body.id)));
    t.same(statusesOf(gone), [204, 204, 204, 204]);
  });

  t.test("two deletions at once: one finds nothing", async (t) => {
    const { id } = (await add(["锂电池", "锂离子电池"], "电池")).body;
    t.same(statusesOf(await Promise.all([remove(id), remove(id)])), [204, 404]);
    t.equal(await rowOf(id), undefined);
    const records = await auditsOf(market, id);
    t.same(
      records.map(({ type }) => type),
      ["synonym.create", "synonym.delete"],
    );
    t.match(records[1], { before: { words: ["锂电池", "锂离子电池"] }, after: null });
  });
});

t.test("a search finds what is called otherwise, until the group is gone", async (t) => {
  const led = await publishedResult(market, university, operator, {
    title: "高光效LED封装工艺",
    summary: "硅胶折射率提高，光衰减少。",
  });
  const diode = await publishedResult(market, university, operator, {
    title: "大功率发光二极管散热基板",
    summary: "氮化铝陶瓷直接覆铜。",
  });
  const vision = await publishedResult(market, university, operator, {
    title: "基于 machine vision 的零件分拣",
    summary: "产线节拍三秒。",
  });
  interface Item {
    id: string;
    match: { score: number; highlights: { field: string; text: string; ranges: number[][] }[] };
  }
  const find = async (q: string) =>
    (await asNobody("GET", `/v1/results?${new URLSearchParams({ q })}`)).body as {
      data: Item[];
      understood: { words: { text: string; synonyms: string[] }[] };
    };
  const idsOf = async (q: string) => (await find(q)).data.map(({ id }) => id);
  t.same(await idsOf("发光二极管"), [diode.id], "without a group only itself");
  t.same(await idsOf("LED"), [led.id]);

  const group = (await add(["LED", "发光二极管"])).body;
  // Own word first: a synonym is worth less in the same place.
  t.same(await idsOf("发光二极管"), [diode.id, led.id]);
  t.same(await idsOf("LED"), [led.id, diode.id]);
  t.same(await idsOf("發光二極管 封装"), [led.id]);
  const { data, understood } = await find("发光二极管");
  t.match(understood.words, [{ text: "发光二极管", synonyms: ["led"] }]);
  const marked = ({ match }: Item) =>
    match.highlights.flatMap(({ field, text, ranges }) =>
      ranges.map(([from, to]) => `${field}: ${text.slice(from, to)}`),
    );
  t.same(data.map(marked), [["title: 发光二极管"], ["title: LED"]]);
  const [own, other] = data.map(({ match }) => match.score) as [number, number];
  t.ok(own > other, `${own} > ${other}`);

  const english = (await add(["机器视觉", "machine vision"])).body;
  t.same(await idsOf("机器视觉"), [vision.id]);
  for (const q of ["machine vision", "Machine-Vision", "ｍａｃｈｉｎｅ vision"]) {
    t.match((await find(q)).understood.words, [{ synonyms: ["机器视觉", "machine vision"] }], q);
    t.same(await idsOf(q), [vision.id], q);
  }

  await remove(group.id);
  t.same(await idsOf("发光二极管"), [diode.id], "its deletion ends it");
  t.same(await idsOf("LED"), [led.id]);
  await change(english.id, { words: ["机器视觉", "计算机视觉"] }, "*");
  t.same(await idsOf("机器视觉"), [], "and so does a change");
  await remove(english.id);
});

t.test("a single character may be a synonym: it is looked for in titles", async (t) => {
  const cadmium = await publishedResult(market, university, operator, {
    title: "土壤重金属镉的钝化材料",
    summary: "稻田试验两季。",
  });
  const symbol = await publishedResult(market, university, operator, {
    title: "稻米 Cd 重金属快速筛查仪",
    summary: "十分钟出数。",
  });
  const find = async (q: string) =>
    (await asNobody("GET", `/v1/results?${new URLSearchParams({ q })}`)).body;
  const idsOf = async (q: string) => (await find(q)).data.map((one: { id: string }) => one.id);
  t.same([await idsOf("Cd"), await idsOf("镉")], [[symbol.id], [cadmium.id]]);
  const reply = await add(["镉", "Cd"]);
  t.equal(reply.status, 201);
  t.same(await idsOf("Cd"), [symbol.id, cadmium.id]);
  t.same(await idsOf("镉"), [cadmium.id, symbol.id]);
  t.same(await idsOf("Cd 重金属"), [symbol.id, cadmium.id]);
  const { understood } = await find("Cd");
  t.match(understood.words, [{ text: "cd", synonyms: ["镉"], titlesOnly: false }]);
  await remove(reply.body.id);
});

t.test("a cursor of a ranked list expires with each change of the table", async (t) => {
  for (const title of ["污水除磷药剂", "污水脱氮菌剂", "污水消毒装置"]) {
    await publishedResult(market, university, operator, { title });
  }
  const page = (query: Record<string, string>) =>
    asNobody("GET", `/v1/results?${new URLSearchParams({ q: "污水", limit: "1", ...query })}`);
  const next = async (query: Record<string, string> = {}): Promise<string> =>
    (await page(query)).body.page.next;
  let cursor = await next();
  t.equal((await page({ cursor })).status, 200);
  const newest = await next({ sort: "newest" });
  const { id } = (await add(["污水", "废水"])).body;
  refused(t, await page({ cursor }), 400, "cursor.expired");
  t.equal((await page({ sort: "newest", cursor: newest })).status, 200, "no score is in this one");
  cursor = await next();
  await change(id, { note: "环保" }, "*");
  refused(t, await page({ cursor }), 400, "cursor.expired");
  cursor = await next();
  await remove(id);
  refused(t, await page({ cursor }), 400, "cursor.expired");
  cursor = await next();
  refused(t, await add(["污水"]), 400, "request.invalid");
  t.equal((await page({ cursor })).status, 200, "a refused change changes nothing");
});
