/** Lists of results and needs: scopes, filters, search, order, pages, totals, links. */
import { and, eq, inArray, sql } from "drizzle-orm";
import t from "tap";
import { needs } from "../../../db/schema/needs.ts";
import { results } from "../../../db/schema/results.ts";
import {
  copyListing,
  drafted,
  listingIn,
  type Noun,
  type Overrides,
  publishedNeed,
  publishedResult,
  tableOf,
} from "../../support/listings.ts";
import { type Call, type Caller, openMarket, type Reply } from "../../support/market.ts";
import { yuan } from "../../support/money.ts";
import { idsOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const university = await market.person("university");
const enterprise = await market.person("enterprise");
const stranger = await market.person("enterprise");
const machine = await market.client(university, ["results:read", "needs:read"]);
const asNobody = market.as(null);
const asReader = market.as(await market.person("enterprise"));
const asOperator = market.as(operator);
const nouns: readonly Noun[] = ["result", "need"];

const queryOf = (parameters: Record<string, string | number>) =>
  new URLSearchParams(
    Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])),
  ).toString();
/** Totals of a search are for those who are signed in: whoever has no account asks as a reader then. */
const mayCount = (as: Call, { q, include }: Record<string, string | number>) =>
  as === asNobody && q !== undefined && String(include).includes("total") ? asReader : as;
const find = (as: Call, noun: Noun, parameters: Record<string, string | number> = {}) =>
  mayCount(as, parameters)("GET", `/v1/${noun}s?${queryOf(parameters)}`);

/** All pages of a list, one after the other. */
async function walk(as: Call, noun: Noun, parameters: Record<string, string | number>) {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const reply = await find(as, noun, { ...parameters, ...(cursor ? { cursor } : {}) });
    if (reply.status !== 200) throw new Error(reply.text);
    pages.push(idsOf(reply));
    cursor = reply.body.page.next;
    if (Boolean(cursor) !== reply.body.page.hasMore) throw new Error("next and hasMore disagree");
  } while (cursor && pages.length < 100);
  return pages;
}

// Second-level fields are the operator's to add.
await asOperator("POST", "/v1/taxonomies/technology-fields/items", {
  body: { code: "0301", parentCode: "03", zh: "数控机床", en: "CNC machine tools" },
});

// ---- A small stock in which each filter tells something apart ----

const stock: Record<Noun, Record<string, Overrides & { by: Caller }>> = {
  result: {
    fertilizer: {
      by: university,
      title: "盐碱地玉米专用缓释肥制备技术",
      validUntil: "2031-04-01",
      tags: ["农业", "肥料"],
    },
    lathe: {
      by: university,
      title: "高刚性数控车床主轴",
      fieldCode: "0301",
      industryCode: "C34",
      regionCode: "410700",
      cooperationModes: ["transfer"],
      tags: ["装备"],
      resultType: "new_product",
      sampleStatus: "mass_producible",
      maturity: 8,
      intellectualProperty: [{ typeCode: "22", number: "200820132792.8" }],
      price: { kind: "fixed", amount: yuan("120000.00") },
      validUntil: "2031-01-01",
    },
    software: {
      by: enterprise,
      title: "设备预测性维护软件",
      fieldCode: "01",
      industryCode: "I65",
      regionCode: "410100",
      cooperationModes: ["service"],
      tags: ["装备", "软件"],
      resultType: "software",
      sampleStatus: "other",
      maturity: 9,
      intellectualProperty: [{ typeCode: "30", number: "2023SR0123456" }, { typeCode: "21" }],
      price: { kind: "negotiable" },
      validUntil: "2031-03-01",
    },
    alloy: {
      by: enterprise,
      title: "高强铝合金熔炼工艺",
      fieldCode: "03",
      industryCode: "C32",
      regionCode: "110000",
      cooperationModes: ["licence", "equity"],
      tags: [],
      resultType: "new_material",
      sampleStatus: "in_development",
      maturity: 3,
      intellectualProperty: [],
      price: { kind: "appraised", amount: yuan("1000000.00") },
      validUntil: "2031-02-01",
    },
  },
  need: {
    coating: {
      by: enterprise,
      title: "电池极片涂布厚度在线检测",
      fieldCode: "06",
      validUntil: "2031-04-01",
      tags: ["动力电池", "检测"],
    },
    lathe: {
      by: enterprise,
      title: "数控车床热误差补偿",
      fieldCode: "0301",
      industryCode: "C34",
      regionCode: "410700",
      cooperationModes: ["joint_development"],
      tags: ["装备"],
      needType: "process_improvement",
      urgency: "normal",
      minimumMaturity: 8,
      budget: { min: yuan("1.00"), max: yuan("300000.00") },
      deadline: "2033-01-31",
      validUntil: "2031-01-01",
    },
    software: {
      by: university,
      title: "实验室管理软件",
      fieldCode: "01",
      industryCode: "I65",
      regionCode: "410100",
      cooperationModes: ["service"],
      tags: ["装备", "软件"],
      needType: "other",
      urgency: "critical",
      minimumMaturity: null,
      budget: { negotiable: true },
      deadline: "2034-12-31",
      validUntil: "2031-03-01",
    },
    alloy: {
      by: university,
      title: "铝合金无损检测设备",
      fieldCode: "03",
      industryCode: "C32",
      regionCode: "110000",
      cooperationModes: ["testing"],
      tags: [],
      needType: "testing",
      urgency: "normal",
      minimumMaturity: 3,
      budget: null,
      deadline: "2032-06-30",
      validUntil: "2031-02-01",
    },
  },
};

