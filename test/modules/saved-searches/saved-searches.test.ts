/** Saved searches: what is kept of them, what is new since the last look, and that they are their owner's alone. */
import { eq } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { savedSearches } from "../../../db/schema/saved-searches.ts";
import { clock } from "../../../src/lib/clock.ts";
import { copyListing, publishedNeed, publishedResult } from "../../support/listings.ts";
import { auditsOf, auditTypes } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { idsOf, pointersOf, refused, statusesOf } from "../../support/replies.ts";
import { later } from "../../support/time.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const university = await market.person("university");
const enterprise = await market.person("enterprise");
const path = "/v1/saved-searches";
const unknownId = "01890000-0000-7000-8000-000000000000";

const rowOf = async (id: string) =>
  (await db.select().from(savedSearches).where(eq(savedSearches.id, id)))[0];
const ownedBy = (caller: Caller) => db.$count(savedSearches, eq(savedSearches.ownerId, caller.id));

const save = (by: Caller, body: object = {}) =>
  market.as(by)("POST", path, {
    body: { noun: "result", name: "豫北", query: { regionCode: "410700" }, ...body },
  });
const change = (by: Caller, id: string, body: object, etag?: string) =>
  market.as(by)("PATCH", `${path}/${id}`, { body, headers: etag ? { "if-match": etag } : {} });
const read = (by: Caller, id: string) => market.as(by)("GET", `${path}/${id}`);
const news = (by: Caller, id: string, query: Record<string, string> = {}) =>
  market.as(by)("GET", `${path}/${id}/listings?${new URLSearchParams(query)}`);
const look = (by: Caller, id: string, through: string, headers: Record<string, string> = {}) =>
  market.as(by)("POST", `${path}/${id}/look`, { body: { through }, headers });

/** The moment so many seconds from now. */
const inSeconds = (seconds: number) =>
  new Date(clock.now().getTime() + seconds * 1000).toISOString();

