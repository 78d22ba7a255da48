/** Searching results and needs in Chinese: what is found, in which order, with which words and counts. */
import { eq, inArray, sql } from "drizzle-orm";
import t, { type Test } from "tap";
import { termStatisticsVersions } from "../../../db/schema/matching.ts";
import { synonyms } from "../../../db/schema/synonyms.ts";
import { transact } from "../../../src/database/transact.ts";
import { newId } from "../../../src/lib/ids.ts";
import { fold } from "../../../src/lib/terms.ts";
import { refreshStatistics } from "../../../src/modules/matching/term-statistics.service.ts";
import {
  listingIn,
  type Noun,
  type Overrides,
  publishedNeed,
  publishedResult,
  rowOf,
  tableOf,
} from "../../support/listings.ts";
import { type Call, openMarket, type Reply } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import { idsOf, refused } from "../../support/replies.ts";
import { stockUp } from "../../support/stock.ts";

const market = await openMarket(t);
// The groups that a market begins with would find what is looked for here in other words.
await market.database.db.delete(synonyms);
const { db, pool } = market.database;
const operator = await market.person("operator");
const university = await market.person("university");
const enterprise = await market.person("enterprise");
const asNobody = market.as(null);
const asReader = market.as(await market.person("enterprise"));
const asOperator = market.as(operator);
const asUniversity = market.as(university);
const asEnterprise = market.as(enterprise);
const nouns: readonly Noun[] = ["result", "need"];

type Parameters = Record<string, string | number>;
const queryOf = (parameters: Parameters) =>
  new URLSearchParams(
    Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])),
  ).toString();
/** Totals of a search are for those who are signed in: whoever has no account asks as a reader then. */
const mayCount = (as: Call, { q, include }: Parameters) =>
  as === asNobody && q !== undefined && String(include).includes("total") ? asReader : as;
const ask = (as: Call, noun: Noun, parameters: Parameters) =>
  mayCount(as, parameters)("GET", `/v1/${noun}s?${queryOf(parameters)}`);
const titlesOf = ({ body }: Reply): string[] =>
  body.data.map((item: { title: string }) => item.title);

/** All pages of a list, one after the other. */
async function walk(as: Call, noun: Noun, parameters: Parameters): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const reply = await ask(as, noun, { ...parameters, ...(cursor ? { cursor } : {}) });
    if (reply.status !== 200) throw new Error(reply.text);
    ids.push(...idsOf(reply));
    cursor = reply.body.page.next;
  } while (cursor);
  return ids;
}

const fixed = (amount: string) => ({ kind: "fixed", amount: yuan(amount) });

await asOperator("POST", "/v1/taxonomies/technology-fields/items", {
  body: { code: "0301", parentCode: "03", zh: "无损检测", en: "Non-destructive testing" },
});

// ---- A small market ----

/** Nothing but what a test says of it is found by words. */
const plain: Overrides = {
  summary: "用于工业现场。",
  description: "已在企业应用。",
  keywords: [],
  tags: [],
  applicationField: null,
  technicalIndicators: null,
  advantages: null,
  benefits: null,
};
const result = (overrides: Overrides) =>
  publishedResult(market, university, operator, { ...plain, ...overrides });
const longText = `${"本装置面向煤矿副井与主井的提升系统，长期在潮湿与粉尘中工作。".repeat(6)}𠮷田型探头采样一万次，转速 10,000 r/min 时温升不高于 35 ℃，纯度九成，重复精度 0.5 mm。${"维护周期为半年。".repeat(20)}`;

