/** The log's signed head, and what is found with it: every way in which a log was changed behind the program's back. */

import { sign } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import t from "tap";
import { newId } from "../../../src/lib/ids.ts";
import { signJws } from "../../../src/lib/jws.ts";
import { createKeyFile, readKeyFile } from "../../../src/lib/signing-keys.ts";
import { temporaryFolder } from "../../../src/lib/temporary.ts";
import { type Head, headsIn, headType, readHead } from "../../../src/modules/audit/head.service.ts";
import type { Finding } from "../../../src/modules/audit/verification.service.ts";
import { sealAll } from "../../support/log.ts";
import { openMarket } from "../../support/market.ts";
import { openOffice } from "../../support/registrations.ts";
import { must, refused } from "../../support/replies.ts";
import { asOwner, entriesOf, inspect, keepLog, reckonAnew } from "../../support/tampering.ts";

const folder = temporaryFolder("heads");
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "heads.txt");
const market = await openMarket(t, { settings: { AUDIT_HEAD_FILE: file } });
const { database, as, app } = { ...market };
const { db } = database;
const operator = await market.person("operator");
const office = await openOffice(market);
const owner = await market.person("university");
const { verifying } = app.signingKeys;

/** Records as the program writes them, some of them sealed together. */
async function write(count: number) {
  for (let i = 0; i < count; i++) {
    await must(as(owner)("POST", "/v1/results", { body: { title: `日志里的成果${i}` } }));
    if (i % 4 === 3) await sealAll(market);
  }
  await db.execute(sql`insert into audit_records (id, type, subject_type, subject_id, actor_kind)
    select gen_random_uuid(), 'test.filled', 'test', gen_random_uuid(), 'system' from generate_series(1, 20)`);
  await sealAll(market);
}

const takeHead = async (): Promise<Head> => {
  const { jws } = await must(as(operator)("GET", "/v1/audit/head"));
  const head = readHead(jws, verifying);
  if ("fault" in head) throw new Error(head.fault);
  return head;
};

const heads: Head[] = [await takeHead()];
for (let i = 0; i < 8; i++) {
  await write(8);
  if (i % 2 === 0) heads.push(await takeHead());
}
heads.push(await takeHead());
const { position: end } = heads.at(-1)!;
const earlier = heads.at(-2)!.position;

t.test("a log that nobody touched is whole, with heads and without", async (t) => {
  t.ok(end > 200);
  t.same((await inspect(database, heads)).findings, []);
  const { findings, looked } = await inspect(database, []);
  t.same(findings, []);
  t.match(looked, { entries: end, head: { position: end }, waiting: 0 });
  t.equal((await must(as(operator)("GET", "/v1/audit/verify"))).ok, true);
  const putBack = await keepLog(database);
  await as(owner)("POST", "/v1/results", { body: { title: "还没有封存的成果" } });
  const waiting = await inspect(database, heads);
  t.same(waiting.findings, []);
  t.equal(waiting.looked.waiting, 1, "what waits for the sealer is no fault");
  await sealAll(market);
  t.same((await inspect(database, heads)).findings, []);
  // What was sealed after the last head no head vouches for.
  await asOwner(database, setBack(end));
  const [found] = (await inspect(database, heads)).findings;
  t.match(found, { kind: "forged", position: end + 1, says: /It continues the chain: either/ });
  await putBack();
});

t.test("a log that was restored elsewhere is whole, and so is what comes after it", async (t) => {
  const putBack = await keepLog(database);
  // As the restore does where transactions are numbered anew.
  await asOwner(
    database,
    "update audit_records set transaction_id = '0'; update sealer_state set floor = '0'",
  );
  t.same((await inspect(database, heads)).findings, []);
  await as(owner)("POST", "/v1/results", { body: { title: "恢复以后的成果" } });
  await sealAll(market);
  t.same((await inspect(database, heads)).findings, []);
  t.equal((await must(as(operator)("GET", "/v1/audit/verify"))).ok, true);
  // Dumped and loaded by other tools, numbers of there are of the far future here.
  await asOwner(database, "update sealer_state set floor = '9000000000000'");
  await as(owner)("POST", "/v1/results", { body: { title: "另一次恢复以后的成果" } });
  t.same((await inspect(database, heads)).findings, []);
  await putBack();
});

