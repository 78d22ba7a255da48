/** Suggestions: what fits a need or a result, why, who may see it, and what brokers say to it. */
import { and, eq, sql } from "drizzle-orm";
import t, { type Test } from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import {
  matchingDocuments,
  needPostings,
  resultPostings,
  termStatistics,
} from "../../../db/schema/matching.ts";
import { suggestionVerdicts } from "../../../db/schema/suggestions.ts";
import { transact } from "../../../src/database/transact.ts";
import { wordNumber } from "../../../src/lib/terms.ts";
import { reweighStale } from "../../../src/modules/matching/matching.service.ts";
import { unpacked } from "../../../src/modules/matching/matching.vector.ts";
import {
  readStatistics,
  refreshStatistics,
} from "../../../src/modules/matching/term-statistics.service.ts";
import { drafted, type Overrides, publishedNeed, publishedResult } from "../../support/listings.ts";
import { type Call, openMarket, type Reply } from "../../support/market.ts";
import { certifiedBroker, certify } from "../../support/matches.ts";
import { yuan } from "../../support/money.ts";
import { refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db, pool } = market.database;
const operator = await market.person("operator");
const university = await market.person("university");
const enterprise = await market.person("enterprise");
const stranger = await market.person("enterprise");
const broker = await certifiedBroker(market);
const asOperator = market.as(operator);
const asUniversity = market.as(university);
const asEnterprise = market.as(enterprise);
const asBroker = market.as(broker);

const result = (overrides: Overrides) => publishedResult(market, university, operator, overrides);
const need = (overrides: Overrides) => publishedNeed(market, enterprise, operator, overrides);
const ask = (as: Call, path: string, query = "") => as("GET", `/v1/${path}/suggestions${query}`);
const resultsOf = ({ body }: Reply): string[] =>
  body.data.map((one: { result: { id: string } }) => one.result.id);
const recount = async () => {
  await transact(pool, (tx) => refreshStatistics(tx, true));
  for (let more = true; more; ) more = (await transact(pool, reweighStale)).more;
};

/** Its owner changes a result. */
async function rewrite(id: string, body: object): Promise<Reply> {
  const { headers } = await asUniversity("GET", `/v1/results/${id}`);
  return asUniversity("PATCH", `/v1/results/${id}`, {
    headers: { "if-match": String(headers.etag), "content-type": "application/merge-patch+json" },
    body,
  });
}

/** Each listing has just the postings that its document tells of. */
async function assertPostings(t: Test) {
  for (const [noun, postings] of [
    ["result", resultPostings],
    ["need", needPostings],
  ] as const) {
    const { rows } = await db.execute<{ n: number }>(sql`
      select count(*)::int as n from (
        select term, weight, document from ${postings} except all
        select unnest(posted_terms), unnest(posted_weights), number from ${matchingDocuments} where noun = ${noun}
        union all (
          select unnest(posted_terms), unnest(posted_weights), number from ${matchingDocuments} where noun = ${noun}
          except all select term, weight, document from ${postings})) other`);
    t.equal(rows[0]?.n, 0, `${noun}s: no posting is left over, none is missing`);
  }
}

// ---- A small market about a few things ----

const scanner = await result({
  title: "锂电池极片涂布厚度激光在线检测装置",
  summary: "双面激光位移传感，全幅面在线测量极片涂布厚度，精度优于一微米。",
  description: "针对极片涂布产线，采用差动激光三角法，抑制浆料反光，采样频率 5 kHz。",
  fieldCode: "03",
  industryCode: "C38",
  regionCode: "410711",
  maturity: 8,
  cooperationModes: ["joint_development", "licence"],
  price: { kind: "fixed", amount: yuan("800000.00") },
});
const scannerText = JSON.stringify(scanner);
const immature = await result({
  title: "极片涂布厚度太赫兹检测方法",
  summary: "太赫兹时域光谱测量涂布厚度的实验室方法。",
  description: "实验室验证了太赫兹法测量极片涂布厚度的可行性。",
  fieldCode: "03",
  maturity: 3,
  cooperationModes: ["joint_development"],
  price: { kind: "fixed", amount: yuan("300000.00") },
});
const dear = await result({
  title: "涂布厚度射线在线检测系统",
  summary: "进口替代的射线测厚系统，用于极片涂布。",
  description: "射线法在线检测极片涂布面密度与厚度。",
  fieldCode: "03",
  maturity: 9,
  cooperationModes: ["service"],
  price: { kind: "fixed", amount: yuan("9000000.00") },
});
const fertilizer = await result({ title: "盐碱地玉米专用缓释肥制备技术", maturity: 8 });
for (const title of ["奶牛饲料添加剂", "桥梁缆索防腐涂层", "中药饮片快速干燥", "污泥低温干化"]) {
  await result({ title, summary: title, description: title });
}
const coating = await need({});
const coatingText = JSON.stringify(coating);
await need({
  title: "盐碱地改良与节水灌溉",
  summary: "盐碱地种植玉米的土壤改良方案。",
  fieldCode: "09",
});
await recount();

