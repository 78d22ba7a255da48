/** What holds of every search, tried with many titles and queries drawn at random. */
import { eq, inArray } from "drizzle-orm";
import fc from "fast-check";
import t from "tap";
import { results } from "../../../db/schema/results.ts";
import { transact } from "../../../src/database/transact.ts";
import { rangesIn } from "../../../src/lib/highlight.ts";
import { kindOf, matchTermsOf, spellingOf } from "../../../src/lib/terms.ts";
import { refreshStatistics } from "../../../src/modules/matching/term-statistics.service.ts";
import { drafted, publishedResult } from "../../support/listings.ts";
import { type Call, openMarket, type Reply } from "../../support/market.ts";
import { granted, idsOf } from "../../support/replies.ts";
import { stockUp } from "../../support/stock.ts";

const market = await openMarket(t);
const { db, pool } = market.database;
const operator = await market.person("operator");
const university = await market.person("university");
const stranger = await market.person("university");
const asReader = market.as(await market.person("enterprise"));

const search = (q: string, more = "", as: Call = asReader): Promise<Reply> =>
  as("GET", `/v1/results?q=${encodeURIComponent(q)}${more}`);

/** A bounded number of tries, each some requests. */
const tries = (numRuns: number) => ({
  numRuns,
  endOnFailure: false,
  interruptAfterTimeLimit: 40_000,
});

// ---- Titles ----

const openings = ["基于", "面向", "一種", "新型", "用于", "全自動", ""];
const things = [
  "锂离子电池",
  "盐碱地水稻",
  "ＬＥＤ封裝膠",
  "5G基站天线",
  "钛合金薄壁件",
  "PM2.5源解析",
  "中藥飲片",
  "海底電纜",
  "𠮷林人参",
  "TBM刀盘",
  "0.5 mm微钻",
  "CO₂驱油",
];
const middles = ["的", "高效", "智能化", "与余热回收", "（第3代）", "-", "在线", "低温", "/"];
const endings = [
  "检测装置",
  "制备方法",
  "監測系統",
  "育苗技術",
  "切割工艺V2.0",
  "评价软件",
  "机器人",
  "催化剂",
];
const title = fc
  .tuple(
    fc.constantFrom(...openings),
    fc.constantFrom(...things),
    fc.constantFrom(...middles),
    fc.constantFrom(...things),
    fc.constantFrom(...endings),
  )
  .map((parts) => parts.join(""));
const titles = fc.sample(title, { numRuns: 150, seed: 20260301 });
const filler = {
  summary: "已有用户。",
  description: "运行平稳。",
  keywords: [],
  tags: [],
  applicationField: null,
  technicalIndicators: null,
  advantages: null,
  benefits: null,
};
const base = await publishedResult(market, university, operator, { ...filler, title: "样板一号" });
const stocked = await stockUp(
  market,
  "result",
  base.id,
  titles.map((one) => ({ title: one })),
);
const listing = fc
  .nat({ max: titles.length - 1 })
  .map((i) => ({ id: stocked[i] ?? "", title: titles[i] ?? "" }));
await transact(pool, (tx) => refreshStatistics(tx, true));

/** Whether a search finds a listing; it is narrowed by nothing else, so pages may have to be turned. */
async function isFound(q: string, id: string): Promise<boolean> {
  let cursor = "";
  do {
    const reply = await granted(search(q, `&limit=100${cursor}`));
    if (idsOf(reply).includes(id)) return true;
    cursor = reply.body.page.next ? `&cursor=${reply.body.page.next}` : "";
  } while (cursor);
  return false;
}

t.test("a listing is found by any word of its own title", async (t) => {
  // Several words share one title: each title with all of its words.
  await fc.assert(
    fc.asyncProperty(listing, fc.nat(), async ({ id, title }, n) => {
      const words = [...matchTermsOf(title).keys()]
        .filter((key) => kindOf(key) !== "pair")
        .map(spellingOf);
      const word = words[n % words.length] ?? "";
      return isFound(word, id);
    }),
    tries(120),
  );
  t.pass("words of all kinds");
});

t.test(
  "a listing is found by any part of its title of two Chinese characters or more",
  async (t) => {
    await fc.assert(
      fc.asyncProperty(listing, fc.nat(), fc.nat(), async ({ id, title }, from, length) => {
        const runs = title.match(/\p{Script=Han}{2,}/gu) ?? [];
        const run = [...(runs[from % runs.length] ?? "")];
        const start = from % (run.length - 1);
        const part = run.slice(start, start + 2 + (length % (run.length - start - 1)));
        return part.length > 1 && isFound(part.join(""), id);
      }),
      tries(120),
    );
    t.pass("parts of all lengths");
  },
);

