/**
 * Requests at the same time, and requests sent again. On a server these races are real; on the
 * embedded database requests take turns on its one connection, and must come out the same.
 */
import { eq, sql } from "drizzle-orm";
import t, { type Test } from "tap";
import { idempotencyKeys } from "../../db/schema/idempotency-keys.ts";
import { results } from "../../db/schema/results.ts";
import { newId } from "../../src/lib/ids.ts";
import {
  completeNeed,
  completeResult,
  drafted,
  listingIn,
  rowCounts,
  rowOf,
} from "../support/listings.ts";
import { auditsOf } from "../support/log.ts";
import { type Caller, openMarket } from "../support/market.ts";
import { refused, statusesOf } from "../support/replies.ts";

const market = await openMarket(t);
const { db, pool } = market.database;
const owner = await market.person("university");
const colleague = await market.colleague(owner);
const operator = await market.person("operator");
const asOwner = market.as(owner);
const asOperator = market.as(operator);
const review = { reason: "incomplete", note: "请补充。" };

const rounds = 6;
const pathOf = (id: string) => `/v1/results/${id}`;
const at = (status: string) => listingIn(market, "result", { owner, operator }, status);

/** As many audit records as the row has versions: none is lost, none too many. */
async function assertConsistent(t: Test, id: string) {
  const row = await rowOf(market, "result", id);
  const audits = await auditsOf(market, id);
  t.equal(audits.length, row.version, "one audit record a version");
  t.match(audits.at(-1)?.after, { version: row.version });
  return row;
}

// ---- Races on one listing ----

t.test("of publish and reject exactly one happens", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const id = await at("submitted");
    const replies = await Promise.all([
      asOperator("POST", `${pathOf(id)}/publish`),
      asOperator("POST", `${pathOf(id)}/reject`, { body: review }),
    ]);
    t.same(statusesOf(replies), [200, 409]);
    const [lost] = replies.filter((reply) => reply.status === 409);
    const [won] = replies.filter((reply) => reply.status === 200);
    refused(t, lost!, 409, "result.invalid_transition");
    t.equal(lost?.body.currentStatus, won?.body.status, "the loser learns what it is now");
    t.equal((await assertConsistent(t, id)).version, 3);
  }
});

t.test("of ten times publish exactly one happens", async (t) => {
  const id = await at("submitted");
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => asOperator("POST", `${pathOf(id)}/publish`)),
  );
  t.equal(replies.filter((reply) => reply.status === 200).length, 1);
  t.equal(replies.filter((reply) => reply.status === 409).length, 9);
  t.equal((await assertConsistent(t, id)).version, 3);
});

t.test("submit and patch: the patch comes before, or is refused", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const id = await at("draft");
    const [submit, patch] = await Promise.all([
      asOwner("POST", `${pathOf(id)}/submit`),
      asOwner("PATCH", pathOf(id), { body: { summary: "抢改。" }, headers: { "if-match": "*" } }),
    ]);
    t.equal(submit.status, 200);
    t.ok([200, 409].includes(patch.status), String(patch.status));
    const row = await assertConsistent(t, id);
    t.equal(row.status, "submitted");
    t.equal(row.summary === "抢改。", patch.status === 200, "stored exactly when acknowledged");
  }
});

t.test("submit of the version that was read does not submit another", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const id = await at("draft");
    const headers = { "if-match": '"1-x"' };
    const replies = await Promise.all([
      asOwner("POST", `${pathOf(id)}/submit`, { headers }),
      asOwner("PATCH", pathOf(id), { body: { summary: "抢改。" }, headers }),
    ]);
    t.same(statusesOf(replies), [200, 412]);
    t.equal((await assertConsistent(t, id)).version, 2);
  }
});

t.test("of patches with one ETag exactly one is stored", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const { body, headers } = await drafted(market, "result", owner);
    const tag = String(headers.etag);
    const replies = await Promise.all(
      [0, 1, 2, 3].map((n) =>
        asOwner("PATCH", pathOf(body.id), {
          body: { title: `并发修改之${n}` },
          headers: { "if-match": tag },
        }),
      ),
    );
    t.same(statusesOf(replies), [200, 412, 412, 412]);
    const [won] = replies.filter((reply) => reply.status === 200);
    t.equal((await assertConsistent(t, body.id)).title, won?.body.title);
  }
});