t.test("entries of version 0.1.0 stay what they were, and go on in the newer form", async (t) => {
  const putBack = await keepLog(database);
  const formatted = `update audit_log set format = 1, transaction_id = null where position <= ${end - 10}`;
  await asOwner(database, formatted);
  await reckonAnew(database);
  const head = await takeHead();
  t.same((await inspect(database, [head])).findings, []);
  t.equal((await must(as(operator)("GET", "/v1/audit/verify"))).ok, true);
  // Their hash does not cover these: what they say must fit their neighbours.
  const sealed = await entriesOf(db);
  const old = sealed.find(
    ({ sealedAt, position }) => position > 100 && sealedAt === sealed[position]?.sealedAt,
  )!.position;
  for (const [change, says] of [
    [
      `audit_log set sealed_at = sealed_at - interval '1 hour' where position = ${old}`,
      /sealed_at/,
    ],
    [
      `audit_records set recorded_at = recorded_at - interval '1 hour' where id = ${at(old)}`,
      /before its transaction began/,
    ],
    [
      `audit_records set recorded_at = recorded_at + interval '1 hour' where id = ${at(old)}`,
      /recorded_at .* (does not fit the order|is after)/,
    ],
    [
      `audit_records set recorded_at = recorded_at + interval '1 day' where id = ${at(old)}`,
      /recorded_at \S+ \S+ (is after its sealed_at|does not fit)/,
    ],
    [`audit_records set transaction_id = '0' where id = ${at(old)}`, /transaction_id/],
  ] as const) {
    const putThatBack = await keepLog(database, "old");
    await asOwner(database, `update ${change}`);
    const { findings } = await inspect(database, [head]);
    t.ok(findings.length > 0, change);
    for (const one of findings) t.match(one.says, says, change);
    await putThatBack();
  }
  await asOwner(
    database,
    `update audit_log set format = 1, transaction_id = null where position = ${end}`,
  );
  t.match(
    (await inspect(database, [head])).findings,
    [{ kind: "changed", position: end }],
    "none passes for an older one",
  );
  await putBack();
});

interface Tampering {
  what: string;
  /** Done by who owns the database. */
  does: (() => Promise<void>) | string;
  /** All that must be told, in any order, and nothing else. */
  told: { kind: Finding["kind"]; position?: number | null; says: RegExp }[];
  /** Without a head it passes as whole. */
  needsHead?: true;
}

const middle = earlier - 3;
const at = (position: number) => `(select record_id from audit_log where position = ${position})`;
const cutTo = (position: number) => `
  delete from registry_entries where audit_record_id in (select record_id from audit_log where position > ${position});
  create temporary table cut as select record_id from audit_log where position > ${position};
  delete from audit_log where position > ${position};
  delete from audit_records where id in (select record_id from cut);
  drop table cut;
  ${setBack(position)}`;
const setBack = (position: number) =>
  `update sealer_state set (position, hash) = (select position, hash from audit_log where position = ${position})`;
/** As the sealer leaves its row once all that ran beside it has ended; on a shared server, others run. */
const allEnded = "update sealer_state set floor = pg_snapshot_xmax(pg_current_snapshot())";
const forgedId = newId();
const insertRecord = (columns: string, values: string) =>
  `insert into audit_records (id, type, subject_type, subject_id, actor_kind${columns})
   values ('${forgedId}', 'need.publish', 'need', '${newId()}', 'system'${values})`;