// Published in this order: by id alone the last would come first.
const inTitle = await result({
  title: "石墨烯改性水性防腐涂料",
  fieldCode: "05",
  industryCode: "C26",
  regionCode: "410711",
  maturity: 7,
  cooperationModes: ["licence", "transfer"],
  price: fixed("99999.99"),
});
const inSummary = await result({
  title: "海工钢结构长效防护体系",
  summary: "底漆加入石墨烯片层，盐雾三千小时不起泡。",
  fieldCode: "05",
  industryCode: "C33",
  regionCode: "410702",
  maturity: 7,
  cooperationModes: ["licence"],
  price: fixed("100000.00"),
});
const inText = await result({
  title: "柔性电热膜制备技术",
  description: "导电层采用石墨烯浆料丝网印刷，方阻均匀。",
  fieldCode: "06",
  industryCode: "C38",
  regionCode: "410100",
  maturity: 5,
  cooperationModes: ["equity"],
  price: { kind: "range", min: yuan("499999.99"), max: yuan("2000000.00") },
});
const led = await result({
  title: "高导热LED封装硅胶",
  fieldCode: "01",
  industryCode: "C39",
  regionCode: "110000",
  maturity: 8,
  cooperationModes: ["service"],
  price: fixed("500000.00"),
});
const station = await result({
  title: "5G基站功放热管散热模组",
  fieldCode: "01",
  industryCode: "C39",
  regionCode: "419001",
  maturity: 9,
  cooperationModes: ["service", "licence"],
  price: fixed("1000000.00"),
});
const rope = await result({
  title: "矿井钢丝绳无损在线检测装置",
  description: longText,
  fieldCode: "0301",
  industryCode: "B",
  regionCode: "410711",
  maturity: 9,
  cooperationModes: ["joint_development"],
  price: fixed("5000000.00"),
});
const membrane = await result({
  title: "鋰離子電池隔膜塗覆工藝（ＰＶＤＦ）",
  fieldCode: "06",
  industryCode: "C38",
  regionCode: "410711",
  maturity: 6,
  cooperationModes: ["transfer"],
  price: { kind: "negotiable" },
});
const oil = await result({
  title: "𠮷林油田CO₂驱油用缓蚀剂",
  technicalIndicators: "缓蚀率不低于 99.5 %，加药量 1,200 mg/L。",
  fieldCode: "07",
  industryCode: "B",
  regionCode: "410782",
  maturity: 4,
  cooperationModes: ["licence"],
  price: fixed("4999999.99"),
});
const stock = { inTitle, inSummary, inText, led, station, rope, membrane, oil };

const need = (overrides: Overrides) =>
  publishedNeed(market, enterprise, operator, {
    keywords: [],
    tags: [],
    background: "产线扩建。",
    existingBase: null,
    bottleneck: "人工抽检跟不上。",
    targetIndicators: [],
    solverRequirements: null,
    ...overrides,
  });
const budget = (max: string | null) =>
  max === null
    ? { min: null, max: null, negotiable: true }
    : { min: yuan("1.00"), max: yuan(max), negotiable: false };
const spindle = await need({
  title: "数控磨床电主轴振动监测",
  summary: "主轴转速 60,000 r/min，希望提前预警轴承失效。",
  fieldCode: "0301",
  industryCode: "C34",
  regionCode: "410711",
  minimumMaturity: 6,
  cooperationModes: ["joint_development", "testing"],
  budget: budget("99999.99"),
  deadline: "2035-03-01",
});
const bearing = await need({
  title: "风电轴承润滑脂寿命评估",
  summary: "希望建立润滑脂的失效判据。",
  fieldCode: "06",
  industryCode: "C34",
  regionCode: "410782",
  minimumMaturity: 4,
  cooperationModes: ["consulting"],
  budget: budget("100000.00"),
  deadline: "2034-03-01",
});
const hidden = await need({
  title: "纺织机械轴承油雾回收",
  summary: "车间油雾浓度超标。",
  fieldCode: "07",
  industryCode: "C35",
  regionCode: "410782",
  minimumMaturity: null,
  cooperationModes: ["service"],
  budget: budget(null),
  anonymous: true,
  contact: { name: "设备部" },
  deadline: "2033-03-01",
});
await need({
  title: "轴承套圈表面缺陷视觉识别",
  fieldCode: "01",
  industryCode: "I65",
  regionCode: "410100",
  minimumMaturity: 8,
  cooperationModes: ["joint_development"],
  budget: budget("999999.99"),
  deadline: "2036-03-01",
});
for (const max of ["1000000.00", "5000000.00", "499999.99"]) {
  await need({
    title: `轴承钢真空脱气第${max.length}炉台改造`,
    fieldCode: "03",
    regionCode: "419001",
    cooperationModes: ["service"],
    budget: budget(max),
    deadline: "2037-03-01",
  });
}

// ---- Words ----

