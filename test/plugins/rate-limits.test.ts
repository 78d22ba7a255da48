/** Rate limits: who is counted together, what each reply tells, and counts that processes share. */
import { setTimeout } from "node:timers/promises";
import { sql } from "drizzle-orm";
import t from "tap";
import { addCounts } from "../../src/database/rate-limits.ts";
import { databaseTime } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import {
  defaultQuotas,
  makeRateLimiter,
  networkOf,
  readQuotas,
} from "../../src/lib/rate-limits.ts";
import { completeResult } from "../support/listings.ts";
import { openMarket, password, type Reply } from "../support/market.ts";
import { refused } from "../support/replies.ts";

const lines: Record<string, unknown>[] = [];
const market = await openMarket(t, {
  logger: { stream: { write: (line: string) => void lines.push(JSON.parse(line)) } },
  settings: {
    RATE_LIMITS:
      "reads=5/3,search=10/6,writes=3/2,sign-in=4/3,registrations=3/2,certificates=2/2,tokens=2/99",
  },
});

/** Seconds that a test may take: a window must not end in its midst. */
const needed = 20;
t.beforeEach(async () => {
  const left = 60 - ((databaseTime() / 1000) % 60);
  if (left < needed) await setTimeout(left * 1000 + 50);
});

const call = async (url: string, at: string, token?: string): Promise<Reply> => {
  const response = await market.app.inject({
    url,
    remoteAddress: at,
    headers: token ? { authorization: `Bearer ${token}` } : {},
  });
  const { statusCode: status, headers, payload: text } = response;
  return { status, headers, text, body: text ? JSON.parse(text) : null };
};

t.test("an address has its quota, each caller another, and every reply tells it", async (t) => {
  const person = await market.person("enterprise");
  const [machine, colleague] = [
    await market.client(person, ["results:read"]),
    await market.colleague(person),
  ];
  for (let left = 2; left >= 0; left--) {
    const reply = await call("/v1/results", "192.0.2.1");
    t.equal(reply.status, 200);
    t.equal(reply.headers["ratelimit-policy"], '"reads";q=3;w=60');
    t.match(reply.headers.ratelimit, new RegExp(`^"reads";r=${left};t=([1-9]|[1-5]\\d|60)$`));
  }
  const late = await call("/v1/needs", "192.0.2.1");
  const problem = refused(t, late, 429, "request.rate_limited");
  t.match(problem.title, /频繁/);
  t.match(late.headers.ratelimit, /^"reads";r=0;t=\d+$/);
  t.equal(late.headers["retry-after"], /t=(\d+)/.exec(String(late.headers.ratelimit))?.[1]);
  t.equal((await call("/v1/results", "192.0.2.2")).status, 200, "another address");
  for (const { token } of [person, machine, colleague]) {
    for (let i = 0; i < 5; i++) {
      t.equal((await call("/v1/results", "192.0.2.1", token)).status, 200, "behind that address");
    }
    t.equal((await call("/v1/results", "192.0.2.3", token)).status, 429, "from anywhere");
  }
});

t.test("what is refused counts too, and tells what is left", async (t) => {
  for (const [url, status] of [
    ["/v1/nowhere", 404],
    ["/v1/results?nonsense=1", 400],
    ["/v1/me", 401],
  ] as const) {
    const reply = await call(url, "192.0.2.4");
    t.equal(reply.status, status);
    t.match(reply.headers.ratelimit, /^"reads"/);
  }
  t.equal((await call("/v1/me", "192.0.2.4")).status, 429);
  const operator = await market.person("enterprise");
  const forbidden = await call("/v1/job-faults", "192.0.2.5", operator.token);
  t.match([forbidden.status, forbidden.headers.ratelimit], [403, /^"reads";r=4/]);
});

