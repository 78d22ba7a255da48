/** The event feed: what it tells, to whom, and for how long. */
import { eq, sql } from "drizzle-orm";
import t from "tap";
import { contracts } from "../../../db/schema/contracts.ts";
import { events } from "../../../db/schema/events.ts";
import { readLifecycles, stepsOf } from "../../../scripts/lifecycles/read.ts";
import { eventTypes, subjectTypes } from "../../../src/modules/events/events.types.ts";
import { draftedContract, effectiveContract } from "../../support/contracts.ts";
import { acceptedInterest, openInterest } from "../../support/deals.ts";
import { publishedNeed, publishedResult } from "../../support/listings.ts";
import { auditTypes, tellAll } from "../../support/log.ts";
import { type Caller, openMarket, type Reply } from "../../support/market.ts";
import { proposedMatch } from "../../support/matches.ts";
import { openOffice, registeredCase } from "../../support/registrations.ts";
import { must, refused } from "../../support/replies.ts";
import { later } from "../../support/time.ts";

const market = await openMarket(t);
const { as, app } = market;
const { db } = market.database;
const operator = await market.person("operator");

interface Told {
  id: string;
  type: string;
  subject: string;
  sequence: string;
  data: { subjectId: string; status: object | null; requestId: string | null };
}

const feed = (caller: Caller, query: Record<string, string> = {}) =>
  as(caller)("GET", `/v1/events?${new URLSearchParams(query)}`);
/** All that a caller is told, about one thing or in all. */
async function told(caller: Caller, query: Record<string, string> = {}): Promise<Told[]> {
  await tellAll(market);
  return (await must(feed(caller, { limit: "1000", ...query }))).data;
}
const typesOf = async (caller: Caller, subjectId: string): Promise<string[]> =>
  (await told(caller, { subjectId })).map(({ type }) => type);

t.test("an event in full", async (t) => {
  const owner = await market.person("university");
  const created = await as(owner)("POST", "/v1/results", { body: { title: "滩区节水灌溉" } });
  const { id } = created.body;
  await must(as(owner)("DELETE", `/v1/results/${id}`, { headers: { "if-match": "*" } }));
  const [made, removed, ...more] = await told(owner, { subjectId: id });
  t.same(more, []);
  t.match(made, {
    specversion: "1.0",
    source: "https://market.test",
    type: "result.create",
    subject: `/v1/results/${id}`,
    datacontenttype: "application/json",
    data: {
      subjectType: "result",
      subjectId: id,
      status: { from: null, to: "draft" },
      requestId: created.headers["request-id"],
    },
  });
  t.match(removed, { type: "result.delete", data: { status: { from: "draft", to: null } } });
  t.not(made?.id, removed?.id);
});

t.test(
  "each part of a deal is told to those who have a part in it, and to nobody else",
  async (t) => {
    const office = await openOffice(market);
    const made = await registeredCase(market, office);
    const stranger = await market.person("enterprise");
    const other = await openOffice(market, { code: "410702", regionCodes: ["410702"] });
    const contractTypes = await auditTypes(market, made.id);
    t.ok(contractTypes.length >= 5);
    for (const party of [made.seller, made.buyer, office.operator, office.first]) {
      t.same(await typesOf(party, made.id), contractTypes, "all of the contract");
      t.same(await typesOf(party, made.caseId), [
        ...["registration.file", "registration.accept", "registration.register"],
      ]);
    }
    for (const nobody of [stranger, other.first]) {
      t.same(await typesOf(nobody, made.id), []);
      t.same(await typesOf(nobody, made.caseId), []);
    }
    const last = (await told(made.buyer, { subjectId: made.id })).at(-1);
    t.match(last, { data: { status: { from: "filed", to: "registered" }, requestId: null } });

    const match = await proposedMatch(market, {});
    for (const party of [match.broker, match.resultOwner, match.needOwner, operator]) {
      t.same(await typesOf(party, match.id), ["match.propose"]);
    }
    t.same(await typesOf(stranger, match.id), []);

    const asked = await acceptedInterest(market, {});
    for (const party of [asked.asker, asked.owner, operator]) {
      t.same(await typesOf(party, asked.id), ["interest.create", "interest.accept"]);
    }
    t.same(await typesOf(stranger, asked.id), []);
  },
);