const finds: [q: string, found: (keyof typeof stock)[]][] = [
  ["漆", []],
  ["膜", ["inText", "membrane"]],
  ["涂料", ["inTitle"]],
  ["缓蚀剂", ["oil"]],
  ["钢丝绳检测", ["rope"]],
  ["检测钢丝绳", ["rope"]],
  ["LED 封装", ["led"]],
  ["封装led", ["led"]],
  ["ＬＥＤ　封裝", ["led"]],
  ["5G 基站", ["station"]],
  ["５ｇ基站散热", ["station"]],
  ["5 G 基站", ["station"]],
  ["鋼絲繩檢測", ["rope"]],
  ["锂离子电池隔膜", ["membrane"]],
  ["鋰離子電池", ["membrane"]],
  ["pvdf涂覆", ["membrane"]],
  ["10000 r/min", ["rope"]],
  ["10,000r/min", ["rope"]],
  ["35℃", ["rope"]],
  ["35 °C", ["rope"]],
  ["0.5mm", ["rope"]],
  ["99.5%", ["oil"]],
  ["９９．５％", ["oil"]],
  ["1200mg", ["oil"]],
  ["CO2 缓蚀", ["oil"]],
  ["𠮷林油田", ["oil"]],
  ["石墨烯", ["inTitle", "inSummary", "inText"]],
  ["石墨烯 涂料", ["inTitle"]],
  ["石墨烯，电热膜！", ["inText"]],
  ["石墨烯的涂料", ["inTitle"]],
  ["涂料 封装", []],
  ["LED 缓蚀剂", []],
  ["10000 转", []],
];
t.test("what is found by words, units, and other ways to write them", async (t) => {
  for (const [q, found] of finds) {
    const reply = await ask(asNobody, "result", { q, include: "total" });
    t.same(idsOf(reply).sort(), found.map((name) => stock[name].id).sort(), q);
    t.same(reply.body.total, { exact: found.length }, q);
  }
  const row = await rowOf(market, "result", membrane.id);
  t.equal(row.titleText, "锂离子电池隔膜涂覆工艺(pvdf)", "stored folded");
  t.match(row.titleTerms, ["锂离", "离子"]);
  for (const term of ["pvdf", "隔膜", "膜"]) t.ok(row.titleTerms.includes(term), term);
  t.ok(row.searchTerms.includes("工业") && !row.titleTerms.includes("工业"));
});

t.test("words of one kind with many neighbours: the needs, too", async (t) => {
  for (const [q, found] of [
    ["60000r/min 轴承", [spindle.id]],
    ["轴承 油雾", [hidden.id]],
    ["軸承潤滑", [bearing.id]],
  ] as const) {
    t.same(idsOf(await ask(asNobody, "need", { q })), found, q);
  }
});

t.test("titles stand above summaries, those above the rest", async (t) => {
  const reply = await ask(asNobody, "result", { q: "石墨" });
  t.same(idsOf(reply), [inTitle.id, inSummary.id, inText.id]);
  t.same(
    reply.body.data.map((item: { match: { score: number } }) => item.match.score),
    [1, 0.5, 0.25],
  );
  const mixed = await ask(asNobody, "result", { q: "石墨的片层" });
  t.same(titlesOf(mixed), [inSummary.title]);
  t.match(mixed.body.understood.words, [
    { text: "石墨", required: true, titlesOnly: false },
    { text: "的", required: false, titlesOnly: true },
    { text: "片层", required: true },
  ]);
});

t.test("a synonym is found for less, and read in the reply", async (t) => {
  const words = ["发光二极管", "LED", "Light-Emitting Diode", "L.E.D/灯珠"];
  const id = newId();
  await db.insert(synonyms).values({ id, words, folded: words.map(fold) });
  const reply = await ask(asNobody, "result", { q: "发光二极管封装" });
  t.same(idsOf(reply), [led.id]);
  const [word] = reply.body.understood.words;
  t.match(word, { text: "发光二极管", required: true });
  t.same(word.synonyms.sort(), words.slice(1).map(fold).sort());
  const [highlight] = reply.body.data[0].match.highlights;
  t.same(
    highlight.ranges.map(([from, to]: [number, number]) => highlight.text.slice(from, to)),
    ["LED封装"],
  );
  const { score } = reply.body.data[0].match;
  t.ok(score < 1 && score > 0.8, String(score));
  t.equal((await ask(asNobody, "result", { q: "LED封装" })).body.data[0].match.score, 1);
  await db.delete(synonyms).where(eq(synonyms.id, id));
  t.same(idsOf(await ask(asNobody, "result", { q: "发光二极管封装" })), []);
});

// ---- Highlights ----

interface Highlight {
  field: string;
  text: string;
  ranges: [number, number][];
}
async function highlightsOf(q: string): Promise<Highlight[]> {
  const { body } = await ask(asNobody, "result", { q });
  return body.data[0].match.highlights;
}
const marked = ({ text, ranges }: Highlight) => ranges.map(([from, to]) => text.slice(from, to));

