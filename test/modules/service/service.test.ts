/** The service itself: health, draining, overload, what it tells and what it does not. */
import underPressure from "@fastify/under-pressure";
import { sql } from "drizzle-orm";
import Fastify from "fastify";
import fp from "fastify-plugin";
import t from "tap";
import { z } from "zod";
import { organizations } from "../../../db/schema/organizations.ts";
import { readConfig } from "../../../src/config.ts";
import { clock } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import { loggable } from "../../../src/lib/loggable.ts";
import contract, { type App } from "../../../src/plugins/contract.ts";
import health from "../../../src/plugins/health.ts";
import problems from "../../../src/plugins/problems.ts";
import { publishedNeed, rowCounts } from "../../support/listings.ts";
import { openMarket, password } from "../../support/market.ts";
import { refused } from "../../support/replies.ts";

const market = await openMarket(t);
const anyone = market.as(null);

t.test("alive, ready, and about to stop", async (t) => {
  t.same((await anyone("GET", "/livez")).body, { status: "ok" });
  const checks = { database: true, migrations: true, draining: false };
  t.same((await anyone("GET", "/readyz")).body, { status: "ok", checks, degraded: [] });
  market.app.draining.now = true;
  const draining = await anyone("GET", "/readyz");
  market.app.draining.now = false;
  t.equal(draining.status, 503);
  t.match(draining.body, { status: "unavailable", checks: { ...checks, draining: true } });
  t.equal((await anyone("GET", "/livez")).status, 200);
});

t.test("ready, with something for the operator to look at", async (t) => {
  let isFull = true;
  market.app.addReadinessCheck({ name: "disk", degraded: () => isFull });
  const degraded = await anyone("GET", "/readyz");
  t.equal(degraded.status, 200, "calls are still to be sent here");
  t.match(degraded.body, { status: "degraded", degraded: ["disk"] });
  isFull = false;
  t.match((await anyone("GET", "/readyz")).body, { status: "ok", degraded: [] });
});

t.test("metrics are labelled by route, without ids", async (t) => {
  const id = newId();
  await anyone("GET", `/v1/results/${id}`);
  const { text } = await anyone("GET", "/metrics");
  t.match(text, /route="\/v1\/results\/:id"/);
  t.notMatch(text, new RegExp(id));
});

t.test("what a route does not declare it does not take", async (t) => {
  const owner = await market.person("enterprise");
  const created = await market.as(owner)("POST", "/v1/results", { body: { title: "一项成果" } });
  const path = `/v1/results/${created.body.id}`;
  const counts = await rowCounts(market);
  refused(t, await anyone("GET", `${path}?x=1`), 400, "request.invalid");
  const dry = await market.as(owner)("POST", `${path}/submit?dryRun=true`);
  t.match(dry.body.errors, [{ parameter: "dryRun", code: "unknown_parameter" }]);
  const body = await market.as(owner)("POST", `${path}/submit`, { body: { status: "published" } });
  t.match(body.body.errors, [{ pointer: "/status", code: "unknown_field" }]);
  t.same(await rowCounts(market), counts);
});

t.test("a broken address in a website is refused, not stored", async (t) => {
  const counts = await market.database.db.$count(organizations);
  for (const website of ["https://a.example/\u0000", "https://a.example/\ud800"]) {
    const reply = await anyone("POST", "/v1/auth/register", {
      body: {
        organization: {
          kind: "enterprise",
          name: "测试企业",
          creditCode: "91410782MA9T000262",
          regionCode: "410782",
          website,
        },
        member: { name: "张三", email: "zhang.san@example.test", password },
      },
    });
    t.equal(reply.status, 400);
    t.match(reply.body.errors, [{ pointer: "/organization/website" }]);
  }
  t.equal(await market.database.db.$count(organizations), counts);
});

t.test("ids are the same in capitals", async (t) => {
  const operator = await market.person("operator");
  const path = `/v1/organizations/${operator.organizationId.toUpperCase()}/close`;
  const reply = await market.as(operator)("POST", path, { body: { reason: "误操作。" } });
  refused(t, reply, 409, "organization.own");
  const own = await market.as(operator)(
    "GET",
    `/v1/organizations/${operator.organizationId.toUpperCase()}/members`,
  );
  t.equal(own.status, 200);
});

t.test("replies that hold a secret are not kept by anybody", async (t) => {
  const person = await market.person("enterprise");
  const login = await anyone("POST", "/v1/auth/login", { body: { email: person.email, password } });
  t.equal(login.status, 200);
  t.equal(login.headers["cache-control"], "no-store");
  const client = await market.as(person)("POST", "/v1/api-clients", {
    body: { name: "ERP", scopes: ["needs:read"] },
  });
  t.equal(client.headers["cache-control"], "no-store");
});

t.test("overload is a 503 with Retry-After", async (t) => {
  const { pool } = market.served;
  Object.defineProperty(pool, "waitingCount", { value: 1_000_000, configurable: true });
  const reply = await anyone("GET", "/v1/results");
  const vital = await Promise.all(
    ["/livez", "/readyz", "/version", "/metrics"].map((url) => anyone("GET", url)),
  );
  Reflect.deleteProperty(pool, "waitingCount");
  t.same(
    vital.map(({ status }) => status),
    [200, 200, 200, 200],
    "health, version and metrics are never turned away",
  );
  refused(t, reply, 503, "server.overloaded");
  t.ok(Number(reply.headers["retry-after"]) > 0);
  t.equal((await anyone("GET", "/v1/results")).status, 200);
});