t.test("whole titles find their listing", async (t) => {
  await fc.assert(
    fc.asyncProperty(listing, ({ id, title }) => isFound(title, id)),
    tries(40),
  );
  t.pass("as they were written");
});

// ---- Scores ----

/** Words that share no character, so that putting one in place of another makes or breaks no third. */
const words = ["轴承", "润滑", "光谱", "酵母", "隧道", "陶瓷", "雷达", "湿地", "沥青", "芯片"];
const picked = fc.uniqueArray(fc.nat({ max: words.length - 1 }), { minLength: 3, maxLength: 6 });

t.test("a word of the query in place of one that does not match never costs score", async (t) => {
  const cases = fc
    .sample(fc.tuple(picked, fc.nat(), fc.constantFrom("", "、", "与")), { numRuns: 60, seed: 7 })
    .map(([indexes, n, between]) => {
      const chosen = indexes.map((i) => words[i] ?? "");
      // The query's words are the first of them; the title has some of those, and others.
      const asked = chosen.slice(0, 1 + (n % (chosen.length - 1)));
      const others = words.filter((word) => !asked.includes(word));
      const inTitle = asked.slice(0, n % (asked.length + 1));
      const strange = others.slice(0, 2);
      const [place, word] = [n % 2, asked[n % asked.length] ?? ""];
      const before = [...inTitle, ...strange];
      const after = [...inTitle, ...strange.map((one, i) => (i === place ? word : one))];
      return { asked, rest: asked.join("，"), titles: [before.join(between), after.join(between)] };
    });
  const rows = cases.flatMap(({ titles, rest }, i) =>
    // Both have all words somewhere, in the summary or below it, so that both are found.
    titles.map((title) => ({
      title: `${title}甲`,
      summary: i % 2 ? rest : "无。",
      description: `${rest}。`,
      tags: [`例${i}`],
    })),
  );
  const ids = await stockUp(market, "result", base.id, rows);
  let higher = 0;
  for (const [i, { asked }] of cases.entries()) {
    const reply = await granted(search(asked.join(" "), `&tag=${encodeURIComponent(`例${i}`)}`));
    const scores = new Map<string, number>(
      reply.body.data.map((item: { id: string; match: { score: number } }) => [
        item.id,
        item.match.score,
      ]),
    );
    const [before, after] = [scores.get(ids[2 * i] ?? ""), scores.get(ids[2 * i + 1] ?? "")];
    if (before === undefined || after === undefined || after < before) {
      t.fail(`${asked.join(" ")}: ${before} before, ${after} after`, {
        rows: rows.slice(2 * i, 2 * i + 2),
      });
    } else if (after > before) higher++;
  }
  t.ok(higher > 20, `higher in ${higher} of ${cases.length}`);
});

t.test("nor when the owner changes the title", async (t) => {
  const scoreOf = async (id: string) => {
    const reply = await granted(search("雷达 沥青", `&organizationId=${stranger.organizationId}`));
    return reply.body.data.find((one: { id: string }) => one.id === id).match.score as number;
  };
  const { id } = await publishedResult(market, stranger, operator, {
    ...filler,
    title: "酵母、湿地、芯片",
    description: "雷达与沥青。",
  });
  let last = await scoreOf(id);
  for (const title of ["雷达、湿地、芯片", "雷达、沥青、芯片", "雷达、沥青、雷达"]) {
    const { status } = await market.as(stranger)("PATCH", `/v1/results/${id}`, {
      body: { title },
      headers: { "if-match": "*" },
    });
    t.equal(status, 200);
    const [row] = await db.select().from(results).where(eq(results.id, id));
    t.equal(row?.titleText, title);
    const next = await scoreOf(id);
    t.ok(title === "雷达、沥青、雷达" ? next === last : next > last, `${title}: ${last}, ${next}`);
    last = next;
  }
  t.equal(last, 1);
});

// ---- Drafts ----