t.test(
  "what fits comes first, with the parts of its score and the words that made it",
  async (t) => {
    const { status, body } = await ask(asEnterprise, `needs/${coating.id}`);
    t.equal(status, 200);
    t.equal(body.data[0].result.id, scanner.id);
    t.equal(body.engine, "2");
    t.ok(body.statistics >= 1);
    const sum = Object.values(body.weights as Record<string, number>).reduce((a, b) => a + b, 0);
    t.ok(Math.abs(sum - 1) < 1e-9, "the weights add up to one");
    const [best] = body.data;
    const parts = new Map(best.parts.map((part: { signal: string }) => [part.signal, part]));
    const score = best.parts.reduce(
      (all: number, { weight, value }: { weight: number; value: number }) => all + weight * value,
      0,
    );
    t.ok(Math.abs(score - best.score) < 0.001, "the score is the sum of its parts");
    t.match(parts.get("field"), { value: 1, fields: { result: "03", need: "03" } });
    t.match(parts.get("maturity"), { value: 1, fields: { result: "8", need: "5" } });
    t.match(parts.get("price"), { value: 1 });
    const words = (parts.get("text") as { words: { text: string; share: number }[] }).words;
    t.ok(
      words.some(({ text }) => text === "激光"),
      "what only these two say",
    );
    for (const { text } of words)
      t.ok(scannerText.includes(text) && coatingText.includes(text), text);
    t.ok(
      words.every(({ share }, i) => share <= (words[i - 1]?.share ?? 1)),
      "the most telling first",
    );
    t.same(best.failedGates, []);
  },
);

t.test("what is called otherwise fits too, by the synonyms of the searches", async (t) => {
  const made = await result({
    title: "大功率发光二极管散热基板",
    summary: "氮化铝陶瓷直接覆铜。",
    description: "热阻小。",
  });
  const wanted = await need({
    title: "LED 车灯降温",
    summary: "结温过热。",
    background: "LED 光衰。",
    bottleneck: "LED 结温。",
    targetIndicators: [],
  });
  await recount();
  const reasons = async () => {
    const { body } = await ask(asEnterprise, `needs/${wanted.id}`, "?limit=50&nearMisses=20");
    const found = [...body.data, ...body.nearMisses].find(({ result }) => result.id === made.id);
    return found?.parts.find(({ signal }: { signal: string }) => signal === "text");
  };
  const before = await reasons();
  const words = ["LED", "发光二极管"];
  const { body: groups } = await asOperator(
    "GET",
    `/v1/synonyms?q=${encodeURIComponent("发光二极管")}`,
  );
  t.same(groups.data[0].words, words, "a group of a new market");
  t.match(before.words[0], { text: "led", synonym: "发光二极管" });
  t.ok(before.value > 0.05);
  const { body } = await ask(asUniversity, `results/${made.id}`, "?limit=50&nearMisses=20");
  const back = [...body.data, ...body.nearMisses].find(({ need }) => need.id === wanted.id);
  t.match(
    back.parts.find(({ signal }: { signal: string }) => signal === "text").words[0],
    { text: "发光二极管", synonym: "led" },
    "the other way round too",
  );
  t.equal((await asOperator("DELETE", `/v1/synonyms/${groups.data[0].id}`)).status, 204);
  t.equal(await reasons(), undefined, "at once, when the group is gone");

  const metal = await result({
    title: "镉钝化材料",
    summary: "稻田两季。",
    description: "施用方便。",
  });
  const cadmium = await need({
    title: "Cd 超标",
    summary: "Cd 偏高。",
    background: "Cd。",
    bottleneck: "Cd。",
    targetIndicators: [],
  });
  const suggested = async () =>
    resultsOf(await ask(asEnterprise, `needs/${cadmium.id}`, "?limit=50")).includes(metal.id);
  t.notOk(await suggested());
  const group = await asOperator("POST", "/v1/synonyms", { body: { words: ["镉", "Cd"] } });
  t.equal(group.status, 201);
  t.ok(await suggested(), "a single character is one");
  for (const id of [metal.id, made.id]) await asUniversity("POST", `/v1/results/${id}/withdraw`);
});