t.test("so is a caller who cannot be looked up in time", async (t) => {
  if (market.database.pool.options.max === 1) return t.pass("one connection is nothing to share");
  const person = await market.person("enterprise");
  const callers = { name: "callers", most: 100, isWide: true };
  const held = Array.from({ length: 50 }, () => market.app.gate.enter([callers]));
  const reply = await market.as(person)("GET", "/v1/me");
  for (const leave of held) (await leave)();
  refused(t, reply, 503, "server.unavailable");
  t.ok(Number(reply.headers["retry-after"]) > 0);
  t.equal((await market.as(person)("GET", "/v1/me")).status, 200);
});

t.test("so is a process that lacks memory or time", async (t) => {
  const app = Fastify() as unknown as App;
  await app.register(contract, { checkReplies: true });
  await app.register(problems, { publicUrl: "https://market.test" });
  app.decorate("database", market.database).decorate("draining", { now: false });
  await app.register(fp(async () => {}, { name: "database" }));
  await app.register(health);
  await app.register(underPressure, { maxHeapUsedBytes: 1, retryAfter: 5, sampleInterval: 10 });
  const schema = { summary: "x", tags: ["x"], response: { 200: z.object({}) } };
  const access = { public: true } as const;
  app.get("/x", { config: { access }, schema: { ...schema, operationId: "x" } }, async () => ({}));
  app.get(
    "/vital",
    { config: { access, vital: true }, schema: { ...schema, operationId: "vital" } },
    async () => ({}),
  );
  await app.ready();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const reply = await app.inject("/x");
  t.equal(reply.statusCode, 503);
  t.equal(reply.json().code, "server.overloaded");
  t.ok(reply.headers["retry-after"]);
  t.equal((await app.inject("/vital")).statusCode, 200);
  await app.close();
});

t.test("what is logged of a failed statement holds no value of it", async (t) => {
  const secret = "13900001111";
  const error = await market.database.db.execute(sql`select ${secret}::int / 0`).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  t.ok(error);
  t.notMatch(JSON.stringify(loggable(error)), /13900001111|select/);
  t.match(loggable(error), { sqlstate: /^\w{5}$/ });
});

t.test("a published listing keeps a last day, though its owner takes it away", async (t) => {
  const owner = await market.person("enterprise");
  const need = await publishedNeed(market, owner, await market.person("operator"));
  const reply = await market.as(owner)("PATCH", `/v1/needs/${need.id}`, {
    body: { validUntil: null },
    headers: { "if-match": "*" },
  });
  t.equal(reply.status, 200);
  t.match(reply.body.validUntil, /^\d{4}-\d\d-\d\d$/);
});

t.test("security.txt says where to report a hole, and until when that holds", async (t) => {
  const path = "/.well-known/security.txt";
  refused(t, await anyone("GET", path), 404, "security_contact.not_found");
  const { now } = clock;
  t.teardown(() => {
    clock.now = now;
  });
  const spoken = await openMarket(t, {
    settings: { SECURITY_CONTACT: "mailto:security@market.test" },
  });
  for (const [at, expires] of [
    ["2026-01-31T23:59:59.999Z", "2026-07-01T00:00:00.000Z"],
    ["2026-11-27T08:00:00.000Z", "2027-05-01T00:00:00.000Z"],
  ] as const) {
    clock.now = () => new Date(at);
    const { status, text, headers } = await spoken.as(null)("GET", path);
    t.equal(status, 200);
    t.equal(headers["content-type"], "text/plain; charset=utf-8");
    t.equal(headers["cache-control"], "public, max-age=300");
    t.same(text.split("\r\n"), [
      "Contact: mailto:security@market.test",
      `Expires: ${expires}`,
      "Preferred-Languages: zh, en",
      "Canonical: https://market.test/.well-known/security.txt",
      "Policy: https://market.test/docs/reporting",
      "",
    ]);
  }
  const policy = await spoken.app.inject("/docs/reporting");
  t.match(policy.payload, /^# Reporting a hole/);
  t.equal(policy.headers["content-type"], "text/markdown; charset=utf-8");
});

t.test("a contact for reports is an address that can be written to, on one line", async (t) => {
  for (const contact of ["security@market.test", "http://market.test/report", "tel:+86-1"]) {
    t.throws(() => readConfig({ SECURITY_CONTACT: contact }), { message: /SECURITY_CONTACT/ });
  }
  const { securityContact } = readConfig({
    SECURITY_CONTACT: "https://market.test/report\nPolicy: https://evil.test",
  });
  t.notMatch(securityContact, /[\r\n]/);
});

t.test("every reply tells browsers to run, frame and guess nothing, whatever it is", async (t) => {
  const outside = { origin: "https://evil.test" };
  const replies = [
    await anyone("GET", "/v1/results", { headers: outside }),
    await anyone("GET", "/v1/me", { headers: outside }),
    await anyone("GET", "/nowhere", { headers: outside }),
    await anyone("POST", "/v1/auth/login", { body: {}, headers: outside }),
  ];
  t.same(
    replies.map(({ status }) => status),
    [200, 401, 404, 400],
  );
  for (const { headers } of replies) {
    t.match(headers, {
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "strict-transport-security": /^max-age=31536000\b/,
      "x-content-type-options": "nosniff",
    });
    t.match(headers["content-type"], /^application\/(json; charset=utf-8|problem\+json)$/);
    t.equal(headers["access-control-allow-origin"], undefined, "no page of elsewhere reads it");
  }
});
