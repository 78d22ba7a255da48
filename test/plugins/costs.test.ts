/** What one request may cost: bodies, faults, drafts, files and words are bounded. */

import { eq } from "drizzle-orm";
import t from "tap";
import { organizations } from "../../db/schema/organizations.ts";
import { revealingFaults } from "../../src/modules/needs/needs.anonymity.ts";
import { pdf, upload } from "../support/files.ts";
import { completeResult, drafted, publishedResult } from "../support/listings.ts";
import { openMarket, type Reply } from "../support/market.ts";
import { refused, statusesOf } from "../support/replies.ts";

const market = await openMarket(t, {
  settings: { MAX_DRAFTS: "70", MAX_DRAFTS_UNVERIFIED: "3", MAX_ORGANIZATION_MEGABYTES: "1" },
});
const { db } = market.database;
const nobody = market.as(null);
const json = { "content-type": "application/json" };

/** Milliseconds of this process's CPU that a call takes. */
async function cpuOf(call: () => Promise<Reply>): Promise<{ reply: Reply; cpu: number }> {
  const before = process.cpuUsage();
  const reply = await call();
  const { user, system } = process.cpuUsage(before);
  return { reply, cpu: (user + system) / 1000 };
}

t.test("fifty faults are named and the others counted", async (t) => {
  const owner = await market.person("university");
  const keys = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`unknown${i}`, i]));
  const post = (body: object) => market.as(owner)("POST", "/v1/results", { body });
  const few = refused(t, await post({ title: "未知字段", ...keys(50) }), 400, "request.invalid");
  t.equal(few.errors.length, 50);
  t.notOk("moreErrors" in few);
  const many = refused(
    t,
    await post({ title: "未知字段", ...keys(30_000) }),
    400,
    "request.invalid",
  );
  t.equal(many.errors.length, 50);
  t.equal(many.moreErrors, 30_000 - 50);
  const query = Array.from({ length: 1_500 }, (_, i) => `p${i}=1`).join("&");
  const asked = refused(t, await nobody("GET", `/v1/results?${query}`), 400, "request.invalid");
  t.same([asked.errors.length, asked.moreErrors], [50, 1_450]);
  // What services find is bounded as well: here 60 codes that the taxonomy lacks.
  const draft = (await drafted(market, "result", owner)).body;
  const patched = await market.as(owner)("PATCH", `/v1/results/${draft.id}`, {
    body: keys(200),
    headers: { "if-match": "*", "content-type": "application/merge-patch+json" },
  });
  t.same([patched.body.errors.length, patched.body.moreErrors], [50, 150]);
  const name = "x".repeat(100_000);
  const long = refused(t, await post({ title: "长名", [name]: 1 }), 400, "request.invalid");
  t.ok(JSON.stringify(long).length < 2_000, "a name as long as the body is cut");
});

t.test("strangers send sixteen kilobytes at most", async (t) => {
  for (const [path, type] of [
    ["/v1/auth/login", "application/json"],
    ["/v1/auth/register", "application/json"],
    ["/v1/auth/refresh", "application/json"],
    ["/v1/auth/redeem-link", "application/json"],
    ["/oauth/token", "application/x-www-form-urlencoded"],
  ] as const) {
    const headers = { "content-type": type };
    const body = "a".repeat(16 * 1024 + 1);
    refused(t, await nobody("POST", path, { body, headers }), 413, "request.too_large");
  }
});

t.test("no body costs more than its size warrants", async (t) => {
  const owner = await market.person("university");
  const post = (body: string) => () =>
    market.as(owner)("POST", "/v1/results", { body, headers: json });
  const unknown = JSON.stringify(
    Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`key number ${i}`, 1])),
  );
  const bodies = {
    "unknown keys": unknown,
    "a list of numbers": `{"title":"x","keywords":[${"1,".repeat(40_000)}1]}`,
    "a list of lists": `{"title":"x","owners":[${"[],".repeat(40_000)}[]]}`,
    "a list of objects": `{"title":"x","owners":[${'{"a":1},'.repeat(40_000)}{}]}`,
    nesting: `{"title":"x","owners":${"[".repeat(400_000)}${"]".repeat(400_000)}}`,
  };
  await post(bodies.nesting)();
  for (const [name, body] of Object.entries(bodies)) {
    const { reply, cpu } = await cpuOf(post(body));
    t.equal(reply.status, 400, name);
    t.ok(reply.text.length < 20_000, `${name}: ${reply.text.length} bytes`);
    t.ok(cpu < 250, `${name}: ${cpu} ms of CPU for ${body.length} bytes`);
  }
  const dense = `{"title":"x","keywords":[${"1,".repeat(400_000)}1]}`;
  const { reply, cpu } = await cpuOf(post(dense));
  refused(t, reply, 413, "request.too_large");
  t.ok(cpu < 100, `${cpu} ms`);
});

