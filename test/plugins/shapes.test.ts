/** `fields` and `expand`: what of a resource is sent, and what is put beside it, to whom. */
import { eq } from "drizzle-orm";
import pg from "pg";
import t from "tap";
import { results } from "../../db/schema/results.ts";
import { acceptedInterest, openInterest } from "../support/deals.ts";
import { pdf, upload } from "../support/files.ts";
import { drafted, publishedNeed, publishedResult } from "../support/listings.ts";
import { openMarket, type Reply } from "../support/market.ts";
import { agreedMatch, proposedMatch } from "../support/matches.ts";
import { filedCase, openOffice } from "../support/registrations.ts";
import { idsOf, must, refused } from "../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const { as } = market;
const operator = await market.person("operator");
const owner = await market.person("university");
const enterprise = await market.person("enterprise");
const nobody = as(null);

/** Statements that were sent to the database. */
const sent: string[] = [];
const prototype = pg.Client.prototype as unknown as { query: (...given: unknown[]) => unknown };
const { query } = prototype;
prototype.query = function (this: unknown, ...given) {
  const [statement] = given as [string | { text: string }];
  sent.push(typeof statement === "string" ? statement : statement.text);
  return query.apply(this, given);
};
t.teardown(() => {
  prototype.query = query;
});

const keysOf = (resource: object) => Object.keys(resource).sort();
const attach = (by: typeof owner, noun: string, id: string, visibility = "public") =>
  must(
    upload(market, by, { subjectType: noun, subjectId: id, visibility }, pdf(visibility), {
      fileName: `${visibility}.pdf`,
    }),
  );

t.test("fields: these members and the id, of one and of each in a list", async (t) => {
  const { id } = await publishedResult(market, owner, operator, { tags: ["字段"] });
  for (const call of [as(owner), as(enterprise), nobody]) {
    const one = await must(call("GET", `/v1/results/${id}?fields=title,price`));
    t.same(keysOf(one), ["id", "price", "title"]);
    const whole = await must(call("GET", `/v1/results/${id}`));
    t.same(one, { id, title: whole.title, price: whole.price }, "as they are in the whole");
    const list = await must(
      call("GET", `/v1/results?tag=${encodeURI("字段")}&fields=title,id,title`),
    );
    t.same(list.data, [{ id, title: whole.title }]);
    t.same(list.page, { hasMore: false }, "and of the page all that it has");
  }
});

t.test("fields: an unknown one is refused, and the known are told", async (t) => {
  const { id } = await publishedResult(market, owner, operator);
  const urls = [`/v1/results/${id}`, "/v1/results", "/v1/needs", "/v1/interests", "/v1/matches"];
  for (const url of [...urls, "/v1/contracts", "/v1/registrations"]) {
    const given = `${url}?fields=id,organisationName`;
    const body = refused(t, await as(owner)("GET", given), 400, "request.invalid");
    t.match(body.errors, [{ parameter: "fields" }]);
    t.equal(body.errors.length, 1);
    t.match(body.errors[0].detail, /"id"/);
    t.match(body.errors[0].detail, /"status"/);
    t.notMatch(body.errors[0].detail, /"expanded"/);
    for (const none of ["fields=", "fields=id,", "expand=", "expand=everything"]) {
      t.equal((await as(owner)("GET", `${url}?${none}`)).status, 400, none);
    }
  }
  const wrong = await as(owner)("GET", "/v1/results?expand=result.need");
  t.match(refused(t, wrong, 400, "request.invalid").errors, [{ parameter: "expand" }]);
});