t.test(
  "tokens that are none are counted where they come from, and harm nobody else there",
  async (t) => {
    const person = await market.person("enterprise");
    for (let i = 0; i < 2; i++) {
      const guess = await call("/v1/results", "192.0.2.6", `guess${i}`);
      t.equal(guess.status, 401);
      t.match(guess.headers.ratelimit, /r=/);
    }
    t.equal((await call("/v1/results", "192.0.2.6", "guess")).status, 429);
    t.equal((await call("/v1/results", "192.0.2.6", person.token)).status, 200);
    t.equal((await call("/v1/results", "192.0.2.6")).status, 200);
  },
);

t.test("a quota that is used up is logged once in a window, with whose it is", async (t) => {
  const reached = () => lines.filter(({ bucket }) => bucket);
  lines.length = 0;
  const person = await market.person("enterprise");
  for (let i = 0; i < 7; i++) await call("/v1/results", "192.0.2.20");
  t.match(reached(), [{ level: 40, bucket: "reads", address: "192.0.2.20", requestId: /./ }]);
  for (let i = 0; i < 9; i++) await call("/v1/results", "192.0.2.20", person.token);
  for (let i = 0; i < 5; i++) await call("/v1/results", "2001:db8:7::1");
  for (let i = 0; i < 5; i++) await call("/v1/results", "192.0.2.21", "guess");
  t.match(reached().slice(1), [
    { bucket: "reads", caller: person.id },
    { bucket: "reads", address: "2001:db8:7:0::/64" },
    { bucket: "writes", address: "guesses 192.0.2.21" },
  ]);
  t.equal(reached().length, 4);
});

t.test("who asks for a token is named by an id only", async (t) => {
  lines.length = 0;
  const ids = ["gms_secret in its place", newId()];
  for (const clientId of ids) {
    for (let i = 0; i < 4; i++) {
      await market.app.inject({
        method: "POST",
        url: "/oauth/token",
        remoteAddress: "192.0.2.22",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        payload: `grant_type=client_credentials&client_id=${clientId}&client_secret=x`,
      });
    }
  }
  t.same(
    lines.filter(({ bucket }) => bucket).map(({ caller }) => caller),
    ["unknown 192.0.2.22", `${ids[1]} 192.0.2.22`],
  );
  t.notMatch(JSON.stringify(lines), /gms_/);
});

t.test("health, version and metrics are not counted", async (t) => {
  for (const url of ["/livez", "/readyz", "/version", "/metrics"]) {
    for (let i = 0; i < 5; i++) {
      const { statusCode, headers } = await market.app.inject({ url, remoteAddress: "192.0.2.7" });
      t.equal(statusCode, 200, url);
      t.notOk(headers.ratelimit);
    }
  }
});

t.test("searches cost what they ask for, and leave plain reading alone", async (t) => {
  const search = (query: string) => call(`/v1/results?${query}`, "192.0.2.8");
  t.match((await search("q=膜")).headers.ratelimit, /^"search";r=5/);
  t.match((await search("q=膜&include=facets")).headers.ratelimit, /^"search";r=2/);
  t.match(
    (await search("include=total")).headers.ratelimit,
    /^"search";r=2/,
    "too much is not taken",
  );
  t.equal((await search("include=total")).status, 429);
  t.match((await search("limit=5")).headers.ratelimit, /^"reads";r=2/);
  const person = await market.person("university");
  const made = await market.as(person)("POST", "/v1/results", { body: completeResult() });
  t.match(made.headers.ratelimit, /^"writes";r=2/);
  const suggested = `/v1/results/${made.body.id}/suggestions`;
  t.match((await call(suggested, "192.0.2.8", person.token)).headers.ratelimit, /^"search";r=5/);
});

t.test("checks of a registration number have a quota of their own", async (t) => {
  const url = "/v1/registrations/2026410700000001/certificate";
  t.match((await call(url, "192.0.2.9")).headers.ratelimit, /^"certificates";r=1/);
  t.equal((await call(url, "192.0.2.9")).status, 200);
  const next = url.replace("0001/", "0002/");
  t.equal((await call(next, "192.0.2.9")).status, 429, "of all numbers together");
  t.equal((await call(`${url}?code=x`, "192.0.2.9")).status, 429, "with a code or without");
  t.equal((await call(next, "192.0.2.10")).status, 200, "each address has its own");
});

