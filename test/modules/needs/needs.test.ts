/** Needs: their own ends, and owners who stay anonymous. What they share with results is in listings/listings.test.ts. */
import { eq } from "drizzle-orm";
import t from "tap";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import {
  castOf,
  completeNeed,
  drafted,
  listingIn,
  type Overrides,
  publishedNeed,
  rowCounts,
  rowOf,
} from "../../support/listings.ts";
import { auditsOf } from "../../support/log.ts";
import { type Call, openMarket } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import { pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const cast = await castOf(market, "need");
const { operator } = cast;
const asOwner = market.as(cast.owner);
const asNobody = market.as(null);

const pathOf = (id: string) => `/v1/needs/${id}`;
const needRow = async (id: string) => {
  const [row] = await db.select().from(needs).where(eq(needs.id, id));
  return row!;
};

/** A merge patch on whatever version there is. */
const patchOf = (as: Call, id: string, body: Overrides) =>
  as("PATCH", pathOf(id), { body, headers: { "if-match": "*" } });

t.test("solve ends a need, and may name the contract", async (t) => {
  const { id } = await publishedNeed(market, cast.owner, operator);
  const reply = await asOwner("POST", `${pathOf(id)}/solve`, {
    body: { solvedBy: "2026豫新技合 17 号" },
  });
  t.equal(reply.status, 200);
  t.match(reply.body, { status: "solved", solvedBy: "2026豫新技合 17 号", allowedActions: [] });
  t.match(await needRow(id), { status: "solved", solvedBy: "2026豫新技合 17 号", version: 4 });
  const audit = (await auditsOf(market, id)).at(-1)!;
  t.equal(audit.type, "need.solve");
  t.strictSame(audit.before, { status: "published", solvedBy: null, version: 3 });
  t.strictSame(audit.after, { status: "solved", solvedBy: "2026豫新技合 17 号", version: 4 });
});

t.test("who solved it is told to the owner and the operator alone", async (t) => {
  const { id } = await publishedNeed(market, cast.owner, operator);
  await asOwner("POST", `${pathOf(id)}/solve`, { body: { solvedBy: "合作协议" } });
  t.equal((await market.as(operator)("GET", pathOf(id))).body.solvedBy, "合作协议");
  for (const as of [asNobody, market.as(cast.other), market.as(cast.broker)]) {
    const { status, body } = await as("GET", pathOf(id));
    t.equal(status, 200, "readable by its id");
    t.equal(body.status, "solved");
    t.notOk("solvedBy" in body);
  }
});

t.test("solve names nothing but the contract", async (t) => {
  const { id } = await publishedNeed(market, cast.owner, operator);
  const url = `${pathOf(id)}/solve`;
  const extra = await asOwner("POST", url, { body: { contract: "x" } });
  t.same(pointersOf(refused(t, extra, 400, "request.invalid")), ["/contract"]);
  const long = await asOwner("POST", url, { body: { solvedBy: "长".repeat(201) } });
  t.same(pointersOf(refused(t, long, 400, "request.invalid")), ["/solvedBy"]);
  t.equal((await asOwner("POST", url, { body: {} })).body.solvedBy, null);
});

t.test("close ends a need without a solution", async (t) => {
  const { id } = await publishedNeed(market, cast.owner, operator);
  const reply = await asOwner("POST", `${pathOf(id)}/close`);
  t.match(reply.body, { status: "closed", solvedBy: null });
  const audit = (await auditsOf(market, id)).at(-1)!;
  t.match(audit, { type: "need.close", actorId: cast.owner.id });
  t.strictSame(audit.after, { status: "closed", version: 4 });
  t.equal((await asNobody("GET", pathOf(id))).body.status, "closed");
});

t.test("ended needs leave the public list", async (t) => {
  const tag = "已结束的需求";
  for (const action of ["solve", "close"]) {
    const { id } = await publishedNeed(market, cast.owner, operator, { tags: [tag] });
    const found = () => asNobody("GET", `/v1/needs?tag=${encodeURIComponent(tag)}`);
    t.equal((await found()).body.data.length, 1);
    await asOwner("POST", `${pathOf(id)}/${action}`, action === "solve" ? { body: {} } : {});
    t.equal((await found()).body.data.length, 0);
  }
});

t.test("every shape of budget is kept and read back", async (t) => {
  const budgets = [
    { min: yuan("1.00"), max: yuan("9999999999999999.99"), negotiable: false },
    { min: yuan("5.50"), max: yuan("5.50"), negotiable: true },
    { min: null, max: null, negotiable: true },
  ];
  for (const budget of budgets) {
    const { body } = await drafted(market, "need", cast.owner, { budget });
    t.strictSame(body.budget, budget);
    t.match(await needRow(body.id), {
      budgetMin: budget.min?.amount ?? null,
      budgetMax: budget.max?.amount ?? null,
      budgetNegotiable: budget.negotiable,
    });
  }
  const { body } = await drafted(market, "need", cast.owner, { budget: null });
  t.equal(body.budget, null);
  t.equal(body.completeness.score, 92, "a missing budget costs 8 points");
});

t.test("half a budget, an empty one and one upside down are refused", async (t) => {
  const wrong: [object, string][] = [
    [{}, "/budget"],
    [{ negotiable: false }, "/budget"],
    [{ min: yuan("1") }, "/budget"],
    [{ min: yuan("1"), negotiable: true }, "/budget"],
    [{ min: yuan("2"), max: yuan("1.99") }, "/budget/max"],
    [{ min: yuan("1"), max: { amount: "2", currency: "EUR" } }, "/budget/max/currency"],
  ];
  for (const [budget, pointer] of wrong) {
    const reply = await asOwner("POST", "/v1/needs", { body: { title: "预算测试", budget } });
    t.same(pointersOf(refused(t, reply, 400, "request.invalid")), [pointer]);
  }
  for (const budget of [{ max: yuan("5.00") }, { max: yuan("5.00"), negotiable: true }]) {
    const reply = await asOwner("POST", "/v1/needs", { body: { title: "预算测试", budget } });
    t.match(
      reply.body.budget,
      { min: null, ...budget },
      "who says what it pays at most says enough",
    );
  }
});

t.test("a patch reaches into the budget", async (t) => {
  const { body } = await drafted(market, "need", cast.owner);
  const more = await patchOf(asOwner, body.id, { budget: { max: { amount: "2000000.00" } } });
  t.strictSame(more.body.budget, {
    min: yuan("500000.00"),
    max: yuan("2000000.00"),
    negotiable: false,
  });
  const talk = await patchOf(asOwner, body.id, {
    budget: { min: null, max: null, negotiable: true },
  });
  t.strictSame(talk.body.budget, { min: null, max: null, negotiable: true });
  const bare = await patchOf(asOwner, body.id, { budget: { negotiable: null } });
  t.same(pointersOf(refused(t, bare, 400, "request.invalid")), ["/budget"]);
  t.equal((await patchOf(asOwner, body.id, { budget: null })).body.budget, null);
  t.match(await needRow(body.id), { budgetMax: null, budgetNegotiable: false, version: 4 });
});

t.test("a need is submitted with a deadline to come", async (t) => {
  const { body } = await drafted(market, "need", cast.owner, { deadline: "2026-01-31" });
  const reply = await asOwner("POST", `${pathOf(body.id)}/submit`);
  t.match(refused(t, reply, 409, "need.incomplete").errors, [
    { pointer: "/deadline", code: "date.past" },
  ]);
});

t.test("the indicators' own rules, each with its pointer", async (t) => {
  const reply = await asOwner("POST", "/v1/needs", {
    body: {
      title: "指标测试需求",
      targetIndicators: [{ name: "精度" }, { name: "速度", target: "≥ 80", units: "m" }],
      minimumMaturity: 0,
      authenticityConfirmed: "yes",
    },
  });
  t.same(pointersOf(refused(t, reply, 400, "request.invalid")), [
    "/authenticityConfirmed",
    "/minimumMaturity",
    "/targetIndicators/0/target",
    "/targetIndicators/1/units",
  ]);
});

// ---- Anonymous owners ----

const name = "河南金辉电池材料股份有限公司";
const hidden = await market.person("enterprise", { name });
const asHidden = market.as(hidden);
await db
  .update(organizations)
  .set({ shortName: "JH-Power", regionCode: "410782" })
  .where(eq(organizations.id, hidden.organizationId));
const [hiddenOrganization] = await db
  .select()
  .from(organizations)
  .where(eq(organizations.id, hidden.organizationId));
const hiddenColleague = await market.colleague(hidden);
const hiddenMachine = await market.client(hidden, ["needs:read", "needs:write"]);

const outsiders: Record<string, Call> = {
  nobody: asNobody,
  other: market.as(cast.other),
  broker: market.as(cast.broker),
  registrar: market.as(cast.registrar),
};
const insiders: Record<string, Call> = {
  owner: asHidden,
  colleague: market.as(hiddenColleague),
  machine: market.as(hiddenMachine),
  operator: market.as(operator),
};

const anonymousNeed = (overrides: Overrides = {}) =>
  publishedNeed(market, hidden, operator, {
    anonymous: true,
    contactVisibility: "public",
    ...overrides,
  });

/** What must not be in any reply to an outsider. */
const traces = [
  name,
  "金辉",
  "JH-Power",
  hiddenOrganization?.creditCode ?? "",
  hidden.organizationId,
  hidden.id,
  "周敏",
  "6218000",
  "zhoumin",
  "410782",
];
const tracesIn = (text: string) => traces.filter((trace) => text.includes(trace));

t.test("anonymous: an outsider reads no owner, no contact, and the city alone", async (t) => {
  const { id } = await anonymousNeed();
  for (const [who, as] of Object.entries(outsiders)) {
    const { status, body, text } = await as("GET", pathOf(id));
    t.equal(status, 200);
    t.match(
      body,
      { anonymous: true, organization: null, contact: null, regionCode: "410700" },
      who,
    );
    t.match(body.alias, /^匿名需求方 [2-9A-HJ-NP-Z]{5}$/);
    t.strictSame(tracesIn(text), [], `nothing tells ${who}`);
    t.equal(body.bottleneck, completeNeed().bottleneck, "what is asked for stays readable");
  }
});

t.test("anonymous: the owner's people and the operator read everything", async (t) => {
  const { id } = await anonymousNeed();
  for (const [who, as] of Object.entries(insiders)) {
    const { body } = await as("GET", pathOf(id));
    t.match(body, { organization: { id: hidden.organizationId, name }, regionCode: "410782" }, who);
    t.strictSame(body.contact, completeNeed().contact);
    t.ok(body.alias);
  }
});

t.test("anonymous: lists hide the same from the same", async (t) => {
  const tag = "名单遮蔽";
  const { id } = await anonymousNeed({ tags: [tag] });
  const url = `/v1/needs?include=total&tag=${encodeURIComponent(tag)}`;
  for (const [who, as] of Object.entries(outsiders)) {
    const { body, text } = await as("GET", url);
    t.strictSame(body.total, { exact: 1 });
    t.match(body.data, [{ id, organization: null, regionCode: "410700", anonymous: true }], who);
    t.strictSame(tracesIn(text), [], `nothing tells ${who}`);
    t.equal(body.data[0].alias, (await as("GET", pathOf(id))).body.alias);
  }
  for (const [who, as] of Object.entries(insiders)) {
    const { body } = await as("GET", url);
    t.match(body.data, [{ id, organization: { name }, regionCode: "410782" }], who);
  }
  const all = await market.as(operator)("GET", `${url}&scope=all`);
  t.match(all.body.data, [{ organization: { name }, regionCode: "410782" }]);
});

t.test("anonymous: two needs of one owner carry different aliases", async (t) => {
  const aliases = new Set<string>();
  for (let i = 0; i < 4; i++) aliases.add((await anonymousNeed()).alias);
  t.equal(aliases.size, 4);
});

t.test("anonymous: a need keeps its alias, and gets another after it had a name", async (t) => {
  const { id, alias } = await anonymousNeed();
  const changed = await patchOf(asHidden, id, { summary: "换一种说法的摘要。" });
  t.equal(changed.body.alias, alias);
  const named = await patchOf(asHidden, id, { anonymous: false });
  t.match(named.body, { anonymous: false, alias: null });
  t.match((await asNobody("GET", pathOf(id))).body, {
    organization: { name },
    regionCode: "410782",
  });
  const again = await patchOf(asHidden, id, { anonymous: true });
  t.ok(again.body.alias);
  t.not(again.body.alias, alias);
  t.equal((await asNobody("GET", pathOf(id))).body.organization, null);
});

t.test(
  "anonymous: found neither by organization nor by county, but by city and province",
  async (t) => {
    const tag = encodeURIComponent("按地区查找");
    const overrides = { tags: ["按地区查找"] };
    const { id } = await anonymousNeed(overrides);
    const named = await publishedNeed(market, hidden, operator, overrides);
    const idsBy = async (as: Call, query: string) => {
      // What a search finds in all is not for those who are not signed in.
      const isTold = as !== asNobody || !query.includes("q=");
      const include = isTold ? "include=total&" : "";
      const { body } = await as("GET", `/v1/needs?${include}tag=${tag}&${query}`);
      const ids: string[] = body.data.map((item: { id: string }) => item.id);
      t.equal(body.total?.exact, isTold ? ids.length : undefined, "the total tells no more");
      return ids.sort();
    };
    const both = [id, named.id].sort();
    const word = encodeURIComponent("涂布");
    for (const [who, as] of Object.entries(outsiders)) {
      for (const words of ["", `&q=${word}`, `&q=${word}&sort=newest`]) {
        t.same(await idsBy(as, `organizationId=${hidden.organizationId}${words}`), [named.id], who);
        t.same(await idsBy(as, `regionCode=410782${words}`), [named.id], who);
        t.same(await idsBy(as, `regionCode=410700${words}`), both, who);
        t.same(await idsBy(as, `regionCode=410000${words}`), both, who);
        t.same(await idsBy(as, `regionCode=410711${words}`), [], who);
      }
      // The county is one of the terms that filters are looked for by.
      const asked = await as("GET", `/v1/needs?q=${word}&cooperationMode=region:410782`);
      refused(t, asked, 400, "request.invalid");
    }
    const asOperator = market.as(operator);
    t.same(await idsBy(asOperator, `scope=all&organizationId=${hidden.organizationId}`), both);
    t.same(await idsBy(asOperator, "scope=all&regionCode=410782"), both);
    t.same(await idsBy(asHidden, "scope=own&regionCode=410782"), both);
  },
);

t.test("anonymous: a place that the province governs directly is its own city", async (t) => {
  const tag = encodeURIComponent("济源的需求");
  const { id } = await anonymousNeed({ regionCode: "419001", tags: ["济源的需求"] });
  for (const region of ["419001", "410000"]) {
    const { body } = await asNobody("GET", `/v1/needs?tag=${tag}&regionCode=${region}`);
    t.match(body.data, [{ id, regionCode: "419001" }]);
  }
});

t.test("anonymous: no search finds it by the owner's name", async (t) => {
  const tag = encodeURIComponent("按名称搜索");
  await anonymousNeed({ tags: ["按名称搜索"] });
  for (const as of [...Object.values(outsiders), asHidden]) {
    for (const word of [name, "金辉", "河南金辉", "JH-Power", "周敏", "0373-6218000"]) {
      const { body } = await as("GET", `/v1/needs?tag=${tag}&q=${encodeURIComponent(word)}`);
      t.same(body.data, [], word);
    }
  }
  const { body } = await asNobody("GET", `/v1/needs?tag=${tag}&q=${encodeURIComponent("涂布")}`);
  t.equal(body.data.length, 1);
});

const telling: Record<string, string> = {
  "the name": `本公司${name}急需此技术。`,
  "the name in pieces": "河 南 金 辉 电池材料 股份有限公司",
  "the short name": "由 JH-Power 提出的需求。",
  "the short name, otherwise written": "ｊｈ power 产线的需求",
  "the telling part": "金辉电池材料的涂布线",
  "the telling part with marks in it": "金辉·电池-材料 的产线",
  "the telling part with an invisible sign": "金辉\u200b电池材料",
  "the credit code": `代码 ${hiddenOrganization?.creditCode}`,
  "the contact's name": "请找周敏工程师",
  "the phone": "电话 0373-6218000",
  "the phone without hyphen": "电话 03736218000",
  "the phone with blanks": "电话 0373 621 8000",
  "the e-mail": "发至 ZhouMin@example.com",
};

for (const [what, text] of Object.entries(telling)) {
  t.test(`anonymous: submit is refused while a text holds ${what}`, async (t) => {
    const { body } = await drafted(market, "need", hidden, { anonymous: true, background: text });
    t.equal(body.background, text, "a draft may hold it");
    const counts = await rowCounts(market);
    const reply = await asHidden("POST", `${pathOf(body.id)}/submit`);
    const problem = refused(t, reply, 409, "need.reveals_owner");
    t.match(problem.errors, [{ pointer: "/background", code: "reveals_owner" }]);
    t.equal(problem.errors.length, 1);
    t.same(await rowCounts(market), counts);
    t.match(await rowOf(market, "need", body.id), { status: "draft", version: 1 });
    const mended = await patchOf(asHidden, body.id, { background: "产线提速后跟不上。" });
    t.equal(mended.status, 200);
    t.equal((await asHidden("POST", `${pathOf(body.id)}/submit`)).status, 200);
  });
}

t.test("anonymous: every text of the need is looked at, each place named", async (t) => {
  const word = "金辉电池材料";
  const { body } = await drafted(market, "need", hidden, {
    anonymous: true,
    title: `${word}涂布检测`,
    summary: `${word}的摘要。`,
    background: `${word}的背景。`,
    existingBase: `${word}的基础。`,
    bottleneck: `${word}的难点。`,
    solverRequirements: `到${word}现场。`,
    keywords: ["涂布", word],
    tags: [word, "动力电池"],
    targetIndicators: [
      { name: "测厚误差", target: "≤ 1" },
      { name: `${word}指标`, target: "1" },
      { name: "指标", target: word },
      { name: "指标", target: "1", unit: word },
      { name: "指标", target: "1", current: word },
    ],
  });
  const reply = await asHidden("POST", `${pathOf(body.id)}/submit`);
  t.same(pointersOf(refused(t, reply, 409, "need.reveals_owner")), [
    "/background",
    "/bottleneck",
    "/existingBase",
    "/keywords/1",
    "/solverRequirements",
    "/summary",
    "/tags/0",
    "/targetIndicators/1",
    "/targetIndicators/2",
    "/targetIndicators/3",
    "/targetIndicators/4",
    "/title",
  ]);
  t.notMatch(reply.text, word, "the refusal does not repeat it");
});

t.test("anonymous: bracketed and repeated endings leave the telling part", async (t) => {
  for (const [full, text] of [
    ["新乡市卓远（集团）有限公司", "卓远产线的需求"],
    ["河南省新乡市卓远机械厂有限公司", "卓远机械的需求"],
  ] as const) {
    const owner = await market.person("enterprise", { name: full });
    const { body } = await drafted(market, "need", owner, { anonymous: true, summary: text });
    const reply = await market.as(owner)("POST", `${pathOf(body.id)}/submit`);
    t.same(pointersOf(refused(t, reply, 409, "need.reveals_owner")), ["/summary"], full);
  }
});

t.test("a need with a name may say it", async (t) => {
  const { body } = await drafted(market, "need", hidden, { background: `${name}的产线。` });
  t.equal((await asHidden("POST", `${pathOf(body.id)}/submit`)).status, 200);
});

t.test("anonymous: a published one cannot be patched to tell", async (t) => {
  const { id } = await anonymousNeed();
  const reply = await patchOf(asHidden, id, { title: "金辉电池材料涂布检测", tags: ["动力电池"] });
  t.same(pointersOf(refused(t, reply, 409, "need.reveals_owner")), ["/title"]);
  const contact = await patchOf(asHidden, id, { contact: { name: "涂布" } });
  t.ok(
    pointersOf(refused(t, contact, 409, "need.reveals_owner")).includes("/title"),
    "nor its contact be made what the text says",
  );
  t.match(await rowOf(market, "need", id), { version: 3, changedSinceReview: false });
  t.equal((await asNobody("GET", pathOf(id))).body.title, completeNeed().title);
});

t.test("anonymous: a published one with a telling text cannot become anonymous", async (t) => {
  const { id } = await publishedNeed(market, hidden, operator, { background: `${name}的产线。` });
  const reply = await patchOf(asHidden, id, { anonymous: true });
  t.same(pointersOf(refused(t, reply, 409, "need.reveals_owner")), ["/background"]);
  t.match(await needRow(id), { anonymous: false, alias: null });
});

t.test("anonymous: an ended one cannot be patched to tell, and stays masked", async (t) => {
  const { id } = await anonymousNeed();
  await asHidden("POST", `${pathOf(id)}/close`);
  const reply = await patchOf(asHidden, id, { summary: "金辉电池材料的需求。" });
  refused(t, reply, 409, "need.reveals_owner");
  const { body, text } = await asNobody("GET", pathOf(id));
  t.match(body, { status: "closed", organization: null, regionCode: "410700" });
  t.strictSame(tracesIn(text), []);
});

t.test("anonymous: the operator cannot publish one that tells by now", async (t) => {
  const renamed = await market.person("enterprise", { name: "新乡市旧名有限公司" });
  const id = await listingIn(market, "need", { owner: renamed, operator }, "submitted", {
    anonymous: true,
  });
  await db
    .update(organizations)
    .set({ name: "新乡市在线检测有限公司" })
    .where(eq(organizations.id, renamed.organizationId));
  const reply = await market.as(operator)("POST", `${pathOf(id)}/publish`);
  t.ok(pointersOf(refused(t, reply, 409, "need.reveals_owner")).includes("/title"));
  t.equal((await rowOf(market, "need", id)).status, "submitted");
});

t.test("anonymous: renewing one that tells by now is refused", async (t) => {
  const { id } = await anonymousNeed();
  await asHidden("POST", `${pathOf(id)}/withdraw`);
  await patchOf(asHidden, id, { summary: "金辉电池材料的需求。" });
  const reply = await asHidden("POST", `${pathOf(id)}/renew`, { body: {} });
  t.same(pointersOf(refused(t, reply, 409, "need.reveals_owner")), ["/summary"]);
});

t.test("anonymous: owner and public have tags of their own for one version", async (t) => {
  const { id } = await anonymousNeed();
  const own = (await asHidden("GET", pathOf(id))).headers.etag as string;
  const open = (await asNobody("GET", pathOf(id))).headers.etag as string;
  t.not(own, open);
  t.equal(own.split("-")[0], open.split("-")[0], "of the same version");
  const read = (as: Call, tag: string) =>
    as("GET", pathOf(id), { headers: { "if-none-match": tag } });
  t.equal((await read(asHidden, own)).status, 304);
  t.equal((await read(asNobody, open)).status, 304);
  t.equal((await read(asHidden, open)).status, 200);
  t.equal((await read(asNobody, own)).status, 200);
});

t.test("anonymous: what is refused to an outsider names nobody", async (t) => {
  const { id } = await anonymousNeed();
  for (const as of [market.as(cast.other), market.as(cast.broker)]) {
    const reply = await patchOf(as, id, { summary: "改别人的。" });
    refused(t, reply, 403, "need.not_owner");
    t.strictSame(tracesIn(reply.text), []);
    const close = await as("POST", `${pathOf(id)}/close`);
    refused(t, close, 403, "need.not_owner");
    t.strictSame(tracesIn(close.text), []);
  }
});

t.test("anonymous: the alias is the database's demand too", async (t) => {
  const { id } = await anonymousNeed();
  await t.rejects(db.update(needs).set({ alias: null }).where(eq(needs.id, id)), {
    cause: { constraint: "needs_anonymous_has_alias" },
  });
});