t.test("patches of anything that is there all happen, one after the other", async (t) => {
  const id = await at("draft");
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      asOwner("PATCH", pathOf(id), {
        body: { tags: [`并发${n}`] },
        headers: { "if-match": "*" },
      }),
    ),
  );
  t.same([...new Set(statusesOf(replies))], [200]);
  t.same(
    replies.map((reply) => reply.body.version).sort((a, b) => a - b),
    [2, 3, 4, 5, 6, 7, 8, 9],
  );
  t.equal((await assertConsistent(t, id)).version, 9);
});

t.test("withdraw and publish: back to draft, or live and out again", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const id = await at("submitted");
    const [withdraw, publish] = await Promise.all([
      asOwner("POST", `${pathOf(id)}/withdraw`),
      asOperator("POST", `${pathOf(id)}/publish`),
    ]);
    t.equal(withdraw.status, 200);
    const row = await assertConsistent(t, id);
    if (publish.status === 200) {
      t.equal(row.status, "withdrawn");
    } else {
      // The operator may read every state: the draft is there, and not to be published.
      t.equal(refused(t, publish, 409, "result.invalid_transition").currentStatus, "draft");
      t.equal(row.status, "draft");
    }
  }
});

t.test("delete and submit: one of them", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const id = await at("draft");
    const [remove, submit] = await Promise.all([
      asOwner("DELETE", pathOf(id)),
      asOwner("POST", `${pathOf(id)}/submit`),
    ]);
    const count = await db.$count(results, eq(results.id, id));
    const outcome = `${remove.status} ${submit.status} ${count}`;
    t.ok(["204 404 0", "409 200 1"].includes(outcome), outcome);
    t.equal((await auditsOf(market, id)).length, 2);
  }
});

t.test("solve and close: one end", async (t) => {
  const enterprise = await market.person("enterprise");
  for (let i = 0; i < rounds; i++) {
    const people = { owner: enterprise, operator };
    const id = await listingIn(market, "need", people, "published");
    const as = market.as(enterprise);
    const replies = await Promise.all([
      as("POST", `/v1/needs/${id}/solve`, { body: {} }),
      as("POST", `/v1/needs/${id}/close`),
    ]);
    t.same(statusesOf(replies), [200, 409]);
    t.equal((await auditsOf(market, id)).length, 4);
  }
});

t.test("renew twice publishes once", async (t) => {
  const id = await at("withdrawn");
  const replies = await Promise.all(
    [0, 1].map(() => asOwner("POST", `${pathOf(id)}/renew`, { body: {} })),
  );
  // The second one finds it live until that very day, and so changes nothing.
  t.same(statusesOf(replies), [200, 200]);
  t.equal((await assertConsistent(t, id)).status, "published");
  const renewed = (await auditsOf(market, id)).filter(({ type }) => type === "result.renew");
  t.equal(renewed.length, 1);
});

t.test("the expiry job and the owner do not get in each other's way", async (t) => {
  const job = market.app.jobs.find(({ name }) => name === "results.expire")!;
  for (let i = 0; i < rounds; i++) {
    const id = await at("published");
    await db.update(results).set({ validUntil: "2026-01-31" }).where(eq(results.id, id));
    const [withdraw] = await Promise.all([
      asOwner("POST", `${pathOf(id)}/withdraw`),
      job.run(db),
      job.run(db),
    ]);
    t.equal(withdraw.status, 200, "published or expired, it may be withdrawn");
    t.equal((await assertConsistent(t, id)).status, "withdrawn");
  }
});

t.test("drafts made at once have references of their own", async (t) => {
  const replies = await Promise.all(
    Array.from({ length: 25 }, (_, n) =>
      asOwner("POST", "/v1/results", { body: { title: `同时起草之${n}` } }),
    ),
  );
  t.same([...new Set(statusesOf(replies))], [201]);
  t.equal(new Set(replies.map((reply) => reply.body.reference)).size, 25);
});

