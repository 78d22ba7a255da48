/** Ids that an organization gives its results and needs itself: unique, its own, and what it creates or replaces by. */
import { eq } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { newId } from "../../../src/lib/ids.ts";
import { castOf, complete, drafted, listingIn, type Noun, rowOf } from "../../support/listings.ts";
import { openMarket } from "../../support/market.ts";
import { certify } from "../../support/matches.ts";
import { idsOf, must, pointersOf, refused, statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);

for (const noun of ["result", "need"] as Noun[]) {
  await t.test(`${noun}s by ids of the organization's own`, async (t) => {
    const cast = await castOf(market, noun);
    const { owner, other, operator, broker, machine } = cast;
    await certify(market, broker);
    const path = `/v1/${noun}s`;
    const asOwner = market.as(owner);
    const input = (externalId: string, overrides = {}) =>
      complete[noun]({ externalId, ...overrides });
    const at = (externalId: string) => `${path}/by-external-id/${encodeURIComponent(externalId)}`;
    const put = (externalId: string, overrides = {}, headers = {}, as = asOwner) =>
      as("PUT", at(externalId), { body: complete[noun](overrides), headers });

    await t.test("one is drafted, read, found and called otherwise", async (t) => {
      const { body } = await drafted(market, noun, owner, { externalId: " ERP 1/甲 " });
      t.equal(body.externalId, "ERP 1/甲");
      t.equal((await must(asOwner("GET", `${path}/${body.id}`))).externalId, "ERP 1/甲");
      const found = await asOwner("GET", `${path}?scope=own&externalId=ERP%201%2F%E7%94%B2`);
      t.same(idsOf(found), [body.id]);
      t.equal(found.body.data[0].externalId, "ERP 1/甲");
      t.equal(found.body.data[0].version, 1);
      const patched = await asOwner("PATCH", `${path}/${body.id}`, {
        body: { externalId: "ERP-2" },
        headers: { "if-match": '"1-"' },
      });
      t.equal(patched.body.externalId, "ERP-2");
      t.same(idsOf(await asOwner("GET", `${path}?scope=own&externalId=ERP%201%2F%E7%94%B2`)), []);
      const none = await asOwner("PATCH", `${path}/${body.id}`, {
        body: { externalId: null },
        headers: { "if-match": '"2-"' },
      });
      t.equal(none.body.externalId, null);
      for (const wrong of ["", " ", "a".repeat(101), "a\u0000b", "a\nb"]) {
        const reply = await asOwner("POST", path, { body: input(wrong) });
        t.same(pointersOf(refused(t, reply, 400, "request.invalid")), ["/externalId"]);
      }
    });

    await t.test("it is told to nobody but its owner", async (t) => {
      const people = { owner, operator };
      const id = await listingIn(market, noun, people, "published", {
        externalId: `ours-${noun}`,
        ...(noun === "need" ? { anonymous: true } : {}),
      });
      const strangers = { nobody: null, other, operator, broker };
      for (const [who, caller] of Object.entries(strangers)) {
        const call = market.as(caller);
        const one = await call("GET", `${path}/${id}`);
        t.equal(one.status, 200, who);
        t.notOk(one.text.includes("ours-"), `${who} reads one`);
        const list = await call("GET", `${path}?limit=100`);
        t.ok(idsOf(list).includes(id), who);
        t.notOk(list.text.includes("ours-"), `${who} reads the list`);
        const filtered = await call("GET", `${path}?externalId=ours-${noun}`);
        const code = refused(t, filtered, 400, "request.invalid").errors[0].code;
        t.equal(code, "filter.unavailable", who);
      }
      const all = await market.as(operator)("GET", `${path}?scope=all&externalId=ours-${noun}`);
      refused(t, all, 400, "request.invalid");
      const owns = await market.as(other)("GET", `${path}?scope=own&externalId=ours-${noun}`);
      t.same(idsOf(owns), [], "another organization's own list");
      const listed = await asOwner("GET", `${path}?limit=100`);
      t.ok(listed.text.includes(`ours-${noun}`), "the owner finds it in the public list too");
      const records = await market.database.db.select().from(auditRecords);
      t.ok(records.length > 0);
      t.notOk(JSON.stringify(records).includes("ours-"), "the log tells only that it changed");
    });

    await t.test(
      "the same again changes nothing, whatever its organization says now",
      async (t) => {
        const {
          contact: _,
          regionCode: __,
          ...without
        } = complete[noun]() as Record<string, unknown>;
        const same = () => asOwner("PUT", at("SAME-1"), { body: without });
        const made = await same();
        t.equal(made.status, 201, made.text);
        t.ok(made.body.regionCode, "taken over of its organization");
        const { db } = market.database;
        await db
          .update(organizations)
          .set({ contact: { name: "新联系人", phone: null, email: null } })
          .where(eq(organizations.id, owner.organizationId));
        t.match((await same()).body, { id: made.body.id, version: 1, contact: made.body.contact });
      },
    );

    await t.test("unique for the organization and the kind", async (t) => {
      const { body: first } = await drafted(market, noun, owner, { externalId: "U-1" });
      const again = await asOwner("POST", path, { body: input("U-1") });
      const code = { result: "result.external_id_taken", need: "need.external_id_taken" }[noun];
      t.same(pointersOf(refused(t, again, 409, code)), ["/externalId"]);
      const { body: second } = await drafted(market, noun, owner, { externalId: "U-2" });
      const moved = await asOwner("PATCH", `${path}/${second.id}`, {
        body: { externalId: "U-1" },
        headers: { "if-match": '"1-"' },
      });
      t.same(pointersOf(refused(t, moved, 409, code)), ["/externalId"]);
      t.equal((await rowOf(market, noun, second.id)).version, 1);
      const kept = await asOwner("PATCH", `${path}/${first.id}`, {
        body: { externalId: "U-1", title: "另一个名称的项目" },
        headers: { "if-match": '"1-"' },
      });
      t.equal(kept.status, 200, "its own is no other's");
      const others = await market.as(other)("POST", path, { body: input("U-1") });
      t.equal(others.status, 201, "another organization's is another");
      const replies = await Promise.all(
        Array.from({ length: 6 }, () => asOwner("POST", path, { body: input("U-parallel") })),
      );
      t.same(statusesOf(replies), [201, 409, 409, 409, 409, 409]);
      await t.rejects(
        market.database.db.execute(
          `update ${noun}s set external_id = 'U-1' where id = '${second.id}'`,
        ),
        "the database keeps it as well",
      );
    });

    await t.test("PUT creates, replaces, and the same again changes nothing", async (t) => {
      const made = await put("P-1");
      t.equal(made.status, 201);
      t.equal(made.headers.location, `${path}/${made.body.id}`);
      t.match(made.body, { externalId: "P-1", status: "draft", version: 1 });
      const same = await put("P-1", { externalId: "P-1" });
      t.equal(same.status, 200);
      t.equal(same.headers.location, undefined);
      t.match(same.body, { id: made.body.id, version: 1 });
      t.equal(same.headers.etag, made.headers.etag);
      // As a system writes amounts that has no decimals.
      const round =
        noun === "result"
          ? { price: { kind: "fixed", amount: { amount: "300000", currency: "CNY" } } }
          : { budget: { max: { amount: "300000", currency: "CNY" } } };
      t.equal((await put("P-1", round)).body.version, 2);
      t.equal((await put("P-1", round)).body.version, 2, "an amount without its decimals");
      const bare = await asOwner("PUT", at("P-1"), { body: { title: "只有名称的项目" } });
      t.match(bare.body, { id: made.body.id, version: 3, summary: null, keywords: [] });
      const records = await market.database.db.select().from(auditRecords);
      const own = records.filter(({ subjectId }) => subjectId === made.body.id);
      t.same(
        own.map(({ type }) => type),
        [`${noun}.create`, `${noun}.update`, `${noun}.update`],
      );
      const wrong = await put("P-1", { externalId: "P-2" });
      t.same(pointersOf(refused(t, wrong, 400, "request.invalid")), ["/externalId"]);
      const code = await put("P-1", { fieldCode: "nothing" });
      t.same(pointersOf(refused(t, code, 400, "request.invalid")), ["/fieldCode"]);
      const long = "甲/".repeat(50);
      for (const id of [long, "/".repeat(100)]) {
        t.equal((await put(id)).body.externalId, id, "a hundred characters");
      }
      refused(t, await put(`${long}x`), 400, "request.invalid");
    });

    await t.test("PUT keeps to what its caller has seen", async (t) => {
      const any = { "if-match": "*" };
      refused(t, await put("C-1", {}, any), 412, "request.precondition_failed");
      const onlyNew = { "if-none-match": "*" };
      const made = await put("C-1", {}, onlyNew);
      t.equal(made.status, 201);
      refused(t, await put("C-1", {}, onlyNew), 412, "request.precondition_failed");
      const tag = String(made.headers.etag);
      const title = { title: "改过名称的项目" };
      for (const unwanted of [tag, `W/${tag}`, '"1-"']) {
        const reply = await put("C-1", title, { "if-none-match": unwanted });
        refused(t, reply, 412, "request.precondition_failed");
      }
      t.equal((await put("C-1", title, { "if-match": tag })).body.version, 2);
      refused(t, await put("C-1", {}, { "if-match": tag }), 412, "request.precondition_failed");
      t.equal((await put("C-1", title, { "if-none-match": tag })).status, 200);
      t.equal((await put("C-1", title, any)).status, 200);
    });

    await t.test("PUT replaces only what may be changed", async (t) => {
      const day = { validUntil: "2036-01-31" };
      const { body } = await put("S-1", day);
      await must(asOwner("POST", `${path}/${body.id}/submit`));
      const title = { title: "改过名称的项目" };
      const reply = refused(t, await put("S-1", title), 409, `${noun}.invalid_transition`);
      t.match(reply, { currentStatus: "submitted" });
      t.equal((await put("S-1", day)).status, 200, "what changes nothing is no change");
      const renamed = await asOwner("PATCH", `${path}/${body.id}`, {
        body: { externalId: "S-2" },
        headers: { "if-match": '"2-"' },
      });
      t.match(renamed.body, { externalId: "S-2", status: "submitted", version: 3 });
      await must(market.as(operator)("POST", `${path}/${body.id}/publish`));
      const live = await must(asOwner("GET", `${path}/${body.id}`));
      const again = await put("S-2");
      t.match(again.body, { version: live.version, ...day }, "its last day stays");
      t.notOk(again.body.changedSinceReview);
      const gap = refused(t, await put("S-2", { summary: null }), 409, `${noun}.incomplete`);
      t.same(pointersOf(gap), ["/summary"]);
      t.match((await put("S-2", title)).body, { status: "published", changedSinceReview: true });
    });

    await t.test("of many at the same moment one is made", async (t) => {
      const titles = Array.from({ length: 8 }, (_, i) => `第 ${i} 次写入的项目`);
      const replies = await Promise.all([
        ...titles.map((title) => put("R-1", { title })),
        market.as(machine)("POST", path, { body: input("R-1", { title: "新建的项目" }) }),
      ]);
      const statuses = statusesOf(replies);
      t.equal(statuses.filter((status) => status === 201).length, 1, String(statuses));
      t.same(
        statuses.filter((status) => ![200, 201].includes(status)),
        statuses.includes(409) ? [409] : [],
      );
      const ids = new Set(replies.map(({ body }) => body.id).filter(Boolean));
      t.equal(ids.size, 1);
      const found = await asOwner("GET", `${path}?scope=own&externalId=R-1`);
      t.equal(found.body.data.length, 1);
      t.equal(found.body.data[0].version, replies.filter(({ status }) => status < 300).length);
    });

    await t.test("whose they are", async (t) => {
      const { body } = await put("W-1");
      const others = await put("W-1", {}, {}, market.as(other));
      t.equal(others.status, 201);
      t.not(others.body.id, body.id);
      t.equal((await put("W-1", {}, {}, market.as(machine))).body.id, body.id);
      refused(t, await put("W-1", {}, {}, market.as(null)), 401, "auth.required");
      refused(t, await put("W-1", {}, {}, market.as(operator)), 403, "auth.forbidden_role");
      const scopeless = await put("W-1", {}, {}, market.as(cast.scopeless));
      refused(t, scopeless, 403, "auth.insufficient_scope");
      await must(asOwner("DELETE", `${path}/${body.id}`));
      const anew = await put("W-1");
      t.equal(anew.status, 201, "what was deleted is created again");
      t.not(anew.body.id, body.id);
      refused(t, await asOwner("GET", `${path}/${newId()}`), 404, `${noun}.not_found`);
    });
  });
}
