/** The log: commit order, the hash chain, who reads what; the pull feed that is made of it. */
import { eq, sql } from "drizzle-orm";
import t from "tap";
import { auditLog, auditRecords, sealerState } from "../../../db/schema/audit.ts";
import { registryEntries, registryFeed } from "../../../db/schema/registry.ts";
import { newId } from "../../../src/lib/ids.ts";
import { needsSealing } from "../../../src/modules/audit/sealer.service.ts";
import { amendedContract, draftedContract, effectiveContract } from "../../support/contracts.ts";
import { auditsOf, sealAll, sealOnce } from "../../support/log.ts";
import { openMarket } from "../../support/market.ts";
import { negotiatingMatch } from "../../support/matches.ts";
import { yuan } from "../../support/money.ts";
import { openOffice, registeredCase, stepOf } from "../../support/registrations.ts";
import { must, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db, pool } = market.database;
const { as } = market;
const operator = await market.person("operator");
const isServer = process.env.TEST_DATABASE_URL !== undefined;

const draft = (title: string) => ({ body: { title } });
const owner = await market.person("university");
const write = (title: string) => must(as(owner)("POST", "/v1/results", draft(title)));
const state = async () => (await db.select().from(sealerState))[0]!;

t.test("every record gets the next position, in the order in which things happened", async (t) => {
  const { id } = await write("封存顺序测试成果");
  for (let i = 0; i < 5; i++) {
    await must(
      as(owner)("PATCH", `/v1/results/${id}`, {
        body: { summary: `第${i}次修改` },
        headers: { "if-match": "*" },
      }),
    );
  }
  await sealAll(market);
  const entries = await db
    .select({ position: auditLog.position, recordId: auditLog.recordId })
    .from(auditLog)
    .orderBy(auditLog.position);
  t.same(
    entries.map(({ position }) => position),
    entries.map((_, i) => i + 1),
    "no gap",
  );
  t.equal(entries.length, await db.$count(auditRecords), "all of them");
  const own = (await auditsOf(market, id)).map((record) => record.id);
  const sealed = entries.map(({ recordId }) => recordId).filter((one) => own.includes(one));
  t.same(sealed, own, "each change after the one before");
});

t.test("an idle market's log is not written to", async (t) => {
  await sealAll(market);
  const before = await state();
  t.equal(await sealOnce(market), false);
  t.same((await state()).position, before.position);
  t.same(await state(), before, "not even the note that nothing was there");
  await write("唤醒封存");
  t.equal(await needsSealing(db), true);
  await sealAll(market);
  t.equal((await state()).position, before.position + 1);
});

t.test(
  "whoever commits later comes later, and is not forgotten",
  { skip: isServer ? false : "needs several connections" },
  async (t) => {
    await sealAll(market);
    const { position } = await state();
    const slow = await pool.connect();
    await slow.query("begin");
    const insert = `insert into audit_records (id, type, subject_type, subject_id, actor_kind)
      values ($1, 'test.slow', 'test', $1, 'system')`;
    const slowId = newId();
    await slow.query(insert, [slowId]);
    // Many transactions begin and end while the slow one runs: the sealer goes on, and comes back for it.
    const ids = [];
    for (let i = 0; i < 3; i++) {
      ids.push((await write(`慢事务期间的成果${i}`)).id);
      await sealAll(market);
    }
    t.equal((await state()).position, position + 3, "nobody waits for it");
    await slow.query("commit");
    slow.release();
    await sealAll(market);
    const [late] = await db.select().from(auditLog).where(eq(auditLog.recordId, slowId));
    t.equal(late!.position, position + 4);
    for (const [i, id] of ids.entries()) {
      const [record] = await auditsOf(market, id);
      const [entry] = await db.select().from(auditLog).where(eq(auditLog.recordId, record!.id));
      t.equal(entry!.position, position + 1 + i);
    }
  },
);