t.test("words are marked where they stand in the text as it was written", async (t) => {
  for (const [q, expected] of [
    ["电池 pvdf", { title: ["電池", "ＰＶＤＦ"] }],
    ["缓蚀剂 co2", { title: ["CO₂", "缓蚀剂"] }],
    ["石墨 涂料", { title: ["石墨", "涂料"] }],
    ["石墨 片层", { summary: ["石墨", "片层"] }],
    ["防护 石墨", { title: ["防护"], summary: ["石墨"] }],
    ["10000r/min 35℃ 检测", { title: ["检测"], text: ["10,000 r", "min", "35 ℃"] }],
    ["99.5%", { text: ["99.5 %"] }],
    ["1200mg", { text: ["1,200 mg"] }],
  ] as [string, Record<string, string[]>][]) {
    const found = await highlightsOf(q);
    t.same(Object.fromEntries(found.map((one) => [one.field, marked(one)])), expected, q);
  }
  const [fragment] = (await highlightsOf("𠮷田")).filter(({ field }) => field === "text");
  t.ok(fragment && longText.includes(fragment.text) && fragment.text.length < 200);
  t.same(fragment && marked(fragment), ["𠮷田"]);
  const [title] = await highlightsOf("缓蚀剂");
  t.same(title, { field: "title", text: oil.title, ranges: [[11, 14]] }, "UTF-16 code units");
});

t.test("half of a character that stands for two is marked whole", async (t) => {
  const { id, title } = await result({ title: "年产三万㎡膜材产线" });
  const reply = await ask(asNobody, "result", { q: "m" });
  t.same(idsOf(reply), [id]);
  const [highlight] = reply.body.data[0].match.highlights;
  t.same(marked(highlight), ["㎡"], title);
  await asUniversity("POST", `/v1/results/${id}/withdraw`);
});

// ---- Facets ----

const bandOf = (amount: string | null) => {
  if (amount === null) return "negotiable";
  const value = Number(amount);
  if (value < 100_000) return "under_100k";
  if (value < 500_000) return "100k_500k";
  if (value < 1_000_000) return "500k_1m";
  return value < 5_000_000 ? "1m_5m" : "over_5m";
};

/** What facets say of some rows, worked out here from what is stored. */
async function tally(noun: Noun, ids: string[], { counties = false, status = false } = {}) {
  const rows = ids.length
    ? await db
        .select()
        .from(tableOf(noun))
        .where(inArray(tableOf(noun).id, ids))
    : [];
  const count = (codesOf: (row: (typeof rows)[number] & Overrides) => (string | null)[]) => {
    const counts = new Map<string, number>();
    for (const row of rows) {
      for (const code of codesOf(row)) {
        if (code !== null) counts.set(code, (counts.get(code) ?? 0) + 1);
      }
    }
    return [...counts]
      .map(([code, n]) => ({ code, count: n }))
      .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
  };
  const regionOf = (row: (typeof rows)[number] & Overrides) => {
    const code = row.regionCode;
    if (code === null || ["00", "90"].includes(code.slice(2, 4))) return code;
    return counties && !row.anonymous ? code : `${code.slice(0, 4)}00`;
  };
  return {
    matches: ids.length,
    approximate: false,
    fieldCode: count((row) => [row.fieldCode?.slice(0, 2) ?? null]),
    industryCode: count((row) => [row.industryCode?.slice(0, 1) ?? null]),
    regionCode: count((row) => [regionOf(row)]),
    maturity: count((row) => {
      const level = noun === "result" ? row.maturity : row.minimumMaturity;
      return [level == null ? null : String(level)];
    }),
    cooperationMode: count((row) => row.cooperationModes),
    moneyBand: count((row) => [
      bandOf((noun === "result" ? row.priceMin : row.budgetMax) as string | null),
    ]),
    ...(status ? { status: count((row) => [row.status]) } : {}),
  };
}

/** Facets are what is counted over all rows of the list; each code's filter has as many rows as it says. */
async function facetsAgree(
  t: Test,
  as: Call,
  noun: Noun,
  parameters: Parameters,
  counties = false,
) {
  const name = `${noun}s ${JSON.stringify(parameters)}`;
  const all = await walk(as, noun, { ...parameters, limit: 100 });
  const { body } = await ask(as, noun, { ...parameters, limit: 1, include: "total,facets" });
  const scoped = parameters.scope !== undefined;
  t.same(body.facets, await tally(noun, all, { counties, status: scoped }), name);
  t.same(body.total, { exact: all.length }, name);
  const filters = ["fieldCode", "industryCode", "regionCode", "cooperationMode", "moneyBand"];
  if (noun === "result") filters.push("maturity");
  if (scoped) filters.push("status");
  for (const filter of filters) {
    if (filter in parameters && filter !== "regionCode") continue;
    for (const { code, count } of body.facets[filter]) {
      const reply = await ask(as, noun, { ...parameters, [filter]: code, include: "total" });
      t.same(reply.body.total, { exact: count }, `${name} ${filter}=${code}`);
      t.ok(idsOf(reply).every((id) => all.includes(id)));
    }
  }
}