const tamperings: Tampering[] = [
  {
    what: "the last record was cut off",
    does: cutTo(end - 1),
    told: [
      {
        kind: "cut",
        position: end,
        says: new RegExp(`had ${end} entries .* ends at position ${end - 1}\\. 1 `),
      },
      { kind: "state", says: new RegExp(`set back: .* position ${end - 1}, .* ended at ${end}`) },
    ],
    needsHead: true,
  },
  {
    what: "the last 100 records were cut off",
    does: cutTo(end - 100),
    told: [
      {
        kind: "cut",
        position: end - 99,
        says: new RegExp(`had ${end} entries .* 100 entries at its end`),
      },
      { kind: "state", says: /set back/ },
    ],
    needsHead: true,
  },
  {
    what: "the end was cut off, and sealer_state left",
    does: `${allEnded}; delete from audit_log where position = ${end}`,
    told: [
      { kind: "cut", position: end, says: /sealer_state says/ },
      { kind: "cut", position: end, says: /when the head of/ },
      { kind: "unsealed", says: /its entry was removed/ },
    ],
  },
  {
    what: "sealer_state was set back",
    does: setBack(end - 5),
    told: [{ kind: "state", position: end - 5, says: new RegExp(`set back: .* ended at ${end}`) }],
  },
  {
    what: "sealer_state has another hash",
    does: `update sealer_state set hash = '\\x00'`,
    told: [{ kind: "state", says: /has the hash 00, its entry has [0-9a-f]{64}/ }],
  },
  {
    what: "a record was forged and the chain reckoned anew",
    does: async () => {
      await asOwner(database, `update audit_records set reason = '改过' where id = ${at(middle)}`);
      await reckonAnew(database);
    },
    told: [
      {
        kind: "rewritten",
        position: earlier,
        says: new RegExp(
          `Between positions ${heads.at(-3)!.position + 1} and ${earlier} .* reckoned anew`,
        ),
      },
    ],
    needsHead: true,
  },
  {
    what: "a record was put into the midst, and the chain reckoned anew",
    does: async () => {
      await asOwner(database, insertRecord("", ""));
      await asOwner(
        database,
        `update audit_log set position = -position where position > ${middle};
         update audit_log set position = 1 - position where position < 0;
         insert into audit_log (position, record_id, hash, sealed_at, format, transaction_id)
         select ${middle + 1}, r.id, '\\x', l.sealed_at, 2, r.transaction_id from audit_records r, audit_log l
         where r.id = '${forgedId}' and l.position = ${middle}`,
      );
      await reckonAnew(database);
    },
    told: [{ kind: "rewritten", position: earlier, says: /put in or taken out/ }],
    needsHead: true,
  },
  {
    what: "the recorded_at of a record was changed",
    does: `update audit_records set recorded_at = recorded_at + interval '1 microsecond' where id = ${at(middle)}`,
    told: [
      {
        kind: "changed",
        position: middle,
        says: /a column of its record \(recorded_at among them\)/,
      },
    ],
  },
  {
    what: "the recorded_at of a record was set back for long",
    does: `update audit_records set recorded_at = recorded_at - interval '1 day' where id = ${at(middle)}`,
    told: [
      {
        kind: "changed",
        position: middle,
        says: /recorded_at \S+ \S+ is before its transaction began/,
      },
    ],
  },
  {
    what: "the transaction_id of a record was changed",
    does: `update audit_records set transaction_id = '7' where id = ${at(middle)}`,
    told: [
      {
        kind: "changed",
        position: middle,
        says: /transaction_id of record .* \d+ was sealed, 7 is stored/,
      },
    ],
  },
  {
    what: "the transaction_id of a record was set to that of a restored one",
    does: `update audit_records set transaction_id = '0' where id = ${at(middle)}`,
    told: [{ kind: "changed", position: middle, says: /0 is stored\. A restore/ }],
  },
  {
    what: "the transaction_id of an entry was changed",
    does: `update audit_log set transaction_id = '7' where position = ${middle}`,
    told: [
      { kind: "changed", position: middle, says: /is not what was sealed/ },
      { kind: "changed", position: middle, says: /transaction_id of record/ },
    ],
  },
  {
    what: "the sealed_at of an entry was changed",
    does: `update audit_log set sealed_at = sealed_at - interval '1 hour' where position = ${middle}`,
    told: [
      {
        kind: "changed",
        position: middle,
        says: /sealed_at of position \d+ was changed: \S+ was sealed/,
      },
    ],
  },
  {
    what: "a column of a record was changed",
    does: `update audit_records set after = '{"title": "别的"}' where id = ${at(middle)}`,
    told: [{ kind: "changed", position: middle, says: /The hash [0-9a-f]{64} was sealed/ }],
  },
  {
    what: "the hash of an entry was overwritten",
    does: `update audit_log set hash = '\\x0123' where position = ${middle}`,
    told: [
      {
        kind: "changed",
        position: middle,
        says: /hash of position \d+ was overwritten.* 0123 is stored/,
      },
    ],
  },
  {
    what: "an entry was removed from the midst",
    does: `${allEnded}; delete from audit_log where position between ${middle} and ${middle + 1}`,
    told: [
      {
        kind: "missing",
        position: middle,
        says: new RegExp(`entries of positions ${middle} to ${middle + 1} are missing`),
      },
      { kind: "unsealed", says: /its entry was removed/ },
      { kind: "unsealed", says: /its entry was removed/ },
    ],
  },
  {
    what: "a record was removed",
    does: `delete from audit_records where id = ${at(middle)}`,
    told: [{ kind: "missing", position: middle, says: /The record of position .* is missing/ }],
  },
  {
    what: "a record was put in with an old transaction, so that it never gets an entry",
    does: insertRecord(", transaction_id", ", '5'"),
    told: [{ kind: "unsealed", says: new RegExp(`Record ${forgedId} .* old transaction`) }],
  },
  {
    what: "a record was put in without an entry, with an old moment",
    does: insertRecord(", recorded_at", ", now() - interval '2 days'"),
    told: [{ kind: "unsealed", says: new RegExp(`Record ${forgedId} .* false moment`) }],
  },
  {
    what: "the sealer was told that it had sealed what it had not",
    does: `${allEnded};
      ${insertRecord("", "")};
      update audit_records set transaction_id = '3' where id = '${forgedId}'`,
    told: [{ kind: "unsealed", says: new RegExp(forgedId) }],
  },
  {
    what: "an entry was put beyond the head",
    does: `${insertRecord("", "")};
      insert into audit_log (position, record_id, hash, sealed_at) values (${end + 9}, '${forgedId}', '\\x01', now())`,
    told: [
      { kind: "forged", position: end + 9, says: /was not sealed\. Its hash does not continue/ },
    ],
  },
  {
    what: "an entry was put before the first",
    does: `${insertRecord("", "")};
      insert into audit_log (position, record_id, hash, sealed_at) values (-4, '${forgedId}', '\\x01', now())`,
    told: [{ kind: "forged", position: -4, says: /was put in/ }],
  },
  {
    what: "the sealer's row was removed",
    does: "delete from sealer_state",
    told: [{ kind: "state", says: /is not there/ }],
  },
];