t.test("a published listing is told to everybody, as long as it is open", async (t) => {
  const owner = await market.person("university");
  const stranger = await market.person("enterprise");
  const { id } = await publishedResult(market, owner, operator);
  t.same(await typesOf(stranger, id), ["result.publish"]);
  t.same(await typesOf(owner, id), await auditTypes(market, id));
  await must(as(owner)("POST", `/v1/results/${id}/withdraw`));
  t.same(await typesOf(stranger, id), []);
  t.equal((await typesOf(owner, id)).at(-1), "result.withdraw");
  const { id: needId } = await publishedNeed(market, await market.person("enterprise"), operator, {
    anonymous: true,
  });
  t.same(await typesOf(stranger, needId), ["need.publish"]);
});

t.test("who loses a part loses its events, those of before too", async (t) => {
  const { id, seller, buyer } = await draftedContract(market);
  t.same(await typesOf(buyer, id), ["contract.create"]);
  const next = await market.person("enterprise");
  const buyers = [{ organizationId: next.organizationId, natureCode: "022" }];
  const headers = { "if-match": "*" };
  await must(as(seller)("PATCH", `/v1/contracts/${id}`, { body: { buyers }, headers }));
  t.same(await typesOf(buyer, id), []);
  t.same(await typesOf(seller, id), ["contract.create", "contract.update"]);
  t.same(await typesOf(next, id), ["contract.update"], "from then on, to whom it is now");

  const secret = await effectiveContract(market);
  t.ok((await typesOf(operator, secret.id)).length > 0);
  await db
    .update(contracts)
    .set({ confidentiality: "trade_secret" })
    .where(eq(contracts.id, secret.id));
  t.same(await typesOf(operator, secret.id), [], "nor does the operator read of a trade secret");
});

t.test("an admin's own matters are told to admins alone", async (t) => {
  const admin = await market.person("university");
  const colleague = await market.colleague(admin, { isAdmin: true });
  const body = { name: "接口", scopes: ["results:read"] };
  const { id } = (await must(as(admin)("POST", "/v1/api-clients", { body }))).client;
  t.same(await typesOf(colleague, id), ["api_client.create"]);
  t.same(await typesOf(operator, id), []);
  const path = `/v1/organizations/${admin.organizationId}/members/${colleague.id}`;
  const headers = { "if-match": "*" };
  await must(as(admin)("PATCH", path, { body: { isAdmin: false }, headers }));
  await must(as(admin)("POST", `/v1/api-clients/${id}/revoke`));
  t.same(await typesOf(colleague, id), [], "who is no admin any more reads none of them");
  t.same(await typesOf(admin, id), ["api_client.create", "api_client.revoke"]);
});

t.test("a machine client reads of what its scopes are for", async (t) => {
  const { id, asker, listingId } = await openInterest(market, { noun: "result" });
  const machine = (scopes: Parameters<typeof market.client>[1]) => market.client(asker, scopes);
  const all = await machine(["events:read", "interests:read", "results:read"]);
  t.same(await typesOf(all, id), ["interest.create"]);
  t.same(await typesOf(all, listingId), ["result.publish"]);
  const some = await machine(["events:read", "results:read"]);
  t.same(await typesOf(some, id), []);
  t.same(await typesOf(some, listingId), ["result.publish"]);
  t.same(await told(some, { subjectType: "interest" }), []);
  refused(t, await feed(await machine(["interests:read"])), 403, "auth.insufficient_scope");
  const body = { scopes: ["events:read", "results:read"] };
  const headers = { "if-match": "*" };
  await must(as(asker)("PATCH", `/v1/api-clients/${all.id}`, { body, headers }));
  t.same(await typesOf(all, id), [], "a scope that was taken away");
});