t.test("nothing fits whose texts say nothing of the same", async (t) => {
  const common = { fieldCode: "03", industryCode: "C38", regionCode: "410782", maturity: 9 };
  const other = await result({
    ...common,
    title: "中药饮片色选机",
    summary: "损耗率低，产能提高百分之五十。",
    description: "目前效率低的问题得到解决。",
    cooperationModes: ["joint_development"],
    price: { kind: "fixed", amount: yuan("600000.00") },
  });
  const wanted = await need({
    title: "桥梁缆索除冰",
    summary: "功率低，功能提升百分之二十。",
    background: "目前故障率低，问题不少。",
    bottleneck: "能提供百分之百的除冰。",
    targetIndicators: [],
  });
  await recount();
  const { body } = await ask(asEnterprise, `needs/${wanted.id}`, "?limit=50&nearMisses=20");
  const all = [...body.data, ...body.nearMisses];
  t.notOk(
    all.some(({ result }) => result.id === other.id),
    "field, industry, maturity, price and date are no reason",
  );
  const shown = all.flatMap(({ parts }) =>
    parts.flatMap(
      (part: { words?: { text: string }[] }) => part.words?.map(({ text }) => text) ?? [],
    ),
  );
  for (const word of ["百分之", "能提", "率低", "提高", "目前"])
    t.notOk(shown.includes(word), word);
  t.ok(
    all.every(({ parts }) => parts[0].words.length > 0),
    "everything that is suggested has a word for it",
  );
  await asUniversity("POST", `/v1/results/${other.id}/withdraw`);
});

t.test("near misses are shown as such, with the gates that they fail", async (t) => {
  const { body } = await ask(asEnterprise, `needs/${coating.id}`);
  const missed = new Map<string, { gate: string; zh: string; en: string }[]>(
    body.nearMisses.map((one: { result: { id: string }; failedGates: [] }) => [
      one.result.id,
      one.failedGates,
    ]),
  );
  t.same(
    missed.get(immature.id)?.map(({ gate }) => gate),
    ["maturity"],
  );
  t.same(
    missed.get(dear.id)?.map(({ gate }) => gate),
    ["price", "cooperation"],
  );
  t.ok(missed.get(dear.id)?.every(({ zh, en }) => zh && en));
  t.notOk(resultsOf({ body } as Reply).includes(immature.id));
  const none = await ask(asEnterprise, `needs/${coating.id}`, "?nearMisses=0&limit=1&brokers=0");
  t.same([none.body.nearMisses, none.body.brokers, none.body.data.length], [[], [], 1]);
});

t.test("what would make it better is said, of both sides", async (t) => {
  const { body: bare } = await drafted(market, "need", enterprise, {
    title: "涂布厚度在线检测",
    minimumMaturity: null,
    budget: null,
    industryCode: null,
  });
  const { body } = await ask(asEnterprise, `needs/${bare.id}`);
  const fields = body.data[0].improvements.map(
    ({ side, field }: { side: string; field: string }) => `${side} ${field}`,
  );
  t.ok(fields.includes("need /minimumMaturity"));
  t.ok(fields.includes("need /budget"));
  t.ok(fields.includes("need /industryCode"));
  const unnumbered = await result({
    title: "极片涂布厚度超声检测",
    intellectualProperty: [{ typeCode: "21", status: "applied" }],
  });
  await recount();
  const again = await ask(asEnterprise, `needs/${coating.id}`, "?nearMisses=20");
  const found = [...again.body.data, ...again.body.nearMisses].find(
    (one: { result: { id: string } }) => one.result.id === unnumbered.id,
  );
  t.match(
    found.improvements.find((one: { field: string }) => one.field === "/intellectualProperty"),
    { side: "result", en: /patent number/ },
  );
});