for (const [noun, q, narrow] of [
  ["result", "石墨", { cooperationMode: "licence" }],
  ["need", "轴承", { cooperationMode: "service" }],
] as const) {
  t.test(`${noun}s: facets count what the filters of the same name find`, async (t) => {
    await facetsAgree(t, asNobody, noun, {});
    await facetsAgree(t, asNobody, noun, { q });
    await facetsAgree(t, asNobody, noun, { q, sort: "newest" });
    await facetsAgree(t, asNobody, noun, { q, ...narrow });
    await facetsAgree(t, asNobody, noun, narrow);
    await facetsAgree(t, asNobody, noun, { "fieldCode[in]": "03,06" });
    await facetsAgree(t, asNobody, noun, { q, "fieldCode[in]": "03,06" });
    await facetsAgree(t, asNobody, noun, { regionCode: "410000" });
  });
}

t.test("regions are cities, and counties where a city was chosen", async (t) => {
  const cities = await ask(asNobody, "result", { include: "facets" });
  t.same(cities.body.facets.regionCode, [
    { code: "410700", count: 5 },
    { code: "110000", count: 1 },
    { code: "410100", count: 1 },
    { code: "419001", count: 1 },
  ]);
  await facetsAgree(t, asNobody, "result", { regionCode: "410700" }, true);
  await facetsAgree(t, asNobody, "result", { q: "石墨", regionCode: "410700" }, true);
  const { body } = await ask(asNobody, "result", { regionCode: "410700", include: "facets" });
  t.same(body.facets.regionCode, [
    { code: "410711", count: 3 },
    { code: "410702", count: 1 },
    { code: "410782", count: 1 },
  ]);
});

t.test("each band of money holds its lower bound", async (t) => {
  for (const [noun, bands] of [
    ["result", [1, 1, 2, 1, 2, 1]],
    ["need", [1, 1, 2, 1, 1, 1]],
  ] as const) {
    const { body } = await ask(asNobody, noun, { include: "facets" });
    const counts = new Map(
      body.facets.moneyBand.map((one: { code: string; count: number }) => [one.code, one.count]),
    );
    const names = ["negotiable", "under_100k", "100k_500k", "500k_1m", "1m_5m", "over_5m"];
    t.same(
      names.map((name) => counts.get(name) ?? 0),
      bands,
      noun,
    );
    for (const moneyBand of names) {
      const ids = await walk(asNobody, noun, { moneyBand });
      t.equal(ids.length, counts.get(moneyBand) ?? 0, `${noun} ${moneyBand}`);
      for (const id of ids) {
        const row = (await rowOf(market, noun, id)) as Overrides;
        t.equal(bandOf((row.priceMin ?? row.budgetMax ?? null) as string | null), moneyBand);
      }
    }
  }
});

t.test("an anonymous need is counted in its city, and nowhere nearer", async (t) => {
  const seen = async (as: Call, parameters: Parameters) => {
    const { body } = await ask(as, "need", { ...parameters, include: "facets" });
    return Object.fromEntries(
      body.facets.regionCode.map((one: { code: string; count: number }) => [one.code, one.count]),
    );
  };
  t.equal((await rowOf(market, "need", hidden.id)).regionCode, "410782");
  for (const q of [{}, { q: "轴承" }] as Parameters[]) {
    t.same(await seen(asNobody, { ...q, regionCode: "410700" }), {
      "410700": 1,
      "410711": 1,
      "410782": 1,
    });
    t.same(await seen(asEnterprise, { ...q, scope: "own", regionCode: "410700" }), {
      "410711": 1,
      "410782": 2,
    });
  }
  const { body, text } = await ask(asNobody, "need", { q: "油雾" });
  t.match(body.data, [{ id: hidden.id, organization: null, regionCode: "410700" }]);
  t.notMatch(text, new RegExp(`410782|${enterprise.organizationId}`));
  const byCounty = await ask(asNobody, "need", {
    q: "油雾",
    regionCode: "410782",
    include: "total,facets",
  });
  t.match(byCounty.body, { data: [], total: { exact: 0 }, facets: { matches: 0 } });
  t.equal(byCounty.body.understood.words[0].listings, "0");
  const byOwner = await ask(asNobody, "need", {
    q: "油雾",
    organizationId: enterprise.organizationId,
    include: "facets",
  });
  t.match(byOwner.body, { data: [], facets: { matches: 0 } });
});

