/**
 * With which plans a server answers searches and suggestions over 30,000 results: each by its index,
 * none by reading a table to its end. The statements are those that the service sends, caught on their way.
 */
import pg from "pg";
import t, { type Test } from "tap";
import { synonyms } from "../../../db/schema/synonyms.ts";
import { transact } from "../../../src/database/transact.ts";
import { newId } from "../../../src/lib/ids.ts";
import { refreshStatistics } from "../../../src/modules/matching/term-statistics.service.ts";
import { drafted, publishedNeed, publishedResult } from "../../support/listings.ts";
import { openMarket, type Reply } from "../../support/market.ts";
import { stockUp } from "../../support/stock.ts";

if (!process.env.TEST_DATABASE_URL) {
  t.plan(0, "plans are those of a PostgreSQL server: TEST_DATABASE_URL is not set");
  process.exit(0);
}

const listings = 30_000;
const market = await openMarket(t);
const { db, pool } = market.database;
const operator = await market.person("operator");
const university = await market.person("university");
const enterprise = await market.person("enterprise");
const asReader = market.as(await market.person("enterprise"));

// ---- A market of made-up words, drawn by Zipf's law ----

let state = 20_260_301;
/** Deterministic, 0 to 1 (Lehmer's generator). */
function draw(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}
const characters = [
  ..."钢铝铜锌钛镍锡铅银汞碳硅硼磷硫氮氧氢氯氟玻陶瓷胶膜纤棉麻丝绸酶菌苗种根茎叶花果籽泵阀轴承齿轮链弹簧缸管槽罐炉窑塔釜筛磨镜棱灯缆芯板屏键鼠频波束孔缝槛桥隧坝渠井港岸船帆桨锚车轨舱翼桨尾矿煤油气焦沥泥砂砾岩壤肥药酒醋糖盐茶",
];
const vocabulary = [
  ...new Set(
    Array.from({ length: 4_000 }, () =>
      [0, 0].map(() => characters[Math.floor(draw() * characters.length)]).join(""),
    ),
  ),
].slice(0, 3_000);
const shares = vocabulary.map((_, i) => 1 / (i + 1));
const total = shares.reduce((sum, share) => sum + share, 0);
let reached = 0;
const bounds = shares.map((share) => (reached += share / total));
function word(): string {
  const at = draw();
  let [low, high] = [0, bounds.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? 1) < at) low = middle + 1;
    else high = middle;
  }
  return vocabulary[low] ?? "";
}
const phrase = (length: number) => Array.from({ length }, word).join("");
const nth = (rank: number) => vocabulary[rank - 1] ?? "";

const base = await publishedResult(market, university, operator, {
  title: "样板一号",
  keywords: [],
  tags: [],
  applicationField: null,
  technicalIndicators: null,
  advantages: null,
  benefits: null,
});
const fields = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"];
const rows = Array.from({ length: listings }, (_, i) => ({
  title: phrase(4),
  summary: `${phrase(3)}，${phrase(2)}。`,
  description: `${phrase(3)}，${phrase(3)}。`,
  // Half of them in one field, so that it has more than a search looks at.
  fieldCode: i % 2 ? "03" : fields[i % fields.length],
  maturity: 1 + (i % 9),
  publishedAt: new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString(),
}));
// The first ones without statistics, the others with: as a market grows.
const early = rows.slice(0, 2_000);
await stockUp(market, "result", base.id, early);
await transact(pool, (tx) => refreshStatistics(tx, true));
const made = await stockUp(market, "result", base.id, rows.slice(early.length));
await transact(pool, (tx) => refreshStatistics(tx, true));
const { id: needId } = await publishedNeed(market, enterprise, operator, {
  title: `${nth(40)}${nth(200)}${nth(900)}`,
  summary: `${nth(12)}${nth(2_500)}，${nth(3)}。`,
});
await stockUp(
  market,
  "need",
  needId,
  Array.from({ length: 2_000 }, () => ({ title: phrase(4), summary: phrase(3) })),
);
await db.insert(synonyms).values(
  Array.from({ length: 2_000 }, (_, i) => {
    const words = [`同义${i}`, `${nth(i + 500)}${nth(i + 501)}`];
    return { id: newId(), words, folded: words };
  }),
);
await transact(pool, async (tx) => {
  await tx.execute("select gin_clean_pending_list('results_search')");
});
const maintenance = await pool.connect();
await maintenance.query("set statement_timeout = 0");
await maintenance.query("vacuum analyze");
maintenance.release(true);