t.test("writers and sealers at once leave no gap and no doubt", async (t) => {
  const writers = Array.from({ length: 20 }, (_, i) => write(`并发写入${i}`));
  const sealers = Array.from({ length: 8 }, () => sealOnce(market));
  await Promise.all([...writers, ...sealers]);
  await sealAll(market);
  const { position } = await state();
  t.equal(await db.$count(auditLog), position);
  t.equal(await db.$count(auditRecords), position);
  const { body } = await as(operator)("GET", "/v1/audit/verify");
  t.match(body, { ok: true, to: position, brokenAt: null });
});

t.test("a database that was restored elsewhere goes on with its log", async (t) => {
  await sealAll(market);
  // There, transaction numbers start over: those of here are of the far future.
  await db.update(sealerState).set({ floor: "9000000000000" });
  await write("恢复后的成果");
  t.equal(await needsSealing(db), true);
  await sealAll(market);
  t.equal(await db.$count(auditLog), await db.$count(auditRecords));
  t.ok(BigInt((await state()).floor) < 9_000_000_000_000n, "from here on it counts as here");
});

t.test("what was changed behind the program's back is found", async (t) => {
  await sealAll(market);
  const { id } = await write("将被篡改的成果");
  await sealAll(market);
  const [record] = await auditsOf(market, id);
  const [entry] = await db.select().from(auditLog).where(eq(auditLog.recordId, record!.id));
  await db.execute(sql`alter table audit_records disable trigger audit_records_append_only`);
  await db.execute(
    sql`update audit_records set after = after || '{"title": "别的标题"}' where id = ${record!.id}`,
  );
  const { body } = await as(operator)("GET", "/v1/audit/verify");
  t.match(body, { ok: false, brokenAt: entry!.position });
  const before = await as(operator)("GET", `/v1/audit/verify?to=${entry!.position - 1}`);
  t.equal(before.body.ok, true, "up to there it is whole");
  await db
    .update(auditRecords)
    .set({ after: record!.after })
    .where(eq(auditRecords.id, record!.id));
  await db.execute(sql`alter table audit_records enable trigger audit_records_append_only`);
  t.equal((await as(operator)("GET", "/v1/audit/verify")).body.ok, true);
});

t.test("the database refuses to change or remove what is sealed", async (t) => {
  for (const table of [
    "audit_log",
    "registry_feed",
    "registry_entries",
    "volume_entries",
    "match_notes",
    "contract_revisions",
  ]) {
    for (const statement of [`delete from ${table}`, `truncate ${table} cascade`]) {
      await t.rejects(db.execute(sql.raw(statement)), statement);
    }
  }
  await t.rejects(db.execute(sql`update audit_log set hash = ''`));
});

t.test("an admin reads what concerns the own organization, the operator everything", async (t) => {
  const stranger = await market.person("enterprise");
  const member = await market.colleague(owner);
  const { id } = await write("审计可见性成果");
  const path = `/v1/audit?subjectId=${id}`;
  const seen = await must(as(owner)("GET", path));
  t.equal(seen.data.length, 1);
  t.match(seen.data[0], { type: "result.create", withheld: false, address: null, position: null });
  t.same((await must(as(stranger)("GET", path))).data, []);
  refused(t, await as(member)("GET", path), 403, "auth.admin_required");
  const all = await must(as(operator)("GET", path));
  t.equal(all.data[0].address, "127.0.0.1");
  await sealAll(market);
  const sealed = await must(as(owner)("GET", `/v1/audit/${seen.data[0].id}`));
  t.match(sealed, { hash: /^[0-9a-f]{64}$/, position: Number });
  const gone = await as(stranger)("GET", `/v1/audit/${seen.data[0].id}`);
  refused(t, gone, 404, "audit_record.not_found");
  const typed = await must(as(owner)("GET", "/v1/audit?type=result.create&limit=2&include=total"));
  t.equal(typed.data.length, 2);
  t.ok(typed.total.exact > 2);
});