/** Published on the first day of each month of 2026, in the order above. */
const days = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"];
const ids: Record<Noun, Record<string, string>> = { result: {}, need: {} };
for (const noun of nouns) {
  const publish = noun === "result" ? publishedResult : publishedNeed;
  for (const [i, [name, { by, ...overrides }]] of Object.entries(stock[noun]).entries()) {
    const { id } = await publish(market, by, operator, overrides);
    ids[noun][name] = id;
    const publishedAt = `${days[i]}T00:00:00.000Z`;
    await db
      .update(tableOf(noun))
      .set({ publishedAt })
      .where(eq(tableOf(noun).id, id));
  }
}
const namesIn = (noun: Noun, found: readonly string[]) =>
  found.map((id) => Object.keys(ids[noun]).find((name) => ids[noun][name] === id) ?? id);

const everywhere = (noun: Noun, first: string): [Record<string, string>, string[]][] => [
  [{ fieldCode: "03" }, ["lathe", "alloy"]],
  [{ fieldCode: "0301" }, ["lathe"]],
  [{ fieldCode: "05" }, []],
  [{ "fieldCode[in]": "01,03" }, ["lathe", "software", "alloy"]],
  [{ "fieldCode[in]": "0301,01" }, ["lathe", "software"]],
  [{ industryCode: "C" }, [first, "lathe", "alloy"]],
  [{ industryCode: "C34" }, ["lathe"]],
  [{ industryCode: "C35" }, []],
  [{ regionCode: "410000" }, [first, "lathe", "software"]],
  [{ regionCode: "410700" }, [first, "lathe"]],
  [{ regionCode: noun === "result" ? "410711" : "410782" }, [first]],
  [{ regionCode: "110000" }, ["alloy"]],
  [{ cooperationMode: "service" }, ["software"]],
  [{ cooperationMode: "joint_development" }, noun === "result" ? [first] : [first, "lathe"]],
  [{ tag: "装备" }, ["lathe", "software"]],
  [{ tag: "装" }, []],
  [
    { organizationId: enterprise.organizationId },
    noun === "result" ? ["software", "alloy"] : [first, "lathe"],
  ],
  [{ organizationId: stranger.organizationId }, []],
  [{ "publishedAt[gte]": "2026-03-01T00:00:00Z" }, ["software", "alloy"]],
  [{ "publishedAt[gte]": "2026-03-01T00:00:00.001Z" }, ["alloy"]],
  [{ "publishedAt[lte]": "2026-01-01T08:00:00+08:00" }, [first]],
  [
    { "publishedAt[gte]": "2026-02-01T00:00:00Z", "publishedAt[lte]": "2026-03-01T00:00:00Z" },
    ["lathe", "software"],
  ],
  [{ q: "数控" }, ["lathe"]],
  [{ fieldCode: "03", tag: "装备" }, ["lathe"]],
  [
    { industryCode: "C", regionCode: "410700", cooperationMode: "joint_development", q: "极片" },
    noun === "result" ? [] : [first],
  ],
];