t.test("fields: an entity tag of its own, of the same version; HEAD has the same", async (t) => {
  const { id } = await publishedResult(market, owner, operator);
  for (const call of [as(owner), nobody]) {
    const whole = await call("GET", `/v1/results/${id}`);
    const part = await call("GET", `/v1/results/${id}?fields=title`);
    const [tag, of] = [part.headers.etag, whole.headers.etag] as [string, string];
    t.not(tag, of);
    t.equal(tag.split("-")[0], of.split("-")[0]);
    const known = { headers: { "if-none-match": tag } };
    t.equal((await call("GET", `/v1/results/${id}?fields=title`, known)).status, 304);
    t.equal((await call("GET", `/v1/results/${id}?fields=summary`, known)).status, 200);
    t.equal((await call("GET", `/v1/results/${id}`, known)).status, 200);
    const head = await call("HEAD", `/v1/results/${id}?fields=title`);
    t.equal(head.headers.etag, tag);
    t.equal(head.headers["content-length"], String(Buffer.byteLength(part.text)));
  }
  const { headers } = await as(owner)("GET", `/v1/results/${id}?fields=title`);
  const change = { body: { summary: "改一句。" }, headers: { "if-match": String(headers.etag) } };
  t.equal((await as(owner)("PATCH", `/v1/results/${id}`, change)).status, 200);
  t.equal((await as(owner)("PATCH", `/v1/results/${id}`, change)).status, 412);
});

t.test("what is kept for nobody in particular is kept by what was asked for", async (t) => {
  const tag = encodeURI("留存字段");
  const made = await publishedNeed(market, enterprise, operator, { tags: ["留存字段"] });
  const urls = [
    ...["", "?fields=title", "?fields=summary", "?expand=organization"].map(
      (rest) => `/v1/needs/${made.id}${rest}`,
    ),
    ...["", "&fields=title", "&fields=summary", "&expand=attachments,organization"].map(
      (rest) => `/v1/needs?tag=${tag}${rest}`,
    ),
  ];
  const texts = new Map<string, string>();
  for (const url of [...urls, ...urls.toReversed()]) {
    const { text } = await nobody("GET", url);
    t.equal(texts.get(url) ?? text, text, url);
    texts.set(url, text);
  }
  t.equal(new Set(texts.values()).size, urls.length, "no two are alike");
  const file = await attach(enterprise, "need", made.id);
  const { data } = await must(nobody("GET", urls.at(-1)!));
  t.match(data, [{ expanded: { attachments: [{ id: file.id }] } }], "nor is a new file kept back");
});

t.test("fields and expand do not change which page a cursor is of", async (t) => {
  for (const title of ["其一：盐碱地改良", "其二：盐碱地改良", "其三：盐碱地改良"]) {
    await drafted(market, "result", owner, { title });
  }
  const call = as(owner);
  const first = await call("GET", "/v1/results?scope=own&limit=1&fields=title&expand=organization");
  t.match(first.headers.link, /fields=title&expand=organization/);
  const next = `/v1/results?scope=own&limit=1&cursor=${first.body.page.next}`;
  const second = await call("GET", `${next}&fields=status`);
  t.equal(second.status, 200, second.text);
  t.same(keysOf(second.body.data[0]), ["id", "status"]);
  t.not(idsOf(second)[0], idsOf(first)[0]);
  t.equal((await call("GET", next)).status, 200);
});

t.test("expand: organization and files of a listing, as each caller sees them", async (t) => {
  const { id } = await publishedResult(market, owner, operator, { tags: ["展开"] });
  const open = await attach(owner, "result", id, "public");
  const inner = await attach(owner, "result", id, "signed_in");
  const later = await attach(owner, "result", id, "accepted");
  const rest = "expand=organization,attachments&fields=title";
  const seen = async (call: typeof nobody) => {
    const one = await must(call("GET", `/v1/results/${id}?${rest}`));
    const list = await must(call("GET", `/v1/results?tag=${encodeURI("展开")}&${rest}`));
    t.same(list.data, [one], "alone and in a list the same");
    t.same(keysOf(one), ["expanded", "id", "title"]);
    const files: { id: string }[] = one.expanded.attachments;
    const path = `/v1/attachments?subjectType=result&subjectId=${id}`;
    t.same(files, (await must(call("GET", path))).data, "and as the files' own list tells");
    const { organization } = one.expanded;
    const read = await must(call("GET", `/v1/organizations/${owner.organizationId}`));
    t.match(read, organization);
    return files.map((file) => file.id);
  };
  t.same(await seen(nobody), [open.id]);
  t.same(await seen(as(enterprise)), [open.id, inner.id]);
  t.same(await seen(as(owner)), [open.id, inner.id, later.id]);
  t.same(await seen(as(operator)), [open.id, inner.id, later.id]);
  const plain = await must(nobody("GET", `/v1/results/${id}`));
  t.notOk("expanded" in plain, "only on demand");
});

