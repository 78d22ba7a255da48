/** Organizations: entering and describing them, their lifecycle, and what each state lets them do. */
import { eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { needs } from "../../../db/schema/needs.ts";
import { organizationStatuses, organizations } from "../../../db/schema/organizations.ts";
import { results } from "../../../db/schema/results.ts";
import { effectiveContract, newParties } from "../../support/contracts.ts";
import { auditsOf, auditTypes } from "../../support/log.ts";
import { type Caller, nextCreditCode, openMarket, type Reply } from "../../support/market.ts";
import { filedCase, openOffice, registeredCase, stepOf } from "../../support/registrations.ts";
import { must, statusesOf } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const nobody = market.as(null);
const unknownId = "01890000-0000-7000-8000-000000000000";
const operator = await market.person("operator");

type Row = typeof organizations.$inferSelect;

async function rowOf(id: string): Promise<Row> {
  const [row] = await db.select().from(organizations).where(eq(organizations.id, id));
  if (!row) throw new Error("no such organization");
  return row;
}

const act = (
  by: Caller | null,
  id: string,
  action: string,
  { reason, headers = {} }: { reason?: string | null; headers?: Record<string, string> } = {},
) => {
  const body = reason === undefined ? {} : { body: { reason } };
  // Who verifies says what was looked at; most tests do not look.
  const looked: Record<string, string> = action === "verify" ? { "if-match": "*" } : {};
  return market.as(by)("POST", `/v1/organizations/${id}/${action}`, {
    ...body,
    headers: { ...looked, ...headers },
  });
};

/** Acts as the operator, with a reason where one is wanted. */
const operate = (id: string, action: string, headers: Record<string, string> = {}) =>
  ["reject", "suspend", "close"].includes(action)
    ? act(operator, id, action, { reason: "材料不符", headers })
    : act(operator, id, action, { headers });

const read = (by: Caller | null, id: string) => market.as(by)("GET", `/v1/organizations/${id}`);

const patch = (by: Caller | null, id: string, body: object, etag?: string) =>
  market.as(by)("PATCH", `/v1/organizations/${id}`, {
    body,
    headers: etag ? { "if-match": etag } : {},
  });

const input = (changes: object = {}) => ({
  kind: "enterprise",
  name: "新乡某某机械有限公司",
  creditCode: nextCreditCode(),
  regionCode: "410711",
  ...changes,
});
const enter = (body: object, by: Caller | null = operator, headers: Record<string, string> = {}) =>
  market.as(by)("POST", "/v1/organizations", { body, headers });

const completeResult = {
  title: "盐碱地玉米专用缓释肥制备技术",
  summary: "亩均减肥两成。",
  description: "以腐植酸包膜控制养分释放。",
  fieldCode: "09",
  regionCode: "410711",
  maturity: 6,
  cooperationModes: ["licence"],
  price: { kind: "negotiable" },
  contact: { name: "成果转化办公室", phone: "0373-3326000" },
};

async function draftResult(by: Caller): Promise<string> {
  const reply = await market.as(by)("POST", "/v1/results", { body: completeResult });
  if (reply.status !== 201) throw new Error(reply.text);
  return reply.body.id;
}

async function submittedResult(by: Caller): Promise<string> {
  const id = await draftResult(by);
  const reply = await market.as(by)("POST", `/v1/results/${id}/submit`);
  if (reply.status !== 200) throw new Error(reply.text);
  return id;
}

async function publishedResult(by: Caller): Promise<string> {
  const id = await submittedResult(by);
  const reply = await market.as(operator)("POST", `/v1/results/${id}/publish`);
  if (reply.status !== 200) throw new Error(reply.text);
  return id;
}

const resultStatus = async (id: string) =>
  (await db.select().from(results).where(eq(results.id, id)))[0]?.status;

t.test("entering an organization as the operator", async (t) => {
  t.test("it is of any kind and verified at once", async (t) => {
    for (const kind of ["university", "enterprise", "brokerage", "registry", "operator"]) {
      const body = input({ kind, contact: { name: "王强", phone: "0373-3326000" } });
      const reply = await enter(body);
      t.equal(reply.status, 201);
      t.equal(reply.headers.location, `/v1/organizations/${reply.body.id}`);
      t.match(reply.headers.etag, /^"1-/);
      t.match(reply.body, { kind, status: "verified", legalType: "enterprise", version: 1 });
      t.match(await rowOf(reply.body.id), {
        kind,
        status: "verified",
        verifiedAt: String,
        creditCodeOverrideReason: null,
        contact: { name: "王强", phone: "0373-3326000", email: null },
      });
      const [record] = await auditsOf(market, reply.body.id);
      t.match(record, {
        type: "organization.create",
        actorId: operator.id,
        organizationId: reply.body.id,
        before: null,
        after: { name: body.name, status: "verified" },
      });
      t.strictSame(record?.after?.contact, { changed: true });
      t.notMatch(JSON.stringify(record), /王强|3326000/);
    }
  });

  t.test("a wrong check digit needs a reason, which is kept", async (t) => {
    const body = input({ creditCode: "91350100M0001TGQXM" });
    const refused = await enter(body);
    t.equal(refused.status, 400);
    t.match(refused.body.errors, [{ pointer: "/creditCode", code: "credit_code.check_digit" }]);
    t.equal((await enter({ ...body, creditCodeOverrideReason: "" })).status, 400);
    t.equal(await db.$count(organizations, eq(organizations.creditCode, body.creditCode)), 0);

    const reason = "福建早期试点代码，已核对营业执照原件";
    const reply = await enter({ ...body, creditCodeOverrideReason: reason });
    t.equal(reply.status, 201);
    t.equal(reply.body.creditCodeOverrideReason, reason);
    t.match(await rowOf(reply.body.id), { creditCodeOverrideReason: reason });
    t.match(await auditsOf(market, reply.body.id), [{ type: "organization.create", reason }]);
    t.notOk((await read(null, reply.body.id)).text.includes(reason), "not for the public");
  });

  t.test(
    "what is no code at all is refused with a reason too, and all faults are named",
    async (t) => {
      const reply = await enter(
        input({
          creditCode: "I".repeat(18),
          creditCodeOverrideReason: "x",
          regionCode: "999999",
          industryCode: "nothing",
        }),
      );
      t.equal(reply.status, 400);
      t.match(reply.body.errors, [
        { pointer: "/creditCode", code: "credit_code.shape" },
        { pointer: "/regionCode", code: "taxonomy.unknown_code" },
        { pointer: "/industryCode", code: "taxonomy.unknown_code" },
      ]);
    },
  );

  t.test("a code that a verified or suspended one has is taken", async (t) => {
    for (const status of ["verified", "suspended"] as const) {
      const creditCode = nextCreditCode();
      await market.person("enterprise", { status, creditCode });
      const reply = await enter(input({ creditCode }));
      t.same([reply.status, reply.body.code], [409, "organization.credit_code_taken"]);
      t.equal(await db.$count(organizations, eq(organizations.creditCode, creditCode)), 1);
    }
    for (const status of ["pending", "rejected", "closed"] as const) {
      const creditCode = nextCreditCode();
      await market.person("enterprise", { status, creditCode });
      t.equal((await enter(input({ creditCode }))).status, 201, status);
    }
  });

  t.test("who waits with the same code is rejected, and told why", async (t) => {
    const creditCode = nextCreditCode();
    const claim = await market.person("enterprise", { status: "pending", creditCode });
    await enter(input({ creditCode }));
    const { body } = await read(claim, claim.organizationId);
    t.match(body, { status: "rejected", statusReason: /another organization/i });
    t.match(await auditsOf(market, claim.organizationId), [{ type: "organization.reject" }]);
  });

  t.test("two with one code at once: one is there", async (t) => {
    const creditCode = nextCreditCode();
    const replies = await Promise.all([1, 2].map(() => enter(input({ creditCode }))));
    t.same(statusesOf(replies), [201, 409]);
    t.equal(await db.$count(organizations, eq(organizations.creditCode, creditCode)), 1);
  });

  t.test("the same key again: one organization, the same answer", async (t) => {
    const body = input();
    const headers = { "idempotency-key": '"enter-1"' };
    const [first, again] = [
      await enter(body, operator, headers),
      await enter(body, operator, headers),
    ];
    t.same([again.status, again.text], [201, first.text]);
    t.equal(again.headers["idempotent-replayed"], "true");
    t.equal(again.headers.location, first.headers.location);
    t.equal(await db.$count(organizations, eq(organizations.creditCode, body.creditCode)), 1);
    const other = await enter({ ...body, name: "别的名称" }, operator, headers);
    t.same([other.status, other.body.code], [422, "idempotency.key_reused"]);
  });

  t.test("is for the operator's people", async (t) => {
    const body = input();
    const refusals: [Caller | null, number, string][] = [
      [null, 401, "auth.required"],
      [await market.person("enterprise"), 403, "auth.forbidden_role"],
      [await market.person("registry"), 403, "auth.forbidden_role"],
      [await market.client(operator, ["organization:read"]), 403, "auth.person_required"],
    ];
    for (const [caller, status, code] of refusals) {
      const reply = await enter(body, caller);
      t.same([reply.status, reply.body.code], [status, code]);
      if (code === "auth.forbidden_role") t.same(reply.body.requiredRoles, ["operator"]);
    }
    t.equal(await db.$count(organizations, eq(organizations.creditCode, body.creditCode)), 0);
  });
});

t.test("what is shown to whom", async (t) => {
  const inner = {
    contact: { name: "张敏", phone: "0373-7654321", email: "zhang.min@example.test" },
    statusReason: "补充材料后通过",
    creditCodeOverrideReason: "早期代码",
  };
  const owner = await market.person("university");
  const id = owner.organizationId;
  await db.update(organizations).set(inner).where(eq(organizations.id, id));

  t.test("contact and reasons to the organization itself and the operator only", async (t) => {
    const colleague = await market.colleague(owner);
    const machine = await market.client(owner, ["organization:read"]);
    for (const caller of [owner, colleague, machine, operator]) {
      t.match((await read(caller, id)).body, inner);
    }
    const others = [
      null,
      await market.person("enterprise"),
      await market.person("registry"),
      await market.client(await market.person("enterprise"), ["organization:read"]),
    ];
    for (const caller of others) {
      const { status, body, text } = await read(caller, id);
      t.equal(status, 200);
      for (const key of Object.keys(inner)) t.notOk(key in body, key);
      t.notMatch(text, /张敏|7654321|补充材料|早期代码/);
    }
    t.notMatch((await nobody("GET", "/v1/organizations?limit=100")).text, /张敏|补充材料|早期代码/);
    t.notMatch((await market.as(operator)("GET", "/v1/organizations?limit=100")).text, /张敏/);
  });

  t.test("allowed actions to the signed in, as far as they may take them", async (t) => {
    t.notOk("allowedActions" in (await read(null, id)).body);
    t.same((await read(owner, id)).body.allowedActions, []);
    t.same((await read(operator, id)).body.allowedActions, ["suspend", "close"]);
    const rejected = await market.person("enterprise", { status: "rejected" });
    const other = await market.colleague(rejected);
    const target = rejected.organizationId;
    t.same((await read(rejected, target)).body.allowedActions, ["resubmit"]);
    t.same((await read(other, target)).body.allowedActions, []);
    t.same((await read(operator, target)).body.allowedActions, []);
  });

  t.test("one version has a tag for each view; caches keep the public one only", async (t) => {
    const [mine, theirs] = [await read(owner, id), await read(null, id)];
    t.match([mine.headers.etag, theirs.headers.etag], [/^"1-/, /^"1-/]);
    t.not(mine.headers.etag, theirs.headers.etag);
    t.equal(mine.headers["cache-control"], "no-store");
    t.equal(theirs.headers["cache-control"], "public, max-age=30");
    t.match(theirs.headers.vary, /Authorization/);
    const headers = { "if-none-match": String(theirs.headers.etag) };
    const url = `/v1/organizations/${id}`;
    t.equal((await nobody("GET", url, { headers })).status, 304);
    t.equal((await market.as(owner)("GET", url, { headers })).status, 200);
  });

  for (const status of ["pending", "rejected", "suspended", "closed"] as const) {
    t.test(`a ${status} one to itself and the operator only`, async (t) => {
      const person = await market.person("enterprise", { status });
      const stranger = await market.person("enterprise");
      for (const caller of [person, operator]) {
        t.equal((await read(caller, person.organizationId)).body.status, status);
      }
      for (const caller of [null, stranger]) {
        const reply = await read(caller, person.organizationId);
        t.same([reply.status, reply.body.code], [404, "organization.not_found"]);
      }
    });
  }

  t.test("an unknown id is a 404, a malformed one a 400", async (t) => {
    t.equal((await read(operator, unknownId)).body.code, "organization.not_found");
    const reply = await read(null, "henan");
    t.equal(reply.status, 400);
    t.match(reply.body.errors, [{ parameter: "id" }]);
  });
});

t.test("the list", async (t) => {
  const creditCode = nextCreditCode();
  const made: Caller[] = [];
  for (const status of organizationStatuses) {
    // Only one of the verified and suspended may have the code.
    const code = status === "suspended" ? nextCreditCode() : creditCode;
    made.push(await market.person("brokerage", { status, creditCode: code }));
  }
  const ids = async (by: Caller | null, query: string) => {
    const { body } = await market.as(by)("GET", `/v1/organizations?limit=100&${query}`);
    return body.data.map((organization: { id: string }) => organization.id);
  };
  const idOf = (status: Row["status"]) =>
    made[organizationStatuses.indexOf(status)]?.organizationId;

  t.test("shows the verified ones; to the operator all; to each its own", async (t) => {
    const query = `creditCode=${creditCode}`;
    t.same(await ids(null, query), [idOf("verified")]);
    const all = ["pending", "verified", "rejected", "closed"] as const;
    t.same(await ids(operator, query), all.map(idOf));
    t.same(await ids(made[0] ?? null, query), [idOf("pending"), idOf("verified")]);
  });

  t.test("is filtered by status, kind and region", async (t) => {
    const query = `creditCode=${creditCode}`;
    t.same(await ids(operator, `${query}&status=rejected`), [idOf("rejected")]);
    t.same(await ids(null, `${query}&status=rejected`), [], "not to the public");
    t.same(await ids(operator, `${query}&kind=university`), []);
    t.equal((await ids(operator, `${query}&kind=brokerage`)).length, 4);
    for (const region of ["410000", "410700", "410702"]) {
      t.same(await ids(null, `${query}&regionCode=${region}`), [idOf("verified")], region);
    }
    // An underscore is no wildcard.
    for (const region of ["420000", "410800", "410711", "____00", "_10700", "4107_2", "_"]) {
      t.same(await ids(null, `${query}&regionCode=${region}`), [], region);
    }
  });

  t.test("comes in pages, each organization once, and is counted", async (t) => {
    const seen: string[] = [];
    let cursor = "";
    do {
      const url = `/v1/organizations?limit=2&creditCode=${creditCode}${cursor && `&cursor=${cursor}`}`;
      const { body } = await market.as(operator)("GET", url);
      seen.push(...body.data.map((organization: { id: string }) => organization.id));
      cursor = body.page.next ?? "";
    } while (cursor);
    t.same(seen, await ids(operator, `creditCode=${creditCode}`));
    const { body } = await nobody(
      "GET",
      `/v1/organizations?creditCode=${creditCode}&include=total`,
    );
    t.same(body.total, { exact: 1 });
  });

  t.test("refuses filters that are none, whatever is in them", async (t) => {
    for (const query of [
      "creditCode=1",
      `creditCode=${"%00".repeat(18)}`,
      "kind=bank",
      "status=open",
      "regionCode=%00",
      "regionCode=41%25",
      "regionCode=41%5C",
      "name=x",
      "limit=0",
      "limit=101",
      "cursor=%00",
    ]) {
      const reply = await nobody("GET", `/v1/organizations?${query}`);
      t.equal(reply.status, 400, query);
      t.match(reply.body.errors, [{ parameter: query.split("=")[0] }]);
    }
  });
});

t.test("describing itself", async (t) => {
  t.test("an admin changes what the patch names, and null removes", async (t) => {
    const owner = await market.person("enterprise");
    const id = owner.organizationId;
    const full = {
      shortName: "某某机械",
      industryCode: "C35",
      scale: "small",
      address: "新乡市某某路 1 号",
      website: "https://example.test",
      description: "专用设备制造。\n成立于 2001 年。",
      contact: { name: "张敏", phone: "0373-7654321", email: "Zhang.Min@example.test" },
    };
    const first = await patch(owner, id, full, '"1-"');
    t.equal(first.status, 200, first.text);
    const stored = { ...full, contact: { ...full.contact, email: "zhang.min@example.test" } };
    t.match(first.body, { ...stored, version: 2 });
    t.match(await rowOf(id), { ...stored, version: 2, regionCode: "410702" });

    const changes = { shortName: null, website: null, contact: { phone: null } };
    const second = await patch(owner, id, changes, String(first.headers.etag));
    t.match(second.body, { shortName: null, website: null, scale: "small", version: 3 });
    const contact = { name: "张敏", phone: null, email: "zhang.min@example.test" };
    t.strictSame((await rowOf(id)).contact, contact, "merged member by member");
    const third = await patch(owner, id, { contact: null }, "*");
    t.equal(third.body.contact, null);
    t.equal((await rowOf(id)).contact, null);

    const records = await auditsOf(market, id);
    t.match(records, [
      {
        type: "organization.update",
        before: { shortName: null },
        after: { shortName: "某某机械" },
      },
      { before: { shortName: "某某机械" }, after: { shortName: null } },
      {},
    ]);
    t.strictSame(records[2]?.after, { contact: { changed: true }, version: 4 });
    t.notMatch(JSON.stringify(records), /张敏|7654321|zhang\.min/i);
  });

  t.test("kind, credit code, status and reasons are not its to change", async (t) => {
    const owner = await market.person("enterprise");
    const before = await rowOf(owner.organizationId);
    for (const body of [
      { kind: "operator" },
      { creditCode: nextCreditCode() },
      { status: "verified" },
      { statusReason: null },
      { verifiedAt: null },
      { legalType: "enterprise" },
      { version: 9 },
    ]) {
      const reply = await patch(owner, owner.organizationId, body, "*");
      t.equal(reply.status, 400, JSON.stringify(body));
      const pointer = `/${Object.keys(body)[0]}`;
      t.match(reply.body.errors, [{ pointer, code: "unknown_field" }]);
    }
    t.same(await rowOf(owner.organizationId), before);
  });

  t.test("what is wrong is named with its place, also after the merge", async (t) => {
    const owner = await market.person("enterprise");
    const before = await rowOf(owner.organizationId);
    for (const [body, pointer] of [
      [{ name: null }, "/name"],
      [{ regionCode: null }, "/regionCode"],
      [{ regionCode: "999999" }, "/regionCode"],
      [{ industryCode: "ZZ" }, "/industryCode"],
      [{ scale: "giant" }, "/scale"],
      [{ website: "javascript:alert(1)" }, "/website"],
      [{ contact: { phone: "0373-7654321" } }, "/contact/name"],
      [{ contact: { name: "张敏", fax: "1" } }, "/contact/fax"],
      [{ address: "a\u0000b" }, "/address"],
      [{ shortName: "\ud800" }, "/shortName"],
    ] as const) {
      const reply = await patch(owner, owner.organizationId, body, "*");
      t.equal(reply.status, 400, JSON.stringify(body));
      t.match(reply.body.errors, [{ pointer }]);
    }
    t.same(await rowOf(owner.organizationId), before);
  });

  t.test("needs If-Match, and the version as it is", async (t) => {
    const owner = await market.person("enterprise");
    const id = owner.organizationId;
    const before = await rowOf(id);
    const without = await patch(owner, id, { shortName: "甲" });
    t.same([without.status, without.body.code], [428, "request.precondition_required"]);
    for (const etag of ['"2-x"', '"1"', 'W/"1-x"']) {
      const stale = await patch(owner, id, { shortName: "甲" }, etag);
      t.same([stale.status, stale.body.code], [412, "request.precondition_failed"], etag);
    }
    t.same(await rowOf(id), before);
  });

  t.test("two writers with one tag at once: one is told to read again", async (t) => {
    for (let round = 0; round < 3; round++) {
      const owner = await market.person("enterprise");
      const id = owner.organizationId;
      const etag = String((await read(owner, id)).headers.etag);
      const replies = await Promise.all(
        [`甲${round}`, `乙${round}`].map((shortName) => patch(owner, id, { shortName }, etag)),
      );
      t.same(statusesOf(replies), [200, 412]);
      const done = replies.find((reply) => reply.status === 200);
      t.match(await rowOf(id), { shortName: done?.body.shortName, version: 2 });
      t.equal((await auditsOf(market, id)).length, 1);
    }
  });

  t.test("the name: its own until it was verified, then the operator's to change", async (t) => {
    for (const status of ["pending", "rejected"] as const) {
      const owner = await market.person("enterprise", { status });
      const reply = await patch(owner, owner.organizationId, { name: "新名称" }, "*");
      t.equal(reply.body.name, "新名称", status);
    }
    const owner = await market.person("enterprise");
    const { name } = await rowOf(owner.organizationId);
    const refused = await patch(owner, owner.organizationId, { name: "新名称" }, "*");
    t.same([refused.status, refused.body.code], [409, "organization.name_verified"]);
    t.equal((await rowOf(owner.organizationId)).name, name);
    const same = await patch(owner, owner.organizationId, { name, shortName: "简称" }, "*");
    t.equal(same.status, 200, "the same name is no change");
    const changed = await patch(operator, owner.organizationId, { name: "核准的新名称" }, "*");
    t.equal(changed.status, 200);
    t.match((await auditsOf(market, owner.organizationId)).at(-1), {
      actorId: operator.id,
      before: { name },
      after: { name: "核准的新名称" },
    });
  });

  t.test("is for its admins", async (t) => {
    const owner = await market.person("enterprise");
    const pending = await market.person("enterprise", { status: "pending" });
    const stranger = await market.person("enterprise");
    const refusals: [Caller | null, Caller, number, string][] = [
      [null, owner, 401, "auth.required"],
      [await market.colleague(owner), owner, 403, "auth.admin_required"],
      [await market.client(owner, ["organization:read"]), owner, 403, "auth.person_required"],
      [stranger, owner, 403, "organization.not_owner"],
      [await market.person("registry"), owner, 403, "organization.not_owner"],
      [stranger, pending, 404, "organization.not_found"],
    ];
    for (const [caller, target, status, code] of refusals) {
      const before = await rowOf(target.organizationId);
      const reply = await patch(caller, target.organizationId, { shortName: "别人" }, "*");
      t.same([reply.status, reply.body.code], [status, code]);
      t.same(await rowOf(target.organizationId), before);
    }
    t.equal((await patch(operator, unknownId, {}, "*")).body.code, "organization.not_found");
  });
});

const actions = ["verify", "reject", "resubmit", "suspend", "reinstate", "close"] as const;

t.test("the lifecycle", async (t) => {
  /** Where each action leads, from each status; what is not here is refused. */
  const leads: Partial<Record<Row["status"], Partial<Record<(typeof actions)[number], string>>>> = {
    pending: { verify: "verified", reject: "rejected" },
    verified: { suspend: "suspended", close: "closed" },
    rejected: { resubmit: "pending" },
    suspended: { reinstate: "verified", close: "closed" },
    closed: {},
  };

  for (const status of organizationStatuses) {
    t.test(
      `from ${status}: what leads where, and what is refused with what is possible`,
      async (t) => {
        for (const action of actions) {
          const owner = await market.person("enterprise", { status });
          const id = owner.organizationId;
          const before = await rowOf(id);
          const reply =
            action === "resubmit" ? await act(owner, id, action) : await operate(id, action);
          const to = leads[status]?.[action];
          const name = `${status} ${action}`;
          if (to) {
            t.same([reply.status, reply.body.status], [200, to], `${name}: ${reply.text}`);
            t.match(await rowOf(id), { status: to, version: 2 }, name);
            t.match(reply.headers.etag, /^"2-/);
            t.match(await auditsOf(market, id), [
              { type: `organization.${action}`, before: { status }, after: { status: to } },
            ]);
            continue;
          }
          // A suspended or closed organization's own people are refused before the lifecycle is asked.
          if (action === "resubmit" && (status === "suspended" || status === "closed")) {
            t.same([reply.status, reply.body.code], [403, "organization.suspended"], name);
          } else {
            t.same([reply.status, reply.body.code], [409, "organization.invalid_transition"], name);
            t.equal(reply.body.currentStatus, status, name);
            const possible = Object.keys(leads[status] ?? {});
            const theirs = possible.filter((a) => (a === "resubmit") === (action === "resubmit"));
            t.same(reply.body.allowedActions, theirs, name);
          }
          t.same(await rowOf(id), before, name);
          t.same(await auditsOf(market, id), [], name);
        }
      },
    );
  }

  t.test("verifying notes when; a rejection tells why; both until the next step", async (t) => {
    const owner = await market.person("enterprise", { status: "pending" });
    const id = owner.organizationId;
    await act(operator, id, "reject", { reason: "营业执照与名称不符" });
    t.match(await rowOf(id), { statusReason: "营业执照与名称不符", verifiedAt: null });
    t.match((await read(owner, id)).body, { statusReason: "营业执照与名称不符" });
    t.match(await auditsOf(market, id), [{ reason: "营业执照与名称不符", actorId: operator.id }]);
    await act(owner, id, "resubmit");
    t.match(await rowOf(id), { status: "pending", statusReason: null });
    const reply = await act(operator, id, "verify");
    t.ok(reply.body.verifiedAt);
    t.match(await rowOf(id), { verifiedAt: reply.body.verifiedAt, statusReason: null });
    await operate(id, "suspend");
    const back = await operate(id, "reinstate");
    t.equal(back.body.verifiedAt, reply.body.verifiedAt, "since the first time");
  });

  t.test("rejecting, suspending and closing need a reason", async (t) => {
    for (const [status, action] of [
      ["pending", "reject"],
      ["verified", "suspend"],
      ["verified", "close"],
    ] as const) {
      const { organizationId: id } = await market.person("enterprise", { status });
      for (const reason of ["", "   ", null]) {
        const reply = await act(operator, id, action, { reason });
        t.equal(reply.status, 400, `${action} ${JSON.stringify(reason)}`);
        t.match(reply.body.errors, [{ pointer: "/reason" }]);
      }
      t.equal((await act(operator, id, action)).status, 400, "no body");
      t.match(await rowOf(id), { status, version: 1 });
    }
  });

  t.test(
    "each step is for the operator's people, resubmitting for the organization's admin",
    async (t) => {
      const statusFor = {
        verify: "pending",
        reject: "pending",
        resubmit: "rejected",
        suspend: "verified",
        reinstate: "suspended",
        close: "verified",
      } as const;
      const registry = await market.person("registry");
      const stranger = await market.person("enterprise");
      for (const action of actions) {
        const status = statusFor[action];
        const owner = await market.person("enterprise", { status });
        const id = owner.organizationId;
        const colleague = await market.colleague(owner);
        const machine = await market.client(owner, ["organization:read"]);
        const own = action === "resubmit";
        const refusals: [Caller | null, number, string][] = own
          ? [
              [null, 401, "auth.required"],
              [colleague, 403, "auth.admin_required"],
              [machine, 403, "auth.person_required"],
              [stranger, 404, "organization.not_found"],
              [operator, 403, "organization.not_owner"],
            ]
          : [
              [null, 401, "auth.required"],
              [owner, 403, "auth.forbidden_role"],
              [stranger, 403, "auth.forbidden_role"],
              [registry, 403, "auth.forbidden_role"],
              [await market.client(operator, ["organization:read"]), 403, "auth.person_required"],
            ];
        for (const [caller, wanted, code] of refusals) {
          const reply = await act(caller, id, action, own ? {} : { reason: "理由" });
          t.same([reply.status, reply.body.code], [wanted, code], `${action}: ${reply.text}`);
          if (code === "auth.forbidden_role") t.same(reply.body.requiredRoles, ["operator"]);
        }
        t.match(await rowOf(id), { status, version: 1 }, action);
      }
    },
  );

  t.test("another one's resubmission: not its owner when it can be read", async (t) => {
    const owner = await market.person("enterprise");
    const reply = await act(await market.person("enterprise"), owner.organizationId, "resubmit");
    t.same([reply.status, reply.body.code], [403, "organization.not_owner"]);
  });

  t.test("an unknown organization and an unknown action are 404", async (t) => {
    for (const action of actions) {
      if (action === "resubmit") continue;
      const reply = await operate(unknownId, action);
      t.same([reply.status, reply.body.code], [404, "organization.not_found"], action);
    }
    const { organizationId: id } = await market.person("enterprise", { status: "pending" });
    for (const action of ["approve", "delete", "VERIFY"]) {
      const reply = await act(operator, id, action);
      t.same([reply.status, reply.body.code], [404, "request.not_found"], action);
    }
    const wrongMethod = await market.as(operator)("GET", `/v1/organizations/${id}/verify`);
    t.same([wrongMethod.status, wrongMethod.headers.allow], [405, "POST"]);
    t.equal((await rowOf(id)).status, "pending");
  });

  t.test("a step honours If-Match", async (t) => {
    const { organizationId: id } = await market.person("enterprise", { status: "pending" });
    t.equal((await operate(id, "verify", { "if-match": '"2-x"' })).status, 412);
    t.equal((await rowOf(id)).status, "pending");
    const etag = String((await read(operator, id)).headers.etag);
    t.equal((await operate(id, "verify", { "if-match": etag })).status, 200);
  });

  t.test("what is verified is what was looked at: renamed meanwhile, it is not", async (t) => {
    const owner = await market.person("enterprise", { status: "pending" });
    const id = owner.organizationId;
    const path = `/v1/organizations/${id}/verify`;
    const blind = await market.as(operator)("POST", path);
    t.same([blind.status, blind.body.code], [428, "request.precondition_required"]);
    const seen = String((await read(operator, id)).headers.etag);
    t.equal((await patch(owner, id, { name: "另一家公司" }, "*")).status, 200);
    const stale = await operate(id, "verify", { "if-match": seen });
    t.same([stale.status, stale.body.code], [412, "request.precondition_failed"]);
    t.match(await rowOf(id), { status: "pending", name: "另一家公司" });
    t.same(await auditTypes(market, id), ["organization.update"]);
    const again = String((await read(operator, id)).headers.etag);
    t.equal((await operate(id, "verify", { "if-match": again })).status, 200);
  });

  t.test("the same key again gets the same answer, and moves nothing", async (t) => {
    const { organizationId: id } = await market.person("enterprise", { status: "pending" });
    const headers = { "idempotency-key": "verify-1" };
    const first = await operate(id, "verify", headers);
    await operate(id, "suspend");
    const again = await operate(id, "verify", headers);
    t.same([again.status, again.text], [200, first.text]);
    t.equal(again.headers["idempotent-replayed"], "true");
    t.equal((await rowOf(id)).status, "suspended");
    t.equal((await auditsOf(market, id)).length, 2);
  });
});

t.test("claims of one credit code", async (t) => {
  const claim = (creditCode: string, status: Row["status"] = "pending") =>
    market.person("enterprise", { status, creditCode });

  t.test("verifying one rejects the others that wait, and no other", async (t) => {
    const creditCode = nextCreditCode();
    const [first, second, third] = [
      await claim(creditCode),
      await claim(creditCode),
      await claim(creditCode),
    ];
    const closed = await claim(creditCode, "closed");
    const elsewhere = await claim(nextCreditCode());
    t.equal((await operate(second.organizationId, "verify")).status, 200);
    for (const loser of [first, third]) {
      t.match(await rowOf(loser.organizationId), {
        status: "rejected",
        statusReason: /credit code/,
        version: 2,
      });
      t.match(await auditsOf(market, loser.organizationId), [
        {
          type: "organization.reject",
          actorId: operator.id,
          organizationId: loser.organizationId,
          reason: /credit code/,
        },
      ]);
    }
    t.equal((await rowOf(closed.organizationId)).status, "closed");
    t.equal((await rowOf(elsewhere.organizationId)).status, "pending");

    await act(first, first.organizationId, "resubmit");
    const reply = await operate(first.organizationId, "verify");
    t.same([reply.status, reply.body.code], [409, "organization.credit_code_taken"]);
    t.equal((await rowOf(first.organizationId)).status, "pending");
  });

  t.test("a suspended one still has the code, a closed one gives it up", async (t) => {
    const creditCode = nextCreditCode();
    const holder = await claim(creditCode, "suspended");
    const next = await claim(creditCode);
    t.equal((await operate(next.organizationId, "verify")).status, 409);
    await operate(holder.organizationId, "close");
    t.equal((await operate(next.organizationId, "verify")).status, 200);
  });

  t.test("two operators who verify two claims at once: one is verified", async (t) => {
    const colleague = await market.colleague(operator);
    for (let round = 0; round < 5; round++) {
      const creditCode = nextCreditCode();
      const claims = [await claim(creditCode), await claim(creditCode)];
      const replies = await Promise.all(
        claims.map((c, i) => act(i ? colleague : operator, c.organizationId, "verify")),
      );
      t.same(statusesOf(replies), [200, 409], replies.map((reply) => reply.text).join("\n"));
      const rows = await Promise.all(claims.map((c) => rowOf(c.organizationId)));
      t.same(rows.map((row) => row.status).sort(), ["rejected", "verified"]);
      const refused = replies.find((reply) => reply.status === 409)?.body;
      t.match(refused, { code: "organization.invalid_transition", currentStatus: "rejected" });
    }
  });

  t.test("verified twice at once: once", async (t) => {
    const { organizationId: id } = await claim(nextCreditCode());
    const replies = await Promise.all([1, 2].map(() => operate(id, "verify")));
    t.same(statusesOf(replies), [200, 409]);
    t.equal((await auditsOf(market, id)).length, 1);
  });

  t.test("verified and rejected at the same moment: one of both", async (t) => {
    for (let round = 0; round < 5; round++) {
      const { organizationId: id } = await claim(nextCreditCode());
      const [verified, rejected] = await Promise.all([
        operate(id, "verify"),
        operate(id, "reject"),
      ]);
      const [done, refused] = verified.status === 200 ? [verified, rejected] : [rejected, verified];
      t.same([done.status, refused.status], [200, 409]);
      t.equal(refused.body.code, "organization.invalid_transition");
      t.equal(refused.body.currentStatus, done.body.status);
      const possible = done.body.status === "verified" ? ["suspend", "close"] : [];
      t.same(refused.body.allowedActions, possible);
      t.match(await rowOf(id), { status: done.body.status, version: 2 });
      t.equal((await auditsOf(market, id)).length, 1);
    }
  });

  t.test("suspended and closed at the same moment ends closed, or is refused", async (t) => {
    for (let round = 0; round < 5; round++) {
      const { organizationId: id } = await claim(nextCreditCode(), "verified");
      const [suspended, closed] = await Promise.all([operate(id, "suspend"), operate(id, "close")]);
      t.equal(closed.status, 200);
      t.ok([200, 409].includes(suspended.status));
      t.equal((await rowOf(id)).status, "closed");
      t.equal((await auditsOf(market, id)).length, suspended.status === 200 ? 2 : 1);
    }
  });

  t.test("the database itself refuses a second verified one, and a leap", async (t) => {
    const creditCode = nextCreditCode();
    await claim(creditCode, "verified");
    const second = await claim(creditCode);
    const set = (status: Row["status"], id: string) =>
      db.update(organizations).set({ status }).where(eq(organizations.id, id));
    await t.rejects(set("verified", second.organizationId), {
      cause: { constraint: "organizations_credit_code_verified" },
    });
    await t.rejects(set("closed", second.organizationId), {
      cause: { constraint: "organizations_lifecycle" },
    });
  });
});

t.test("a short name is one verified organization's, however it is written", async (t) => {
  const named = async (shortName: string | null, status: Row["status"] = "verified") => {
    const owner = await market.person("enterprise", { status });
    const { organizationId: id } = owner;
    await db.update(organizations).set({ shortName }).where(eq(organizations.id, id));
    return owner;
  };
  const isTaken = (t: Test, reply: Reply) =>
    t.same([reply.status, reply.body.code], [409, "organization.short_name_taken"]);
  const change = (by: Caller, shortName: string) =>
    patch(by, by.organizationId, { shortName }, "*");

  t.test("changed, made, or verified", async (t) => {
    const holder = await named("Alpha 智能");
    const other = await named(null);
    for (const same of ["Alpha 智能", "ALPHA 智能", "Ａｌｐｈａ 智能"]) {
      isTaken(t, await change(other, same));
    }
    t.match(await rowOf(other.organizationId), { shortName: null, version: 1 });
    t.same(await auditsOf(market, other.organizationId), []);
    const body = input({ kind: "registry", creditCode: nextCreditCode(), shortName: "alpha 智能" });
    isTaken(t, await market.as(operator)("POST", "/v1/organizations", { body }));
    const waiting = await named("alpha 智能", "pending");
    isTaken(t, await operate(waiting.organizationId, "verify"));
    t.match(await rowOf(waiting.organizationId), { status: "pending", version: 1 });
    t.equal((await change(holder, "ALPHA 智能")).status, 200, "its own, written otherwise");
  });

  t.test("a suspended one still has it, a closed one gives it up", async (t) => {
    const holder = await named("贝塔", "suspended");
    const next = await named(null);
    isTaken(t, await change(next, "贝塔"));
    await operate(holder.organizationId, "close");
    t.equal((await change(next, "贝塔")).status, 200);
  });

  t.test("two at once: one has it", async (t) => {
    for (let round = 0; round < 5; round++) {
      const both = [await named(null), await named(null)];
      const replies = await Promise.all(both.map((one) => change(one, `伽马 ${round}`)));
      t.same(statusesOf(replies), [200, 409]);
      isTaken(t, replies.find(({ status }) => status === 409) as Reply);
    }
  });
});

t.test("what each state lets an organization do", async (t) => {
  for (const status of ["pending", "rejected"] as const) {
    t.test(`${status}: it drafts and changes, but does not submit`, async (t) => {
      const owner = await market.person("university", { status });
      const id = await draftResult(owner);
      const options = { body: { title: "改过的标题" }, headers: { "if-match": "*" } };
      t.equal((await market.as(owner)("PATCH", `/v1/results/${id}`, options)).status, 200);
      const need = await market.as(owner)("POST", "/v1/needs", { body: { title: "在线检测" } });
      for (const url of [`/v1/results/${id}/submit`, `/v1/needs/${need.body.id}/submit`]) {
        const reply = await market.as(owner)("POST", url);
        t.same([reply.status, reply.body.code], [403, "organization.not_verified"]);
      }
      t.equal(await resultStatus(id), "draft");
      const [row] = await db.select().from(needs).where(eq(needs.id, need.body.id));
      t.equal(row?.status, "draft");
    });
  }

  t.test("once verified, it submits with the token it had", async (t) => {
    const owner = await market.person("university", { status: "pending" });
    const id = await draftResult(owner);
    t.equal((await market.as(owner)("POST", `/v1/results/${id}/submit`)).status, 403);
    await operate(owner.organizationId, "verify");
    t.equal((await market.as(owner)("POST", `/v1/results/${id}/submit`)).status, 200);
  });

  /** Everything an organization might change; all of it is refused. */
  async function assertChangesNothing(t: Test, owner: Caller, drafted: string) {
    const as = market.as(owner);
    const organization = `/v1/organizations/${owner.organizationId}`;
    const headers = { "if-match": "*" };
    const before = await rowOf(owner.organizationId);
    const count = await db.$count(auditRecords);
    const replies = [
      await as("POST", "/v1/needs", { body: { title: "停用后的需求" } }),
      await as("POST", "/v1/results", { body: completeResult }),
      await as("PATCH", `/v1/results/${drafted}`, { body: { title: "停用后的标题" }, headers }),
      await as("POST", `/v1/results/${drafted}/submit`),
      await as("POST", `/v1/results/${drafted}/withdraw`),
      await as("DELETE", `/v1/results/${drafted}`),
      await as("PATCH", organization, { body: { shortName: "甲" }, headers }),
      await as("POST", `${organization}/resubmit`),
      await as("POST", `${organization}/members`, { body: { name: "甲", email: "a@b.test" } }),
      await as("POST", "/v1/api-clients", { body: { name: "ERP", scopes: ["needs:read"] } }),
      await as("PATCH", "/v1/me", { body: { name: "甲" }, headers }),
    ];
    for (const reply of replies) {
      t.same([reply.status, reply.body.code], [403, "organization.suspended"], reply.text);
    }
    t.same(await rowOf(owner.organizationId), before);
    t.equal(await db.$count(auditRecords), count);
  }

  t.test("suspended: reads its own, changes nothing, its listings are hidden", async (t) => {
    const owner = await market.person("university");
    const [published, drafted] = [await publishedResult(owner), await draftResult(owner)];
    const listed = async () => {
      const { body } = await nobody("GET", `/v1/results?organizationId=${owner.organizationId}`);
      return body.data.map((result: { id: string }) => result.id);
    };
    t.same(await listed(), [published]);
    await operate(owner.organizationId, "suspend");

    t.same(await listed(), []);
    t.equal((await nobody("GET", `/v1/results/${published}`)).status, 404);
    const stranger = await market.person("enterprise");
    t.equal((await market.as(stranger)("GET", `/v1/results/${published}`)).status, 404);
    t.equal(await resultStatus(published), "published", "hidden, not withdrawn");
    for (const url of [
      `/v1/results/${published}`,
      `/v1/results/${drafted}`,
      "/v1/results?scope=own",
      "/v1/me",
      `/v1/organizations/${owner.organizationId}`,
      `/v1/organizations/${owner.organizationId}/members`,
      "/v1/api-clients",
    ]) {
      t.equal((await market.as(owner)("GET", url)).status, 200, url);
    }
    await assertChangesNothing(t, owner, drafted);

    await operate(owner.organizationId, "reinstate");
    t.same(await listed(), [published]);
    t.equal((await market.as(owner)("POST", `/v1/results/${drafted}/submit`)).status, 200);
  });

  t.test("closed: reads its own, its listings are withdrawn", async (t) => {
    const owner = await market.person("university");
    const [published, submitted, drafted] = [
      await publishedResult(owner),
      await submittedResult(owner),
      await draftResult(owner),
    ];
    const bystander = await publishedResult(await market.person("university"));
    const reply = await act(operator, owner.organizationId, "close", { reason: "机构注销" });
    t.equal(reply.status, 200);

    t.equal(await resultStatus(published), "withdrawn");
    t.equal(await resultStatus(submitted), "draft");
    t.equal(await resultStatus(drafted), "draft");
    t.equal(await resultStatus(bystander), "published", "nobody else's");
    for (const [id, from, to] of [
      [published, "published", "withdrawn"],
      [submitted, "submitted", "draft"],
    ] as const) {
      t.match((await auditsOf(market, id)).at(-1), {
        type: "result.withdraw",
        organizationId: owner.organizationId,
        before: { status: from },
        after: { status: to },
        reason: "organization closed",
      });
    }
    t.equal((await nobody("GET", `/v1/results/${published}`)).status, 404);
    t.equal((await market.as(owner)("GET", `/v1/results/${published}`)).status, 200);
    t.match((await read(owner, owner.organizationId)).body, {
      status: "closed",
      statusReason: "机构注销",
      allowedActions: [],
    });
    await assertChangesNothing(t, owner, drafted);
    const renewed = await market.as(owner)("POST", `/v1/results/${published}/renew`, { body: {} });
    t.equal(renewed.body.code, "organization.suspended");
  });

  t.test("closing a suspended one withdraws its listings too", async (t) => {
    const owner = await market.person("university");
    const published = await publishedResult(owner);
    await operate(owner.organizationId, "suspend");
    await operate(owner.organizationId, "close");
    t.equal(await resultStatus(published), "withdrawn");
  });
});

t.test("nobody is closed who has something to do", async (t) => {
  const { as } = market;
  const office = await openOffice(market);
  const { first } = office;
  const inside = (who: Caller) => ({ organizationId: who.organizationId, natureCode: "150" });
  const post = (who: Caller, id: string, action: string, body?: object) =>
    as(who)("POST", `/v1/contracts/${id}/${action}`, { body });
  const close = (who: Caller) =>
    as(operator)("POST", `/v1/organizations/${who.organizationId}/close`, {
      body: { reason: "机构注销。" },
    });
  const busy = async (who: Caller, why: string) =>
    t.equal((await close(who)).body?.code, "organization.has_open_deals", why);
  const two = await newParties(market);
  const made = await effectiveContract(market, two);
  await must(post(two.seller, made.id, "cancel", { reason: "项目取消。" }));
  await busy(two.buyer, "is asked to cancel");
  await must(post(two.seller, made.id, "retract"));
  const path = `amendments`;
  const change = { reason: "调整。", patch: { terms: "新条款。" } };
  const open = await must(post(two.seller, made.id, path, change));
  await busy(two.buyer, "is asked to confirm an amendment");
  await must(post(two.seller, made.id, `amendments/${open.id}/withdraw`));
  const registered = await registeredCase(market, office, two);
  await must(post(two.seller, registered.id, "cancel", { reason: "项目取消。" }));
  await must(post(two.buyer, registered.id, "cancel", { reason: "项目取消。" }));
  await busy(two.seller, "the office has yet to cancel");
  await must(stepOf(market, two.seller, registered.caseId, "cancel", {}));
  await must(stepOf(market, first, registered.caseId, "cancel", {}));
  const own = await openOffice(market, { code: "320199", regionCodes: ["320100"] });
  const far = await market.person("enterprise", { regionCode: "320102" });
  const content = { sellers: [inside(far)], pricing: null };
  await filedCase(market, own, { seller: far, buyer: two.buyer, content });
  await busy(own.first, "has cases to decide");
  t.equal((await close(two.seller)).status, 200, "nothing is left");
});

t.test("no audit record holds a contact", async (t) => {
  const text = JSON.stringify(await db.select().from(auditRecords));
  t.notMatch(text, /张敏|王强|3326000|7654321|@example\.test/i);
});
