/** Many listings at once: each item with its outcome, or all or nothing, by the rules of the single request. */
import { eq, inArray, sql } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { interests } from "../../../db/schema/interests.ts";
import { apart, send, transact } from "../../../src/database/transact.ts";
import { newId } from "../../../src/lib/ids.ts";
import {
  complete,
  drafted,
  listingIn,
  type Noun,
  rowCounts,
  rowOf,
  tableOf,
} from "../../support/listings.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, type Reply } from "../../support/market.ts";
import { pointersOf, refused, statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const owner = await market.person("enterprise");
const other = await market.person("enterprise");
const asOwner = market.as(owner);
const people = { owner, operator };
const nouns: readonly Noun[] = ["result", "need"];

interface Outcome {
  index: number;
  status: number;
  id?: string;
  problem?: { code: string; status: number; errors?: { pointer: string }[] };
}
const outcomesOf = ({ body }: Reply): Outcome[] => body.items;
/** The status and code of each item, in the order of the request. */
const codesOf = (reply: Reply) =>
  outcomesOf(reply).map(({ status, problem }) => (problem ? `${status} ${problem.code}` : status));
const idsOf = (reply: Reply) => outcomesOf(reply).flatMap(({ id }) => id ?? []);

const batch = (
  who: Caller | null,
  noun: Noun,
  items: unknown[],
  { action = "", atomic = false, headers = {} as Record<string, string> } = {},
) =>
  market.as(who)("POST", `/v1/${noun}s/batch${action && `/${action}`}`, {
    body: { items, atomic },
    headers,
  });
const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

for (const noun of nouns) {
  t.test(
    `${noun}: drafts each that is right, and says what is wrong with the others`,
    async (t) => {
      const before = await rowCounts(market);
      const reply = await batch(owner, noun, [
        complete[noun]({ title: "第一件批量录入" }),
        { summary: "没有名称。", colour: "red" },
        complete[noun]({ title: "第二件批量录入", fieldCode: "98" }),
        "nothing",
        { title: "第三件批量录入" },
      ]);
      t.equal(reply.status, 207, reply.text.slice(0, 300));
      t.same(codesOf(reply), [
        201,
        "400 request.invalid",
        "400 request.invalid",
        "400 request.invalid",
        201,
      ]);
      t.match(reply.body, { succeeded: 2, refused: 3 });
      const [first, lacking, unknown, none, last] = outcomesOf(reply);
      t.same(pointersOf(lacking?.problem as never), ["/items/1/colour", "/items/1/title"]);
      t.same(pointersOf(unknown?.problem as never), ["/items/2/fieldCode"]);
      t.same(pointersOf(none?.problem as never), ["/items/3"]);
      t.equal(lacking?.id, undefined);
      const after = await rowCounts(market);
      t.equal(after[`${noun}s`], before[`${noun}s`] + 2);
      t.equal(after.auditRecords, before.auditRecords + 2);
      for (const [item, title] of [
        [first, "第一件批量录入"],
        [last, "第三件批量录入"],
      ] as const) {
        t.match(item, { version: 1, currentStatus: "draft", reference: /^[RN]-\d{4}-\d+$/ });
        const row = await rowOf(market, noun, item?.id ?? "");
        t.match(row, {
          title,
          status: "draft",
          organizationId: owner.organizationId,
          createdBy: owner.id,
        });
        t.match(await auditsOf(market, row.id), [{ type: `${noun}.create`, actorId: owner.id }]);
      }
      // What a batch drafts is what a single request drafts.
      const single = await rowOf(market, noun, (await drafted(market, noun, owner)).body.id);
      const { body } = await batch(owner, noun, [complete[noun]()]);
      const { id, reference, createdAt, updatedAt, ...row } = await rowOf(
        market,
        noun,
        body.items[0].id,
      );
      t.match(single, row);
    },
  );

  t.test(`${noun}: an id of one's own that is taken is told at its place`, async (t) => {
    const twice = await batch(owner, noun, [
      complete[noun]({ externalId: `batch-${noun}` }),
      complete[noun]({ externalId: `batch-${noun}` }),
    ]);
    t.same(codesOf(twice), [201, `409 ${noun}.external_id_taken`]);
    t.same(pointersOf(outcomesOf(twice)[1]?.problem as never), ["/items/1/externalId"]);
  });

  t.test(`${noun}: all or nothing`, async (t) => {
    const before = await rowCounts(market);
    const good = { title: "本应录入的条目" };
    const wrong = await batch(owner, noun, [good, { title: 5 }, { title: "短" }], { atomic: true });
    const problem = refused(t, wrong, 400, "request.invalid");
    t.same(pointersOf(problem), ["/items/1/title", "/items/2/title"]);
    const unknown = await batch(owner, noun, [good, { ...good, fieldCode: "98" }, good], {
      atomic: true,
    });
    const { items } = refused(t, unknown, 409, "batch.refused");
    t.equal(items.length, 1);
    t.match(items, [{ index: 1, problem: { status: 400, code: "request.invalid" } }]);
    t.same(pointersOf(items[0].problem), ["/items/1/fieldCode"]);
    t.same(await rowCounts(market), before, "nothing is left of the others");
    const right = await batch(owner, noun, [good, good], { atomic: true });
    t.same(codesOf(right), [201, 201]);
  });

  t.test(`${noun}: one key for all of them`, async (t) => {
    const headers = { "idempotency-key": newId() };
    const items = many(7, (i) => (i === 3 ? { title: 3 } : { title: `同一批第${i}件条目` }));
    const before = await rowCounts(market);
    const replies = await Promise.all(many(3, () => batch(owner, noun, items, { headers })));
    const done = replies.filter(({ status }) => status === 207);
    t.ok(
      done.length > 0 && statusesOf(replies).every((status) => status === 207 || status === 409),
    );
    const again = await batch(owner, noun, items, { headers });
    t.equal(again.headers["idempotent-replayed"], "true");
    for (const { text } of done) t.equal(text, again.text);
    t.equal((await rowCounts(market))[`${noun}s`], before[`${noun}s`] + 6);
    const another = items.map((item, i) => (i === 3 ? { title: 4 } : item));
    refused(t, await batch(owner, noun, another, { headers }), 422, "idempotency.key_reused");
  });

  t.test(`${noun}: one to a hundred of them, in four megabytes`, async (t) => {
    for (const items of [[], many(101, () => ({ title: "多出一件的批次" }))]) {
      const problem = refused(t, await batch(owner, noun, items), 400, "request.invalid");
      t.same(pointersOf(problem), ["/items"]);
    }
    const texts = noun === "result" ? ["description", "advantages"] : ["background", "bottleneck"];
    const long = Object.fromEntries(texts.map((name) => [name, "长".repeat(3_000)]));
    const all = await batch(
      owner,
      noun,
      many(100, () => ({ title: "很长的条目", ...long })),
    );
    t.same(all.body.succeeded, 100, all.text.slice(0, 300));
    const larger = await batch(
      owner,
      noun,
      many(100, () => ({ title: "太长".repeat(8_000) })),
    );
    refused(t, larger, 413, "request.too_large");
  });

  t.test(`${noun}: whoever may do one may do many, and nobody else`, async (t) => {
    const [registrar, fresh] = [
      await market.person("registry"),
      await market.person("enterprise", { status: "pending" }),
    ];
    const machine = await market.client(owner, [`${noun}s:read`, `${noun}s:write`]);
    const reader = await market.client(owner, [`${noun}s:read`]);
    const items = [{ title: "谁可以批量录入" }];
    refused(t, await batch(null, noun, items), 401, "auth.required");
    refused(t, await batch(registrar, noun, items), 403, "auth.forbidden_role");
    refused(t, await batch(reader, noun, items), 403, "auth.insufficient_scope");
    t.same(codesOf(await batch(machine, noun, items)), [201]);
    const made = await batch(fresh, noun, items);
    t.same(codesOf(made), [201]);
    const submitted = await batch(fresh, noun, [{ id: idsOf(made)[0] }], { action: "submit" });
    refused(t, submitted, 403, "organization.not_verified");
  });

  t.test(`${noun}: submits those that can be, and says why the others cannot`, async (t) => {
    const [right, versioned, stale] = idsOf(
      await batch(
        owner,
        noun,
        many(3, () => complete[noun]()),
      ),
    );
    const [lacking] = idsOf(
      await batch(owner, noun, [complete[noun]({ summary: null, contact: null })]),
    );
    const foreign = (await drafted(market, noun, other)).body.id;
    const open = await listingIn(market, noun, { owner: other, operator }, "published");
    const live = await listingIn(market, noun, people, "published");
    const before = await rowCounts(market);
    const items = [
      { id: right },
      { id: lacking },
      { id: foreign },
      { id: open },
      { id: live },
      { id: versioned, version: 1 },
      { id: stale, version: 2 },
      { id: "no id" },
      { id: right },
    ];
    const reply = await batch(owner, noun, items, { action: "submit" });
    t.same(codesOf(reply), [
      200,
      `409 ${noun}.incomplete`,
      `404 ${noun}.not_found`,
      `403 ${noun}.not_owner`,
      `409 ${noun}.invalid_transition`,
      200,
      "412 request.precondition_failed",
      "400 request.invalid",
      `409 ${noun}.invalid_transition`,
    ]);
    t.match(reply.body, { succeeded: 2, refused: 7 });
    const outcomes = outcomesOf(reply);
    t.match(outcomes[0], { id: right, version: 2, currentStatus: "submitted" });
    t.same(
      pointersOf(outcomes[1]?.problem as never),
      ["/contact", "/summary"],
      "what the listing lacks",
    );
    t.match(outcomes[4]?.problem, { currentStatus: "published" });
    t.same(pointersOf(outcomes[7]?.problem as never), ["/items/7/id"]);
    for (const id of [right, versioned]) {
      const row = await rowOf(market, noun, id ?? "");
      t.match(row, { status: "submitted", version: 2 });
      t.ok(row.submittedAt);
      const audits = await auditsOf(market, row.id);
      t.match(audits.at(-1), {
        type: `${noun}.submit`,
        actorId: owner.id,
        before: { status: "draft" },
      });
    }
    t.equal((await rowCounts(market)).auditRecords, before.auditRecords + 2);
    t.match(await rowOf(market, noun, foreign), { status: "draft", version: 1 });
    const english = await batch(owner, noun, [{ id: live }], {
      action: "submit",
      headers: { "accept-language": "en" },
    });
    t.match(outcomesOf(english)[0]?.problem, { title: /status does not allow/ });
  });

  t.test(`${noun}: all or none of them is submitted`, async (t) => {
    const ids = idsOf(
      await batch(
        owner,
        noun,
        many(3, (i) => complete[noun](i === 1 ? { summary: null } : {})),
      ),
    );
    const before = await rowCounts(market);
    const items = ids.map((id) => ({ id }));
    const reply = await batch(owner, noun, items, { action: "submit", atomic: true });
    const problem = refused(t, reply, 409, "batch.refused");
    t.match(problem.items, [{ index: 1, problem: { code: `${noun}.incomplete` } }]);
    t.equal(problem.items.length, 1);
    t.same(await rowCounts(market), before);
    for (const id of ids) t.match(await rowOf(market, noun, id), { status: "draft", version: 1 });
  });

  t.test(`${noun}: withdraws many, and what follows from each follows`, async (t) => {
    const ids = await Promise.all(many(3, () => listingIn(market, noun, people, "published")));
    const asked = await Promise.all(
      ids.map(async (id) => {
        const reply = await market.as(other)("POST", `/v1/${noun}s/${id}/interests`, {
          body: { message: "想了解合作条件。" },
        });
        return reply.body.id as string;
      }),
    );
    const reply = await batch(
      owner,
      noun,
      ids.map((id) => ({ id })),
      { action: "withdraw" },
    );
    t.same(codesOf(reply), [200, 200, 200], reply.text.slice(0, 500));
    const lapsed = await db.select().from(interests).where(inArray(interests.id, asked));
    t.same(
      lapsed.map(({ status }) => status),
      ["lapsed", "lapsed", "lapsed"],
    );
    for (const id of ids) {
      t.equal((await rowOf(market, noun, id)).status, "withdrawn");
      t.equal((await auditsOf(market, id)).at(-1)?.type, `${noun}.withdraw`);
    }
  });

  t.test(`${noun}: renews many, each to its day`, async (t) => {
    const live = await listingIn(market, noun, people, "published");
    const expired = await listingIn(market, noun, people, "expired");
    const withdrawn = await listingIn(market, noun, people, "withdrawn");
    const draft = await listingIn(market, noun, people, "draft");
    const { validUntil: inAYear } = await rowOf(market, noun, live);
    const items = [
      { id: live, validUntil: "2031-01-31" },
      { id: expired },
      { id: withdrawn, validUntil: "2026-01-31" },
      { id: draft },
    ];
    const reply = await batch(owner, noun, items, { action: "renew" });
    t.same(codesOf(reply), [200, 200, "400 request.invalid", `409 ${noun}.invalid_transition`]);
    t.same(pointersOf(outcomesOf(reply)[2]?.problem as never), ["/items/2/validUntil"]);
    t.match(await rowOf(market, noun, live), { status: "published", validUntil: "2031-01-31" });
    t.match(await rowOf(market, noun, expired), { status: "published", validUntil: inAYear });
    t.equal((await rowOf(market, noun, withdrawn)).status, "withdrawn");
  });

  t.test(`${noun}: batches in any order at the same moment: each step is taken once`, async (t) => {
    for (let round = 0; round < 3; round++) {
      const ids = idsOf(
        await batch(
          owner,
          noun,
          many(12, () => complete[noun]()),
        ),
      );
      const items = ids.map((id) => ({ id }));
      const replies = await Promise.all([
        batch(owner, noun, items, { action: "submit" }),
        batch(owner, noun, [...items].reverse(), { action: "submit" }),
        asOwner("POST", `/v1/${noun}s/${ids[5]}/submit`),
      ]);
      t.same(statusesOf(replies.slice(0, 2)), [207, 207]);
      const [one, two, single] = replies as [Reply, Reply, Reply];
      t.equal(
        one.body.succeeded + two.body.succeeded + (single.status === 200 ? 1 : 0),
        ids.length,
      );
      const audits = await db
        .select()
        .from(auditRecords)
        .where(inArray(auditRecords.subjectId, ids));
      t.equal(audits.filter(({ type }) => type === `${noun}.submit`).length, ids.length);
      const rows = await db
        .select()
        .from(tableOf(noun))
        .where(inArray(tableOf(noun).id, ids));
      t.ok(rows.every(({ status, version }) => status === "submitted" && version === 2));
    }
  });
}

t.test("drafts beyond the quota are refused, at the same moment too", async (t) => {
  const small = await openMarket(t, { settings: { MAX_DRAFTS: "60" } });
  const person = await small.person("university");
  const items = many(25, (i) => ({ title: `接近上限的第${i}件` }));
  const post = (atomic: boolean) =>
    small.as(person)("POST", "/v1/results/batch", { body: { items, atomic } });
  const replies = await Promise.all(many(4, () => post(false)));
  t.equal(
    replies.reduce((sum, { body }) => sum + body.succeeded, 0),
    60,
  );
  const drafts = eq(tableOf("result").organizationId, person.organizationId);
  t.equal(await small.database.db.$count(tableOf("result"), drafts), 60);
  const over = replies.flatMap(outcomesOf).filter(({ problem }) => problem);
  t.same([...new Set(over.map(({ problem }) => problem?.code))], ["organization.draft_quota"]);
  const all = refused(t, await post(true), 409, "batch.refused");
  t.match(all.items[24], { index: 24, problem: { code: "organization.draft_quota", status: 409 } });
});

t.test("a batch counts for as many requests as it has items", async (t) => {
  const few = await openMarket(t, { settings: { RATE_LIMITS: "writes=10/10" } });
  const person = await few.person("university");
  const post = (count: number) =>
    few.as(person)("POST", "/v1/results/batch", {
      body: { items: many(count, (i) => ({ title: `计次的第${i}件` })) },
    });
  const first = await post(7);
  t.match(first.headers.ratelimit, /^"writes";r=3;t=\d+$/);
  const more = await post(4);
  refused(t, more, 429, "request.rate_limited");
  t.ok(more.headers["retry-after"]);
  const drafts = eq(tableOf("result").organizationId, person.organizationId);
  t.equal(await few.database.db.$count(tableOf("result"), drafts), 7, "none of them");
});

t.test("a part that fails leaves nothing, and the rest of the transaction goes on", async (t) => {
  const { pool } = market.served;
  const id = newId();
  const { rows } = await transact(pool, async (tx) => {
    await tx.execute(sql`create temp table tried (id int primary key, note text) on commit drop`);
    const insert = (key: number, note: string) =>
      tx.execute(sql`insert into tried values (${key}, ${note})`);
    await apart(tx, () => insert(1, "kept"));
    // Sent and not waited for: its failure is this part's, not the commit's.
    const late = apart(tx, async () => {
      await insert(2, "undone");
      await send(tx, insert(1, "twice"));
      return id;
    });
    await t.rejects(late, { cause: { code: "23505" } });
    const thrown = apart(tx, async () => {
      await insert(3, "undone");
      throw new Error("no");
    });
    await t.rejects(thrown, { message: "no" });
    await apart(tx, () => send(tx, insert(4, "kept")));
    return tx.execute(sql`select id from tried order by id`);
  });
  t.same(rows, [{ id: 1 }, { id: 4 }]);
});
