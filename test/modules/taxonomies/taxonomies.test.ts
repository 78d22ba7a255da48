/** Code lists: reading them, and the items that the operator adds and retires. */
import { and, eq } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { results } from "../../../db/schema/results.ts";
import { taxonomyItems } from "../../../db/schema/taxonomies.ts";
import { taxonomies } from "../../../db/taxonomies/index.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const nobody = market.as(null);
const operator = await market.person("operator");

const rowOf = async (taxonomy: string, code: string) =>
  (
    await db
      .select()
      .from(taxonomyItems)
      .where(and(eq(taxonomyItems.taxonomy, taxonomy), eq(taxonomyItems.code, code)))
  )[0];

const auditsOf = async (code: string) => {
  const records = await db
    .select()
    .from(auditRecords)
    .where(eq(auditRecords.subjectType, "taxonomy_item"))
    .orderBy(auditRecords.id);
  const subject = records.find((record) => record.after?.code === code)?.subjectId;
  return records.filter((record) => record.subjectId === subject);
};

const itemsUrl = (name: string) => `/v1/taxonomies/${name}/items`;
const fields = "technology-fields";

let added = 0;
/** A code of the second level that nobody used yet. */
const nextCode = () => `03${String(++added).padStart(2, "0")}`;

const add = (body: object, by: Caller | null = operator, name = fields) =>
  market.as(by)("POST", itemsUrl(name), { body });
const input = (changes: object = {}) => ({
  code: nextCode(),
  parentCode: "03",
  zh: "数控机床",
  en: "CNC machine tools",
  ...changes,
});
const patch = (code: string, body: object, etag?: string, by: Caller | null = operator) =>
  market.as(by)("PATCH", `${itemsUrl(fields)}/${code}`, {
    body,
    headers: etag ? { "if-match": etag } : {},
  });

const draft = (by: Caller, fieldCode: string) =>
  market.as(by)("POST", "/v1/results", { body: { title: "五轴联动加工", fieldCode } });

t.test("reading", async (t) => {
  t.test("every list is named, with its source and how certain it is", async (t) => {
    const reply = await nobody("GET", "/v1/taxonomies");
    t.equal(reply.status, 200);
    const names = reply.body.data.map((taxonomy: { name: string }) => taxonomy.name);
    t.same(names.sort(), taxonomies.map((taxonomy) => taxonomy.name).sort());
    for (const { name, zh, en, source, certainty } of reply.body.data) {
      t.ok(zh && en && source && certainty, name);
    }
    t.equal(reply.headers["cache-control"], "public, max-age=300");
  });

  t.test("each list has its items in both languages, parents before children", async (t) => {
    for (const { name, items } of taxonomies) {
      const { status, body } = await nobody("GET", `/v1/taxonomies/${name}`);
      t.equal(status, 200, name);
      t.equal(body.items.length, items.length, name);
      const seen = new Set<string>();
      for (const { code, parentCode, zh, en, origin, active } of body.items) {
        if (parentCode !== null && !seen.has(parentCode))
          t.fail(`${name} ${code} before its parent`);
        if (!zh || !en || origin !== "built_in" || !active) t.fail(`${name} ${code}`);
        seen.add(code);
      }
      t.equal(seen.size, items.length, `${name}: each code once`);
    }
  });

  t.test("a document without a version has a hash for a tag, and 304 for who has it", async (t) => {
    for (const url of ["/v1/taxonomies", `/v1/taxonomies/${fields}`]) {
      const etag = String((await nobody("GET", url)).headers.etag);
      t.match(etag, /^"[\w-]{16}"$/);
      for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await nobody("GET", url, { headers: { "if-none-match": tag } });
        t.same([again.status, again.text, again.headers.etag], [304, "", etag]);
      }
      const other = await nobody("GET", url, { headers: { "if-none-match": '"other"' } });
      t.equal(other.status, 200);
    }
  });

  t.test("an unknown list is a 404", async (t) => {
    for (const name of ["colours", "technology_fields", "TECHNOLOGY-FIELDS", "constructor"]) {
      const reply = await nobody("GET", `/v1/taxonomies/${name}`);
      t.same([reply.status, reply.body.code], [404, "taxonomy.not_found"], name);
    }
  });
});