// ---- What must not be found ----

for (const noun of nouns) {
  t.test(`${noun}s that are not public are found by their owner alone`, async (t) => {
    const owner = noun === "result" ? university : enterprise;
    const asOwner = noun === "result" ? asUniversity : asEnterprise;
    const words = { title: "珊瑚礁白化预警浮标", summary: "珊瑚监测。" };
    const people = { owner, operator };
    const statuses = ["draft", "submitted", "rejected", "withdrawn", "expired"];
    const ids: string[] = [];
    for (const status of statuses) {
      ids.push(await listingIn(market, noun, people, status, words));
    }
    const suspended = await market.person(noun === "result" ? "university" : "enterprise");
    const theirs = await listingIn(
      market,
      noun,
      { owner: suspended, operator },
      "published",
      words,
    );
    await asOperator("POST", `/v1/organizations/${suspended.organizationId}/suspend`, {
      body: { reason: "其信用代码已注销。" },
    });
    const stranger = await market.person("enterprise");
    for (const as of [asNobody, market.as(stranger), asOperator]) {
      for (const parameters of [
        { q: "珊瑚" },
        { q: "珊瑚", sort: "newest" },
        { q: "珊" },
      ] as Parameters[]) {
        const { body } = await ask(as, noun, { ...parameters, include: "total,facets" });
        t.match(body, { data: [], total: { exact: 0 } });
        t.same(body.facets, await tally(noun, []));
        t.match(body.understood.words, [{ listings: "0" }]);
      }
      const among = await ask(as, noun, { q: "珊瑚 轴承", include: "facets" });
      t.same(
        among.body.understood.words.map((one: { listings: string }) => one.listings),
        ["0", noun === "result" ? "0" : "7"],
      );
    }
    const { body: plainList } = await ask(asNobody, noun, { include: "facets,total" });
    t.equal(plainList.facets.matches, noun === "result" ? 8 : 7);
    t.same(plainList.total, { exact: plainList.facets.matches });

    const own = await ask(asOwner, noun, { scope: "own", q: "珊瑚浮标", include: "total,facets" });
    t.same(idsOf(own).sort(), [...ids].sort());
    await facetsAgree(t, asOwner, noun, { scope: "own", q: "珊瑚" });
    await facetsAgree(t, asOwner, noun, { scope: "own" });
    t.same(
      own.body.facets.status.map((one: { code: string }) => one.code).sort(),
      [...statuses].sort(),
    );
    t.same(idsOf(await ask(market.as(stranger), noun, { scope: "own", q: "珊瑚" })), []);
    const all = await ask(asOperator, noun, { scope: "all", q: "珊", include: "facets" });
    const seen = idsOf(all);
    t.ok(seen.includes(theirs), "the operator finds those of a suspended organization");
    await facetsAgree(t, asOperator, noun, { scope: "all", q: "珊瑚" });
  });
}

t.test("when nothing is found, the reply says how many have each word", async (t) => {
  const { body } = await ask(asNobody, "result", { q: "石墨烯 缓蚀剂 量子纠缠" });
  t.same(
    body.understood.words.map((one: { text: string; listings: string; required: boolean }) => [
      one.text,
      one.listings,
      one.required,
    ]),
    [
      ["石墨烯", "3", true],
      ["缓蚀剂", "1", true],
      ["量子", "0", true],
      ["纠缠", "0", true],
    ],
  );
  const narrowed = await ask(asNobody, "result", { q: "石墨 缓蚀剂", fieldCode: "05" });
  t.same(
    narrowed.body.understood.words.map((one: { listings: string }) => one.listings),
    ["2", "0"],
  );
  const found = await ask(asNobody, "result", { q: "缓蚀剂" });
  t.notOk("listings" in found.body.understood.words[0]);
  const empty = await ask(asNobody, "result", { q: "！！", include: "total,facets" });
  t.match(empty.body, { data: [], total: { exact: 0 }, facets: { matches: 0 } });
  t.same(empty.body.understood.words, []);
});