for (const { what, does, told, needsHead } of tamperings) {
  t.test(what, async (t) => {
    const putBack = await keepLog(database);
    try {
      await (typeof does === "string" ? asOwner(database, does) : does());
      const { findings } = await inspect(database, heads);
      const left = [...findings];
      for (const { kind, position, says } of told) {
        const i = left.findIndex(
          (one) =>
            one.kind === kind &&
            says.test(one.says) &&
            (position === undefined || one.position === position),
        );
        t.not(i, -1, `${kind}: ${says}`);
        if (i >= 0) left.splice(i, 1);
      }
      t.same(left, [], "and nothing else");
      if (needsHead) t.same((await inspect(database, [])).findings, [], "only a head tells");
    } finally {
      await putBack();
    }
    t.same((await inspect(database, heads)).findings, [], "put back");
  });
}

const tokenOf = async () => (await must(as(operator)("GET", "/v1/audit/head"))).jws as string;
const partOf = (jws: string, part: 0 | 1) =>
  JSON.parse(Buffer.from(jws.split(".")[part] ?? "", "base64url").toString());

t.test(
  "the head is signed by the market's key, for the operator and registration offices",
  async (t) => {
    const { body } = await as(office.first)("GET", "/v1/audit/head");
    const { position, hash } = (await entriesOf(db)).at(-1)!;
    t.match(body, {
      position,
      hash: hash.toString("hex"),
      sealedAt: String,
      sealedThrough: String,
    });
    t.match(partOf(body.jws, 0), {
      alg: "ES256",
      typ: "audit-head+jws",
      kid: app.signingKeys.active.kid,
    });
    const { jws, issuedAt, ...head } = body;
    t.match(partOf(jws, 1), {
      ...head,
      iss: "https://market.test",
      iat: Date.parse(issuedAt) / 1000,
    });
    t.match(readHead(jws, verifying), { ...head, issuedAt });
    const machine = await market.client(office.first, ["registrations:read"]);
    t.equal((await as(machine)("GET", "/v1/audit/head")).status, 200);
    refused(t, await as(owner)("GET", "/v1/audit/head"), 403, "auth.forbidden_role");
    refused(t, await as(null)("GET", "/v1/audit/head"), 401, "auth.required");
  },
);