const filters: Record<Noun, [Record<string, string>, string[]][]> = {
  result: [
    ...everywhere("result", "fertilizer"),
    [{ resultType: "software" }, ["software"]],
    [{ sampleStatus: "mass_producible" }, ["lathe"]],
    [{ intellectualPropertyType: "21" }, ["fertilizer", "software"]],
    [{ intellectualPropertyType: "40" }, []],
    [{ priceKind: "negotiable" }, ["software"]],
    [{ priceKind: "range" }, ["fertilizer"]],
    [{ maturity: "8" }, ["lathe"]],
    [{ "maturity[gte]": "8" }, ["lathe", "software"]],
    [{ "maturity[lte]": "6" }, ["fertilizer", "alloy"]],
    [{ "maturity[gte]": "6", "maturity[lte]": "8" }, ["fertilizer", "lathe"]],
    [{ "price[lte]": "300000.00" }, ["fertilizer", "lathe"]],
    [{ "price[lte]": "299999.99" }, ["lathe"]],
    [{ "price[lte]": "1000000" }, ["fertilizer", "lathe", "alloy"]],
  ],
  need: [
    ...everywhere("need", "coating"),
    [{ needType: "testing" }, ["alloy"]],
    [{ urgency: "normal" }, ["lathe", "alloy"]],
    [{ "minimumMaturity[lte]": "5" }, ["coating", "alloy"]],
    [{ "minimumMaturity[lte]": "9" }, ["coating", "lathe", "alloy"]],
    [{ "budget[gte]": "300000" }, ["coating", "lathe"]],
    [{ "budget[gte]": "300000.01" }, ["coating"]],
    [{ "deadline[gte]": "2034-12-31" }, ["coating", "software"]],
    [{ "deadline[lte]": "2033-01-31" }, ["lathe", "alloy"]],
    [{ "deadline[gte]": "2033-01-31", "deadline[lte]": "2034-12-31" }, ["lathe", "software"]],
  ],
};

for (const noun of nouns) {
  for (const [filter, names] of filters[noun]) {
    t.test(`${noun}s by ${JSON.stringify(filter)}`, async (t) => {
      const newestFirst = [...names].reverse();
      const reply = await find(asNobody, noun, { ...filter, include: "total" });
      t.equal(reply.status, 200, reply.text.slice(0, 300));
      t.strictSame(namesIn(noun, idsOf(reply)), newestFirst);
      t.strictSame(reply.body.total, { exact: names.length });
      const pages = await walk(asNobody, noun, { ...filter, limit: 1 });
      t.strictSame(namesIn(noun, pages.flat()), newestFirst, "page by page");
      const all = await find(asOperator, noun, { ...filter, scope: "all" });
      t.same(namesIn(noun, idsOf(all)).sort(), [...names].sort(), "in the operator's list too");
    });
  }
}

t.test("a list's items are summaries, of the contract's fields alone", async (t) => {
  const { body } = await find(asNobody, "result", { tag: "肥料" });
  t.match(body.data, [
    {
      id: ids.result.fertilizer,
      status: "published",
      organization: { id: university.organizationId },
      price: { kind: "range", min: yuan("300000.00") },
      completeness: 100,
    },
  ]);
  for (const field of ["contact", "description", "organizationId", "createdAt", "createdBy"]) {
    t.notOk(field in body.data[0], field);
  }
});

const orders: Record<Noun, Record<string, string[]>> = {
  result: {
    "-publishedAt": ["alloy", "software", "lathe", "fertilizer"],
    publishedAt: ["fertilizer", "lathe", "software", "alloy"],
    "-maturity": ["software", "lathe", "fertilizer", "alloy"],
    validUntil: ["lathe", "alloy", "software", "fertilizer"],
  },
  need: {
    "-publishedAt": ["alloy", "software", "lathe", "coating"],
    publishedAt: ["coating", "lathe", "software", "alloy"],
    deadline: ["alloy", "lathe", "software", "coating"],
    validUntil: ["lathe", "alloy", "software", "coating"],
  },
};
for (const noun of nouns) {
  for (const [sort, names] of Object.entries(orders[noun])) {
    t.test(`${noun}s in the order ${sort}, page by page`, async (t) => {
      t.strictSame(namesIn(noun, idsOf(await find(asNobody, noun, { sort }))), names);
      const pages = await walk(asNobody, noun, { sort, limit: 1 });
      t.strictSame(namesIn(noun, pages.flat()), names);
      const filtered = await walk(asNobody, noun, { sort, limit: 1, industryCode: "C" });
      t.strictSame(
        namesIn(noun, filtered.flat()),
        names.filter((name) => name !== "software"),
      );
    });
  }

  t.test(`${noun}s: the newest first without a sort`, async (t) => {
    const sorted = await find(asNobody, noun, { sort: "-publishedAt" });
    t.same(idsOf(await find(asNobody, noun)), idsOf(sorted));
  });

  t.test(`${noun}s: an order of another scope, or none at all, is a 400`, async (t) => {
    for (const [as, parameters] of [
      [asNobody, { sort: "-createdAt" }],
      [asOperator, { scope: "all", sort: "publishedAt" }],
      [asOperator, { scope: "all", sort: "validUntil" }],
      [market.as(enterprise), { scope: "own", sort: "publishedAt" }],
      [asNobody, { sort: "title" }],
      [asNobody, { sort: "+publishedAt" }],
    ] as [Call, Record<string, string>][]) {
      const problem = refused(t, await find(as, noun, parameters), 400, "request.invalid");
      t.match(problem.errors, [{ parameter: "sort" }]);
    }
  });
}