t.test("saving, reading, changing, deleting", async (t) => {
  t.test("it is stored as it was written, and what comes from now on is new", async (t) => {
    const person = await market.person("enterprise", { isAdmin: false });
    const query = {
      q: "ＬＥＤ 封裝",
      fieldCode: "01",
      "maturity[gte]": "06",
      "price[lte]": "5000",
    };
    const from = inSeconds(-30);
    const reply = await save(person, { name: " LED ", query });
    t.equal(reply.status, 201, reply.text);
    const { id } = reply.body;
    t.equal(reply.headers.location, `${path}/${id}`);
    t.match(reply.headers.etag, /^"1-/);
    t.match(reply.body, { noun: "result", name: "LED", query, version: 1 });
    t.notOk("ownerId" in reply.body);
    const row = await rowOf(id);
    t.match(row, { ownerId: person.id, organizationId: person.organizationId, query });
    t.ok(row && row.seenThrough >= from && row.seenThrough <= inSeconds(-30), "half a minute ago");
    t.match(await auditsOf(market, id), [
      {
        type: "saved_search.create",
        actorId: person.id,
        organizationId: person.organizationId,
        before: null,
        after: { name: "LED", query },
      },
    ]);
    const one = await read(person, id);
    t.same(one.body, { ...reply.body, newListings: { exact: 0 } });
    t.match(one.headers.etag, /^"1-/);
  });

  t.test("every fault of the query is named as the list would name it", async (t) => {
    const person = await market.person("brokerage");
    const before = await db.$count(auditRecords);
    const faults = async (body: object, ...pointers: string[]) => {
      const problem = refused(t, await save(person, body), 400, "request.invalid");
      t.same(pointersOf(problem), pointers, JSON.stringify(body));
      return problem.errors;
    };
    await faults(
      { name: "", query: { q: "", colour: "red", "maturity[gte]": "10", fieldCode: "0 1" } },
      "/name",
      "/query/colour",
      "/query/fieldCode",
      "/query/maturity[gte]",
      "/query/q",
    );
    const shown = { cursor: "x", limit: "5", sort: "newest", include: "total", scope: "own" };
    const errors = await faults(
      { query: { ...shown, tag: "农业" } },
      "/query/cursor",
      "/query/include",
      "/query/limit",
      "/query/scope",
      "/query/sort",
    );
    for (const { code } of errors) t.equal(code, "unknown_field");
    t.match(await faults({ query: { status: "draft" } }, "/query/status"), [
      { code: "filter.unavailable" },
    ]);
    await faults({ noun: "need", query: { "price[lte]": "1" } }, "/query/price[lte]");
    await faults({ noun: "result", query: { "budget[gte]": "1" } }, "/query/budget[gte]");
    await faults({ query: { maturity: 6 } }, "/query/maturity");
    await faults({ query: { q: "a\u0000b" } }, "/query/q");
    await faults({ query: { "publishedAt[gte]": "yesterday" } }, "/query/publishedAt[gte]");
    await faults({ noun: "broker" }, "/noun");
    await faults({ query: null }, "/query");
    await faults({ owner: 1 }, "/owner");
    t.equal(await ownedBy(person), 0);
    t.equal(await db.$count(auditRecords), before);
    t.equal((await save(person, { query: {} })).status, 201, "everything is a search too");
  });

  t.test("a merge patch changes the name, adds parameters and takes them out", async (t) => {
    const { id, seenThrough } = (await save(enterprise, { query: { q: "缓释肥", tag: "农业" } }))
      .body;
    const reply = await change(enterprise, id, { query: { tag: null, maturity: "6" } }, '"1-"');
    t.equal(reply.status, 200, reply.text);
    t.match(reply.headers.etag, /^"2-/);
    t.strictSame(reply.body.query, { q: "缓释肥", maturity: "6" });
    t.equal(reply.body.seenThrough, seenThrough);
    t.equal((await change(enterprise, id, { name: "肥料" }, '"2-"')).body.name, "肥料");
    t.match(await rowOf(id), { name: "肥料", query: { q: "缓释肥", maturity: "6" }, version: 3 });
    t.match((await auditsOf(market, id)).slice(1), [
      { type: "saved_search.update", before: { query: { tag: "农业" } } },
      { type: "saved_search.update", before: { name: "豫北" }, after: { name: "肥料" } },
    ]);

    const kept = await rowOf(id);
    refused(t, await change(enterprise, id, { name: "x" }), 428, "request.precondition_required");
    const stale = await change(enterprise, id, { name: "x" }, '"2-"');
    refused(t, stale, 412, "request.precondition_failed");
    for (const [body, ...pointers] of [
      [{ name: null }, "/name"],
      [{ query: null }, "/query"],
      [{ query: { maturity: "10", limit: "3" } }, "/query/limit", "/query/maturity"],
      [{ noun: "need" }, "/noun"],
      [{ seenThrough: inSeconds(-3600) }, "/seenThrough"],
    ] as const) {
      const problem = refused(t, await change(enterprise, id, body, "*"), 400, "request.invalid");
      t.same(pointersOf(problem), pointers);
    }
    t.same(await rowOf(id), kept);
    const races = await Promise.all(
      ["甲", "乙"].map((name) => change(enterprise, id, { name }, '"3-"')),
    );
    t.same(statusesOf(races), [200, 412]);
    t.equal((await rowOf(id))?.version, 4);

    const wrong = await market.as(enterprise)("DELETE", `${path}/${id}`, {
      headers: { "if-match": '"1-"' },
    });
    refused(t, wrong, 412, "request.precondition_failed");
    const gone = await Promise.all(
      [1, 2].map(() => market.as(enterprise)("DELETE", `${path}/${id}`)),
    );
    t.same(statusesOf(gone), [204, 404]);
    t.equal(await rowOf(id), undefined);
    t.same((await auditTypes(market, id)).slice(-2), [
      "saved_search.update",
      "saved_search.delete",
    ]);
  });

  t.test("the list is the caller's own, in order, filtered and paged", async (t) => {
    const person = await market.person("registry");
    const ids: string[] = [];
    for (const noun of ["result", "need", "result"]) {
      ids.push((await save(person, { noun })).body.id);
    }
    const list = (query: Record<string, string>) =>
      market.as(person)("GET", `${path}?${new URLSearchParams(query)}`);
    t.same(idsOf(await list({})), ids);
    t.same(idsOf(await list({ noun: "need" })), [ids[1]]);
    const first = await list({ limit: "2", include: "total" });
    t.match(first.body, { total: { exact: 3 }, page: { hasMore: true } });
    t.same(idsOf(await list({ limit: "2", cursor: first.body.page.next })), [ids[2]]);
    const other = market.as(await market.person("registry"));
    const foreign = await other("GET", `${path}?cursor=${first.body.page.next}`);
    refused(t, foreign, 400, "request.invalid");
  });

  t.test("at most fifty each, also when two are saved at once", async (t) => {
    const person = await market.person("enterprise");
    const row = {
      organizationId: person.organizationId,
      ownerId: person.id,
      noun: "result" as const,
      name: "x",
      query: {},
      seenThrough: inSeconds(-30),
    };
    const id = (i: number) => `01890000-0000-7000-8000-0000000001${String(i).padStart(2, "0")}`;
    await db
      .insert(savedSearches)
      .values(Array.from({ length: 49 }, (_, i) => ({ ...row, id: id(i) })));
    const replies = await Promise.all([save(person), save(person)]);
    t.same(statusesOf(replies), [201, 409]);
    for (const reply of replies) {
      if (reply.status === 409)
        t.match(refused(t, reply, 409, "saved_search.too_many").detail, /50/);
    }
    t.equal(await ownedBy(person), 50);
    t.equal((await save(await market.colleague(person))).status, 201, "a colleague has fifty more");
    await market.as(person)("DELETE", `${path}/${id(0)}`);
    t.equal((await save(person)).status, 201);
  });

  t.test("the same key again saves nothing", async (t) => {
    const person = await market.person("enterprise");
    const send = () =>
      market.as(person)("POST", path, {
        body: { noun: "need", name: "x", query: {} },
        headers: { "idempotency-key": "save-1" },
      });
    const [first, again] = [await send(), await send()];
    t.same(again.body, first.body);
    t.equal(await ownedBy(person), 1);
  });
});

t.test("whose it is", async (t) => {
  const owner = await market.person("enterprise");
  const { id } = (await save(owner)).body;
  const colleague = await market.colleague(owner, { isAdmin: true });
  const machine = await market.client(owner, ["results:read", "needs:read"]);
  const everyone: Caller[] = [
    colleague,
    machine,
    await market.person("enterprise"),
    await market.person("university"),
    operator,
  ];
  const before = [await rowOf(id), await db.$count(auditRecords)];
  for (const caller of everyone) {
    for (const reply of [
      await read(caller, id),
      await news(caller, id),
      await change(caller, id, { name: "x" }, "*"),
      await look(caller, id, inSeconds(-30)),
      await market.as(caller)("DELETE", `${path}/${id}`),
    ]) {
      refused(t, reply, 404, "saved_search.not_found");
    }
    t.same(idsOf(await market.as(caller)("GET", path)), []);
  }
  for (const reply of [
    await read(owner, unknownId),
    await news(owner, unknownId),
    await look(owner, unknownId, inSeconds(-30)),
  ]) {
    refused(t, reply, 404, "saved_search.not_found");
  }
  for (const url of [path, `${path}/${id}`, `${path}/${id}/listings`]) {
    refused(t, await market.as(null)("GET", url), 401, "auth.required");
  }
  t.same([await rowOf(id), await db.$count(auditRecords)], before);

  t.test("a machine client has its own, of what it may read", async (t) => {
    const own = await save(machine, { noun: "need" });
    t.equal(own.status, 201);
    t.match(await rowOf(own.body.id), {
      ownerId: machine.id,
      organizationId: owner.organizationId,
    });
    t.same(idsOf(await market.as(machine)("GET", path)), [own.body.id]);
    t.equal((await news(machine, own.body.id)).status, 200);
    const results = await market.client(owner, ["results:read"]);
    t.equal((await save(results)).status, 201);
    const refusal = refused(
      t,
      await save(results, { noun: "need" }),
      403,
      "auth.insufficient_scope",
    );
    t.equal(refusal.requiredScope, "needs:read");
    t.equal(await ownedBy(results), 1);
    const needs = await market.client(owner, ["needs:read"]);
    refused(t, await save(needs, { noun: "need" }), 403, "auth.insufficient_scope");
    // It had the scope when it saved the search.
    await db
      .update(savedSearches)
      .set({ ownerId: results.id })
      .where(eq(savedSearches.id, own.body.id));
    for (const reply of [await news(results, own.body.id), await read(results, own.body.id)]) {
      refused(t, reply, 403, "auth.insufficient_scope");
    }
  });

  t.test("a suspended organization reads and changes nothing", async (t) => {
    const person = await market.person("enterprise");
    const { id } = (await save(person)).body;
    await db
      .update(organizations)
      .set({ status: "suspended" })
      .where(eq(organizations.id, person.organizationId));
    // What is known of a caller is trusted for five seconds: another sign-in is read again.
    const again = await market.colleague(person);
    await db.update(savedSearches).set({ ownerId: again.id }).where(eq(savedSearches.id, id));
    t.equal((await read(again, id)).status, 200);
    t.equal((await news(again, id)).status, 200);
    const kept = await rowOf(id);
    for (const reply of [
      await save(again),
      await look(again, id, inSeconds(-30)),
      await change(again, id, { name: "x" }, "*"),
    ]) {
      refused(t, reply, 403, "organization.suspended");
    }
    t.same(await rowOf(id), kept);
  });
});

t.test("what is new", async (t) => {
  t.test("results: newest first, as the list shows them, page by page", async (t) => {
    const person = await market.person("enterprise");
    const old = await publishedResult(market, university, operator, { title: "石墨烯导热膜旧版" });
    const search = (await save(person, { query: { q: "石墨烯", fieldCode: "09" } })).body;
    await db
      .update(savedSearches)
      .set({ seenThrough: old.publishedAt })
      .where(eq(savedSearches.id, search.id));
    t.same(idsOf(await news(person, search.id)), [], "what was published at that instant was seen");

    const ids: string[] = [];
    for (const title of ["石墨烯散热涂层", "石墨烯电极浆料", "石墨烯防腐涂料"]) {
      ids.unshift((await publishedResult(market, university, operator, { title })).id);
    }
    await publishedResult(market, university, operator, { title: "石墨烯他域", fieldCode: "01" });
    await publishedResult(market, university, operator, { title: "碳纳米管浆料" });
    const { body: draft } = await market.as(university)("POST", "/v1/results", {
      body: { title: "石墨烯草稿", fieldCode: "09" },
    });

    const before = inSeconds(-30);
    const reply = await news(person, search.id, { include: "total" });
    t.equal(reply.status, 200, reply.text);
    t.same(idsOf(reply), ids);
    t.notOk(idsOf(reply).includes(draft.id));
    t.match(reply.body, { noun: "result", total: { exact: 3 }, page: { hasMore: false } });
    t.match(reply.body.understood.words[0], { text: "石墨", required: true });
    t.ok(reply.body.through >= before && reply.body.through <= inSeconds(-30));
    const list = await market.as(person)(
      "GET",
      `/v1/results?${new URLSearchParams({ q: "石墨烯", fieldCode: "09", sort: "newest" })}`,
    );
    t.same(reply.body.data, list.body.data.slice(0, 3), "the items are the list's");
    t.match(reply.body.data[0].match.highlights, [{ field: "title" }]);
    t.same((await read(person, search.id)).body.newListings, { exact: 3 });

    const first = await news(person, search.id, { limit: "2" });
    t.same(idsOf(first), ids.slice(0, 2));
    t.ok(first.body.through);
    const cursor = first.body.page.next;
    const second = await news(person, search.id, { limit: "2", cursor });
    t.same(idsOf(second), ids.slice(2));
    t.notOk("through" in second.body, "a later page would pass over what came since the first");
    refused(t, await news(person, search.id, { sort: "newest" }), 400, "request.invalid");
    // The list is another one once its beginning has moved.
    t.equal((await look(person, search.id, inSeconds(-40))).status, 200);
    const moved = await news(person, search.id, { limit: "2", cursor });
    t.equal(moved.status, 200, "an instant long past moves nothing");
    await change(person, search.id, { query: { q: "散热" } }, "*");
    refused(t, await news(person, search.id, { limit: "2", cursor }), 400, "request.invalid");
    t.same(idsOf(await news(person, search.id)), ids.slice(2));
  });

  t.test("a bound of its own stays", async (t) => {
    const person = await market.person("enterprise");
    const one = await publishedResult(market, university, operator, { title: "磁悬浮轴承甲型" });
    const two = await publishedResult(market, university, operator, { title: "磁悬浮轴承乙型" });
    const query = { q: "磁悬浮", "publishedAt[gte]": two.publishedAt };
    const { id } = (await save(person, { query })).body;
    t.notOk(idsOf(await news(person, id)).includes(one.id));
    t.same(idsOf(await news(person, id)), [two.id]);
    await change(person, id, { query: { "publishedAt[gte]": "2020-01-01T08:00:00+08:00" } }, "*");
    t.same(idsOf(await news(person, id)), [two.id, one.id], "an earlier one brings nothing back");
    const past = { "publishedAt[gte]": null, "publishedAt[lte]": "2020-01-01T00:00:00Z" };
    await change(person, id, { query: past }, "*");
    t.same(idsOf(await news(person, id)), []);
  });

  t.test("needs: an anonymous one stays so", async (t) => {
    const person = await market.person("university");
    const { id } = (await save(person, { noun: "need", query: { q: "无溶剂胶粘剂" } })).body;
    const open = await publishedNeed(market, enterprise, operator, { title: "无溶剂胶粘剂配方" });
    const hidden = await publishedNeed(market, enterprise, operator, {
      title: "无溶剂胶粘剂施胶设备",
      anonymous: true,
    });
    const reply = await news(person, id);
    t.equal(reply.status, 200, reply.text);
    t.equal(reply.body.noun, "need");
    t.same(idsOf(reply), [hidden.id, open.id]);
    t.match(reply.body.data, [
      { organization: null },
      { organization: { id: enterprise.organizationId } },
    ]);
    t.ok("deadline" in reply.body.data[0] && !("maturity" in reply.body.data[0]));
  });

  t.test("more than a hundred are not counted out", async (t) => {
    const person = await market.person("enterprise");
    const one = await publishedResult(market, university, operator, { title: "微藻固碳光反应器" });
    const { id } = (await save(person, { query: { q: "微藻" } })).body;
    for (let i = 1; i < 100; i++) await copyListing(market, "result", one.id);
    t.same((await read(person, id)).body.newListings, { exact: 100 });
    const tag = (await read(person, id)).headers.etag;
    await copyListing(market, "result", one.id);
    const more = await read(person, id);
    t.same(more.body.newListings, { atLeast: 100 });
    t.not(more.headers.etag, tag, "another body has another tag");
    t.match(more.headers.etag, /^"1-/);
  });

  t.test("punctuation finds nothing, and says so in the same shape", async (t) => {
    const { id } = (await save(enterprise, { noun: "need", query: { q: "，。" } })).body;
    const reply = await news(enterprise, id);
    t.match(reply.body, { noun: "need", data: [], page: { hasMore: false } });
    t.same((await read(enterprise, id)).body.newListings, { exact: 0 });
  });
});

t.test("looking", async (t) => {
  t.test("what was seen is new no longer; what is published meanwhile is not lost", async (t) => {
    const person = await market.person("enterprise");
    const { id } = (await save(person, { query: { q: "相变储热" } })).body;
    const one = await publishedResult(market, university, operator, { title: "相变储热砖" });
    const { body } = await news(person, id);
    t.same(
      body.data.map(({ id }: { id: string }) => id),
      [one.id],
    );
    const reply = await look(person, id, body.through);
    t.equal(reply.status, 200, reply.text);
    t.match(reply.headers.etag, /^"2-/);
    t.equal(reply.body.seenThrough, body.through);
    t.same(idsOf(await news(person, id)), [one.id], "in the last half minute it is shown again");

    await later(60, async () => {
      const { body } = await news(person, id);
      t.equal((await look(person, id, body.through)).body.seenThrough, body.through);
      t.same(idsOf(await news(person, id)), [], "a minute later it was seen");
      t.match(await rowOf(id), { seenThrough: body.through, version: 3 });
      // Its moment was taken before that look, and its transaction ended after it.
      const late = await copyListing(market, "result", one.id, { publishedAt: inSeconds(-25) });
      t.same(idsOf(await news(person, id)), [late]);
    });
    t.same(await auditTypes(market, id), [
      "saved_search.create",
      "saved_search.look",
      "saved_search.look",
    ]);
    t.match((await auditsOf(market, id))[1], {
      actorId: person.id,
      after: { seenThrough: body.through, version: 2 },
    });
  });

  t.test("never back, never into the last half minute, never ahead", async (t) => {
    const person = await market.person("enterprise");
    const { id, seenThrough } = (await save(person)).body;
    const earlier = new Date(new Date(seenThrough).getTime() - 1).toISOString();
    for (const through of [
      earlier,
      seenThrough,
      "2020-01-01T00:00:00.000Z",
      "0000-01-01T00:00:00.000Z",
    ]) {
      const reply = await look(person, id, through);
      t.match(reply.body, { seenThrough, version: 1 });
    }
    t.same(
      await auditTypes(market, id),
      ["saved_search.create"],
      "what changes nothing is no change",
    );
    for (const ahead of [inSeconds(5), "9999-12-31T00:00:00.000Z"]) {
      const problem = refused(t, await look(person, id, ahead), 400, "request.invalid");
      t.match(problem.errors, [{ pointer: "/through", code: "date.future" }]);
    }
    t.equal((await rowOf(id))?.version, 1);
    await later(60, async () => {
      const before = inSeconds(-30);
      const reply = await look(person, id, clock.now().toISOString());
      t.ok(reply.body.seenThrough >= before && reply.body.seenThrough <= inSeconds(-30));
      t.equal((await rowOf(id))?.seenThrough, reply.body.seenThrough);
    });
    for (const body of [
      {},
      { through: "today" },
      { through: "2020-01-01T08:00:00+08:00" },
      { through: null },
    ]) {
      const reply = await market.as(person)("POST", `${path}/${id}/look`, { body });
      t.same(pointersOf(refused(t, reply, 400, "request.invalid")), ["/through"]);
    }
    refused(
      t,
      await look(person, id, seenThrough, { "if-match": '"9-"' }),
      412,
      "request.precondition_failed",
    );
  });

  t.test("two looks at once: the later one stands", async (t) => {
    const person = await market.person("enterprise");
    const { id } = (await save(person)).body;
    await later(600, async () => {
      const instants = [-300, -200, -100, -150].map(inSeconds);
      const replies = await Promise.all(instants.map((through) => look(person, id, through)));
      t.same(statusesOf(replies), [200, 200, 200, 200]);
      t.equal((await rowOf(id))?.seenThrough, instants[2]);
      const looks = (await auditTypes(market, id)).filter((type) => type === "saved_search.look");
      t.equal((await rowOf(id))?.version, 1 + looks.length, "a record for each move");
    });
  });

  t.test("the same key again looks no further", async (t) => {
    const person = await market.person("enterprise");
    const { id } = (await save(person)).body;
    await later(120, async () => {
      const headers = { "idempotency-key": "look-1" };
      const through = inSeconds(-60);
      const first = await look(person, id, through, headers);
      const again = await look(person, id, through, headers);
      t.equal(again.headers["idempotent-replayed"], "true");
      t.same(again.body, first.body);
      t.equal((await rowOf(id))?.version, 2);
    });
  });
});