// ---- Idempotency keys ----

const create = (key: string, title: string, caller: Caller = owner) =>
  market.as(caller)("POST", "/v1/results", {
    body: { title },
    headers: { "idempotency-key": key },
  });
const titled = (title: string) => db.$count(results, eq(results.title, title));

t.test("one key ten times at once makes one row", async (t) => {
  for (let i = 0; i < 3; i++) {
    const title = `重复提交之${i}`;
    const before = await rowCounts(market);
    const key = newId();
    const replies = await Promise.all(Array.from({ length: 10 }, () => create(key, title)));
    t.equal(await titled(title), 1);
    t.same(await rowCounts(market), {
      ...before,
      results: before.results + 1,
      auditRecords: before.auditRecords + 1,
      idempotencyKeys: before.idempotencyKeys + 1,
    });
    const made = replies.filter((reply) => reply.status === 201);
    t.equal(made.filter((reply) => !reply.headers["idempotent-replayed"]).length, 1);
    for (const reply of made) t.equal(reply.text, made[0]?.text);
    for (const reply of replies.filter(({ status }) => status !== 201)) {
      refused(t, reply, 409, "idempotency.in_progress");
      t.match(reply.headers["retry-after"], /^[1-9]\d*$/);
    }
    const after = await create(key, title);
    t.equal(after.headers["idempotent-replayed"], "true", "afterwards it is a replay");
    t.equal(after.text, made[0]?.text);
  }
});

t.test("one key ten times at once takes one step", async (t) => {
  const id = await at("draft");
  const headers = { "idempotency-key": newId() };
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => asOwner("POST", `${pathOf(id)}/submit`, { headers })),
  );
  for (const reply of replies) {
    if (reply.status === 200) t.equal(reply.body.status, "submitted");
    else refused(t, reply, 409, "idempotency.in_progress");
  }
  t.ok(replies.some((reply) => reply.status === 200));
  t.equal((await assertConsistent(t, id)).version, 2);
});

t.test("a replay has the first reply's status, body, ETag and Location", async (t) => {
  const key = newId();
  const first = await create(key, "首次响应");
  const again = await create(key, "首次响应");
  t.equal(first.status, 201);
  t.equal(again.status, 201);
  t.notOk(first.headers["idempotent-replayed"]);
  t.equal(again.headers["idempotent-replayed"], "true");
  t.equal(again.text, first.text);
  for (const name of ["etag", "location", "content-type", "cache-control"]) {
    t.ok(first.headers[name], name);
    t.equal(again.headers[name], first.headers[name], name);
  }
  t.not(again.headers["request-id"], first.headers["request-id"]);
});

t.test("the first reply is that of the same request without a key", async (t) => {
  const { body, headers } = await create(newId(), "有键与无键");
  const read = await asOwner("GET", pathOf(body.id));
  t.same(read.body, body);
  t.equal(read.headers.etag, headers.etag, "its ETag is the resource's");
});

t.test("a replay tells what was, whatever happened since", async (t) => {
  const id = await at("draft");
  const headers = { "idempotency-key": newId() };
  const submit = () => asOwner("POST", `${pathOf(id)}/submit`, { headers });
  const first = await submit();
  await asOwner("POST", `${pathOf(id)}/withdraw`);
  const again = await submit();
  t.equal(again.headers["idempotent-replayed"], "true");
  t.equal(again.text, first.text);
  t.equal((await rowOf(market, "result", id)).status, "draft", "and changes nothing");
});

t.test("the same key with another body is a 422", async (t) => {
  const key = newId();
  await create(key, "原来的标题");
  const counts = await rowCounts(market);
  refused(t, await create(key, "另外的标题"), 422, "idempotency.key_reused");
  t.same(await rowCounts(market), counts);
  t.equal((await create(key, "原来的标题")).headers["idempotent-replayed"], "true");
});

t.test("the same body in another order of its members is the same body", async (t) => {
  const headers = { "idempotency-key": newId(), "content-type": "application/json" };
  const send = (text: string) => asOwner("POST", "/v1/results", { body: text, headers });
  const first = await send('{"title":"成员顺序","summary":"一句话。"}');
  t.equal(first.status, 201);
  const again = await send('{ "summary": "一句话。", "title": "成员顺序" }');
  t.equal(again.headers["idempotent-replayed"], "true");
});