t.test(
  "a result has suggestions of needs, which an anonymous owner does not give away",
  async (t) => {
    const hidden = await need({
      title: "极片涂布面密度在线检测",
      anonymous: true,
      regionCode: "410782",
      contact: { name: "技术部" },
    });
    await recount();
    const { status, body } = await ask(asUniversity, `results/${scanner.id}`);
    t.equal(status, 200);
    t.ok(body.data.some((one: { need: { id: string } }) => one.need.id === coating.id));
    const one = body.data.find(({ need }: { need: { id: string } }) => need.id === hidden.id);
    t.match(one.need, { organization: null, regionCode: "410700", anonymous: true });
    const region = one.parts.find(({ signal }: { signal: string }) => signal === "region");
    t.equal(region.fields.need, "410700", "the county is not told by the reasons either");
    t.notMatch(JSON.stringify(one), /410782/);
  },
);

t.test(
  "who may see them: the owner a draft too, brokers and the operator what is published",
  async (t) => {
    for (const as of [asEnterprise, asBroker, asOperator]) {
      t.equal((await ask(as, `needs/${coating.id}`)).status, 200);
    }
    const { body: draft } = await drafted(market, "need", enterprise, { title: "涂布厚度检测" });
    t.equal((await ask(asEnterprise, `needs/${draft.id}`)).status, 200, "who could solve this?");
    refused(t, await ask(asBroker, `needs/${draft.id}`), 404, "need.not_found");
    refused(t, await ask(asOperator, `needs/${draft.id}`), 403, "need.not_owner");
    refused(t, await ask(market.as(stranger), `needs/${coating.id}`), 403, "need.not_owner");
    refused(t, await ask(asUniversity, `needs/${coating.id}`), 403, "need.not_owner");
    refused(t, await ask(market.as(null), `needs/${coating.id}`), 401, "auth.required");
    const learner = await market.person("brokerage");
    refused(t, await ask(market.as(learner), `needs/${coating.id}`), 403, "match.not_a_broker");
    const machine = await market.client(enterprise, ["needs:read"]);
    t.equal((await ask(market.as(machine), `needs/${coating.id}`)).status, 200);
    const blind = await market.client(enterprise, ["results:read"]);
    refused(t, await ask(market.as(blind), `needs/${coating.id}`), 403, "auth.insufficient_scope");
  },
);

t.test(
  "drafts, withdrawn ones and those of suspended organizations are never suggested",
  async (t) => {
    const seen = async () => {
      const { body } = await ask(asEnterprise, `needs/${coating.id}`, "?limit=50&nearMisses=20");
      return [...body.data, ...body.nearMisses].map(
        (one: { result: { id: string } }) => one.result.id,
      );
    };
    const { body: secret } = await drafted(market, "result", university, {
      title: "极片涂布厚度检测绝密草稿",
    });
    t.notOk((await seen()).includes(secret.id));
    const gone = await result({ title: "极片涂布厚度检测相机" });
    t.ok((await seen()).includes(gone.id), "at once, without waiting for a count");
    await asUniversity("POST", `/v1/results/${gone.id}/withdraw`);
    t.notOk((await seen()).includes(gone.id));
    const [left] = await db
      .select({ n: sql<number>`count(*)::int` })
      .from(matchingDocuments)
      .where(eq(matchingDocuments.listingId, gone.id));
    t.equal(left?.n, 0);

    const other = await market.person("university");
    const theirs = await publishedResult(market, other, operator, {
      title: "极片涂布厚度检测探头",
    });
    t.ok((await seen()).includes(theirs.id));
    await asOperator("POST", `/v1/organizations/${other.organizationId}/suspend`, {
      body: { reason: "材料不实。" },
    });
    t.notOk((await seen()).includes(theirs.id));
  },
);

t.test(
  "a change of the text changes what is suggested; postings are as many as terms",
  async (t) => {
    const made = await result({
      title: "石墨烯散热薄膜",
      summary: "散热薄膜",
      description: "散热",
    });
    t.equal((await rewrite(made.id, { title: "极片涂布厚度红外检测仪" })).status, 200);
    const { body } = await ask(asEnterprise, `needs/${coating.id}`, "?limit=50&nearMisses=20");
    const ids = [...body.data, ...body.nearMisses].map((one) => one.result.id);
    t.ok(ids.includes(made.id));
    await assertPostings(t);
  },
);