t.test(
  "both parties read of their contract; of a trade secret the operator only that it happened",
  async (t) => {
    const open = await effectiveContract(market);
    const secret = await effectiveContract(market, {
      content: { confidentiality: "trade_secret" },
    });
    for (const { id, seller, buyer } of [open, secret]) {
      for (const party of [seller, buyer]) {
        const { data } = await must(
          as(party)("GET", `/v1/audit?subjectId=${id}&type=contract.submit`),
        );
        t.equal(data.length, 1);
        t.equal(data[0].after.status, "confirming");
      }
    }
    const told = await must(
      as(operator)("GET", `/v1/audit?subjectId=${open.id}&type=contract.submit`),
    );
    t.equal(told.data[0].after.status, "confirming");
    const { data } = await must(as(operator)("GET", `/v1/audit?subjectId=${secret.id}`));
    t.ok(data.length > 2);
    for (const record of data) {
      t.match(record, { withheld: true, before: null, after: null, reason: null });
    }
  },
);

t.test("the operator does not read a match's notes in the log", async (t) => {
  const match = await negotiatingMatch(market);
  const note = { kind: "note", heldAt: "2026-03-02T01:30:00.000Z", text: "报价底线三百万" };
  await must(as(match.broker)("POST", `/v1/matches/${match.id}/notes`, { body: note }));
  const reply = await as(operator)("GET", "/v1/audit?subjectType=match&limit=100");
  t.notMatch(reply.text, /报价底线/);
  const rows = await db.execute(
    sql`select count(*)::int as n from audit_records where (before::text || after::text) like '%报价底线%'`,
  );
  t.same(rows.rows, [{ n: 0 }], "nor does anybody: a note's text is not in the record");
});

t.test(
  "the feed tells each registration and each change of it, in commit order, once",
  async (t) => {
    const office = await openOffice(market);
    const first = await registeredCase(market, office);
    const second = await registeredCase(market, office, {
      seller: first.seller,
      buyer: first.buyer,
    });
    const ground = { ground: "wrong_recognition", note: "认定错误。" };
    await must(stepOf(market, office.first, first.caseId, "revoke", ground));
    await must(stepOf(market, office.second, first.caseId, "revoke", ground));
    const path = "/v1/registry/contracts";
    t.same((await must(as(office.first)("GET", path))).data, [], "nothing before it is sealed");
    await sealAll(market);
    const whole = await must(as(office.first)("GET", path));
    t.same(
      whole.data.map(({ kind, registrationId }: Record<string, string>) => [kind, registrationId]),
      [
        ["registered", first.caseId],
        ["registered", second.caseId],
        ["revoked", first.caseId],
      ],
    );
    t.match(whole.data[0], {
      number: first.registration.number,
      revision: 1,
      title: first.contract.title,
      totalAmount: yuan("1200000.00"),
      technologyAmount: yuan("1000000.00"),
      seller: { regionCode: "410702", natureCode: "022" },
    });
    t.match(whole.control, { count: 3, totalAmount: yuan("3600000.00") });

    const pages = [];
    let after = "0";
    for (let more = true; more; ) {
      const page = await must(as(office.first)("GET", `${path}?limit=1&after=${after}`));
      pages.push(...page.data);
      after = page.page.next;
      more = page.page.hasMore;
    }
    t.same(pages, whole.data, "page by page the same");
    const again = await must(as(office.first)("GET", `${path}?after=${after}`));
    t.same(again.data, []);
    t.equal(again.page.next, after, "asked again from the same place");

    const lines = await as(office.first)("GET", path, {
      headers: { accept: "application/x-ndjson" },
    });
    t.match(lines.headers["content-type"], /x-ndjson/);
    const parsed = lines.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    t.same(parsed.slice(0, -1), whole.data);
    t.same(parsed.at(-1), { control: whole.control });
    const control = await must(as(office.first)("GET", `${path}/control`));
    t.same(control, whole.control);

    const other = await openOffice(market, { code: "410802", regionCodes: ["410800"] });
    t.same((await must(as(other.first)("GET", path))).data, [], "another office pulls its own");
    const machine = await market.client(office.first, ["registrations:read"]);
    t.equal((await must(as(machine)("GET", path))).data.length, 3);
    refused(t, await as(first.seller)("GET", path), 403, "auth.forbidden_role");
    t.equal(await db.$count(registryFeed), await db.$count(registryEntries));
  },
);