t.test("another organization's drafts appear nowhere", async (t) => {
  const { body: draft } = await drafted(market, "result", stranger, {
    ...filler,
    title: "底稿样板",
  });
  const secret = new Set(
    await stockUp(
      market,
      "result",
      draft.id,
      titles.slice(0, 60).map((one) => ({ title: one, fieldCode: "08", maturity: 2 })),
      { index: false },
    ),
  );
  secret.add(draft.id);
  const rows = await db
    .select({ status: results.status })
    .from(results)
    .where(inArray(results.id, [...secret]));
  t.equal(rows.filter(({ status }) => status === "draft").length, 61);
  const q = fc.oneof(
    fc.nat({ max: 59 }).map((i) => titles[i] ?? ""),
    fc.constantFrom(...things, ...endings, "膜", "底稿", "电池 技术"),
  );
  const sort = fc.constantFrom("", "&sort=newest", "&sort=relevance", "&sort=deadline");
  const callers: [Call, string][] = [
    [asReader, ""],
    [market.as(university), ""],
    [market.as(university), "&scope=own"],
    [market.as(operator), ""],
  ];
  await fc.assert(
    fc.asyncProperty(q, sort, fc.constantFrom(...callers), async (q, order, [as, scope]) => {
      const sorted = scope && order !== "&sort=relevance" ? "" : order;
      const more = `&limit=100&include=total,facets${sorted}${scope}`;
      const { body } = await granted(search(q, more, as));
      const { facets } = body;
      if (idsOf({ body } as Reply).some((id) => secret.has(id))) return false;
      if (facets.fieldCode.some(({ code }: { code: string }) => code === "08")) return false;
      if (facets.maturity.some(({ code }: { code: string }) => code === "2")) return false;
      // None is left out of the counts either: they are those of what is listed.
      if (body.total.exact !== facets.matches) return false;
      if (!body.page.hasMore && body.data.length !== facets.matches) return false;
      const listings = body.understood.words.map((one: { listings?: string }) => one.listings);
      return q !== "底稿" || listings[0] === "0";
    }),
    tries(100),
  );
  const own = await granted(search("底稿", "&scope=own", market.as(stranger)));
  t.same(idsOf(own), [draft.id], "its owner finds it");
});

// ---- Whatever people type ----

const odd = fc.constantFrom(
  ..."%_'\"\\`;--/*(){}[]|&!<>:*?+^$.,，。、　·～~@#=0９ ℃㎡①½ﬁİßµΩ°ＡＺ电池检测的𠮷😀👩‍🔬\u0301\u200b\ufeff\u202e".match(
    /./gsu,
  )!,
);
const typed = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
  fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
  fc.string({ unit: odd, minLength: 1, maxLength: 80 }),
  fc
    .constantFrom(...titles)
    .chain((one) => odd.map((c) => `${one.slice(0, 9)}${c}${one.slice(9)}`)),
  fc.constantFrom(
    "a".repeat(100),
    "电".repeat(100),
    "9".repeat(100),
    "1.".repeat(50),
    "%".repeat(100),
  ),
  fc.constantFrom(
    "to_tsquery('a & b')",
    "' or 1=1 --",
    "(?:a+)+$",
    "\\d{3}",
    "{1,2}",
    "null",
    "$1",
  ),
);

t.test("no query is an error of the server", async (t) => {
  const sort = fc.constantFrom("", "&sort=newest", "&include=total,facets");
  await fc.assert(
    fc.asyncProperty(typed, sort, async (q, more) => {
      const { status, body } = await search(q.toWellFormed(), more);
      if (status === 200) return rangesLieInside(body.data);
      return status === 400 && body.errors[0].parameter === "q";
    }),
    tries(250),
  );
  for (const q of ["%ED%A0%80", "%FF", "a%ED%B0%80b", "%00", "%F0%9F"]) {
    const { status } = await asReader("GET", `/v1/results?q=${q}`);
    t.ok(status === 400 || status === 200, `${q}: ${status}`);
  }
});

interface Highlight {
  text: string;
  ranges: [number, number][];
}
const isOrdered = (text: string, ranges: readonly (readonly [number, number])[]) =>
  ranges.every(([from, to], i) => {
    const before = ranges[i - 1]?.[1] ?? 0;
    const whole = [from, to].every((at) => !/^[\uDC00-\uDFFF]/.test(text.slice(at)));
    return from < to && from >= before && to <= text.length && whole;
  });
const rangesLieInside = (data: { match: { highlights: Highlight[] } }[]) =>
  data.every(({ match }) => match.highlights.every(({ text, ranges }) => isOrdered(text, ranges)));

t.test("marks lie in the text, one after the other, and around whole characters", async (t) => {
  await fc.assert(
    fc.asyncProperty(listing, fc.nat(), async ({ title }, n) => {
      const q = [...title].slice(n % 3, (n % 3) + 2 + (n % 7)).join("");
      const { body } = await granted(search(q, "&limit=100"));
      return rangesLieInside(body.data);
    }),
    tries(40),
  );
  const text = fc.oneof(typed, title, fc.string({ unit: odd, maxLength: 200 }));
  const spelling = fc.oneof(
    title,
    typed,
    fc.constantFrom("m", "2", "led", "wi-fi", "a/b", "10", "c"),
  );
  fc.assert(
    fc.property(text, fc.array(spelling.filter(Boolean), { maxLength: 4 }), (any, spellings) => {
      // No text is stored that has half a character (`lib/wire.ts`).
      const text = any.toWellFormed();
      return isOrdered(text, rangesIn(text, spellings));
    }),
    { numRuns: 3_000 },
  );
  t.pass("three thousand texts");
});