t.test("a key is one caller's, one path's", async (t) => {
  const key = newId();
  const first = await create(key, "各用各的键");
  const client = await market.client(owner, ["results:write"]);
  for (const caller of [colleague, client]) {
    const other = await create(key, "各用各的键", caller);
    t.equal(other.status, 201);
    t.notOk(other.headers["idempotent-replayed"]);
    t.not(other.body.id, first.body.id);
  }
  t.equal(await titled("各用各的键"), 3);
  const need = await asOwner("POST", "/v1/needs", {
    body: { title: "各用各的键" },
    headers: { "idempotency-key": key },
  });
  t.equal(need.status, 201);
  t.notOk(need.headers["idempotent-replayed"]);
});

t.test("quoted or bare, it is one key", async (t) => {
  const key = newId();
  const first = await create(`"${key}"`, "带引号的键");
  const again = await create(key, "带引号的键");
  t.equal(again.headers["idempotent-replayed"], "true");
  t.equal(again.text, first.text);
});

t.test("a key has 1 to 255 characters", async (t) => {
  t.equal((await create("k".repeat(255), "最长的键")).status, 201);
  for (const key of ["k".repeat(256), "", '""']) {
    const counts = await rowCounts(market);
    const reply = await create(key, "长度不对的键");
    t.match(refused(t, reply, 400, "request.invalid").errors, [{ header: "Idempotency-Key" }]);
    t.same(await rowCounts(market), counts);
  }
});

t.test("a refusal is not stored: the same key works once it is mended", async (t) => {
  const { body } = await drafted(market, "result", owner, { contact: null });
  const headers = { "idempotency-key": newId() };
  const submit = () => asOwner("POST", `${pathOf(body.id)}/submit`, { headers });
  const counts = await rowCounts(market);
  refused(t, await submit(), 409, "result.incomplete");
  refused(t, await submit(), 409, "result.incomplete");
  t.same(await rowCounts(market), counts);
  await asOwner("PATCH", pathOf(body.id), {
    body: { contact: { name: "陈静" } },
    headers: { "if-match": "*" },
  });
  const good = await submit();
  t.equal(good.status, 200);
  t.notOk(good.headers["idempotent-replayed"]);
});

t.test("neither is a bad request, nor one without the right", async (t) => {
  const key = newId();
  refused(t, await create(key, "短"), 400, "request.invalid");
  const wrongRole = await create(key, "角色不符的草稿", operator);
  refused(t, wrongRole, 403, "auth.forbidden_role");
  t.equal((await create(key, "改对了的标题")).status, 201);
});

t.test("a key is forgotten after 24 hours, not before", async (t) => {
  const key = newId();
  const title = "一天之后";
  const first = await create(key, title);
  const age = (interval: string) =>
    db
      .update(idempotencyKeys)
      .set({ createdAt: sql`now() - ${interval}::interval` as never })
      .where(sql`${idempotencyKeys.body}::jsonb ->> 'id' = ${first.body.id}`);
  await age("23 hours 59 minutes");
  t.equal((await create(key, title)).body.id, first.body.id);
  await age("24 hours 1 second");
  const anew = await create(key, title);
  t.equal(anew.status, 201);
  t.notOk(anew.headers["idempotent-replayed"]);
  t.not(anew.body.id, first.body.id);
  t.equal((await create(key, title)).body.id, anew.body.id, "and kept from then on");
  t.equal(await titled(title), 2);
});

t.test("an old key works again with another body, also ten times at once", async (t) => {
  const key = newId();
  const first = await create(key, "旧键旧内容");
  await db
    .update(idempotencyKeys)
    .set({ createdAt: sql`now() - interval '25 hours'` as never })
    .where(sql`${idempotencyKeys.body}::jsonb ->> 'id' = ${first.body.id}`);
  const replies = await Promise.all(Array.from({ length: 10 }, () => create(key, "旧键新内容")));
  for (const reply of replies) t.ok([201, 409].includes(reply.status), String(reply.status));
  t.equal(await titled("旧键新内容"), 1);
});

