/** Replies that are kept for callers who are not signed in: the same as fresh ones, and never older than the database. */
import { eq, sql } from "drizzle-orm";
import pg from "pg";
import t from "tap";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { results } from "../../../db/schema/results.ts";
import { type Noun, publishedNeed, publishedResult } from "../../support/listings.ts";
import { openMarket, type Reply } from "../../support/market.ts";
import { until } from "../../support/time.ts";

const market = await openMarket(t);
const { db } = market.database;
const owner = await market.person("university");
const operator = await market.person("operator");
const asOwner = market.as(owner);
const asNobody = market.as(null);
const published = { result: publishedResult, need: publishedNeed };
const tables = { result: results, need: needs };
const nouns: readonly Noun[] = ["result", "need"];

/** Names of the prepared statements that were sent. */
const sent: string[] = [];
const prototype = pg.Client.prototype as unknown as { query: (...given: unknown[]) => unknown };
const { query } = prototype;
prototype.query = function (this: unknown, ...given) {
  const name = (given[0] as { name?: string } | undefined)?.name;
  if (name) sent.push(name);
  return query.apply(this, given);
};
t.teardown(() => {
  prototype.query = query;
});

/** What nobody in particular reads, and by which statements. */
async function read(url: string) {
  sent.length = 0;
  const reply = await asNobody("GET", url);
  return { reply, by: sent.filter((name) => /open|mark/.test(name)) };
}

const lasting = ({ status, text, headers }: Reply) => {
  const { date, "request-id": _, ratelimit, ...rest } = headers;
  return { status, text, headers: rest };
};

for (const noun of nouns) {
  const table = tables[noun];
  const tag = `留存${noun}`;
  const places = {
    one: (id: string) => `/v1/${noun}s/${id}`,
    page: () => `/v1/${noun}s?tag=${encodeURIComponent(tag)}&limit=1`,
  };

  for (const [place, urlOf] of Object.entries(places)) {
    t.test(`${noun}, ${place}: kept, and as it was made`, async (t) => {
      const made = [];
      for (let i = 0; i < 2; i++) {
        made.push(await published[noun](market, owner, operator, { tags: [tag] }));
      }
      const url = urlOf(made[1]!.id);
      const fresh = await read(url);
      t.match(fresh.by, [/read_open|marked/], "made");
      const kept = await read(url);
      t.match(kept.by, [/mark_open|_mark_/], "only asked whether it is still so");
      t.equal(kept.by.length, 1);
      t.same(lasting(kept.reply), lasting(fresh.reply));
      // Others may use the same server, whose transactions are counted along.
      await until(async () => {
        const again = await read(url);
        t.same(lasting(again.reply), lasting(fresh.reply));
        return again.by.length === 0 && sent.includes("moment");
      });
      const head = await asNobody("HEAD", url);
      t.equal(head.text, "");
      t.equal(head.headers["content-length"], kept.reply.headers["content-length"]);
      const { etag } = fresh.reply.headers;
      if (place === "page") t.match(kept.reply.headers.link, /rel="next"/);
      else {
        const same = await asNobody("GET", url, { headers: { "if-none-match": String(etag) } });
        t.equal(same.status, 304);
      }
    });

    t.test(`${noun}, ${place}: whatever changes is there with the next reply`, async (t) => {
      const { organizationId } = owner;
      const { id } = await published[noun](market, owner, operator, { tags: [tag] });
      const url = urlOf(id);
      const shown = async () => {
        // Made, kept, and kept while nothing at all is stored.
        await read(url);
        await read(url);
        const { reply } = await read(url);
        return place === "one" ? reply.body : reply.body.data?.[0];
      };
      t.equal((await shown()).id, id);
      await asOwner("PATCH", places.one(id), {
        body: { summary: "改过的摘要。" },
        headers: { "if-match": "*" },
      });
      t.equal((await shown()).summary, "改过的摘要。", "by its owner");
      await db.update(table).set({ summary: "直接改的摘要。" }).where(eq(table.id, id));
      t.equal((await shown()).summary, "直接改的摘要。", "in the database, version or not");
      const rename = (name: string) =>
        db.update(organizations).set({ name }).where(eq(organizations.id, organizationId));
      await rename("更名学院");
      t.equal((await shown()).organization.name, "更名学院", "of its organization");
      const set = (status: "verified" | "suspended") =>
        db.update(organizations).set({ status }).where(eq(organizations.id, organizationId));
      await set("suspended");
      t.not((await shown())?.id, id, "hidden with its organization");
      await set("verified");
      t.equal((await shown()).id, id, "there with it");
      await asOwner("POST", `${places.one(id)}/withdraw`, { body: {} });
      t.not((await shown())?.id, id, "withdrawn");
    });

    t.test(`${noun}, ${place}: what a signed-in caller reads is not kept`, async (t) => {
      const { id } = await published[noun](market, owner, operator, {
        tags: [tag],
        contactVisibility: "signed_in",
      });
      const url = urlOf(id);
      await asOwner("GET", url);
      const { reply, by } = await read(url);
      t.ok(
        by.some((name) => /read_open|marked/.test(name)),
        "made for nobody in particular",
      );
      t.notMatch(reply.text, /allowedActions|"phone"/);
      t.match(reply.headers["cache-control"], "public, max-age=30");
      await asOwner("GET", url);
      const again = await read(url);
      t.same(lasting(again.reply), lasting(reply));
      const own = await asOwner("GET", url);
      t.match(own.headers["cache-control"], "no-store");
    });
  }
}

t.test("a need that its owner hides is hidden at once, in lists and by itself", async (t) => {
  const { id } = await publishedNeed(market, owner, operator, { tags: ["转为匿名"] });
  const page = `/v1/needs?tag=${encodeURIComponent("转为匿名")}`;
  for (const url of [`/v1/needs/${id}`, page]) {
    await read(url);
    await read(url);
    t.match((await read(url)).reply.text, owner.organizationId);
  }
  await db
    .update(needs)
    .set({ anonymous: true, alias: sql`'匿名需求方 AAAAA'` })
    .where(eq(needs.id, id));
  for (const url of [`/v1/needs/${id}`, page]) {
    t.notMatch((await read(url)).reply.text, owner.organizationId);
  }
});

t.test("ten who read at once cost few statements, and each gets its own", async (t) => {
  const made = [];
  for (let i = 0; i < 6; i++) made.push((await publishedResult(market, owner, operator)).id);
  const missing = made.map((id) => id.replace(/^.{8}/, "00000000"));
  sent.length = 0;
  const replies = await Promise.all(
    [...made, ...missing].map((id) => asNobody("GET", `/v1/results/${id}`)),
  );
  t.same(
    replies.slice(0, 6).map(({ body }) => body.id),
    made,
  );
  t.ok(replies.slice(6).every(({ status }) => status === 404));
  t.ok(sent.filter((name) => name.startsWith("read_open")).length <= 4);
});