t.test("filters by type and subject, page by page", async (t) => {
  const owner = await market.person("university");
  const { id } = await publishedResult(market, owner, operator);
  await must(as(owner)("POST", `/v1/results/${id}/withdraw`));
  const { id: draft } = await must(
    as(owner)("POST", "/v1/needs", { body: { title: "需要的一种装置" } }),
  );
  await tellAll(market);
  const types = async (query: Record<string, string>) =>
    (await told(owner, query)).map(({ type }) => type);
  t.same(await types({ subjectId: id, types: "result.withdraw,result.create" }), [
    ...["result.create", "result.withdraw"],
  ]);
  t.same(await types({ subjectType: "need", subjectId: draft }), ["need.create"]);
  t.same(await types({ subjectType: "need", subjectId: id }), []);
  const whole = await told(owner);
  const paged: Told[] = [];
  let path = "/v1/events?limit=2";
  for (;;) {
    const reply: Reply = await as(owner)("GET", path);
    t.ok(reply.body.data.length <= 2);
    paged.push(...reply.body.data);
    const [, next] = /^<(.*)>; rel="next"$/.exec(String(reply.headers.link ?? "")) ?? [];
    t.equal(reply.body.page.hasMore, next !== undefined);
    if (!next) {
      const again = await must(as(owner)("GET", `/v1/events?after=${reply.body.page.next}`));
      t.same(again, { data: [], page: { next: reply.body.page.next, hasMore: false } });
      break;
    }
    t.ok(next.includes("limit=2") && !next.includes("cursor"));
    path = next;
  }
  t.same(paged, whole);
  const { text } = await as(owner)("GET", "/v1/events?limit=1000", {
    headers: { accept: "application/x-ndjson" },
  });
  t.same(
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
    whole,
  );
  refused(t, await feed(owner, { types: "result.vanish" }), 400, "request.invalid");
  refused(t, await feed(owner, { types: "" }), 400, "request.invalid");
  const ahead = refused(t, await feed(owner, { after: "999999999" }), 400, "request.invalid");
  t.match(ahead.errors, [{ parameter: "after", code: "position.beyond_head" }]);
  t.equal((await as(null)("GET", "/v1/events")).status, 401);
});

t.test(
  "what is older than the market keeps is gone, and who comes back too late is told",
  async (t) => {
    const owner = await market.person("university");
    const post = async (title: string) =>
      (await must(as(owner)("POST", "/v1/results", { body: { title } }))).id;
    const id = await post("旧事件的成果");
    const [first] = await told(owner, { subjectId: id });
    const forget = app.jobs.find(({ name }) => name === "events.forget")!;
    await later(89 * 86_400, () => forget.run(db));
    t.same(await typesOf(owner, id), ["result.create"], "89 days are kept");
    await later(91 * 86_400, () => forget.run(db));
    t.equal(await db.$count(events), 0);
    t.equal(
      Number((await db.execute(sql`select count(*) as n from event_readers`)).rows[0]!.n),
      0,
      "nor is it kept whose they were",
    );
    t.same(await typesOf(owner, id), []);
    const before = String(Number(first!.sequence) - 1);
    refused(t, await feed(owner, { after: before }), 410, "event.no_longer_kept");
    const newer = await post("新事件的成果");
    t.same(await typesOf(owner, newer), ["result.create"]);
    t.same((await told(owner, { after: "0" })).length, 1, "from the oldest that is kept");
    const { page } = await must(feed(owner));
    t.same((await must(feed(owner, { after: page.next }))).data, []);
  },
);

/** Nothing of a lifecycle is left out; what the log says of other things is for the log alone. */
t.test("every step of every lifecycle is a type, and every type is of a subject", async (t) => {
  const lifecycles = await readLifecycles();
  t.ok(lifecycles.length >= 12);
  for (const lifecycle of lifecycles) {
    for (const [, step] of stepsOf(lifecycle)) {
      const type = `${lifecycle.noun}.${step.action.replaceAll("-", "_")}`;
      t.ok(eventTypes.includes(type as never), type);
    }
  }
  // What this file's deals wrote in the log, of the same nouns.
  const { rows } = await db.execute<{ type: string }>(sql`select distinct type from audit_records`);
  const nouns = new Set(subjectTypes as readonly string[]);
  const written = rows
    .map(({ type }) => type)
    .filter((type) => nouns.has(type.split(".")[0] ?? ""));
  t.ok(written.length > 20);
  for (const type of written) t.ok(eventTypes.includes(type as never), type);
});