t.test("when nothing is found, what has some of the words is offered", async (t) => {
  const nearest = (reply: Reply) =>
    reply.body.nearest?.map((one: { title: string }) => one.title) as string[] | undefined;
  const both = await ask(asNobody, "result", { q: "石墨烯 缓蚀剂 量子纠缠" });
  t.same(both.body.data, []);
  const offered = nearest(both) ?? [];
  t.equal(offered.length, 4, "three with the one word, one with the other");
  const rare = (await ask(asNobody, "result", { q: "缓蚀剂" })).body.data[0];
  t.equal(offered[0], rare.title, "the rarer word tells more");
  const [first] = both.body.nearest;
  t.match(first, { id: rare.id, match: { score: null } });
  t.ok(first.match.highlights.length > 0, "with where its words stand");
  for (const sort of ["newest", "relevance"]) {
    const sorted = await ask(asNobody, "result", { q: "石墨烯 缓蚀剂 量子纠缠", sort });
    t.same(nearest(sorted), offered, "in whatever order the list would be");
  }

  const narrowed = await ask(asNobody, "result", { q: "石墨 缓蚀剂", fieldCode: "05" });
  t.same(narrowed.body.data, []);
  t.equal(nearest(narrowed)?.length, 2, "what the filters allow");
  for (const { fieldCode } of narrowed.body.nearest) t.equal(fieldCode.slice(0, 2), "05");
  const none = await ask(asNobody, "result", { q: "石墨 缓蚀剂", fieldCode: "11" });
  t.same(nearest(none), [], "nothing where they allow nothing");

  const misspelt = await ask(asNobody, "result", { q: "石墨希" });
  t.same(misspelt.body.data, []);
  for (const { match } of misspelt.body.nearest) {
    t.ok(match.highlights.some(({ text }: { text: string }) => text.includes("石墨")));
  }
  t.ok((nearest(misspelt) ?? []).length > 0, "by the parts of a word that nobody uses");
  t.ok((nearest(misspelt) ?? []).length <= 5);

  const { body: draft } = await asUniversity("POST", "/v1/results", {
    body: { title: "石墨烯缓蚀剂绝密草稿" },
  });
  const again = await ask(asNobody, "result", { q: "石墨烯 缓蚀剂 量子纠缠" });
  t.notOk(again.text.includes(draft.id), "a draft is nobody else's");
  const own = await ask(asUniversity, "result", { scope: "own", q: "绝密 缓蚀剂 量子纠缠" });
  t.equal(own.body.nearest[0].id, draft.id);
  await db.delete(tableOf("result")).where(eq(tableOf("result").id, draft.id));

  const others: Parameters[] = [{ q: "缓蚀剂" }, { q: "！！" }, { fieldCode: "11" }];
  for (const query of others) {
    const reply = await ask(asNobody, "result", query);
    t.notOk("nearest" in reply.body, JSON.stringify(query));
  }
});

t.test("relevance needs something to be relevant to", async (t) => {
  for (const noun of nouns) {
    for (const scope of ["public", "own"]) {
      const as = noun === "result" ? asUniversity : asEnterprise;
      const reply = await ask(as, noun, { scope, sort: "relevance" });
      t.match(refused(t, reply, 400, "request.invalid").errors, [{ parameter: "sort" }]);
    }
  }
});

// ---- Many ----

const day = (i: number) => new Date(Date.UTC(2026, 0, 1 + (i % 40), 8)).toISOString();

t.test("pages of a ranked list are one list, as long as the scores hold", async (t) => {
  const texts = [
    { title: "麦秸秆制纤维板生产线", summary: "低甲醛。", description: "热压成型。" },
    { title: "农膜回收机", summary: "秸秆与纤维分离。", description: "履带行走。" },
    { title: "秸秆打捆机", summary: "适用水稻。", description: "含纤维残留检测。" },
    { title: "生物质锅炉", summary: "燃烧充分。", description: "秸秆、木纤维均可。" },
  ];
  const rows = Array.from({ length: 90 }, (_, i) => ({
    ...texts[i % 4],
    publishedAt: day(i),
    validUntil: `203${i % 7}-06-30`,
  }));
  const made = await stockUp(market, "result", inTitle.id, rows);
  const q = "秸秆 纤维";
  const one = await ask(asNobody, "result", { q, limit: 100, include: "facets" });
  t.same(idsOf(one).sort(), [...made].sort());
  t.equal(one.body.facets.matches, 90);
  const scores = one.body.data.map((item: { match: { score: number } }) => item.match.score);
  t.same(
    scores,
    [...scores].sort((a: number, b: number) => b - a),
  );
  t.equal(new Set(scores).size, 4);
  for (const limit of [1, 7, 45]) {
    t.same(await walk(asNobody, "result", { q, limit }), idsOf(one), `${limit} a page`);
  }
  for (const [sort, key] of [
    ["newest", "publishedAt"],
    ["deadline", "validUntil"],
    ["publishedAt", "publishedAt"],
  ] as const) {
    const ids = await walk(asNobody, "result", { q, sort, limit: 20 });
    t.same([...ids].sort(), [...made].sort(), `${sort} is complete`);
    const all = await db
      .select()
      .from(tableOf("result"))
      .where(inArray(tableOf("result").id, ids));
    const keyOf = new Map(all.map((row) => [row.id, `${row[key]} ${row.id}`]));
    const keys = ids.map((id) => keyOf.get(id) ?? "");
    const sorted = [...keys].sort();
    t.same(keys, sort === "newest" ? sorted.reverse() : sorted, `${sort} is in order`);
  }

  const { body } = await ask(asNobody, "result", { q, limit: 10 });
  const newest = await ask(asNobody, "result", { q, limit: 10, sort: "newest" });
  const next = (cursor: string, more: Parameters = {}) =>
    ask(asNobody, "result", { q, limit: 10, cursor, ...more });
  t.equal((await next(body.page.next)).status, 200);
  refused(t, await next(newest.body.page.next), 400, "request.invalid");
  refused(t, await next(body.page.next, { fieldCode: "05" }), 400, "request.invalid");
  await transact(pool, (tx) => refreshStatistics(tx, true));
  const [stored] = await db.select().from(termStatisticsVersions);
  t.equal(stored?.version, body.understood.version + 1);
  refused(t, await next(body.page.next), 400, "cursor.expired");
  t.equal((await next(newest.body.page.next, { sort: "newest" })).status, 200);
  const again = await ask(asNobody, "result", { q, limit: 100 });
  t.equal(again.body.understood.version, stored?.version);
  t.same(await walk(asNobody, "result", { q, limit: 13 }), idsOf(again), "with the new scores");
});