// ---- Scopes ----

for (const noun of nouns) {
  const statuses =
    noun === "result"
      ? [
          "draft",
          "submitted",
          "changes_requested",
          "rejected",
          "published",
          "expired",
          "withdrawn",
          "transferred",
        ]
      : [
          "draft",
          "submitted",
          "changes_requested",
          "rejected",
          "published",
          "expired",
          "withdrawn",
          "solved",
          "closed",
        ];
  const tag = "各种状态";
  const inEvery: Record<string, string> = {};

  t.test(`${noun}s: public shows what is published, own and all every state`, async (t) => {
    const owner = await market.person("enterprise");
    for (const status of statuses) {
      inEvery[status] = await listingIn(market, noun, { owner, operator }, status, { tags: [tag] });
    }
    // The copy of a transferred one came from a published one.
    const extra = noun === "result" ? 1 : 0;
    for (const as of [asNobody, market.as(stranger), market.as(owner), asOperator]) {
      const { body } = await find(as, noun, { tag, include: "total" });
      t.equal(body.total.exact, 1 + extra);
      for (const item of body.data) t.equal(item.status, "published");
    }
    for (const [as, scope] of [
      [market.as(owner), "own"],
      [asOperator, "all"],
    ] as const) {
      const reply = await find(as, noun, { tag, scope, include: "total" });
      t.equal(reply.body.total.exact, statuses.length + extra, scope);
      for (const status of statuses) t.ok(idsOf(reply).includes(inEvery[status]!), status);
      for (const status of statuses) {
        const one = await find(as, noun, { tag, scope, status });
        const count = status === "published" ? 1 + extra : 1;
        t.equal(idsOf(one).length, count, `${scope} ${status}`);
        t.ok(idsOf(one).includes(inEvery[status]!));
      }
    }
    t.same(idsOf(await find(market.as(stranger), noun, { tag, scope: "own" })), []);
  });

  t.test(`${noun}s: own and all in their orders, page by page`, async (t) => {
    const found = { [tableOf(noun).tags.name]: [tag] };
    for (const [scope, as] of [["all", asOperator]] as const) {
      for (const [sort, column] of [
        ["-updatedAt", tableOf(noun).updatedAt],
        ["-createdAt", tableOf(noun).createdAt],
      ] as const) {
        const rows = await db
          .select({ id: tableOf(noun).id })
          .from(tableOf(noun))
          .where(sql`${tableOf(noun).tags} @> array[${found.tags?.[0]}]::text[]`)
          .orderBy(sql`${column} desc`, sql`${tableOf(noun).id} desc`);
        const pages = await walk(as, noun, { tag, scope, sort, limit: 2 });
        t.strictSame(
          pages.flat(),
          rows.map((row) => row.id),
          sort,
        );
      }
    }
    const first = await find(asOperator, noun, { tag, scope: "all" });
    const sorted = await find(asOperator, noun, { tag, scope: "all", sort: "-updatedAt" });
    t.same(idsOf(first), idsOf(sorted), "latest change first");
  });

  t.test(`${noun}s: own is the organization's, for colleagues and machines too`, async (t) => {
    const owner = await market.person("university");
    const draft = await drafted(market, noun, owner);
    const colleague = await market.colleague(owner);
    const client = await market.client(owner, [`${noun}s:read`]);
    for (const caller of [owner, colleague, client]) {
      t.same(idsOf(await find(market.as(caller), noun, { scope: "own" })), [draft.body.id]);
    }
    for (const organizationId of [enterprise.organizationId, owner.organizationId]) {
      const reply = await find(market.as(owner), noun, { scope: "own", organizationId });
      refused(t, reply, 400, "request.invalid");
      t.match(reply.body.errors, [{ parameter: "organizationId", code: "filter.unavailable" }]);
    }
  });

  t.test(`${noun}s: own needs a sign-in, all the operator`, async (t) => {
    refused(t, await find(asNobody, noun, { scope: "own" }), 401, "auth.required");
    refused(t, await find(asNobody, noun, { scope: "all" }), 401, "auth.required");
    for (const caller of [university, stranger, machine]) {
      const problem = refused(
        t,
        await find(market.as(caller), noun, { scope: "all" }),
        403,
        "auth.forbidden_role",
      );
      t.same(problem.requiredRoles, ["operator"]);
    }
  });

  t.test(`${noun}s: those of a suspended or closed organization are hidden`, async (t) => {
    const hiddenTag = "停用机构";
    for (const status of ["suspended", "closed", "pending"] as const) {
      const owner = await market.person("enterprise", { status });
      await copyListing(market, noun, Object.values(ids[noun])[0]!, {
        organizationId: owner.organizationId,
        createdBy: null,
        tags: [hiddenTag],
      });
      const own = await find(market.as(owner), noun, { scope: "own", tag: hiddenTag });
      t.equal(own.body.data.length, 1, `${status}: reads its own`);
    }
    for (const as of [asNobody, market.as(stranger), asOperator]) {
      const { body } = await find(as, noun, { tag: hiddenTag, include: "total" });
      t.same(body, { data: [], page: { hasMore: false }, total: { exact: 0 } });
    }
    const all = await find(asOperator, noun, { tag: hiddenTag, scope: "all", include: "total" });
    t.strictSame(all.body.total, { exact: 3 });
  });
}