t.test(
  "terms are counted again when listings were written, those that replace others too",
  async (t) => {
    await recount();
    const refresh = () => transact(pool, (tx) => refreshStatistics(tx));
    t.equal(await refresh(), false, "nothing has changed");
    for (const title of ["极片涂布厚度检测一", "极片涂布厚度检测二"]) {
      t.equal((await rewrite(scanner.id, { title })).status, 200);
    }
    t.equal(await refresh(), true, "two of some twenty");
    await publishedResult(market, university, operator, { title: "微藻固碳" });
    await recount();
    t.equal(await refresh(), false, "numbers that replacing took are no listings");
  },
);

t.test("terms are counted as the listings have them", async (t) => {
  await recount();
  const expected: Record<number, number> = {};
  for (const { packed, norm } of await db
    .select({ packed: matchingDocuments.vector, norm: matchingDocuments.norm })
    .from(matchingDocuments)) {
    for (const { term } of unpacked({ packed, norm })) expected[term] = (expected[term] ?? 0) + 1;
  }
  const counted = await db.select().from(termStatistics);
  t.same(Object.fromEntries(counted.map(({ term, documents }) => [term, documents])), expected);
  t.ok((expected[wordNumber("涂布")] ?? 0) > 3, "of words that are there");
  // Read in two parts, what is remembered and what is not.
  const some = counted.slice(0, 40).map(({ term }) => term);
  await readStatistics(db, some.slice(0, 20));
  const { frequencies } = await readStatistics(db, [...some, wordNumber("无此词")]);
  t.same(
    [...frequencies],
    some.map((term) => [term, expected[term]]),
    "none for a term of none",
  );
});

t.test(
  "a listing that changes while it is reweighed leaves no posting over",
  { skip: process.env.TEST_DATABASE_URL ? false : "needs several connections" },
  async (t) => {
    const made = await result({ title: "极片涂布厚度超声检测仪" });
    await db.update(matchingDocuments).set({ weighedWith: 1_000_000 });
    let changing: Promise<Reply> | undefined;
    await transact(pool, async (tx) => {
      await reweighStale(tx);
      let settled = false;
      const summary = "电容法测量厚度。";
      changing = rewrite(made.id, { title: "极片涂布厚度电容检测仪", summary }).finally(() => {
        settled = true;
      });
      let waiting = 0;
      while (waiting === 0 && !settled) {
        const { rows } = await db.execute<{ n: number }>(sql`
          select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`);
        waiting = rows[0]?.n ?? 0;
      }
      t.equal(waiting, 1, "it waits for what is locked here");
    });
    t.equal((await changing)?.status, 200);
    await assertPostings(t);
    await recount();
  },
);

t.test("brokers who know the field, with what makes them right; not the owner's own", async (t) => {
  const senior = await market.person("brokerage");
  await certify(market, senior, { level: "senior", fieldCodes: ["03"] });
  const elsewhere = await market.person("brokerage");
  await certify(market, elsewhere, { fieldCodes: ["09"] });
  const { body } = await ask(asEnterprise, `needs/${coating.id}`, "?brokers=20");
  const ids = body.brokers.map((one: { broker: { id: string } }) => one.broker.id);
  t.ok(ids.includes(broker.id));
  t.equal(ids[0], senior.id);
  t.notOk(ids.includes(elsewhere.id));
  for (const { parts, score } of body.brokers) {
    const sum = parts.reduce(
      (all: number, { weight, value }: { weight: number; value: number }) => all + weight * value,
      0,
    );
    t.ok(Math.abs(sum - score) < 0.001);
  }
});