t.test("adding an item", async (t) => {
  t.test("it is stored behind the built-in ones, and taken from then on", async (t) => {
    const person = await market.person("university");
    const body = input();
    const before = String((await nobody("GET", `/v1/taxonomies/${fields}`)).headers.etag);
    const refused = await draft(person, body.code);
    t.equal(refused.status, 400);
    t.match(refused.body.errors, [{ pointer: "/fieldCode", code: "taxonomy.unknown_code" }]);

    const reply = await add(body);
    t.equal(reply.status, 201);
    t.equal(reply.headers.location, `/v1/taxonomies/${fields}`);
    t.match(reply.body, { ...body, origin: "operator", active: true, version: 1 });
    t.match(await rowOf(fields, body.code), { ...body, origin: "operator", active: true });
    const list = await nobody("GET", `/v1/taxonomies/${fields}`);
    t.match(list.body.items.at(-1), body);
    t.not(list.headers.etag, before);
    t.match(await auditsOf(body.code), [
      {
        type: "taxonomy_item.create",
        actorId: operator.id,
        organizationId: null,
        before: null,
        after: { taxonomy: fields, ...body },
      },
    ]);

    const taken = await draft(person, body.code);
    t.equal(taken.status, 201);
    const [row] = await db.select().from(results).where(eq(results.id, taken.body.id));
    t.equal(row?.fieldCode, body.code);
  });

  t.test("an organization takes one too", async (t) => {
    const owner = await market.person("enterprise");
    const url = `/v1/organizations/${owner.organizationId}`;
    const options = { body: { scale: "giant" }, headers: { "if-match": "*" } };
    const refused = await market.as(owner)("PATCH", url, options);
    t.match(refused.body.errors, [{ pointer: "/scale", code: "taxonomy.unknown_code" }]);
    const item = { code: "giant", zh: "特大型", en: "Giant" };
    t.equal((await add(item, operator, "enterprise-scales")).status, 201);
    t.equal((await market.as(owner)("PATCH", url, options)).status, 200);
    const [row] = await db
      .select()
      .from(organizations)
      .where(eq(organizations.id, owner.organizationId));
    t.equal(row?.scale, "giant");
  });

  t.test("a code counts for its own list only", async (t) => {
    const person = await market.person("university");
    t.equal(
      (await add(input({ code: "4321", parentCode: null }), operator, "objectives")).status,
      201,
    );
    t.equal((await draft(person, "4321")).status, 400);
  });

  t.test("a code that is there is taken, whoever brought it, retired or not", async (t) => {
    const body = input();
    await add(body);
    await patch(body.code, { active: false }, "*");
    for (const code of ["03", body.code]) {
      const before = await rowOf(fields, code);
      const reply = await add(input({ code, parentCode: null, zh: "别的" }));
      t.same([reply.status, reply.body.code], [409, "taxonomy_item.code_taken"]);
      t.same(await rowOf(fields, code), before);
    }
  });

  t.test("the same code twice at once: one item", async (t) => {
    const body = input();
    const replies = await Promise.all([add(body), add({ ...body, zh: "别的" })]);
    t.same(statusesOf(replies), [201, 409]);
    const done = replies.find((reply) => reply.status === 201);
    t.equal((await rowOf(fields, body.code))?.zh, done?.body.zh);
    t.equal((await auditsOf(body.code)).length, 1);
  });

  t.test("the same key again gets the same answer", async (t) => {
    const body = input();
    const headers = { "idempotency-key": "add-1" };
    const send = () => market.as(operator)("POST", itemsUrl(fields), { body, headers });
    const [first, again] = [await send(), await send()];
    t.same([again.status, again.text], [201, first.text]);
    t.equal(again.headers["idempotent-replayed"], "true");
  });

  t.test("a parent must be there and in use", async (t) => {
    const retired = input();
    await add(retired);
    await patch(retired.code, { active: false }, "*");
    for (const parentCode of ["99", retired.code, "03\u0000", "0 3", ""]) {
      const body = input({ parentCode });
      const reply = await add(body);
      t.equal(reply.status, 400, JSON.stringify(parentCode));
      t.match(reply.body.errors, [{ pointer: "/parentCode" }]);
      t.equal(await rowOf(fields, body.code), undefined);
    }
  });

  t.test("what is wrong with it is named, all at once", async (t) => {
    const reply = await add({ code: "03/1", zh: "", attributes: { highTech: true } });
    t.equal(reply.status, 400);
    const pointers = reply.body.errors.map((fault: { pointer: string }) => fault.pointer);
    t.same(pointers.sort(), ["/attributes", "/code", "/en", "/zh"]);
  });

  t.test("to an unknown list is a 404", async (t) => {
    const reply = await add(input(), operator, "colours");
    t.same([reply.status, reply.body.code], [404, "taxonomy.not_found"]);
  });

  t.test("is for the operator's people, as is changing one", async (t) => {
    const known = input();
    await add(known);
    const owner = await market.person("university");
    const refusals: [Caller | null, number, string][] = [
      [null, 401, "auth.required"],
      [owner, 403, "auth.forbidden_role"],
      [await market.person("registry"), 403, "auth.forbidden_role"],
      [await market.client(operator, ["organization:read"]), 403, "auth.person_required"],
    ];
    for (const [caller, status, code] of refusals) {
      const body = input();
      for (const reply of [await add(body, caller), await patch(known.code, {}, "*", caller)]) {
        t.same([reply.status, reply.body.code], [status, code]);
        if (code === "auth.forbidden_role") t.same(reply.body.requiredRoles, ["operator"]);
      }
      t.equal(await rowOf(fields, body.code), undefined);
    }
    t.equal((await rowOf(fields, known.code))?.version, 1);
  });
});