// ---- Pages ----

for (const noun of nouns) {
  t.test(`${noun}s: pages walk ties once each, in order, also while rows come in`, async (t) => {
    const tag = "并列时间";
    const model = Object.values(ids[noun])[0]!;
    const table = tableOf(noun);
    const made: string[] = [];
    for (let i = 0; i < 31; i++) {
      // Three moments for all: ties within each.
      const publishedAt = `2026-05-0${1 + (i % 3)}T06:00:00.000Z`;
      made.push(
        await copyListing(market, noun, model, {
          tags: [tag],
          publishedAt,
          maturity: 5,
          validUntil: "2031-05-05",
        }),
      );
    }
    const sorts: [string, (typeof table)["publishedAt" | "validUntil"], "asc" | "desc"][] = [
      ["-publishedAt", table.publishedAt, "desc"],
      ["publishedAt", table.publishedAt, "asc"],
      ["validUntil", table.validUntil, "asc"],
    ];
    for (const [sort, column, direction] of sorts) {
      const rows = await db
        .select({ id: table.id })
        .from(table)
        .where(inArray(table.id, made))
        .orderBy(sql`${column} ${sql.raw(direction)}`, sql`${table.id} ${sql.raw(direction)}`);
      const expected = rows.map((row) => row.id);
      for (const limit of [1, 7, 31, 100]) {
        const pages = await walk(asNobody, noun, { tag, sort, limit });
        t.strictSame(pages.flat(), expected, `${sort}, ${limit} a page`);
        t.equal(pages.length, Math.ceil(31 / limit), "no empty page at the end");
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const reply = await find(asNobody, noun, {
          tag,
          sort,
          limit: 4,
          ...(cursor && { cursor }),
        });
        seen.push(...idsOf(reply));
        cursor = reply.body.page.next;
        // One before, one among, one behind what was read.
        for (const day of ["2026-04-30", "2026-05-02", "2026-05-31"]) {
          const publishedAt = `${day}T06:00:00.000Z`;
          await copyListing(market, noun, model, {
            tags: [tag],
            publishedAt,
            validUntil: "2031-05-05",
          });
        }
      } while (cursor && seen.length < 200);
      const originals = seen.filter((id) => made.includes(id));
      t.strictSame(originals, expected, `${sort}: each once, whatever came in`);
      t.equal(new Set(seen).size, seen.length, "nothing twice");
      await db
        .delete(table)
        .where(
          and(sql`${table.tags} @> array[${tag}]::text[]`, sql`not ${inArray(table.id, made)}`),
        );
    }
  });

  t.test(`${noun}s: a cursor serves its own list, filters, order and scope alone`, async (t) => {
    const { body } = await find(asNobody, noun, { limit: 1, industryCode: "C" });
    const cursor: string = body.page.next;
    const good = await find(asNobody, noun, {
      limit: 2,
      industryCode: "C",
      cursor,
      include: "total",
    });
    t.equal(good.status, 200, "another page size is no other list");
    const refuse = async (reply: Promise<Reply>) =>
      t.match(refused(t, await reply, 400, "request.invalid").errors, [
        { parameter: "cursor", code: "cursor.invalid" },
      ]);
    const other = noun === "result" ? "need" : "result";
    await refuse(find(asNobody, other, { limit: 1, industryCode: "C", cursor }));
    await refuse(find(asNobody, noun, { limit: 1, cursor }));
    await refuse(find(asNobody, noun, { industryCode: "I", cursor }));
    await refuse(find(asNobody, noun, { industryCode: "C", fieldCode: "03", cursor }));
    await refuse(find(asNobody, noun, { industryCode: "C", sort: "validUntil", cursor }));
    await refuse(find(asOperator, noun, { industryCode: "C", scope: "all", cursor }));
    await refuse(find(market.as(enterprise), noun, { industryCode: "C", scope: "own", cursor }));
    for (const broken of [
      "x",
      "bm90IGpzb24",
      cursor.slice(0, -4),
      `${cursor}AAAA`,
      "a".repeat(400),
    ]) {
      await refuse(find(asNobody, noun, { industryCode: "C", cursor: broken }));
    }
    const long = await find(asNobody, noun, { cursor: "a".repeat(501) });
    t.match(refused(t, long, 400, "request.invalid").errors, [{ parameter: "cursor" }]);
  });

  t.test(`${noun}s: one organization's cursor is not another's`, async (t) => {
    const own = await find(market.as(university), noun, { scope: "own", limit: 1 });
    const cursor: string = own.body.page.next;
    t.ok(cursor);
    t.equal((await find(market.as(university), noun, { scope: "own", cursor })).status, 200);
    const other = await find(market.as(enterprise), noun, { scope: "own", cursor });
    refused(t, other, 400, "request.invalid");
  });

  t.test(`${noun}s: a cursor made up by hand never reaches the database`, async (t) => {
    const { body } = await find(asNobody, noun, { limit: 1 });
    const [hash, , id] = JSON.parse(Buffer.from(body.page.next, "base64url").toString());
    const keys = [
      "",
      "x",
      "2026-02-30T00:00:00Z",
      "0000-01-01T00:00:00.000Z",
      "5",
      null,
      7,
      {},
      "\u0000",
    ];
    for (const key of keys) {
      const cursor = Buffer.from(JSON.stringify([hash, key, id])).toString("base64url");
      const reply = await find(asNobody, noun, { limit: 1, cursor });
      t.match(refused(t, reply, 400, "request.invalid").errors, [{ code: "cursor.invalid" }]);
    }
    const badId = Buffer.from(JSON.stringify([hash, "2026-01-01T00:00:00.000Z", "x"]));
    const reply = await find(asNobody, noun, { limit: 1, cursor: badId.toString("base64url") });
    refused(t, reply, 400, "request.invalid");
  });

  t.test(`${noun}s: limit is 1 to 100, 20 when absent`, async (t) => {
    for (const limit of ["0", "-1", "101", "10000", "abc", "1.5", "", "NaN", "Infinity", " "]) {
      const reply = await find(asNobody, noun, { limit });
      t.match(refused(t, reply, 400, "request.invalid").errors, [{ parameter: "limit" }], limit);
    }
    t.equal((await find(asNobody, noun, { limit: 100 })).status, 200);
    t.equal((await find(asNobody, noun, { tag: "并列时间" })).body.data.length, 20);
  });

  t.test(`${noun}s: unknown and repeated parameters are named`, async (t) => {
    const reply = await asNobody("GET", `/v1/${noun}s?page=2&publishedAt[gt]=x&limit=5`);
    t.match(refused(t, reply, 400, "request.invalid").errors, [
      { parameter: "page", code: "unknown_parameter" },
      { parameter: "publishedAt[gt]", code: "unknown_parameter" },
    ]);
    const twice = await asNobody("GET", `/v1/${noun}s?q=${encodeURIComponent("检测")}&q=x`);
    t.match(refused(t, twice, 400, "request.invalid").errors, [{ parameter: "q" }]);
  });

  t.test(`${noun}s: filters of a wrong shape are named, all at once`, async (t) => {
    const wrong: Record<string, string> = {
      fieldCode: "../etc",
      "fieldCode[in]": "01,,03",
      industryCode: "'",
      organizationId: "not-a-uuid",
      "publishedAt[gte]": "yesterday",
      "publishedAt[lte]": "2026-02-30T00:00:00Z",
      include: "facet",
      scope: "mine",
      ...(noun === "result"
        ? { maturity: "10", "maturity[gte]": "x", "price[lte]": "1.234", priceKind: "cheap" }
        : { "minimumMaturity[lte]": "0", "budget[gte]": "-1", "deadline[gte]": "2026-13-01" }),
    };
    const problem = refused(t, await find(asNobody, noun, wrong), 400, "request.invalid");
    const named = problem.errors.map(
      (error: { parameter: string }) => error.parameter.split(".")[0],
    );
    t.same([...new Set(named)].sort(), Object.keys(wrong).sort());
  });

  t.test(`${noun}s: times that PostgreSQL could not read are refused before`, async (t) => {
    for (const time of ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59-10:00", "2026-01-01"]) {
      const reply = await find(asNobody, noun, { "publishedAt[gte]": time });
      t.match(refused(t, reply, 400, "request.invalid").errors, [
        { parameter: "publishedAt[gte]" },
      ]);
    }
    const far = await find(asNobody, noun, { "publishedAt[gte]": "2026-01-01T00:00:00+23:59" });
    t.equal(far.status, 200, "an offset that no place has is still an instant");
  });

  t.test(`${noun}s: the next page is linked, with all that was asked`, async (t) => {
    const url = `/v1/${noun}s?${queryOf({ tag: "并列时间", "publishedAt[gte]": "2026-05-02T00:00:00+08:00", limit: 9 })}`;
    const seen: string[] = [];
    let next: string | undefined = url;
    while (next) {
      const reply: Reply = await asNobody("GET", next);
      t.equal(reply.status, 200);
      seen.push(...idsOf(reply));
      const link = reply.headers.link as string | undefined;
      t.equal(Boolean(link), reply.body.page.hasMore, "no link on the last page");
      next = link && /^<([^>]+)>; rel="next"$/.exec(link)?.[1];
      if (link) {
        const parameters = new URL(next!, "https://market.test").searchParams;
        t.equal(parameters.get("cursor"), reply.body.page.next);
        t.equal(parameters.get("limit"), "9");
        t.equal(parameters.get("publishedAt[gte]"), "2026-05-02T00:00:00+08:00");
        t.equal((await asNobody("HEAD", url)).status, 200);
      }
    }
    t.equal(new Set(seen).size, 20);
    const head = await asNobody("HEAD", url);
    t.match(head.headers.link, /rel="next"/);
    const one = await asNobody("GET", `/v1/${noun}s/${Object.values(ids[noun])[0]}`);
    t.notOk(one.headers.link, "one resource has no next");
  });

  t.test(`${noun}s: public lists may be kept for a short time, others not`, async (t) => {
    const open = await find(asNobody, noun);
    t.equal(open.headers["cache-control"], "public, max-age=30");
    t.match(open.headers.vary, /Authorization/);
    t.notOk(open.headers.etag, "lists have none");
    for (const [as, scope] of [
      [market.as(university), "own"],
      [asOperator, "all"],
      [market.as(stranger), "public"],
    ] as const) {
      t.equal((await find(as, noun, { scope })).headers["cache-control"], "no-store");
    }
  });
}