const post = async (url: string, at: string, payload: object) => {
  const response = await market.app.inject({ method: "POST", url, remoteAddress: at, payload });
  return { status: response.statusCode, headers: response.headers };
};

t.test("a device that is known signs in where an address has used up its quota", async (t) => {
  const person = await market.person("enterprise");
  const signIn = (more: object = {}, secret = password) =>
    post("/v1/auth/login", "192.0.2.10", { email: person.email, password: secret, ...more });
  const first = await market.app.inject({
    method: "POST",
    url: "/v1/auth/login",
    remoteAddress: "192.0.2.11",
    payload: { email: person.email, password },
  });
  const { refreshToken } = first.json();
  for (let i = 0; i < 3; i++) t.equal((await signIn({}, "wrong")).status, 401);
  t.equal((await signIn()).status, 429);
  t.equal((await signIn({ refreshToken: "gmr_invented" })).status, 429);
  t.equal((await signIn({ refreshToken })).status, 200);
});

t.test("new organizations are counted by address and in all", async (t) => {
  const register = (at: string, i: number) =>
    post("/v1/auth/register", at, {
      organization: {
        kind: "enterprise",
        name: `注册数量测试${i}`,
        creditCode: "12410700MB0T00015L",
        regionCode: "410702",
      },
      member: { name: "某人", email: `quota${i}@example.test`, password: "a long pass phrase" },
    });
  t.equal((await register("192.0.2.12", 1)).status, 201);
  t.equal((await register("192.0.2.12", 2)).status, 201);
  const third = await register("192.0.2.12", 3);
  t.equal(third.status, 429);
  t.equal((await register("192.0.2.13", 4)).status, 201, "a refused one takes nothing from others");
  t.equal((await register("192.0.2.14", 5)).status, 429, "three in all");
});

t.test("an address of IPv6 is its network", async (t) => {
  for (const [address, network] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ] as const) {
    t.equal(networkOf(address), network, address);
  }
});

t.test("quotas are read from a setting, and what is none is refused", async (t) => {
  t.same(readQuotas(""), defaultQuotas);
  t.match(readQuotas("search=7/8, reads=1/2"), {
    search: { caller: 7, address: 8 },
    reads: { caller: 1, address: 2 },
    writes: defaultQuotas.writes,
  });
  t.equal(readQuotas("off"), null, "nothing is counted");
  for (const text of [
    "search",
    "search=1",
    "search=1/x",
    "other=1/2",
    "toString=1/2",
    "search=1/2,",
  ]) {
    t.equal(readQuotas(text), undefined, text);
  }
});

t.test("processes on one server count together", async (t) => {
  let now = 1_800_000_000_000;
  const [one, other] = [makeRateLimiter(() => now), makeRateLimiter(() => now)];
  const { db } = market.database;
  const share = async (limiter: typeof one) => limiter.hear(await addCounts(db, limiter.untold()));
  for (let i = 0; i < 4; i++) {
    one.take("reads", "a 192.0.2.1", 10);
    other.take("reads", "a 192.0.2.1", 10);
  }
  t.equal(one.take("reads", "a 192.0.2.1", 10, 0).remaining, 6, "not told yet");
  await Promise.all([share(one), share(other)]);
  await share(one);
  one.take("reads", "a 192.0.2.1", 10);
  await share(one);
  t.match(one.take("reads", "a 192.0.2.1", 10), { remaining: 0, isExceeded: false });
  t.match(one.take("reads", "a 192.0.2.1", 10), { remaining: 0, isExceeded: true });
  now += 60_000;
  t.match(one.take("reads", "a 192.0.2.1", 10), { remaining: 9 }, "the next window");
  await share(one);
  const old = { key: "old", until: Date.now() - 120_000, count: 1 };
  await addCounts(db, [old]);
  await addCounts(db, [{ ...old, key: "new", until: Date.now() + 60_000 }]);
  const { rows } = await db.execute(sql`select key from rate_limits where key in ('old', 'new')`);
  t.same(rows, [{ key: "new" }], "windows that are over go");
});