// ---- What is sent, and how the server would answer it ----

interface Statement {
  text: string;
  values: unknown[];
}
interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Index Cond"?: string;
  /** Only with `analyze`. */
  "Actual Rows": number;
  "Rows Removed by Filter"?: number;
  Plans?: Node[];
}
interface Scan extends Statement {
  type: string;
  relation: string;
  index: string;
  condition: string;
}

/** Tables that are never read whole. (Synonyms are few: many words at once may read all of them.) */
const large = [
  "results",
  "needs",
  "result_postings",
  "need_postings",
  "matching_documents",
  "term_statistics",
];

let caught: Statement[] | null = null;
const prototype = pg.Client.prototype as unknown as { query: (...given: unknown[]) => unknown };
const { query } = prototype;
prototype.query = function (this: unknown, ...given) {
  const [first, second] = given;
  const { text, values } = (
    typeof first === "string" ? { text: first } : first
  ) as Partial<Statement>;
  if (caught && text) {
    caught.push({ text, values: values ?? (Array.isArray(second) ? second : []) });
  }
  return query.apply(this, given);
};
t.teardown(() => {
  prototype.query = query;
});

/** The scans of all statements that a call sends. */
async function scansOf(call: () => Promise<Reply>): Promise<Scan[]> {
  caught = [];
  const { status, text } = await call();
  const statements = caught;
  caught = null;
  if (status !== 200) throw new Error(text);
  const scans: Scan[] = [];
  for (const { text, values } of statements) {
    if (!/^\s*(select|with|insert|update|delete)\b/i.test(text)) continue;
    const { rows } = await pool.query(`explain (format json) ${text}`, values);
    const walk = (node: Node) => {
      const { "Node Type": type, "Relation Name": relation, "Index Name": index } = node;
      if (type.includes("Scan") && (relation || index)) {
        const condition = node["Index Cond"] ?? "";
        scans.push({ text, values, type, relation: relation ?? "", index: index ?? "", condition });
      }
      for (const plan of node.Plans ?? []) walk(plan);
    };
    walk(rows[0]["QUERY PLAN"][0].Plan);
  }
  return scans;
}

const isLargeRead = ({ type, relation }: Pick<Scan, "type" | "relation">) =>
  type === "Seq Scan" && large.includes(relation);

/**
 * How many rows of large tables a statement really reads one by one. A search looks at 2,001 matches at
 * most: of a word that a third of the listings have they are met soonest by walking along the table.
 */
async function readWhole(text: string, values: unknown[]) {
  const { rows } = await pool.query(`explain (analyze, format json) ${text}`, values);
  const read: { relation: string; rows: number }[] = [];
  const walk = (node: Node) => {
    const { "Node Type": type, "Relation Name": relation = "" } = node;
    if (isLargeRead({ type, relation })) {
      read.push({ relation, rows: node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0) });
    }
    for (const plan of node.Plans ?? []) walk(plan);
  };
  walk(rows[0]["QUERY PLAN"][0].Plan);
  return read;
}