t.test("changing an item", async (t) => {
  t.test("the operator relabels it", async (t) => {
    const body = input();
    await add(body);
    const reply = await patch(body.code, { zh: "数控机床与机器人" }, '"1-"');
    t.equal(reply.status, 200);
    t.match(reply.headers.etag, /^"2-/);
    t.match(reply.body, { zh: "数控机床与机器人", en: body.en, active: true, version: 2 });
    t.match(await rowOf(fields, body.code), { zh: "数控机床与机器人", version: 2 });
    t.match((await auditsOf(body.code)).at(-1), {
      type: "taxonomy_item.update",
      actorId: operator.id,
      before: { zh: body.zh, version: 1 },
      after: { zh: "数控机床与机器人", version: 2 },
    });
  });

  t.test("a retired one is shown, but nothing new takes it", async (t) => {
    const person = await market.person("university");
    const body = input();
    await add(body);
    t.equal((await draft(person, body.code)).status, 201);
    const reply = await patch(body.code, { active: false }, "*");
    t.match(reply.body, { active: false });
    t.equal((await rowOf(fields, body.code))?.active, false);
    const refused = await draft(person, body.code);
    t.match(refused.body.errors, [{ pointer: "/fieldCode", code: "taxonomy.unknown_code" }]);
    const { items } = (await nobody("GET", `/v1/taxonomies/${fields}`)).body;
    t.match(
      items.find((item: { code: string }) => item.code === body.code),
      { active: false },
    );
    await patch(body.code, { active: true }, "*");
    t.equal((await draft(person, body.code)).status, 201);
  });

  t.test("who took it before it was retired keeps it, and may change the rest", async (t) => {
    const item = { code: "tiny", zh: "极小", en: "Tiny" };
    await add(item, operator, "enterprise-scales");
    const owner = await market.person("enterprise");
    const url = `/v1/organizations/${owner.organizationId}`;
    const change = (body: object) =>
      market.as(owner)("PATCH", url, { body, headers: { "if-match": "*" } });
    t.equal((await change({ scale: "tiny" })).status, 200);
    const retire = { body: { active: false }, headers: { "if-match": "*" } };
    const retired = `${itemsUrl("enterprise-scales")}/tiny`;
    t.equal((await market.as(operator)("PATCH", retired, retire)).status, 200);

    t.equal((await change({ shortName: "甲" })).status, 200);
    t.equal((await change({ scale: "tiny", shortName: "乙" })).status, 200);
    t.equal((await change({ scale: null })).status, 200);
    const refused = await change({ scale: "tiny" });
    t.match(refused.body.errors, [{ pointer: "/scale", code: "taxonomy.unknown_code" }]);
  });

  t.test("needs If-Match, and the version as it is", async (t) => {
    const body = input();
    await add(body);
    t.equal((await patch(body.code, { zh: "别的" })).status, 428);
    t.equal((await patch(body.code, { zh: "别的" }, '"2-"')).status, 412);
    t.match(await rowOf(fields, body.code), { zh: body.zh, version: 1 });
  });

  t.test("two with one tag at once: one is told to read again", async (t) => {
    const body = input();
    await add(body);
    const replies = await Promise.all(["甲", "乙"].map((zh) => patch(body.code, { zh }, '"1-"')));
    t.same(statusesOf(replies), [200, 412]);
    t.equal((await rowOf(fields, body.code))?.version, 2);
    t.equal((await auditsOf(body.code)).length, 2);
  });

  t.test("neither label can be removed; code, parent and origin are not changed", async (t) => {
    const body = input();
    await add(body);
    for (const change of [
      { zh: null },
      { en: "" },
      { active: null },
      { code: "0399" },
      { parentCode: null },
      { origin: "built_in" },
    ]) {
      const reply = await patch(body.code, change, "*");
      t.equal(reply.status, 400, JSON.stringify(change));
      t.match(reply.body.errors, [{ pointer: `/${Object.keys(change)[0]}` }]);
    }
    t.match(await rowOf(fields, body.code), { ...body, version: 1 });
  });

  t.test("a built-in one comes with the program", async (t) => {
    const before = await rowOf(fields, "03");
    for (const body of [{ zh: "别的" }, { active: false }]) {
      const reply = await patch("03", body, "*");
      t.same([reply.status, reply.body.code], [409, "taxonomy_item.built_in"]);
    }
    t.same(await rowOf(fields, "03"), before);
  });

  t.test("an unknown item or list is a 404", async (t) => {
    const reply = await patch("0000", { zh: "别的" }, "*");
    t.same([reply.status, reply.body.code], [404, "taxonomy_item.not_found"]);
    const options = { body: { zh: "别的" }, headers: { "if-match": "*" } };
    const other = await market.as(operator)("PATCH", `${itemsUrl("colours")}/03`, options);
    t.same([other.status, other.body.code], [404, "taxonomy.not_found"]);
  });
});