// ---- Search ----

for (const noun of nouns) {
  t.test(`${noun}s: q finds words of every text that is searched`, async (t) => {
    const publish = noun === "result" ? publishedResult : publishedNeed;
    const texts: Overrides =
      noun === "result"
        ? {
            description: "采用硅胶折射率匹配，回流焊三次。",
            applicationField: "植物工厂照明",
            advantages: "光衰降低一半。",
          }
        : { background: "植物工厂照明扩产。", bottleneck: "硅胶折射率匹配难，回流焊后光衰大。" };
    const { id } = await publish(market, university, operator, {
      title: "高光效LED封装工艺（第3代）",
      summary: "面向 Mini-LED 背光的荧光粉涂覆。",
      keywords: ["荧光粉", "SiC衬底"],
      tags: ["半导体照明"],
      ...texts,
    });
    const finds = async (q: string) => idsOf(await find(asNobody, noun, { q })).includes(id);
    const found = [
      "封装",
      "高光效",
      "LED",
      "led",
      "LED封装",
      "封装LED",
      "ＬＥＤ封装",
      "封装 工艺",
      "封，装工艺",
      "封",
      "荧光粉",
      "荧光",
      "背光",
      "mini",
      "MINI-LED",
      "SiC",
      "sic衬底",
      "照明",
      "半导体",
      "折射率",
      "硅胶",
      "植物工厂",
      "光衰",
      "回流焊",
      "LED 折射率 荧光粉",
      "3",
      "高光效LED封装工艺（第3代）",
    ];
    for (const q of found) t.ok(await finds(q), `finds ${q}`);
    const missed = ["装封", "焊", "胶", "LE", "LEDs", "封装机", "折率", "LED 蓝宝石", "4", "第4代"];
    for (const q of missed) t.notOk(await finds(q), `does not find ${q}`);
  });

  t.test(`${noun}s: punctuation alone finds nothing, nothing at all is a 400`, async (t) => {
    for (const q of ["，。！", "%", "_", "--", "（）", "'", "\\", "😀"]) {
      const { status, body } = await find(asNobody, noun, { q, include: "total" });
      t.equal(status, 200, q);
      t.strictSame(body, {
        data: [],
        page: { hasMore: false },
        total: { exact: 0 },
        understood: { words: [], version: 0 },
      });
    }
    for (const q of ["", "  ", "长".repeat(101), "a\u0000b"]) {
      const reply = await find(asNobody, noun, { q });
      t.match(refused(t, reply, 400, "request.invalid").errors, [{ parameter: "q" }]);
    }
  });

  t.test(`${noun}s: q follows a change of the text`, async (t) => {
    const publish = noun === "result" ? publishedResult : publishedNeed;
    const { id } = await publish(market, university, operator, { title: "石墨烯导热膜" });
    const patch = await market.as(university)("PATCH", `/v1/${noun}s/${id}`, {
      body: { title: "碳纳米管导热膜" },
      headers: { "if-match": "*" },
    });
    t.equal(patch.status, 200);
    t.notOk(idsOf(await find(asNobody, noun, { q: "石墨烯" })).includes(id));
    t.ok(idsOf(await find(asNobody, noun, { q: "碳纳米管" })).includes(id));
  });
}