t.test("expand: who owns an anonymous need is not told, until it accepts", async (t) => {
  const listing = { anonymous: true, tags: ["匿名展开"] };
  const made = await openInterest(market, { noun: "need", owner: enterprise, listing });
  await attach(enterprise, "need", made.listingId);
  const strangers = [nobody, as(owner), as(made.asker)];
  const urls = [
    `/v1/needs/${made.listingId}?expand=organization,attachments`,
    `/v1/needs?tag=${encodeURI("匿名展开")}&expand=organization,attachments`,
  ];
  const secret = new RegExp(`${enterprise.organizationId}|周敏|410782`);
  for (const call of strangers) {
    for (const url of urls) {
      const { text, body } = await call("GET", url);
      t.notMatch(text, secret);
      t.match(body.data?.[0] ?? body, { expanded: { organization: null } });
      t.same((body.data?.[0] ?? body).expanded.attachments, []);
    }
  }
  const mine = `/v1/interests/${made.id}?expand=need,result`;
  const before = await as(made.asker)("GET", mine);
  t.match(before.body.expanded, { result: null, need: { organization: null, anonymous: true } });
  t.notMatch(before.text, secret);
  const match = await proposedMatch(market, { needOwner: enterprise, needId: made.listingId });
  for (const party of [match.broker, match.resultOwner]) {
    const { text, body } = await as(party)("GET", `/v1/matches/${match.id}?expand=need`);
    t.match(body.expanded.need, { id: made.listingId, organization: null });
    t.notMatch(text, secret);
  }
  await must(as(enterprise)("POST", `/v1/interests/${made.id}/accept`, { body: {} }));
  const after = await must(as(made.asker)("GET", mine));
  t.equal(after.expanded.need.organization.id, enterprise.organizationId);
  t.equal(after.expanded.need.regionCode, "410782");
  const list = await must(as(made.asker)("GET", "/v1/interests?expand=need"));
  t.same(list.data[0].expanded, { need: after.expanded.need });
});

t.test("expand: what the caller may not read is null, as what is not there", async (t) => {
  const made = await acceptedInterest(market, { owner, asker: enterprise });
  const url = `/v1/interests/${made.id}?expand=result,need`;
  const listed = `/v1/results/${made.listingId}/interests?expand=result`;
  t.match((await must(as(enterprise)("GET", url))).expanded, {
    result: { id: made.listingId },
    need: null,
  });
  t.match((await must(as(owner)("GET", listed))).data[0].expanded.result, { id: made.listingId });
  await db.update(results).set({ status: "withdrawn" }).where(eq(results.id, made.listingId));
  const gone = await must(as(enterprise)("GET", url));
  t.same(gone.expanded, { result: null, need: null });
  t.match((await must(as(owner)("GET", url))).expanded.result, { status: "withdrawn" });
  t.match((await must(as(operator)("GET", url))).expanded.result, { status: "withdrawn" });
});