t.test("no token passes for a head, nor a head for a token", async (t) => {
  t.match(readHead(operator.token, verifying), { fault: /is no head of a log/ });
  const jws = await tokenOf();
  for (const token of [
    jws,
    // As if the market could be made to sign a caller's claims as a head.
    signJws({ ...partOf(operator.token, 1), jti: newId() }, headType, app.signingKeys.active),
  ]) {
    refused(
      t,
      await as({ ...operator, token })("GET", "/v1/audit/head"),
      401,
      "auth.invalid_token",
    );
  }
});

t.test("a head that was changed, or signed by somebody else, proves nothing", async (t) => {
  const jws = await tokenOf();
  const [header, payload, signature] = jws.split(".");
  const changed = Buffer.from(JSON.stringify({ ...partOf(jws, 1), position: 3 })).toString(
    "base64url",
  );
  const file = join(folder, "others.json");
  createKeyFile(file, new Date());
  const others = readKeyFile(file);
  const forged = signJws(partOf(jws, 1), headType, {
    ...others.active,
    kid: app.signingKeys.active.kid,
  });
  const unsigned = `${Buffer.from(JSON.stringify({ alg: "none", typ: headType })).toString("base64url")}.${payload}.`;
  // RFC 7515 4.1.11: what must be understood, and is not.
  const { pem, kid } = app.signingKeys.active;
  const critical = [{ alg: "ES256", typ: headType, kid, crit: ["b64"] }, partOf(jws, 1)]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signed = sign("sha256", Buffer.from(critical), { key: pem, dsaEncoding: "ieee-p1363" });
  for (const [text, fault] of [
    [`${critical}.${signed.toString("base64url")}`, /no signed statement/],
    [`${header}.${changed}.${signature}`, /signature is wrong/],
    [forged, /signature is wrong/],
    [unsigned, /no signed statement/],
    [`${unsigned}x`, /no head of a log/],
    [signJws(partOf(jws, 1), headType, others.active), /not among those given/],
    [signJws({ position: 3 }, headType, app.signingKeys.active), /does not say/],
    ["", /no signed statement/],
    ["a.b.c.d", /no signed statement/],
  ] as const) {
    t.match(readHead(text, verifying), { fault }, text);
  }
});

t.test("heads are found alone, in replies and in log lines", async (t) => {
  t.same(headsIn(" a.b.c\n\nd.e.f\n"), [
    { line: 1, jws: "a.b.c" },
    { line: 3, jws: "d.e.f" },
  ]);
  const reply = { position: 1, jws: "a.b.c" };
  t.same(headsIn(JSON.stringify(reply, null, 2)), [{ line: 1, jws: "a.b.c" }]);
  t.same(
    headsIn(`${JSON.stringify(reply)}\n${JSON.stringify(reply)}`).map(({ line }) => line),
    [1, 2],
  );
  t.same(headsIn("\n"), []);
});

t.test("every so often a head goes to the log of the process and to a file", async (t) => {
  const told: unknown[] = [];
  app.log.info = (details: object) => {
    told.push(details);
  };
  const job = app.jobs.find(({ name }) => name === "audit.sign-head")!;
  t.match(job, { everyMilliseconds: 3_600_000 });
  await job.run(db);
  await job.run(db);
  const written = headsIn(readFileSync(file, "utf8"));
  t.equal(written.length, 2, "appended");
  t.same(
    told.map((line) => (line as { jws: string }).jws),
    written.map(({ jws }) => jws),
  );
  const kept = written.map(({ jws }) => readHead(jws, verifying) as Head);
  t.same((await inspect(database, kept)).findings, []);
});