t.test("q never finds a listing by its owner or contact", async (t) => {
  const owner = await market.person("enterprise", { name: "新乡市澄泓水务有限公司" });
  for (const noun of nouns) {
    const publish = noun === "result" ? publishedResult : publishedNeed;
    await publish(market, owner, operator, {
      contact: { name: "慕容秋白", phone: null, email: "qiubai@example.com" },
      contactVisibility: "public",
    });
    for (const q of ["澄泓", "澄泓水务", "慕容", "qiubai"]) {
      t.same(idsOf(await find(asNobody, noun, { q })), [], q);
    }
  }
});

// ---- Totals ----

for (const noun of nouns) {
  t.test(`${noun}s: a total is exact up to 10,000, then at least that`, async (t) => {
    const table = noun === "result" ? results : needs;
    const tag = "大量数据";
    const model = Object.values(ids[noun])[0]!;
    const copy = async (count: number) => {
      const own =
        noun === "result"
          ? sql.raw("description, maturity, price_kind")
          : sql.raw("bottleneck, need_type, deadline, authenticity_confirmed");
      await db.execute(sql`
        insert into ${table} (id, organization_id, status, title, summary, tags, field_code,
          region_code, cooperation_modes, contact, valid_until, published_at, search_terms, ${own})
        select gen_random_uuid(), organization_id, status, title, summary, array[${tag}]::text[],
          field_code, region_code, cooperation_modes, contact, valid_until, published_at,
          search_terms, ${own}
        from ${table}, generate_series(1, ${count}::int) where id = ${model}`);
    };
    const total = async () =>
      (await find(asNobody, noun, { tag, include: "total", limit: 1 })).body.total;
    await copy(10_000);
    t.strictSame(await total(), { exact: 10_000 });
    await copy(1);
    t.strictSame(await total(), { atLeast: 10_000 });
    const plain = await find(asNobody, noun, { tag, limit: 1 });
    t.notOk("total" in plain.body, "only when asked for");
    const narrow = await find(asNobody, noun, { tag, fieldCode: "11", include: "total" });
    t.strictSame(narrow.body.total, { exact: 0 });
  });
}
