/** What results and needs refuse beyond their lifecycle: the owner's standing, what was public, empty changes. */
import t from "tap";
import { drafted, listingIn, type Noun, publishedResult, rowOf } from "../../support/listings.ts";
import { openMarket } from "../../support/market.ts";
import { refused } from "../../support/replies.ts";

const market = await openMarket(t);
const owner = await market.person("enterprise");
const operator = await market.person("operator");
const people = { owner, operator };
const nouns: Noun[] = ["result", "need"];

for (const noun of nouns) {
  t.test(`${noun}: nothing is published for an owner out of good standing`, async (t) => {
    const fallen = await market.person("enterprise");
    const id = await listingIn(market, noun, { owner: fallen, operator }, "submitted");
    const suspend = { body: { reason: "核查中。" } };
    await market.as(operator)(
      "POST",
      `/v1/organizations/${fallen.organizationId}/suspend`,
      suspend,
    );
    const reply = await market.as(operator)("POST", `/v1/${noun}s/${id}/publish`);
    refused(t, reply, 403, "organization.not_verified");
    t.equal((await rowOf(market, noun, id)).status, "submitted");
    await market.as(operator)("POST", `/v1/organizations/${fallen.organizationId}/reinstate`);
    t.equal((await market.as(operator)("POST", `/v1/${noun}s/${id}/publish`)).status, 200);
  });

  t.test(`${noun}: submitting and closing the organization at the same moment`, async (t) => {
    for (let round = 0; round < 5; round++) {
      const closing = await market.person("enterprise");
      const id = (await drafted(market, noun, closing)).body.id;
      const [submitted, closed] = await Promise.all([
        market.as(closing)("POST", `/v1/${noun}s/${id}/submit`),
        market.as(operator)("POST", `/v1/organizations/${closing.organizationId}/close`, {
          body: { reason: "注销。" },
        }),
      ]);
      t.equal(closed.status, 200);
      t.ok([200, 403].includes(submitted.status), `${submitted.status}`);
      t.equal((await rowOf(market, noun, id)).status, "draft", "nothing is left under review");
    }
  });

  t.test(`${noun}: what was once public is not deleted, though it is a draft again`, async (t) => {
    const id = await listingIn(market, noun, people, "withdrawn");
    const asOwner = market.as(owner);
    const path = `/v1/${noun}s/${id}`;
    const change = { body: { title: "换了一个名称的条目" }, headers: { "if-match": "*" } };
    t.equal((await asOwner("PATCH", path, change)).status, 200);
    t.equal((await asOwner("POST", `${path}/renew`, { body: {} })).body.status, "submitted");
    t.equal((await asOwner("POST", `${path}/withdraw`)).body.status, "draft");
    refused(t, await asOwner("DELETE", path), 409, `${noun}.invalid_transition`);
    t.equal((await rowOf(market, noun, id)).status, "draft");
  });

  t.test(`${noun}: a patch that changes nothing is no change`, async (t) => {
    const id = await listingIn(market, noun, people, "published");
    const before = await rowOf(market, noun, id);
    for (const body of [{}, { title: before.title }]) {
      const headers = { "if-match": "*" };
      const reply = await market.as(owner)("PATCH", `/v1/${noun}s/${id}`, { body, headers });
      t.equal(reply.status, 200);
      t.equal(reply.body.changedSinceReview, false);
    }
    t.same(await rowOf(market, noun, id), before);
  });

  t.test(`${noun}: the public list has one status, so it takes no filter for it`, async (t) => {
    const reply = await market.as(null)("GET", `/v1/${noun}s?status=draft`);
    refused(t, reply, 400, "request.invalid");
    t.match(reply.body.errors, [{ parameter: "status", code: "filter.unavailable" }]);
    t.equal((await market.as(owner)("GET", `/v1/${noun}s?scope=own&status=draft`)).status, 200);
  });
}

t.test("a code that was retired stays with those who have it", async (t) => {
  const asOperator = market.as(operator);
  const items = "/v1/taxonomies/technology-fields/items";
  const item = { code: "0371", parentCode: "03", zh: "增材制造", en: "Additive manufacturing" };
  t.equal((await asOperator("POST", items, { body: item })).status, 201);
  const result = await publishedResult(market, owner, operator, { fieldCode: "0371" });
  const headers = { "if-match": "*" };
  const retired = await asOperator("PATCH", `${items}/0371`, { body: { active: false }, headers });
  t.equal(retired.status, 200);
  const path = `/v1/results/${result.id}`;
  const reply = await market.as(owner)("PATCH", path, {
    body: { summary: "改写后的摘要。" },
    headers,
  });
  t.equal(reply.status, 200);
  t.equal(reply.body.fieldCode, "0371");
  const fresh = await market.as(owner)("POST", "/v1/results", {
    body: { title: "新的条目", fieldCode: "0371" },
  });
  t.equal(fresh.status, 400);
});

t.test("the operator does not suspend or close itself", async (t) => {
  for (const action of ["suspend", "close"]) {
    const path = `/v1/organizations/${operator.organizationId}/${action}`;
    const reply = await market.as(operator)("POST", path, { body: { reason: "误操作。" } });
    refused(t, reply, 409, "organization.own");
  }
  const own = await market.as(operator)("GET", `/v1/organizations/${operator.organizationId}`);
  t.equal(own.body.status, "verified");
});