t.test("what a trade secret says is for its office, not for the operator", async (t) => {
  const office = await openOffice(market, { code: "110199", regionCodes: ["110000"] });
  const seller = await market.person("enterprise", { regionCode: "110000" });
  const content = {
    confidentiality: "trade_secret",
    title: "绝密配方许可使用",
    pricing: null,
    sellers: [{ organizationId: seller.organizationId, natureCode: "150" }],
  };
  const made = await registeredCase(market, office, { seller, content });
  await sealAll(market);
  const own = await must(as(office.first)("GET", "/v1/registry/contracts"));
  t.equal(own.data[0].title, "绝密配方许可使用");
  const all = await as(operator)("GET", "/v1/registry/contracts?limit=1000");
  const entry = all.body.data.find(
    ({ registrationId }: { registrationId: string }) => registrationId === made.caseId,
  );
  t.match(entry, { title: null, seller: { name: null }, buyer: { name: null } });
  t.notMatch(all.text, /绝密配方/);
  const certificate = await must(as(null)("GET", made.registration.certificatePath));
  t.equal(certificate.title, null);
});

const reviewing = await openOffice(market, { code: "410901", regionCodes: ["410900"] });
const { first, second } = reviewing;
const seller = await market.person("university", { regionCode: "410902" });
const buyer = await market.person("enterprise");
const parties = { seller, buyer };

t.test("what was a trade secret stays one in the log", async (t) => {
  const secret = { confidentiality: "trade_secret", title: "绝密原标题的合同" };
  const made = await registeredCase(market, reviewing, { ...parties, content: secret });
  await amendedContract(market, made, { confidentiality: "public", title: "可公开的标题" });
  await must(stepOf(market, seller, made.caseId, "amend", { contractRevision: 2 }));
  await must(stepOf(market, first, made.caseId, "amend", {}));
  await must(stepOf(market, second, made.caseId, "amend", {}));
  const draft = await draftedContract(market, { ...parties, content: secret });
  const change = { body: { confidentiality: "internal", title: "内部的标题" } };
  await must(
    as(seller)("PATCH", `/v1/contracts/${draft.id}`, { ...change, headers: { "if-match": "*" } }),
  );
  const told = await as(operator)("GET", "/v1/audit?limit=100");
  t.notMatch(told.text, /绝密原标题/);
  t.match((await as(seller)("GET", "/v1/audit?limit=100")).text, /绝密原标题/);
});

t.test("who reviews is the office's own: not in what the applicant reads of the log", async (t) => {
  const made = await registeredCase(market, reviewing, parties);
  const ground = { ground: "false_material", note: "查实材料不实。" };
  await must(stepOf(market, first, made.caseId, "revoke", ground));
  await must(stepOf(market, second, made.caseId, "revoke", ground));
  for (const subject of [made.caseId, made.id]) {
    const read = await as(seller)("GET", `/v1/audit?subjectId=${subject}`);
    t.notMatch(read.text, first.id);
    t.notMatch(read.text, second.id);
    t.match(read.text, first.organizationId, "of which organization, it reads");
    t.match(read.text, seller.id, "and its own people");
  }
  const path = `/v1/audit?subjectId=${made.caseId}`;
  t.same((await must(as(seller)("GET", `${path}&actorId=${first.id}`))).data, []);
  const one = (await must(as(seller)("GET", `${path}&type=registration.accept`))).data[0];
  t.match(await must(as(seller)("GET", `/v1/audit/${one.id}`)), { actorId: null });
  for (const who of [first, operator]) {
    const { data } = await must(as(who)("GET", `${path}&actorId=${first.id}`));
    t.ok(data.length > 0 && data.every((r: { actorId: string }) => r.actorId === first.id));
  }
});
