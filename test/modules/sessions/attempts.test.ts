/** Guessing passwords: each attempt waits longer than the one before, and nobody can lock another out. */
import { eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { members } from "../../../db/schema/members.ts";
import { sessions, signInAttempts } from "../../../db/schema/sessions.ts";
import { clock } from "../../../src/lib/clock.ts";
import { idFromHash, sha256 } from "../../../src/lib/ids.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, password, type Reply } from "../../support/market.ts";
import { refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;

/** A sign-in from an address. */
async function login(email: string, secret: string, at = "127.0.0.1", refreshToken?: string) {
  const response = await market.app.inject({
    method: "POST",
    url: "/v1/auth/login",
    payload: { email, password: secret, ...(refreshToken && { refreshToken }) },
    remoteAddress: at,
  });
  const { statusCode: status, headers, payload: text } = response;
  return { status, headers, text, body: response.json() } as Reply;
}

// Time stands still, so that only what a test says passes.
const start = clock.now();
const real = clock.now;
const at = (seconds: number) => {
  clock.now = () => new Date(start.getTime() + seconds * 1000);
};
t.beforeEach(async () => {
  at(0);
  await db.delete(signInAttempts);
});
t.teardown(() => {
  clock.now = real;
});

const assertThrottled = (t: Test, reply: Reply, wait?: number) => {
  refused(t, reply, 429, "auth.too_many_attempts");
  const told = Number(reply.headers["retry-after"]);
  if (wait === undefined) t.ok(told > 0 && told <= 900, `Retry-After: ${told}`);
  else t.equal(told, wait, "Retry-After");
};

t.test("after five wrong ones each waits twice as long, to a quarter of an hour", async (t) => {
  const { email } = await market.person("enterprise");
  for (let i = 0; i < 5; i++) t.equal((await login(email, `guess ${i}`)).status, 401);
  let now = 0;
  for (const wait of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
    assertThrottled(t, await login(email, password), wait);
    assertThrottled(t, await login(email.toUpperCase(), "another"), wait);
    at(now + wait - 0.1);
    assertThrottled(t, await login(email, password), 1);
    now += wait;
    at(now);
    t.equal((await login(email, "wrong")).status, 401, `after ${wait} s`);
  }
  at(now + 900);
  t.equal((await login(email, password)).status, 200);
  for (let i = 0; i < 5; i++) t.equal((await login(email, "wrong")).status, 401, "from the start");
});

t.test("thirty at once: five are looked at", async (t) => {
  const person = await market.person("enterprise");
  const replies = await Promise.all(
    Array.from({ length: 30 }, (_, i) => login(person.email, i === 29 ? password : "wrong")),
  );
  const looked = replies.filter(({ status }) => status !== 429).length;
  t.ok(looked <= 6, `${looked}`);
  const opened = replies.filter(({ status }) => status === 200).length;
  t.equal(await db.$count(sessions, eq(sessions.memberId, person.id)), 1 + opened);
});

t.test("what somebody does elsewhere delays nobody here", async (t) => {
  const [person, other] = [await market.person("enterprise"), await market.person("enterprise")];
  for (let i = 0; i < 20; i++) await login(person.email, "wrong", "192.0.2.66");
  assertThrottled(t, await login(person.email, password, "192.0.2.66"));
  t.equal((await login(other.email, password, "192.0.2.66")).status, 200, "another account");
  t.equal((await login(person.email, password, "192.0.2.1")).status, 200, "another address");
});

t.test("an IPv6 network is one address", async (t) => {
  const { email } = await market.person("enterprise");
  for (let i = 0; i < 5; i++) await login(email, "wrong", `2001:db8:7::${i}`);
  assertThrottled(t, await login(email, password, "2001:db8:7:0:ffff::9"));
  t.equal((await login(email, password, "2001:db8:7:1::9")).status, 200, "the next network");
});

/** An account that is guessed at from everywhere. */
async function besieged(): Promise<Caller & { refreshToken: string }> {
  const person = await market.person("enterprise");
  const { refreshToken } = (await login(person.email, password, "192.0.2.1")).body;
  for (let i = 0; i < 110; i++) await login(person.email, "wrong", `198.51.100.${i}`);
  return { ...person, refreshToken };
}

t.test("from many addresses an account waits a minute at most", async (t) => {
  const { email } = await besieged();
  const reply = await login(email, password, "203.0.113.5");
  assertThrottled(t, reply);
  t.ok(Number(reply.headers["retry-after"]) <= 60);
  at(60);
  t.equal((await login(email, password, "203.0.113.5")).status, 200);
});

t.test("a device that was there before passes, whatever others guess", async (t) => {
  const { email, refreshToken } = await besieged();
  const other = (await login((await market.person("enterprise")).email, password)).body;
  const passes = async (token: string, secret = password) =>
    (await login(email, secret, "203.0.113.6", token)).status;
  t.equal(await passes("gmr_made-up"), 429);
  t.equal(await passes(other.refreshToken), 429, "another person's");
  t.equal(await passes(refreshToken), 200);
  const next = await market.as(null)("POST", "/v1/auth/refresh", { body: { refreshToken } });
  t.equal(await passes(refreshToken), 200, "used up");
  for (let i = 0; i < 5; i++) t.equal(await passes(refreshToken, "wrong"), 401);
  t.equal(await passes(refreshToken), 429, "it waits for its own wrong ones");
  at(60);
  // It comes twice, so somebody else has it: the sign-in is ended, and it opens nothing any more.
  await market.as(null)("POST", "/v1/auth/refresh", { body: { refreshToken } });
  for (let i = 0; i < 5; i++) await login(email, "wrong", "203.0.113.6");
  t.equal(await passes(next.body.refreshToken), 429);
});

t.test("the operator ends the wait", async (t) => {
  const { email, id, organizationId } = await besieged();
  for (let i = 0; i < 5; i++) await login(email, "wrong");
  assertThrottled(t, await login(email, password));
  const path = `/v1/organizations/${organizationId}/members/${id}/sign-in-attempts`;
  const operator = await market.person("operator");
  const admin = await market.colleague({ ...operator, organizationId }, { isAdmin: true });
  refused(t, await market.as(admin)("DELETE", path), 403, "auth.forbidden_role");
  const elsewhere = `/v1/organizations/${operator.organizationId}/members/${id}/sign-in-attempts`;
  refused(t, await market.as(operator)("DELETE", elsewhere), 404, "member.not_found");
  t.equal((await market.as(operator)("DELETE", path)).status, 204);
  t.equal((await login(email, password)).status, 200);
  const [record] = await db
    .select()
    .from(auditRecords)
    .where(eq(auditRecords.type, "member.unlock"));
  t.match(record, { subjectId: id, actorId: operator.id, organizationId });
});

t.test(
  "of many accounts from one address each further one waits, half a minute at most",
  async (t) => {
    const person = await market.person("enterprise");
    for (let i = 0; i < 100; i++) await login(`someone${i}@example.test`, "wrong");
    assertThrottled(t, await login(person.email, password), 1);
    const headers = { "x-forwarded-for": "10.1.2.3", "x-real-ip": "10.1.2.3" };
    const body = { email: person.email, password };
    const forged = await market.as(null)("POST", "/v1/auth/login", { body, headers });
    assertThrottled(t, forged, 1);
    await db.update(signInAttempts).set({ count: 1_000_000 });
    assertThrottled(t, await login(person.email, password), 30);
    at(30);
    t.equal((await login(person.email, password)).status, 200);
  },
);

t.test("an unknown e-mail answers like a wrong password, five times and then", async (t) => {
  const person = await market.person("enterprise");
  for (let i = 0; i < 7; i++) {
    const replies = [];
    for (const email of [person.email, "nobody.at.all@example.test"]) {
      const { body, headers, status } = await login(email, "wrong");
      const { requestId, ...rest } = body;
      replies.push({ rest, status, headers: Object.keys(headers).sort() });
      t.equal(status, i < 5 ? 401 : 429);
    }
    t.strictSame(replies[0], replies[1]);
  }
});

t.test("an unknown e-mail takes as long", async (t) => {
  const person = await market.person("enterprise");
  const times: Record<string, number[]> = { known: [], unknown: [] };
  await login("warm.up@example.test", "wrong");
  for (let i = 0; i < 5; i++) {
    for (const [kind, email] of [
      ["known", person.email],
      ["unknown", "nobody.either@example.test"],
    ] as const) {
      const begun = performance.now();
      await login(email, "wrong");
      times[kind]?.push(performance.now() - begun);
    }
  }
  const median = (list: number[] = []) => list.sort((a, b) => a - b)[2] ?? 0;
  const [known, unknown] = [median(times.known), median(times.unknown)];
  // Without the decoy hash an unknown one is ten times as fast.
  t.ok(unknown > known / 3 && unknown < known * 3, `${known} ms, ${unknown} ms`);
});

t.test("neither e-mails nor addresses are kept", async (t) => {
  await login("kept.nowhere@example.test", "wrong");
  const rows = await db.select().from(signInAttempts);
  t.equal(rows.length, 3);
  for (const { key, account } of rows) {
    t.match(key, /^(pair|account|address):[0-9a-f]{64}$/);
    t.equal(account, key.startsWith("address") ? null : sha256("kept.nowhere@example.test"));
  }
});

t.test(
  "attempts at an account that nobody has are found together, and who used them up",
  async (t) => {
    const email = "recorded.nowhere@example.test";
    for (let i = 0; i < 6; i++) await login(email, "wrong");
    const records = await auditsOf(market, idFromHash(sha256(email)));
    t.same(
      records.map(({ reason }) => reason),
      [...Array(5).fill("unknown_account"), "attempts_used_up"],
      "and no further one for each that has to wait",
    );
    t.ok(records.every(({ organizationId, address }) => organizationId === null && address));
    t.notMatch(JSON.stringify(records), /nowhere@/);
  },
);

t.test("no free attempt waits because another one's clock was ahead", async (t) => {
  const { email } = await market.person("enterprise");
  for (let i = 5; i > 0; i--) {
    at(i / 100);
    t.equal((await login(email, "wrong")).status, 401);
  }
  assertThrottled(t, await login(email, "wrong"), 1);
});

t.test("is written down, without what was guessed", async (t) => {
  const person = await market.person("enterprise");
  await login(person.email, "my mistyped pass phrase");
  const records = await auditsOf(market, person.id);
  t.match(records, [
    { type: "member.sign_in_failed", reason: "wrong_password", address: "127.0.0.1" },
  ]);
  t.equal(records[0]?.organizationId, person.organizationId, "its admin may read it");
  t.notMatch(JSON.stringify(records), /mistyped/);
  const [row] = await db.select().from(members).where(eq(members.id, person.id));
  t.equal(row?.lastSignInAt, null);
});