/** No large table is read to its end, and these indexes are used, each with this kind of scan. */
async function planned(
  t: Test,
  call: () => Promise<Reply>,
  ...expected: [index: string, type?: string][]
) {
  const scans = await scansOf(call);
  t.ok(scans.length > 0, "statements were caught");
  const statements = new Map(scans.filter(isLargeRead).map((scan) => [scan.text, scan.values]));
  for (const [text, values] of statements) {
    for (const { relation, rows } of await readWhole(text, values)) {
      t.ok(rows < listings / 3, `${rows} rows of ${relation} read one by one`, { found: [text] });
    }
  }
  for (const [index, type] of expected) {
    t.ok(
      scans.some((scan) => scan.index === index && (!type || scan.type === type)),
      `${type ?? "any scan"} on ${index}`,
      { found: scans.map((scan) => `${scan.type} ${scan.relation} ${scan.index}`) },
    );
  }
}

const search =
  (q: string, more = "") =>
  () =>
    asReader("GET", `/v1/results?q=${encodeURIComponent(q)}${more}`);
const bitmap = "Bitmap Index Scan";
const facets = "&include=total,facets";

t.test("the market is as large as it should be", async (t) => {
  const of = async (q: string) => (await search(q, facets)()).body;
  const common = await of(nth(5));
  t.equal(common.facets.approximate, true, JSON.stringify(common.total));
  const rare = await of(nth(2_500));
  t.ok(rare.total.exact > 0 && rare.total.exact < 200, JSON.stringify(rare.total));
});

t.test("by relevance", async (t) => {
  const words: [string, string][] = [
    ["a common word", nth(20)],
    ["two common words", `${nth(5)} ${nth(20)}`],
    ["a common and a rare word", `${nth(5)} ${nth(2_500)}`],
    ["a rare word", nth(2_500)],
  ];
  for (const [name, q] of words) {
    for (const more of ["", facets, "&fieldCode=03", `&fieldCode=03${facets}`]) {
      await t.test(`${name} ${more}`, (t) =>
        planned(t, search(q, more), ["results_search", bitmap]),
      );
    }
  }
  const first = await search(nth(20), "&limit=20")();
  const next = `&limit=20&cursor=${first.body.page.next}`;
  await t.test("the next page", (t) =>
    planned(t, search(nth(20), next), ["results_search", bitmap]),
  );
});

t.test("filters are looked for together with the words", async (t) => {
  const filters = [
    "fieldCode=03",
    "industryCode=C",
    "regionCode=410000",
    "regionCode=410700",
    "regionCode=410702",
    "cooperationMode=licence",
    "fieldCode=03&regionCode=410700&cooperationMode=licence",
  ];
  for (const filter of filters) {
    const call = search(nth(20), `&${filter}${facets}`);
    await t.test(filter, async (t) => {
      await planned(t, call, ["results_search", bitmap]);
      for (const { index, condition } of await scansOf(call)) {
        if (!index.startsWith("results_search")) continue;
        t.match(condition, /_terms @> .*facet_terms &&/, `${index}: ${condition}`);
      }
    });
  }
});

t.test("a word that every second listing has", async (t) => {
  for (const more of ["", "&include=facets", "&sort=newest"]) {
    await planned(t, search(nth(3), more));
  }
});

t.test("a single character, in titles", async (t) => {
  const [character = ""] = nth(1_500);
  await planned(t, search(character, facets), ["results_search_title", bitmap]);
  await planned(t, search(character, "&sort=newest"), ["results_search_title", bitmap]);
});

t.test("the newest first", async (t) => {
  await planned(
    t,
    search(nth(2_500), "&sort=newest"),
    ["results_search", bitmap],
    ["results_pkey"],
  );
  await planned(t, search(nth(5), "&sort=newest"), ["results_newest", "Index Scan"]);
  await planned(t, search(nth(5), "&sort=newest&fieldCode=03"), ["results_newest", "Index Scan"]);
  await planned(t, search(nth(20), "&sort=deadline"), ["results_validity", "Index Scan"]);
});