t.test("a patch and a delete take no key", async (t) => {
  const id = await at("draft");
  const counts = await rowCounts(market);
  const headers = { "idempotency-key": newId(), "if-match": "*" };
  const patch = (summary: string) => asOwner("PATCH", pathOf(id), { body: { summary }, headers });
  t.equal((await patch("补充。")).body.version, 2);
  t.equal((await patch("再补充。")).body.version, 3);
  t.equal((await asOwner("DELETE", pathOf(id), { headers })).status, 204);
  t.equal((await rowCounts(market)).idempotencyKeys, counts.idempotencyKeys);
});

// ---- All or nothing ----

/** Makes every insert into a table fail until the returned function is called. */
async function breakInserts(table: "audit_records" | "idempotency_keys") {
  await pool.query(`
    create function break_inserts() returns trigger language plpgsql as
      $$ begin raise exception 'broken for a test'; end $$;
    create trigger broken before insert on ${table} for each row execute function break_inserts()`);
  return () => pool.query(`drop trigger broken on ${table}; drop function break_inserts()`);
}

for (const table of ["audit_records", "idempotency_keys"] as const) {
  t.test(`when ${table} cannot be written, nothing is, and the key is free`, async (t) => {
    const draft = await at("draft");
    const published = await at("published");
    const counts = await rowCounts(market);
    const before = [await rowOf(market, "result", draft), await rowOf(market, "result", published)];
    const keys = [newId(), newId(), newId()];
    const calls = [
      () => create(keys[0]!, "写不进去的草稿"),
      () =>
        asOwner("POST", `${pathOf(draft)}/submit`, { headers: { "idempotency-key": keys[1]! } }),
      () =>
        asOperator("POST", `${pathOf(published)}/request-changes`, {
          body: review,
          headers: { "idempotency-key": keys[2]! },
        }),
    ];
    const mend = await breakInserts(table);
    try {
      for (const call of calls) {
        const problem = refused(t, await call(), 500, "server.internal");
        t.notMatch(JSON.stringify(problem), /broken for a test|insert/, "tells nothing");
      }
    } finally {
      await mend();
    }
    t.same(await rowCounts(market), counts);
    t.same(
      [await rowOf(market, "result", draft), await rowOf(market, "result", published)],
      before,
    );
    for (const call of calls) {
      const reply = await call();
      t.ok(reply.status < 300, `${reply.status}`);
      t.notOk(reply.headers["idempotent-replayed"]);
    }
  });
}

t.test("a delete or patch whose audit record fails is none", async (t) => {
  const draft = await at("draft");
  const row = await rowOf(market, "result", draft);
  const mend = await breakInserts("audit_records");
  try {
    refused(t, await asOwner("DELETE", pathOf(draft)), 500, "server.internal");
    const patch = await asOwner("PATCH", pathOf(draft), {
      body: { summary: "不应保存。" },
      headers: { "if-match": "*" },
    });
    refused(t, patch, 500, "server.internal");
  } finally {
    await mend();
  }
  t.same(await rowOf(market, "result", draft), row);
  t.equal((await auditsOf(market, draft)).length, 1);
  t.equal((await asOwner("DELETE", pathOf(draft))).status, 204, "the connection is good again");
});

t.test("failures leave no transaction open", async (t) => {
  const mend = await breakInserts("audit_records");
  try {
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, n) => create(newId(), `失败之${n}`)),
    );
    t.same([...new Set(statusesOf(replies))], [500]);
  } finally {
    await mend();
  }
  const { rows } = await pool.query(
    "select count(*)::int as open from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
  );
  t.equal(rows[0].open, 0);
  const good = await Promise.all(
    [completeResult(), completeResult()].map((body) => asOwner("POST", "/v1/results", { body })),
  );
  t.same(statusesOf(good), [201, 201]);
  const need = await market.as(await market.person("enterprise"))("POST", "/v1/needs", {
    body: completeNeed(),
  });
  t.equal(need.status, 201);
});