t.test(
  "a broker's verdict is kept with the score as it was, and replaced by the next",
  async (t) => {
    const path = `/v1/needs/${coating.id}/suggestions/verdicts`;
    const say = (as: Call, body: object) => as("POST", path, { body });
    const first = await say(asBroker, {
      resultId: scanner.id,
      verdict: "not_useful",
      reason: "same_words_only",
      note: "只是字面相似。",
    });
    t.equal(first.status, 200);
    t.match(first.body, { verdict: "not_useful", suggestedFor: "need", engine: "2", version: 1 });
    t.ok(first.body.score > 0 && first.body.parts.length > 3);
    const second = await say(asBroker, {
      resultId: scanner.id,
      verdict: "useful",
      reason: "good_fit",
    });
    t.match(second.body, { id: first.body.id, verdict: "useful", note: null, version: 2 });
    const stored = await db
      .select()
      .from(suggestionVerdicts)
      .where(eq(suggestionVerdicts.needId, coating.id));
    t.equal(stored.length, 1);
    t.match(stored[0], { verdict: "useful", resultId: scanner.id, memberId: broker.id });
    const records = await db
      .select({ type: auditRecords.type })
      .from(auditRecords)
      .where(
        and(
          eq(auditRecords.subjectType, "suggestion_verdict"),
          eq(auditRecords.subjectId, first.body.id),
        ),
      );
    t.same(records.map(({ type }) => type).sort(), [
      "suggestion_verdict.create",
      "suggestion_verdict.update",
    ]);
    const mine = await ask(asBroker, `needs/${coating.id}`);
    t.match(
      mine.body.data.find((one: { result: { id: string } }) => one.result.id === scanner.id),
      {
        verdict: { verdict: "useful", reason: "good_fit" },
      },
    );
    const others = await ask(asEnterprise, `needs/${coating.id}`);
    t.equal(others.body.data[0].verdict, null, "to the broker alone");

    // From the other side, about something that was not suggested.
    const reverse = await asBroker("POST", `/v1/results/${fertilizer.id}/suggestions/verdicts`, {
      body: { needId: coating.id, verdict: "not_useful", reason: "other_field" },
    });
    t.match(reverse.body, { suggestedFor: "result", needId: coating.id, resultId: fertilizer.id });

    refused(
      t,
      await say(asEnterprise, { resultId: scanner.id, verdict: "useful" }),
      403,
      "auth.forbidden_role",
    );
    const learner = await market.person("brokerage");
    refused(
      t,
      await say(market.as(learner), { resultId: scanner.id, verdict: "useful" }),
      403,
      "match.not_a_broker",
    );
    refused(
      t,
      await say(asBroker, { resultId: coating.id, verdict: "useful" }),
      404,
      "result.not_found",
    );
    const wrong = refused(
      t,
      await say(asBroker, { resultId: scanner.id, verdict: "useful", reason: "whim" }),
      400,
      "request.invalid",
    );
    t.match(wrong.errors, [{ pointer: "/reason" }]);
  },
);

t.test("two verdicts of one broker at once leave one", async (t) => {
  const path = `/v1/needs/${coating.id}/suggestions/verdicts`;
  const replies = await Promise.all(
    ["useful", "not_useful"].map((verdict) =>
      asBroker("POST", path, { body: { resultId: dear.id, verdict } }),
    ),
  );
  t.same(
    replies.map(({ status }) => status),
    [200, 200],
  );
  const stored = await db
    .select({ version: suggestionVerdicts.version })
    .from(suggestionVerdicts)
    .where(eq(suggestionVerdicts.resultId, dear.id));
  t.same(stored, [{ version: 2 }]);
});

t.test("the operator reads all verdicts, by pages and filters; nobody else", async (t) => {
  const list = (as: Call, query = "") => as("GET", `/v1/suggestion-verdicts${query}`);
  const all = await list(asOperator, "?include=total");
  t.equal(all.body.total.exact, all.body.data.length);
  t.ok(all.body.data.length >= 3);
  const first = await list(asOperator, "?limit=1");
  const next = await list(asOperator, `?limit=1&cursor=${first.body.page.next}`);
  t.not(first.body.data[0].id, next.body.data[0].id);
  const useful = await list(
    asOperator,
    `?verdict=useful&needId=${coating.id}&resultId=${scanner.id}`,
  );
  t.same(
    useful.body.data.map((one: { verdict: string }) => one.verdict),
    ["useful"],
  );
  refused(t, await list(asBroker), 403, "auth.forbidden_role");
});

t.test("a new count is a new version, made when enough has changed", async (t) => {
  const versionOf = async () => (await ask(asEnterprise, `needs/${coating.id}`)).body.statistics;
  await recount();
  const before = await versionOf();
  t.equal(await transact(pool, (tx) => refreshStatistics(tx)), false, "nothing has changed");
  t.equal(await versionOf(), before);
  await result({ title: "极片涂布厚度涡流检测" });
  await result({ title: "极片涂布厚度电容检测" });
  t.equal(await transact(pool, (tx) => refreshStatistics(tx)), true);
  t.equal(await versionOf(), before + 1);
  const two = await Promise.all(
    [1, 2].map(() => transact(pool, (tx) => refreshStatistics(tx, true))),
  );
  t.same(two, [true, true]);
  t.equal(await versionOf(), before + 3, "two counts at once follow each other");
});