t.test("what has changed since, and what its owner calls so", async (t) => {
  const since = "sort=updatedAt&updatedAt[gte]=2026-01-01T00:00:00Z";
  const [all, own] = [market.as(operator), market.as(university)];
  for (const after of [since, `${since}&q=${encodeURIComponent(nth(5))}`]) {
    const open = () => asReader("GET", `/v1/results?${after}`);
    await planned(t, open, ["results_changed", "Index Scan"]);
  }
  await planned(t, () => all("GET", `/v1/results?scope=all&${since}`), [
    "results_updated",
    "Index Scan",
  ]);
  await planned(t, () => own("GET", `/v1/results?scope=own&${since}`));
  await planned(t, () => own("GET", "/v1/results?scope=own&externalId=ERP-1"), [
    "results_external_id",
  ]);
});

t.test("facets of a list without words", async (t) => {
  const list = (query: string) => () => asReader("GET", `/v1/results?include=facets${query}`);
  await planned(t, list(""), ["results_newest", "Index Scan"]);
  await planned(t, list("&fieldCode=01"), ["results_field", "Index Scan"]);
});

t.test("what ends first and what lacks most, in an owner's list", async (t) => {
  const own = (query: string) => () =>
    market.as(university)("GET", `/v1/results?scope=own&${query}`);
  const validity = ["results_owner_validity", "Index Scan"] as const;
  const completeness = ["results_owner_completeness", "Index Scan"] as const;
  for (const [query, index] of [
    ["sort=validUntil", validity],
    ["sort=-validUntil&include=gaps", validity],
    ["sort=validUntil&validUntil[lte]=2031-01-01", validity],
    ["sort=completeness", completeness],
    ["sort=-completeness&completeness[lte]=90", completeness],
  ] as const) {
    await t.test(query, async (t) => {
      await planned(t, own(query), [...index]);
      const { body } = await own(query)();
      if (!body.page.next) return;
      await planned(t, own(`${query}&cursor=${body.page.next}`), [...index]);
    });
  }
});

t.test("how many have each word, when nothing is found", async (t) => {
  const q = `${nth(20)} ${nth(2_500)} ${nth(2_900)} 量子`;
  const { body } = await search(q)();
  t.match(body, {
    data: [],
    understood: { words: [{ listings: "2000+" }, {}, {}, { listings: "0" }] },
  });
  await planned(t, search(q), ["results_search", bitmap]);
});

t.test("synonyms and term statistics", async (t) => {
  await planned(t, search("同义 7"), ["synonyms_folded", bitmap], ["term_statistics_pkey"]);
});

t.test("suggestions for a need: postings by their index alone, documents by key", async (t) => {
  const asEnterprise = market.as(enterprise);
  const { body: draft } = await drafted(market, "need", enterprise, {
    title: `${nth(1)}${nth(2)}`,
    summary: `${nth(4)}。`,
    background: null,
    bottleneck: null,
  });
  for (const [name, id] of [
    ["words of all kinds", needId],
    ["common words", draft.id],
  ]) {
    await t.test(`${name}`, async (t) => {
      const ask = () => asEnterprise("GET", `/v1/needs/${id}/suggestions`);
      t.equal((await ask()).body.data.length + (await ask()).body.nearMisses.length > 0, true);
      await planned(
        t,
        ask,
        ["result_postings_term", "Index Only Scan"],
        ["matching_documents_pkey", "Index Scan"],
        ["term_statistics_pkey"],
      );
    });
  }
});

t.test("taking a listing out of the index of suggestions", async (t) => {
  const [id] = made;
  await planned(
    t,
    () => market.as(university)("POST", `/v1/results/${id}/withdraw`),
    ["matching_documents_listing", "Index Scan"],
    ["result_postings_term"],
  );
});

t.test("an owner's own", async (t) => {
  const own = (q: string) => () =>
    market.as(enterprise)("GET", `/v1/results?scope=own&q=${encodeURIComponent(q)}${facets}`);
  await planned(t, own(nth(20)));
  await planned(t, own(nth(2_500)));
});