/** Drafts at once, as many as there are callers. */
const draftAtOnce = (owner: Parameters<typeof market.as>[0], count: number) =>
  Promise.all(
    Array.from({ length: count }, () =>
      market.as(owner)("POST", "/v1/results", { body: completeResult() }),
    ),
  );

t.test(
  "an organization has so many drafts, fewer before it was verified, also at once",
  async (t) => {
    for (const [status, most] of [
      ["pending", 3],
      ["verified", 70],
    ] as const) {
      const owner = await market.person("university", { status });
      const replies = await draftAtOnce(owner, most + 9);
      t.same(statusesOf(replies), [...Array(most).fill(201), ...Array(9).fill(409)]);
      for (const reply of replies) {
        if (reply.status === 409) refused(t, reply, 409, "organization.draft_quota");
      }
      const need = await market.as(owner)("POST", "/v1/needs", {
        body: { title: "另一类草稿分开计数" },
      });
      t.equal(need.status, 201, "needs are counted apart");
      const first = replies.find((reply) => reply.status === 201)?.body;
      const gone = await market.as(owner)("DELETE", `/v1/results/${first.id}`);
      t.equal(gone.status, 204);
      t.equal((await draftAtOnce(owner, 1))[0]?.status, 201, "room again");
    }
  },
);

t.test(
  "no files before verification, and so many megabytes afterwards, also at once",
  async (t) => {
    const owner = await market.person("university", { status: "pending" });
    const draft = (await drafted(market, "result", owner)).body;
    const query = { subjectType: "result", subjectId: draft.id, purpose: "document" };
    const early = await upload(market, owner, query, pdf("early"));
    refused(t, early, 403, "organization.not_verified");
    await db
      .update(organizations)
      .set({ status: "verified" })
      .where(eq(organizations.id, owner.organizationId));
    await new Promise((resolve) => setTimeout(resolve, 5_100));
    const large = (i: number) => Buffer.concat([pdf(`large ${i}`), Buffer.alloc(400_000, `${i}`)]);
    const replies = await Promise.all(
      [1, 2, 3, 4].map((i) => upload(market, owner, query, large(i))),
    );
    t.same(statusesOf(replies), [201, 201, 409, 409]);
    for (const reply of replies) {
      if (reply.status === 409) refused(t, reply, 409, "organization.file_quota");
    }
  },
);

t.test("strangers search with fewer words and are told no totals", async (t) => {
  const operator = await market.person("operator");
  const owner = await market.person("university");
  await publishedResult(market, owner, operator);
  const words = (count: number) => Array.from({ length: count }, (_, i) => `w${i}x`).join(" ");
  const ask = (as: typeof nobody, query: Record<string, string>) =>
    as("GET", `/v1/results?${new URLSearchParams(query)}`);
  const q = words(18);
  const many = await ask(nobody, { q });
  refused(t, many, 400, "search.too_many_words");
  t.match(many.body.detail, /共 \d+ 词，最多 16 词/);
  t.equal((await ask(market.as(owner), { q })).status, 200);
  t.equal((await ask(nobody, { q: words(3) })).status, 200);
  const total = await ask(nobody, { q: "肥", include: "total" });
  refused(t, total, 401, "auth.required");
  t.match(total.body.detail, /已登录用户/);
  t.equal((await ask(nobody, { include: "total" })).body.total.exact, 1, "of the whole list it is");
  t.equal((await ask(market.as(owner), { q: "肥", include: "total" })).status, 200);
});

t.test("the telling part of a name is found in time that grows with the name", async (t) => {
  const faultsOf = (name: string, title: string) =>
    revealingFaults(
      {
        ...{ title, summary: null, background: null, existingBase: null, bottleneck: null },
        ...{
          solverRequirements: null,
          contact: null,
          keywords: [],
          tags: [],
          targetIndicators: [],
        },
      },
      { name, shortName: null, creditCode: "91410700MA0000001X" },
    );
  const begun = performance.now();
  faultsOf("集团有限公司".repeat(2_000), "无关的题目");
  faultsOf(`${"集团有限公司".repeat(2_000)}等`, "无关的题目");
  faultsOf("河南新乡".repeat(2_000), "无关的题目");
  t.ok(performance.now() - begun < 200, `${performance.now() - begun} ms`);
  t.equal(faultsOf("河南省新乡市牧野精工集团股份有限公司", "牧野精工的产线").length, 1);
  t.equal(faultsOf("新乡市牧野化工厂有限公司", "某化工厂的产线").length, 0, "endings tell nothing");
  t.equal(faultsOf("新乡市牧野化工厂有限公司", "牧野化工").length, 1);
});