t.test("beyond 2,000 a ranked list ends and facets are marked; newest goes on", async (t) => {
  const rows = Array.from({ length: 2_030 }, (_, i) => ({
    title: i % 50 === 0 ? "罗非鱼养殖池塘增氧机" : "池塘底质改良剂",
    summary: "投喂有度。",
    description: i % 50 === 0 ? "叶轮式。" : "适用罗非鱼养殖。",
    publishedAt: day(i),
  }));
  const made = await stockUp(market, "result", inTitle.id, rows, { index: false });
  const first = await ask(asNobody, "result", { q: "罗非鱼", limit: 100, include: "total,facets" });
  t.same(first.body.total, { exact: 2_030 });
  t.match(first.body.facets, { matches: 2_000, approximate: true });
  t.ok(
    titlesOf(first)
      .slice(0, 41)
      .every((title) => title.startsWith("罗非鱼")),
    "the title's first, wherever they lie",
  );
  const ranked = await walk(asNobody, "result", { q: "罗非鱼", limit: 100 });
  t.equal(ranked.length, 2_000);
  t.equal(new Set(ranked).size, 2_000);
  const newest = await walk(asNobody, "result", { q: "罗非鱼", limit: 100, sort: "newest" });
  t.same([...newest].sort(), [...made].sort());
  const none = await ask(asNobody, "result", { q: "罗非鱼 缓蚀剂" });
  t.same(
    none.body.understood.words.map((one: { listings: string }) => one.listings),
    ["2000+", "1"],
  );
  const filtered = await ask(asNobody, "result", { include: "facets", limit: 1 });
  t.match(filtered.body.facets, { matches: 2_000, approximate: true });
  await db.execute(sql`delete from results where id = any(${sql.param(made)}::uuid[])`);
});

t.test("what is withdrawn while a page is made is left out, and the list goes on", async (t) => {
  const made: string[] = [];
  for (let i = 0; i < 4; i++) {
    const { id } = await publishedResult(market, university, operator, { title: "钼靶溅射镀膜" });
    made.push(id);
  }
  const ranking = made.toReversed();
  const [, leaving] = ranking;
  const { pool } = market.served;
  const { query } = pool;
  t.teardown(() => {
    pool.query = query;
  });
  const send = query.bind(pool) as (...given: unknown[]) => Promise<unknown>;
  pool.query = (async (...given: unknown[]) => {
    const reply = await send(...given);
    if (JSON.stringify(given[0]).includes("with in_title")) {
      pool.query = query;
      await send("update results set status = 'withdrawn' where id = $1", [leaving]);
    }
    return reply;
  }) as typeof pool.query;
  const first = await ask(asNobody, "result", { q: "钼靶溅射", limit: 2 });
  t.equal(pool.query, query, "it was withdrawn in between");
  t.same(idsOf(first), ranking.slice(0, 1));
  t.equal(first.body.page.hasMore, true);
  const cursor = first.body.page.next;
  const second = await ask(asNobody, "result", { q: "钼靶溅射", limit: 2, cursor });
  t.same(idsOf(second), ranking.slice(2));
});