t.test("expand: matches, contracts and cases, alone and in their lists", async (t) => {
  const match = await agreedMatch(market);
  const office = await openOffice(market);
  const contract = await must(
    as(match.broker)("POST", "/v1/contracts", {
      body: { type: "licence", subtype: "31", matchId: match.id },
    }),
  );
  const of = { subjectType: "contract", subjectId: contract.id, purpose: "contract_text" };
  const file = await must(upload(market, match.resultOwner, of, pdf("合同")));
  const result = { id: match.resultId, organization: { id: match.resultOwner.organizationId } };
  const need = { id: match.needId, organization: { id: match.needOwner.organizationId } };
  for (const who of [match.resultOwner, match.needOwner, match.broker]) {
    const ofMatch = await must(as(who)("GET", `/v1/matches/${match.id}?expand=result,need`));
    t.match(ofMatch.expanded, { result, need });
    const rest = "expand=organization,result,need,attachments";
    const one = await must(as(who)("GET", `/v1/contracts/${contract.id}?${rest}`));
    t.match(one.expanded, {
      ...{ result, need, attachments: [{ id: file.id, purpose: "contract_text" }] },
      organization: { id: match.broker.organizationId, kind: "brokerage" },
    });
    const list = await must(as(who)("GET", `/v1/contracts?fields=resultId&${rest}`));
    t.same(list.data, [{ id: contract.id, resultId: match.resultId, expanded: one.expanded }]);
    t.equal(
      (await must(as(who)("GET", "/v1/matches?expand=need"))).data[0].expanded.need.id,
      match.needId,
    );
  }
  const stranger = as(owner);
  const other = await stranger("GET", `/v1/contracts/${contract.id}?expand=attachments`);
  refused(t, other, 404, "contract.not_found");

  const filed = await filedCase(market, office);
  const rest = "expand=organization,attachments";
  const { id } = filed.registration;
  const one = await must(as(office.first)("GET", `/v1/registrations/${id}?${rest}`));
  t.match(one.expanded.organization, { id: one.applicantOrganizationId });
  t.same(one.expanded.attachments, []);
  const list = await must(as(office.first)("GET", `/v1/registrations?fields=status&${rest}`));
  t.same(list.data, [{ id, status: one.status, expanded: one.expanded }]);
});

t.test("expand: a machine client sees of others what its scopes let it read", async (t) => {
  const { id } = (await drafted(market, "result", owner, {})).body;
  const published = await publishedResult(market, owner, operator);
  for (const one of [id, published.id]) await attach(owner, "result", one, "accepted");
  const seen = async (scopes: string[], of: string) => {
    const machine = await market.client(owner, scopes as never);
    const reply = await must(as(machine)("GET", `/v1/results/${of}?expand=attachments`));
    return (reply.expanded.attachments ?? []).length;
  };
  t.equal(await seen(["results:read", "attachments:read"], id), 1);
  t.equal(await seen(["results:read"], id), 0);
  t.equal(await seen(["results:read"], published.id), 0, "what everybody sees of it");
});

t.test("expand: one statement a relation, however many there are", async (t) => {
  const asker = await market.person("enterprise");
  for (let i = 0; i < 4; i++) await openInterest(market, { asker, operator });
  const reading = async (url: string) => {
    sent.length = 0;
    const { body } = await as(asker)("GET", url);
    const reads = (table: string) => sent.filter((text) => text.includes(`from "${table}"`)).length;
    return { items: body.data, of: [reads("results"), reads("needs")] };
  };
  t.same((await reading("/v1/interests")).of, [0, 0]);
  t.same((await reading("/v1/interests?limit=2&expand=result,need")).of, [1, 0]);
  const four = await reading("/v1/interests?expand=result,need");
  t.same(four.of, [1, 0], "and none for what nobody is joined with");
  t.equal(four.items.length, 4);
  t.ok(four.items.every((one: Reply["body"]) => one.expanded.result !== null));
});

t.test("a saved search keeps what is looked for, not how it is shown", async (t) => {
  for (const name of ["fields", "expand"]) {
    const body = { noun: "result", name: "新成果", query: { [name]: "organization" } };
    const reply = await as(enterprise)("POST", "/v1/saved-searches", { body });
    t.match(refused(t, reply, 400, "request.invalid").errors, [{ pointer: `/query/${name}` }]);
  }
});
