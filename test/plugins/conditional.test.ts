/** Entity tags, conditional requests, HEAD, and what caches may do. */
import { eq } from "drizzle-orm";
import t from "tap";
import { results } from "../../db/schema/results.ts";
import {
  drafted,
  listingIn,
  type Noun,
  publishedNeed,
  publishedResult,
  rowOf,
} from "../support/listings.ts";
import { type Call, openMarket } from "../support/market.ts";
import { refused } from "../support/replies.ts";

const market = await openMarket(t);
const owner = await market.person("university");
const other = await market.person("enterprise");
const operator = await market.person("operator");
const asOwner = market.as(owner);
const asOperator = market.as(operator);
const asOther = market.as(other);
const asNobody = market.as(null);
const nouns: readonly Noun[] = ["result", "need"];
const published = { result: publishedResult, need: publishedNeed };

for (const noun of nouns) {
  const pathOf = (id: string) => `/v1/${noun}s/${id}`;
  const everybody: Record<string, Call> = { asOwner, asOperator, asOther, asNobody };

  t.test(`${noun}: the tag is strong, of the version and what the caller sees`, async (t) => {
    const { id, version } = await published[noun](market, owner, operator);
    const tags: Record<string, string> = {};
    for (const [who, as] of Object.entries(everybody)) {
      const { headers } = await as("GET", pathOf(id));
      tags[who] = String(headers.etag);
      t.match(headers.etag, new RegExp(`^"${version}-[\\w-]{20}"$`), who);
      t.equal(
        (await as("GET", pathOf(id))).headers.etag,
        headers.etag,
        "the same as long as nothing changed",
      );
    }
    t.not(tags.asOwner, tags.asNobody);
    t.not(tags.asOther, tags.asNobody, "one reads allowedActions, the other does not");
  });

  t.test(`${noun}: If-None-Match gives 304, without a body, for each who asks`, async (t) => {
    const { id } = await published[noun](market, owner, operator);
    for (const [who, as] of Object.entries(everybody)) {
      const first = await as("GET", pathOf(id));
      const tag = String(first.headers.etag);
      for (const given of [tag, `W/${tag}`, `"0-x", ${tag}`, "*"]) {
        const reply = await as("GET", pathOf(id), { headers: { "if-none-match": given } });
        t.equal(reply.status, 304, `${who}: ${given}`);
        t.equal(reply.text, "");
        for (const name of ["etag", "cache-control", "vary"]) {
          t.equal(reply.headers[name], first.headers[name], name);
        }
        t.notOk(reply.headers["content-type"]);
      }
      for (const given of ['"0-x"', tag.replaceAll('"', ""), `"${tag}"`, "", "nonsense"]) {
        const reply = await as("GET", pathOf(id), { headers: { "if-none-match": given } });
        t.equal(reply.status, 200, `${who}: ${given}`);
      }
    }
  });

  t.test(`${noun}: a change ends it: the old tag gets the new body`, async (t) => {
    const { id } = await published[noun](market, owner, operator);
    const tag = String((await asNobody("GET", pathOf(id))).headers.etag);
    await asOwner("PATCH", pathOf(id), {
      body: { summary: "改动之后的摘要。" },
      headers: { "if-match": "*" },
    });
    const reply = await asNobody("GET", pathOf(id), { headers: { "if-none-match": tag } });
    t.equal(reply.status, 200);
    t.equal(reply.body.summary, "改动之后的摘要。");
    t.not(reply.headers.etag, tag);
  });

  t.test(`${noun}: what may not be read is 404, tag or none`, async (t) => {
    const id = await listingIn(market, noun, { owner, operator }, "draft");
    const tag = String((await asOwner("GET", pathOf(id))).headers.etag);
    for (const as of [asNobody, asOther]) {
      const reply = await as("GET", pathOf(id), { headers: { "if-none-match": tag } });
      refused(t, reply, 404, `${noun}.not_found`);
      t.notOk(reply.headers.etag);
    }
  });

  t.test(`${noun}: HEAD has the headers of GET and no body`, async (t) => {
    const { id } = await published[noun](market, owner, operator);
    for (const [who, as] of Object.entries(everybody)) {
      const get = await as("GET", pathOf(id));
      const head = await as("HEAD", pathOf(id));
      t.equal(head.status, 200);
      t.equal(head.text, "");
      for (const name of ["etag", "cache-control", "vary", "content-type", "content-length"]) {
        t.ok(get.headers[name], name);
        t.equal(head.headers[name], get.headers[name], `${who}: ${name}`);
      }
      const same = await as("HEAD", pathOf(id), {
        headers: { "if-none-match": String(get.headers.etag) },
      });
      t.equal(same.status, 304);
      t.equal(same.text, "");
    }
    const missing = await asNobody("HEAD", pathOf("01890000-0000-7000-8000-000000000000"));
    t.equal(missing.status, 404);
    t.equal(missing.text, "");
  });

  t.test(`${noun}: HEAD of a list`, async (t) => {
    const get = await asNobody("GET", `/v1/${noun}s`);
    const head = await asNobody("HEAD", `/v1/${noun}s`);
    t.equal(head.status, 200);
    t.equal(head.text, "");
    t.notOk(get.headers.etag, "lists have no tag");
    for (const name of ["cache-control", "vary", "content-type", "content-length"]) {
      t.equal(head.headers[name], get.headers[name], name);
    }
  });

  t.test(
    `${noun}: caches may keep what nobody in particular reads, for a short time`,
    async (t) => {
      const { id } = await published[noun](market, owner, operator);
      const open = await asNobody("GET", pathOf(id));
      t.equal(open.headers["cache-control"], "public, max-age=30");
      for (const as of [asOwner, asOperator, asOther]) {
        const reply = await as("GET", pathOf(id));
        t.equal(reply.headers["cache-control"], "no-store");
      }
      for (const as of Object.values(everybody)) {
        const { vary } = (await as("GET", pathOf(id))).headers;
        t.same(String(vary).split(/, */).sort(), ["Accept-Language", "Authorization"]);
      }
      const draft = await drafted(market, noun, owner);
      t.equal(draft.headers["cache-control"], "no-store");
      const missing = await asNobody("GET", pathOf(draft.body.id));
      t.equal(missing.headers["cache-control"], "no-store", "a refusal is never kept");
    },
  );

  t.test(`${noun}: a change without If-Match is a 428`, async (t) => {
    const { body } = await drafted(market, noun, owner);
    const reply = await asOwner("PATCH", pathOf(body.id), { body: { summary: "盲改。" } });
    refused(t, reply, 428, "request.precondition_required");
    t.equal((await rowOf(market, noun, body.id)).version, 1);
  });

  t.test(`${noun}: If-Match takes the tag of the version, or a star`, async (t) => {
    const { body, headers } = await drafted(market, noun, owner);
    const patch = (tag: string, summary: string) =>
      asOwner("PATCH", pathOf(body.id), { body: { summary }, headers: { "if-match": tag } });
    const first = await patch(String(headers.etag), "改一。");
    t.equal(first.status, 200);
    t.equal((await patch(`"9-x", ${first.headers.etag}`, "改二。")).status, 200, "one of several");
    t.equal((await patch("*", "改三。")).status, 200);
    t.equal((await rowOf(market, noun, body.id)).version, 4);
  });

  t.test(`${noun}: stale, weak and foreign tags are a 412`, async (t) => {
    const { body, headers } = await drafted(market, noun, owner);
    const tag = String(headers.etag);
    for (const given of [
      `W/${tag}`,
      tag.replace("1-", "2-"),
      tag.replace("1-", "0-"),
      '"abc"',
      '""',
      '"*"',
      tag.replaceAll('"', ""),
      "nonsense",
      "",
    ]) {
      const options = { body: { summary: "改。" }, headers: { "if-match": given } };
      const reply = await asOwner("PATCH", pathOf(body.id), options);
      refused(t, reply, 412, "request.precondition_failed");
      const step = await asOwner("POST", `${pathOf(body.id)}/submit`, {
        headers: { "if-match": given },
      });
      refused(t, step, 412, "request.precondition_failed");
      const remove = await asOwner("DELETE", pathOf(body.id), { headers: { "if-match": given } });
      refused(t, remove, 412, "request.precondition_failed");
    }
    t.match(await rowOf(market, noun, body.id), { status: "draft", version: 1 });
  });

  t.test(
    `${noun}: the tag that one reader got serves another's change of that version`,
    async (t) => {
      const { id } = await published[noun](market, owner, operator);
      const tag = String((await asNobody("GET", pathOf(id))).headers.etag);
      const reply = await asOwner("PATCH", pathOf(id), {
        body: { summary: "以公开版本的标签修改。" },
        headers: { "if-match": tag },
      });
      t.equal(reply.status, 200);
      const late = await asOperator("POST", `${pathOf(id)}/request-changes`, {
        body: { reason: "outdated", note: "请更新。" },
        headers: { "if-match": tag },
      });
      refused(t, late, 412, "request.precondition_failed");
    },
  );

  t.test(`${noun}: whose it is comes before which version it is`, async (t) => {
    const { id } = await published[noun](market, owner, operator);
    const foreign = await asOther("PATCH", pathOf(id), {
      body: { summary: "改别人的。" },
      headers: { "if-match": '"1-x"' },
    });
    refused(t, foreign, 403, `${noun}.not_owner`);
    const stale = await asOperator("POST", `${pathOf(id)}/publish`, {
      headers: { "if-match": '"1-x"' },
    });
    refused(t, stale, 412, "request.precondition_failed");
    const state = await asOperator("POST", `${pathOf(id)}/publish`);
    refused(t, state, 409, `${noun}.invalid_transition`);
  });

  t.test(`${noun}: the tag of a change is the tag of the next read`, async (t) => {
    const { body } = await drafted(market, noun, owner);
    const patch = await asOwner("PATCH", pathOf(body.id), {
      body: { summary: "补充的摘要。" },
      headers: { "if-match": "*" },
    });
    t.equal((await asOwner("GET", pathOf(body.id))).headers.etag, patch.headers.etag);
    const submit = await asOwner("POST", `${pathOf(body.id)}/submit`);
    t.equal((await asOwner("GET", pathOf(body.id))).headers.etag, submit.headers.etag);
  });
}

t.test("the tag changes with what shows, though the row did not", async (t) => {
  const id = await listingIn(market, "result", { owner, operator }, "published");
  const tag = String((await asOther("GET", `/v1/results/${id}`)).headers.etag);
  await market.database.db
    .update(results)
    .set({ contactVisibility: "signed_in" })
    .where(eq(results.id, id));
  const reply = await asOther("GET", `/v1/results/${id}`, { headers: { "if-none-match": tag } });
  t.equal(reply.status, 200);
  t.ok(reply.body.contact);
});

t.test("documents without a version have a tag of their content", async (t) => {
  for (const url of ["/v1/taxonomies/technology-fields", "/openapi.json"]) {
    const { headers } = await asNobody("GET", url);
    t.match(headers.etag, /^"[\w-]{16}"$/, url);
    const again = await asNobody("GET", url, {
      headers: { "if-none-match": String(headers.etag) },
    });
    t.equal(again.status, 304);
    t.equal(again.text, "");
    const head = await asNobody("HEAD", url);
    t.equal(head.headers.etag, headers.etag);
  }
});
