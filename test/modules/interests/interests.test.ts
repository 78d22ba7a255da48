/** One side asks about the other's listing, and the owner answers. On a server the races are real. */
import { eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { interests } from "../../../db/schema/interests.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { sessions } from "../../../db/schema/sessions.ts";
import { clock, instantIn, today } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import { dueDay } from "../../../src/lib/working-days.ts";
import { findAcceptedInterest } from "../../../src/modules/interests/interests.service.ts";
import {
  acceptedInterest,
  answer,
  ask,
  completeInterest,
  declined,
  type InterestOptions,
  openInterest,
} from "../../support/deals.ts";
import {
  listingIn,
  type Noun,
  type Overrides,
  publishedNeed,
  publishedResult,
  rowOf,
} from "../../support/listings.ts";
import { auditsOf, auditTypes } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { idsOf, pointersOf, refused, statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const university = await market.person("university", { name: "河南牧野农学院" });
const enterprise = await market.person("enterprise", { name: "新乡沃野农业科技有限公司" });
const stranger = await market.person("enterprise");
const rounds = 5;

// The clock stands still, so that no midnight falls between two lines of a test.
const started = clock.now();
clock.now = () => started;

const nouns: readonly Noun[] = ["result", "need"];
const owners: Record<Noun, Caller> = { result: university, need: enterprise };
const askers: Record<Noun, Caller> = { result: enterprise, need: university };

const cast = (options: InterestOptions) => {
  const noun = options.noun ?? "result";
  return { owner: owners[noun], asker: askers[noun], operator, ...options };
};
const opened = (options: InterestOptions = {}) => openInterest(market, cast(options));
const accepted = (options: InterestOptions = {}) => acceptedInterest(market, cast(options));
const published = (noun: Noun, overrides = {}) =>
  (noun === "result" ? publishedResult : publishedNeed)(market, owners[noun], operator, overrides);
const step = (caller: Caller | null, id: string, action: string, body?: object) =>
  answer(market, caller, id, action, body);
const pathOf = (id: string) => `/v1/interests/${id}`;
const read = (caller: Caller | null, id: string) => market.as(caller)("GET", pathOf(id));
const list = (caller: Caller | null, query = "") =>
  market.as(caller)("GET", `/v1/interests${query}`);

const stored = async (id: string) =>
  (await db.select().from(interests).where(eq(interests.id, id)))[0]!;

/** What an organization's admin reads in the log. */
const logOf = (caller: Caller, query = "") => market.as(caller)("GET", `/v1/audit${query}`);

/** Runs `work` at another time; sign-ins made before last as long. */
async function at<T>(instant: string, work: () => Promise<T>): Promise<T> {
  const { now } = clock;
  clock.now = () => new Date(instant);
  await db.update(sessions).set({ expiresAt: instantIn(24 * 60 * 60) });
  try {
    return await work();
  } finally {
    clock.now = now;
    await db.update(sessions).set({ expiresAt: instantIn(24 * 60 * 60) });
  }
}

/** An interest in each status. */
async function interestIn(status: string, options: InterestOptions = {}) {
  const made = await opened(options);
  const { id, listingId, noun } = made;
  const path = `/v1/${noun}s/${listingId}/withdraw`;
  if (status === "accepted") await step(made.owner, id, "accept");
  if (status === "declined") await step(made.owner, id, "decline");
  if (status === "withdrawn") await step(made.asker, id, "withdraw");
  if (status === "lapsed") await market.as(made.owner)("POST", path);
  if ((await stored(id)).status !== status) throw new Error(`no interest is ${status}`);
  return made;
}

// ---- Asking ----

for (const noun of nouns) {
  t.test(`asking about a ${noun}`, async (t) => {
    const asker = askers[noun];
    const owner = owners[noun];
    const listing = await published(noun);
    const input = completeInterest();
    const reply = await ask(market, asker, noun, listing.id);
    t.equal(reply.status, 201, reply.text);
    const { id } = reply.body;
    t.equal(reply.headers.location, pathOf(id));
    t.match(reply.headers.etag, /^"1-/);
    t.match(reply.body, {
      status: "open",
      resultId: noun === "result" ? listing.id : null,
      needId: noun === "need" ? listing.id : null,
      listing: { reference: listing.reference, title: listing.title },
      owner: { organizationId: owner.organizationId, contact: null },
      asker: { organizationId: asker.organizationId, contact: input.contact },
      fieldCode: input.fieldCode,
      cooperationMode: input.cooperationMode,
      message: input.message,
      overdue: false,
      answeredAt: null,
      declineReason: null,
      note: null,
      version: 1,
      allowedActions: ["withdraw"],
    });
    t.same(
      reply.body.questions,
      input.questions?.map((question) => ({ ...question, answer: null })),
    );
    t.equal(reply.body.dueOn, dueDay(today(), 10, "working").date);
    t.match(await stored(id), {
      status: "open",
      [`${noun}Id`]: listing.id,
      ownerOrganizationId: owner.organizationId,
      askerOrganizationId: asker.organizationId,
      createdBy: asker.id,
      message: input.message,
      contact: input.contact,
      dueOn: reply.body.dueOn,
    });
    const [record, ...others] = await auditsOf(market, id);
    t.same(others, []);
    t.match(record, {
      type: "interest.create",
      actorId: asker.id,
      organizationId: asker.organizationId,
      before: null,
      after: {
        status: "open",
        message: { changed: true },
        questions: { changed: true },
        contact: { changed: true },
      },
    });
    t.same(record?.readerIds, [], "the owner must not learn who asks");
    const again = await read(asker, id);
    t.same(again.body, reply.body);
    t.equal(again.headers.etag, reply.headers.etag);
    const unchanged = await market.as(asker)("GET", pathOf(id), {
      headers: { "if-none-match": String(again.headers.etag) },
    });
    t.equal(unchanged.status, 304);
  });
}

t.test("a message is enough; the field is the listing's then", async (t) => {
  const listing = await published("result", { fieldCode: "09" });
  const body = { message: "想了解样品的试用条件。" };
  const reply = await market.as(enterprise)("POST", `/v1/results/${listing.id}/interests`, {
    body,
  });
  t.equal(reply.status, 201, reply.text);
  t.match(reply.body, { ...body, fieldCode: "09", cooperationMode: null, questions: [] });
  t.match(await stored(reply.body.id), { fieldCode: "09", questions: [], contact: null });
});

t.test("who may not ask", async (t) => {
  const { id } = await published("result");
  const no = async (caller: Caller | null, status: number, code: string) =>
    refused(t, await ask(market, caller, "result", id), status, code);
  await no(null, 401, "auth.required");
  await no(operator, 403, "auth.forbidden_role");
  await no(await market.person("registry"), 403, "auth.forbidden_role");
  for (const status of ["pending", "rejected"] as const) {
    await no(await market.person("enterprise", { status }), 403, "organization.not_verified");
  }
  await no(
    await market.person("enterprise", { status: "suspended" }),
    403,
    "organization.suspended",
  );
  await no(
    await market.client(enterprise, ["interests:read", "results:write"]),
    403,
    "auth.insufficient_scope",
  );
  await no(university, 409, "interest.own_listing");
  await no(await market.colleague(university), 409, "interest.own_listing");
  t.equal(await db.$count(interests, eq(interests.resultId, id)), 0);
  for (const kind of ["university", "brokerage"] as const) {
    const asked = await ask(market, await market.person(kind), "result", id);
    t.equal(asked.status, 201, `a ${kind} asks about results too`);
  }
});

t.test("only what is in public view can be asked about", async (t) => {
  for (const noun of nouns) {
    const [owner, asker] = [owners[noun], askers[noun]];
    const ended = noun === "result" ? ["transferred"] : ["solved", "closed"];
    for (const status of ["draft", "submitted", "rejected", "withdrawn", "expired", ...ended]) {
      const id = await listingIn(market, noun, { owner, operator }, status);
      refused(t, await ask(market, asker, noun, id), 404, `${noun}.not_found`);
    }
    refused(t, await ask(market, asker, noun, newId()), 404, `${noun}.not_found`);
    const hidden = await market.person("enterprise");
    const id = await listingIn(market, noun, { owner: hidden, operator }, "published");
    await db
      .update(organizations)
      .set({ status: "suspended" })
      .where(eq(organizations.id, hidden.organizationId));
    refused(t, await ask(market, asker, noun, id), 404, `${noun}.not_found`);
  }
  const result = await published("result");
  refused(t, await ask(market, stranger, "need", result.id), 404, "need.not_found");
});

t.test("an interest names every fault of its body", async (t) => {
  const { id } = await published("result");
  const faults = async (overrides: Overrides) =>
    pointersOf(
      refused(t, await ask(market, enterprise, "result", id, overrides), 400, "request.invalid"),
    );
  t.same(await faults({ message: undefined }), ["/message"]);
  t.same(await faults({ message: "看看" }), ["/message"]);
  t.same(await faults({ message: "长".repeat(2001), status: "accepted" }), ["/message", "/status"]);
  const question = { topic: "price", question: "价格可否面议？" };
  t.same(await faults({ questions: Array(21).fill(question) }), ["/questions"]);
  t.same(await faults({ questions: [question, { topic: "price" }] }), ["/questions/1/question"]);
  t.same(await faults({ contact: { phone: "0373-6218111" } }), ["/contact/name"]);
  t.same(
    await faults({
      fieldCode: "99",
      cooperationMode: "barter",
      questions: [question, { ...question, topic: "weather" }],
    }),
    ["/cooperationMode", "/fieldCode", "/questions/1/topic"],
  );
  t.equal(await db.$count(interests, eq(interests.resultId, id)), 0);
});

t.test("one open interest an asker and listing, in a race too", async (t) => {
  for (const noun of nouns) {
    for (let i = 0; i < rounds; i++) {
      const { id } = await published(noun);
      const asker = askers[noun];
      const colleague = await market.colleague(asker);
      const replies = await Promise.all(
        [asker, colleague, asker, colleague].map((caller) => ask(market, caller, noun, id)),
      );
      t.same(statusesOf(replies), [201, 409, 409, 409]);
      for (const lost of replies.filter(({ status }) => status === 409)) {
        t.equal(lost.body.code, "interest.already_open");
      }
      const column = noun === "result" ? interests.resultId : interests.needId;
      const rows = await db.select().from(interests).where(eq(column, id));
      t.equal(rows.length, 1);
      t.same(await auditTypes(market, rows[0]!.id), ["interest.create"]);
      t.equal((await ask(market, stranger, noun, id)).status, 201, "another asker's is another");
    }
  }
});

t.test("who asked may ask again once the first one is over", async (t) => {
  for (const status of ["withdrawn", "declined", "accepted"]) {
    const made = await interestIn(status);
    const again = await ask(market, made.asker, made.noun, made.listingId);
    t.equal(again.status, 201, `after ${status}: ${again.text}`);
  }
});

t.test("an interest is made once for an Idempotency-Key", async (t) => {
  const { id } = await published("need");
  const options = { body: completeInterest(), headers: { "idempotency-key": newId() } };
  const first = await market.as(university)("POST", `/v1/needs/${id}/interests`, options);
  const second = await market.as(university)("POST", `/v1/needs/${id}/interests`, options);
  t.same([first.status, second.status], [201, 201]);
  t.equal(second.headers["idempotent-replayed"], "true");
  t.equal(second.text, first.text);
  t.equal(await db.$count(interests, eq(interests.needId, id)), 1);
});

// ---- The reply clock ----

/** When it was asked, and by when it should be answered, from the State Council's calendars. */
const clocks: readonly [string, string, string][] = [
  // 1 to 7 October are off; 20 September (Sunday) and 10 October (Saturday) are worked.
  ["2026-09-24T02:00:00Z", "2026-10-15", "over Mid-Autumn and National Day"],
  ["2026-09-18T02:00:00Z", "2026-10-09", "a make-up Sunday counts, the holidays do not"],
  ["2026-09-30T15:59:59Z", "2026-10-20", "still the 30th in Shanghai"],
  ["2026-09-30T16:00:00Z", "2026-10-20", "the 1st in Shanghai: no working day is lost"],
  ["2026-11-20T01:00:00Z", "2026-12-04", "two plain weeks from a Friday"],
];

t.test("ten working days to answer, the first day not counted, in Shanghai", async (t) => {
  for (const [askedAt, dueOn, why] of clocks) {
    const { interest } = await at(askedAt, () => opened());
    t.equal(interest.dueOn, dueOn, why);
    t.equal((await stored(interest.id)).dueOn, dueOn);
  }
});

t.test("an open one is overdue the day after; an answered one never", async (t) => {
  const { noun, ...people } = cast({ owner: await market.person("university") });
  const made = await at("2026-09-24T02:00:00Z", () => opened({ ...people, noun: "result" }));
  const other = await at("2026-09-24T02:00:00Z", () => opened({ ...people, noun: "result" }));
  const lists = async () => ({
    overdue: idsOf(await list(made.owner, "?side=owner&overdue=true")),
    inTime: idsOf(await list(made.owner, "?side=owner&overdue=false")),
  });
  await at("2026-10-15T15:59:59Z", async () => {
    t.equal((await read(made.owner, made.id)).body.overdue, false, "the whole last day is in time");
    t.same(await lists(), { overdue: [], inTime: [other.id, made.id] });
  });
  await at("2026-10-15T16:00:00Z", async () => {
    for (const caller of [made.owner, made.asker, operator]) {
      t.equal((await read(caller, made.id)).body.overdue, true);
    }
    t.same(await lists(), { overdue: [other.id, made.id], inTime: [] });
    const late = await step(made.owner, made.id, "accept");
    t.equal(late.status, 200, "a late answer is an answer");
    t.equal(late.body.overdue, false);
    t.same(await lists(), { overdue: [other.id], inTime: [made.id] });
    const elsewhere = await market.as(made.owner)(
      "GET",
      `/v1/results/${other.listingId}/interests?overdue=true`,
    );
    t.same(idsOf(elsewhere), [other.id]);
  });
});

// ---- What each side sees ----

t.test(
  "before acceptance the owner sees kind, city, section and field of who asks, no more",
  async (t) => {
    for (const noun of nouns) {
      const kind = noun === "result" ? "enterprise" : "university";
      const alike = [askers[noun], await market.person(kind), await market.person(kind)];
      for (const { organizationId } of alike) {
        await db
          .update(organizations)
          .set({ industryCode: "A01" })
          .where(eq(organizations.id, organizationId));
      }
      const owner = await market.person(noun === "result" ? "university" : "enterprise");
      const { id, asker } = await opened({ noun, owner });
      const person = await market.colleague(owner);
      const machine = await market.client(owner, ["interests:read"]);
      for (const caller of [owner, person, machine]) {
        const { body, text } = await read(caller, id);
        t.same(body.asker, {
          organizationId: null,
          name: null,
          kind,
          regionCode: "410700",
          industryCode: "A",
          contact: null,
        });
        t.equal(body.fieldCode, "07");
        t.equal(body.owner.organizationId, owner.organizationId);
        assertSilent(t, text, asker);
        for (const action of caller === machine ? [] : ["accept", "decline"]) {
          t.ok(body.allowedActions.includes(action));
        }
      }
      for (const query of ["", "?side=owner", `?${noun}Id=${(await stored(id))[`${noun}Id`]}`]) {
        assertSilent(t, (await list(owner, query)).text, asker);
      }
      // One of the three is no longer of them: who is left would soon be found.
      const changes = [
        { regionCode: "410102" },
        { industryCode: "C34" },
        { status: "suspended" },
      ] as const;
      for (const change of changes) {
        const third = eq(organizations.id, alike[2]?.organizationId ?? "");
        const [before] = await db.select().from(organizations).where(third);
        await db.update(organizations).set(change).where(third);
        t.match(
          (await read(owner, id)).body.asker,
          { kind: null, regionCode: null, industryCode: null, name: null, organizationId: null },
          Object.keys(change).join(),
        );
        await db
          .update(organizations)
          .set(before ?? {})
          .where(third);
      }
      t.match((await read(owner, id)).body.asker, { kind, industryCode: "A" });
      t.match(
        (await read(asker, id)).body.asker,
        { industryCode: "A01" },
        "the asker knows itself",
      );
    }
  },
);

/** No trace of an asker's organization, its people or its contact. */
function assertSilent(t: Test, text: string, asker: Caller) {
  const name = asker === enterprise ? "沃野" : "牧野农学院";
  for (const trace of [asker.organizationId, asker.id, name, "吕春燕", "6218111", "lvchunyan"]) {
    t.notOk(text.includes(trace), `no ${trace}`);
  }
}

t.test("after acceptance both sides see name and contact", async (t) => {
  for (const noun of nouns) {
    const { id, asker, owner, listingId } = await accepted({ noun });
    const { contact } = await rowOf(market, noun, listingId);
    for (const caller of [owner, asker, await market.colleague(asker)]) {
      const { body } = await read(caller, id);
      t.match(body.asker, {
        organizationId: asker.organizationId,
        name: asker === enterprise ? "新乡沃野农业科技有限公司" : "河南牧野农学院",
        regionCode: "410702",
        contact: completeInterest().contact,
      });
      t.match(body.owner, { organizationId: owner.organizationId, regionCode: "410702", contact });
    }
  }
});

t.test("the asker sees an anonymous owner once it has accepted", async (t) => {
  const made = await opened({ noun: "need", listing: { anonymous: true } });
  const { id, asker, owner } = made;
  const { contact } = await rowOf(market, "need", made.listingId);
  const city = { organizationId: null, name: null, kind: null, regionCode: "410700" };
  for (const reply of [await read(asker, id), await list(asker, `?needId=${made.listingId}`)]) {
    const body = reply.body.data?.[0] ?? reply.body;
    t.same(body.owner, { ...city, industryCode: null, contact: null });
    for (const trace of [owner.organizationId, "沃野", contact?.name, contact?.phone, "410782"]) {
      t.notOk(reply.text.includes(String(trace)), `no ${trace}`);
    }
  }
  t.equal((await step(owner, id, "accept")).status, 200);
  t.match((await read(asker, id)).body.owner, {
    organizationId: owner.organizationId,
    name: "新乡沃野农业科技有限公司",
    kind: "enterprise",
    contact,
  });
});

t.test("an anonymous owner that declines stays unknown", async (t) => {
  for (const status of ["declined", "withdrawn", "lapsed"]) {
    const { id, asker, owner } = await interestIn(status, {
      noun: "need",
      listing: { anonymous: true },
    });
    const reply = await read(asker, id);
    t.equal(reply.body.status, status);
    t.equal(reply.body.owner.organizationId, null);
    t.notOk(reply.text.includes(owner.organizationId));
    const seen = (await read(owner, id)).body.asker;
    t.match(seen, { organizationId: null, name: null, contact: null });
  }
});

t.test("the operator sees who, never whom to call", async (t) => {
  for (const status of ["open", "accepted", "declined"]) {
    const { id, asker, owner } = await interestIn(status);
    const { body, text } = await read(operator, id);
    t.match(body, {
      owner: { organizationId: owner.organizationId, contact: null },
      asker: { organizationId: asker.organizationId, contact: null },
      allowedActions: [],
    });
    for (const trace of ["吕春燕", "6218111", "陈静", "3326000"]) t.notOk(text.includes(trace));
  }
});

t.test("nobody else knows of it", async (t) => {
  const { id, listingId } = await accepted();
  const machine = await market.client(stranger, ["interests:read", "interests:write"]);
  const others = [stranger, await market.person("registry"), await market.person("brokerage")];
  for (const caller of [...others, machine]) {
    refused(t, await read(caller, id), 404, "interest.not_found");
    t.notOk((await list(caller)).text.includes(id));
    t.same((await market.as(caller)("GET", `/v1/results/${listingId}/interests`)).body.data, []);
  }
  for (const action of ["accept", "decline", "withdraw"]) {
    refused(t, await step(stranger, id, action), 404, "interest.not_found");
  }
  refused(t, await step(machine, id, "withdraw"), 404, "interest.not_found");
  refused(t, await read(null, id), 401, "auth.required");
  refused(t, await list(null), 401, "auth.required");
  refused(t, await read(enterprise, newId()), 404, "interest.not_found");
  const blind = await market.client(enterprise, ["results:read"]);
  refused(t, await read(blind, id), 403, "auth.insufficient_scope");
  refused(t, await list(blind), 403, "auth.insufficient_scope");
});

// ---- Lists ----

t.test("lists by side, status and listing, newest first", async (t) => {
  const both = await market.person("enterprise");
  const first = await opened({ owner: both });
  const second = await opened({ asker: both });
  const third = await opened({ noun: "need", owner: both });
  await step(both, first.id, "accept");
  const found = async (query: string) => {
    const reply = await list(both, query);
    t.equal(reply.status, 200, reply.text);
    return idsOf(reply);
  };
  t.same(await found(""), [third.id, second.id, first.id]);
  t.same(await found("?side=owner"), [third.id, first.id]);
  t.same(await found("?side=asker"), [second.id]);
  t.same(await found("?status=open"), [third.id, second.id]);
  t.same(await found("?side=owner&status=accepted"), [first.id]);
  t.same(await found("?status=lapsed"), []);
  t.same(await found(`?resultId=${first.listingId}`), [first.id]);
  t.same(await found(`?needId=${third.listingId}`), [third.id]);
  t.same(await found(`?needId=${first.listingId}`), []);
  t.same((await list(both, "?include=total")).body.total, { exact: 3 });
  t.same((await list(both, "?side=asker&include=total")).body.total, { exact: 1 });

  const page = await list(both, "?limit=2");
  t.same(idsOf(page), [third.id, second.id]);
  const next = `?limit=2&cursor=${page.body.page.next}`;
  const rest = await list(both, next);
  t.same(idsOf(rest), [first.id]);
  t.same(rest.body.page, { hasMore: false });
  refused(t, await list(university, next), 400, "request.invalid");
  refused(t, await list(both, `${next}&status=open`), 400, "request.invalid");
  for (const query of ["?side=both", "?status=gone", "?overdue=1", "?resultId=x", "?sort=x"]) {
    refused(t, await list(both, query), 400, "request.invalid");
  }
});

t.test("the operator lists all of them", async (t) => {
  const made = await opened({ owner: await market.person("university") });
  const { body } = await list(operator, `?resultId=${made.listingId}`);
  t.match(body.data, [{ id: made.id, asker: { organizationId: made.asker.organizationId } }]);
  const { body: newest } = await list(operator, "?limit=1");
  t.equal(newest.data[0].id, made.id);
});

t.test("under a listing the owner finds all, an asker its own", async (t) => {
  for (const noun of nouns) {
    const made = await opened({ noun });
    const { listingId, owner, asker } = made;
    const other = await ask(market, stranger, noun, listingId);
    await opened({ noun });
    const under = (caller: Caller | null, query = "") =>
      market.as(caller)("GET", `/v1/${noun}s/${listingId}/interests${query}`);
    t.same(idsOf(await under(owner)), [other.body.id, made.id]);
    t.same(idsOf(await under(operator)), [other.body.id, made.id]);
    t.same(idsOf(await under(asker)), [made.id]);
    t.same(idsOf(await under(stranger)), [other.body.id]);
    t.same(idsOf(await under(await market.person("brokerage"))), []);
    t.same((await under(owner, "?include=total&status=open")).body.total, { exact: 2 });
    t.same(idsOf(await under(owner, "?status=accepted")), []);
    refused(t, await under(null), 401, "auth.required");
    refused(t, await under(owner, `?${noun}Id=${listingId}`), 400, "request.invalid");
    const machine = await market.client(owner, ["interests:read"]);
    t.same(idsOf(await under(machine)), [other.body.id, made.id]);
  }
});

t.test("under a listing that the caller may not read there is nothing", async (t) => {
  for (const noun of nouns) {
    const people = { owner: owners[noun], operator };
    const under = (caller: Caller, id: string) =>
      market.as(caller)("GET", `/v1/${noun}s/${id}/interests`);
    for (const status of ["draft", "submitted", "rejected"]) {
      const id = await listingIn(market, noun, people, status);
      refused(t, await under(stranger, id), 404, `${noun}.not_found`);
      t.same(idsOf(await under(people.owner, id)), []);
      t.same(idsOf(await under(operator, id)), []);
    }
    refused(t, await under(stranger, newId()), 404, `${noun}.not_found`);
    const made = await interestIn("lapsed", { noun });
    t.same(idsOf(await under(made.asker, made.listingId)), [made.id], "who asked finds its own");
    refused(t, await under(stranger, made.listingId), 404, `${noun}.not_found`);
  }
});

// ---- Answering ----

t.test("the owner accepts and answers what was asked", async (t) => {
  const { id, owner, asker } = await opened();
  const body = {
    note: "欢迎来校面谈。",
    answers: [{ index: 1, answer: "可按销量计，首年保底。" }],
  };
  const reply = await step(owner, id, "accept", body);
  t.equal(reply.status, 200, reply.text);
  t.match(reply.headers.etag, /^"2-/);
  t.match(reply.body, {
    status: "accepted",
    note: body.note,
    version: 2,
    allowedActions: [],
    asker: { organizationId: asker.organizationId, contact: completeInterest().contact },
  });
  t.same(
    reply.body.questions.map(({ answer }: { answer: string | null }) => answer),
    [null, "可按销量计，首年保底。"],
  );
  t.ok(reply.body.answeredAt);
  t.match(await stored(id), {
    status: "accepted",
    note: body.note,
    answeredBy: owner.id,
    answeredAt: reply.body.answeredAt,
    version: 2,
  });
  const record = (await auditsOf(market, id)).at(-1);
  t.match(record, {
    type: "interest.accept",
    actorId: owner.id,
    organizationId: asker.organizationId,
    readerIds: [owner.organizationId],
    before: { status: "open" },
    after: { status: "accepted", note: { changed: true }, questions: { changed: true } },
  });
  t.same((await read(owner, id)).body, reply.body);
  t.match((await read(asker, id)).body, { questions: reply.body.questions, note: body.note });
});

t.test("an answer is to a question that was asked, and there is one to each", async (t) => {
  const { id, owner } = await opened();
  const faults = async (answers: object[]) => {
    const reply = await step(owner, id, "accept", { answers });
    return pointersOf(refused(t, reply, 400, "request.invalid"));
  };
  const text = { answer: "亩产约五百公斤。" };
  t.same(
    await faults([
      { index: 0, ...text },
      { index: 2, ...text },
    ]),
    ["/answers/1/index"],
  );
  t.same(
    await faults([
      { index: 1, ...text },
      { index: 1, ...text },
    ]),
    ["/answers/1/index"],
  );
  t.same(await faults([{ index: -1, ...text }]), ["/answers/0/index"]);
  t.same(await faults([{ index: 0, answer: " " }]), ["/answers/0/answer"]);
  t.match(await stored(id), { status: "open", version: 1 });
});

t.test("the owner declines with a reason from the list", async (t) => {
  const { id, owner, asker } = await opened();
  for (const [body, pointer] of [
    [{}, "/reason"],
    [{ reason: "mood" }, "/reason"],
    [{ ...declined, note: "x".repeat(1001) }, "/note"],
  ] as const) {
    const reply = await step(owner, id, "decline", body);
    t.same(pointersOf(refused(t, reply, 400, "request.invalid")), [pointer]);
  }
  const reply = await step(owner, id, "decline");
  t.equal(reply.status, 200, reply.text);
  const after = { status: "declined", declineReason: "capacity", note: declined.note };
  t.match(reply.body, { ...after, version: 2, allowedActions: [] });
  t.equal(reply.body.asker.organizationId, null, "who declines does not learn who asked");
  t.match(await stored(id), { ...after, answeredBy: owner.id });
  t.match((await read(asker, id)).body, after);
  t.match((await auditsOf(market, id)).at(-1), {
    type: "interest.decline",
    actorId: owner.id,
    readerIds: [],
    reason: "capacity",
    after: { status: "declined", note: { changed: true } },
  });
});

t.test("the asker withdraws", async (t) => {
  const { id, asker, owner } = await opened();
  const colleague = await market.colleague(asker);
  const reply = await step(colleague, id, "withdraw");
  t.equal(reply.status, 200, reply.text);
  t.match(reply.body, { status: "withdrawn", answeredAt: null, version: 2, allowedActions: [] });
  t.match(await stored(id), { status: "withdrawn", answeredBy: null });
  t.match((await auditsOf(market, id)).at(-1), {
    type: "interest.withdraw",
    actorId: colleague.id,
    readerIds: [],
  });
  t.equal((await read(owner, id)).body.asker.organizationId, null);
});

t.test("each side takes its own steps", async (t) => {
  const { id, owner, asker } = await opened();
  const no = async (caller: Caller | null, action: string, status: number, code: string) =>
    refused(t, await step(caller, id, action), status, code);
  for (const action of ["accept", "decline"]) {
    await no(asker, action, 403, "interest.not_owner");
    await no(operator, action, 403, "auth.forbidden_role");
    await no(null, action, 401, "auth.required");
    const machine = await market.client(owner, ["interests:read", "interests:write"]);
    await no(machine, action, 403, "auth.person_required");
    t.same((await read(machine, id)).body.allowedActions, [], "nor is it offered");
  }
  await no(owner, "withdraw", 403, "interest.not_owner");
  await no(operator, "withdraw", 403, "auth.forbidden_role");
  const reader = await market.client(asker, ["interests:read"]);
  await no(reader, "withdraw", 403, "auth.insufficient_scope");
  t.same((await read(reader, id)).body.allowedActions, [], "nor to a machine that only reads");
  t.match(await stored(id), { status: "open", version: 1 });
  t.same(await auditTypes(market, id), ["interest.create"]);
});

t.test("an organization that was suspended meanwhile answers and withdraws nothing", async (t) => {
  const [owner, asker] = [await market.person("university"), await market.person("enterprise")];
  const { id } = await opened({ owner, asker });
  const suspend = (caller: Caller, status: "suspended" | "verified") =>
    db.update(organizations).set({ status }).where(eq(organizations.id, caller.organizationId));
  for (const [caller, action] of [
    [owner, "accept"],
    [owner, "decline"],
    [asker, "withdraw"],
  ] as const) {
    await suspend(caller, "suspended");
    // The caller's standing is looked up at most every five seconds.
    const fresh = await market.colleague(caller);
    refused(t, await step(fresh, id, action), 403, "organization.suspended");
    t.equal((await read(fresh, id)).status, 200);
    await suspend(caller, "verified");
  }
  t.equal((await stored(id)).status, "open");
});

t.test("a machine client asks, reads and withdraws for its organization", async (t) => {
  const { id: listingId } = await published("result");
  const machine = await market.client(enterprise, ["interests:read", "interests:write"]);
  const reply = await ask(market, machine, "result", listingId);
  t.equal(reply.status, 201, reply.text);
  const { id } = reply.body;
  t.match(await stored(id), { createdBy: null, askerOrganizationId: enterprise.organizationId });
  t.match((await auditsOf(market, id))[0], { actorKind: "client", actorId: machine.id });
  t.equal((await read(machine, id)).status, 200);
  t.equal((await step(machine, id, "withdraw")).status, 200);
});

t.test("what is over takes no step", async (t) => {
  for (const status of ["accepted", "declined", "withdrawn", "lapsed"]) {
    const { id, owner, asker } = await interestIn(status);
    const before = await stored(id);
    const types = await auditTypes(market, id);
    for (const [caller, action] of [
      [owner, "accept"],
      [owner, "decline"],
      [asker, "withdraw"],
    ] as const) {
      const reply = refused(t, await step(caller, id, action), 409, "interest.invalid_transition");
      t.match(reply, { currentStatus: status, allowedActions: [] });
    }
    t.same(await stored(id), before);
    t.same(await auditTypes(market, id), types);
    t.equal((await step(owner, id, "reopen")).status, 404);
    await t.rejects(
      db.update(interests).set({ status: "open", declineReason: null }).where(eq(interests.id, id)),
      "the database refuses it as well",
    );
  }
});

t.test("a step honours If-Match", async (t) => {
  const { id, owner } = await opened();
  const accept = (etag: string) =>
    market.as(owner)("POST", `${pathOf(id)}/accept`, { body: {}, headers: { "if-match": etag } });
  const { headers } = await read(owner, id);
  refused(t, await accept('"7-abc"'), 412, "request.precondition_failed");
  t.equal((await stored(id)).status, "open");
  t.equal((await accept(String(headers.etag))).status, 200);
  refused(t, await accept(String(headers.etag)), 412, "request.precondition_failed");
});

t.test("accepting twice with one Idempotency-Key is accepting once", async (t) => {
  const { id, owner } = await opened();
  const options = { body: { note: "可以面谈。" }, headers: { "idempotency-key": newId() } };
  const [first, second] = await Promise.all([
    market.as(owner)("POST", `${pathOf(id)}/accept`, options),
    market.as(owner)("POST", `${pathOf(id)}/accept`, options),
  ]);
  for (const reply of [first, second]) {
    if (reply.status === 409) t.equal(reply.body.code, "idempotency.in_progress");
    else t.equal(reply.status, 200, reply.text);
  }
  t.same(await auditTypes(market, id), ["interest.create", "interest.accept"]);
});

// ---- At the same moment ----

t.test("of two steps at the same moment one is taken", async (t) => {
  const pairs = [
    ["accept", "withdraw"],
    ["accept", "decline"],
    ["decline", "withdraw"],
    ["accept", "accept"],
  ] as const;
  const status = { accept: "accepted", decline: "declined", withdraw: "withdrawn" };
  for (const pair of pairs) {
    for (let i = 0; i < rounds; i++) {
      const { id, owner, asker } = await opened();
      const replies = await Promise.all(
        pair.map((action) => step(action === "withdraw" ? asker : owner, id, action)),
      );
      t.same(statusesOf(replies), [200, 409], pair.join(" and "));
      const won = pair[replies.findIndex((reply) => reply.status === 200)]!;
      const lost = replies.find((reply) => reply.status === 409)!;
      t.match(lost.body, {
        code: "interest.invalid_transition",
        currentStatus: status[won],
        allowedActions: [],
      });
      const row = await stored(id);
      t.match(row, { status: status[won], version: 2 });
      t.equal(row.answeredBy, won === "withdraw" ? null : owner.id);
      t.same(await auditTypes(market, id), ["interest.create", `interest.${won}`]);
    }
  }
});

t.test("no interest stays open in a listing that left while it was asked about", async (t) => {
  for (const noun of nouns) {
    for (let i = 0; i < rounds; i++) {
      const { id } = await published(noun);
      const [asked, left] = await Promise.all([
        ask(market, askers[noun], noun, id),
        market.as(owners[noun])("POST", `/v1/${noun}s/${id}/withdraw`),
      ]);
      t.equal(left.status, 200, left.text);
      if (asked.status !== 201) {
        refused(t, asked, 404, `${noun}.not_found`);
        continue;
      }
      t.match(await stored(asked.body.id), { status: "lapsed", version: 2 });
      t.same(await auditTypes(market, asked.body.id), ["interest.create", "interest.lapse"]);
    }
  }
});

t.test("accepting while the listing leaves ends in one of both", async (t) => {
  for (let i = 0; i < rounds; i++) {
    const { id, owner, listingId } = await opened();
    const [accept, left] = await Promise.all([
      step(owner, id, "accept"),
      market.as(owner)("POST", `/v1/results/${listingId}/withdraw`),
    ]);
    t.equal(left.status, 200, left.text);
    const row = await stored(id);
    if (accept.status === 200) t.equal(row.status, "accepted");
    else {
      t.match(refused(t, accept, 409, "interest.invalid_transition"), { currentStatus: "lapsed" });
      t.equal(row.status, "lapsed");
    }
    t.equal(row.version, 2);
    t.equal((await auditTypes(market, id)).length, 2);
  }
});

// ---- The log ----

t.test("the owner's admin reads of an interest once it is accepted", async (t) => {
  const { id, owner, asker } = await opened();
  const types = async (caller: Caller) =>
    (await logOf(caller, `?subjectId=${id}`)).body.data.map(({ type }: { type: string }) => type);
  t.same(await types(owner), [], "nothing that names the asker");
  t.same(await types(asker), ["interest.create"]);
  t.same(await types(operator), ["interest.create"]);
  await step(owner, id, "accept");
  t.same(await types(owner), ["interest.accept"]);
  t.same(await types(asker), ["interest.accept", "interest.create"]);
  t.same(await types(stranger), []);
});

t.test("the log does not tell the asker who an anonymous owner is", async (t) => {
  for (const status of ["open", "declined", "withdrawn", "lapsed"]) {
    const asker = await market.person("university");
    const { id, owner } = await interestIn(status, {
      noun: "need",
      asker,
      listing: { anonymous: true },
    });
    const own = await logOf(asker, "?limit=100");
    t.ok(own.text.includes(id), "it reads of its interest");
    for (const trace of [owner.organizationId, owner.id]) {
      t.notOk(own.text.includes(trace), `${status}: no ${trace}`);
    }
    t.notOk((await logOf(owner, "?limit=100")).text.includes(asker.organizationId));
    const types = await auditTypes(market, id);
    t.equal(types.length, status === "open" ? 1 : 2, "every step is in the log");
  }
});

t.test("no record of an interest holds what was said, or a contact", async (t) => {
  const { id, owner } = await opened({ noun: "need" });
  await step(owner, id, "accept", { note: "欢迎来厂", answers: [{ index: 0, answer: "八百斤" }] });
  const texts = JSON.stringify(await auditsOf(market, id));
  const { message, questions, contact } = completeInterest();
  for (const value of [message, questions?.[0]?.question, contact?.name, "欢迎来厂", "八百斤"]) {
    t.notOk(texts.includes(String(value)), `no ${value}`);
  }
});

// ---- What others build on ----

t.test("only an accepted interest is found for a deal", async (t) => {
  for (const status of ["open", "declined", "withdrawn", "lapsed"]) {
    t.equal(await findAcceptedInterest(db, (await interestIn(status)).id), undefined, status);
  }
  t.equal(await findAcceptedInterest(db, newId()), undefined);
  const { id, asker } = await accepted();
  t.match(await findAcceptedInterest(db, id), {
    id,
    status: "accepted",
    askerOrganizationId: asker.organizationId,
  });
});

t.test(
  "after all this: a record a version, and one open interest an asker and listing",
  async (t) => {
    const rows = await db.select().from(interests);
    const open = rows.filter(({ status }) => status === "open");
    const pairs = open.map((row) => `${row.askerOrganizationId} ${row.resultId ?? row.needId}`);
    t.equal(new Set(pairs).size, pairs.length);
    for (const { id, version } of rows) {
      if ((await auditTypes(market, id)).length !== version) t.fail(`${id}: a record a version`);
    }
  },
);
