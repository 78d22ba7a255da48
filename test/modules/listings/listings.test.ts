/** What holds for results and needs alike: each operation, who may call it, the lifecycle, time. */
import { and, eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { clock } from "../../../src/lib/clock.ts";
import { newId } from "../../../src/lib/ids.ts";
import {
  type Cast,
  castOf,
  complete,
  copyListing,
  drafted,
  listingIn,
  type Noun,
  rowCounts,
  rowOf,
  tableOf,
} from "../../support/listings.ts";
import { auditsOf } from "../../support/log.ts";
import { type Call, type Market, openMarket } from "../../support/market.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const review = { reason: "unclear_text", note: "技术路线表述不清，请重写。" };

/** Fields without which neither can be submitted, and what an empty one looks like. */
const required: Record<Noun, Record<string, unknown>> = {
  result: {
    summary: null,
    description: null,
    fieldCode: null,
    regionCode: null,
    maturity: null,
    cooperationModes: [],
    price: null,
    contact: null,
  },
  need: {
    summary: null,
    bottleneck: null,
    needType: null,
    fieldCode: null,
    regionCode: null,
    deadline: null,
    cooperationModes: [],
    contact: null,
    authenticityConfirmed: false,
  },
};

type Steps = Record<string, Record<string, string>>;

/** What a draft takes over of its organization when it is not given. */
const nowhere = { regionCode: null, contact: null };

// From lifecycles.md, not from the code.
const shared: Steps = {
  draft: { submit: "submitted" },
  changes_requested: { submit: "submitted" },
  rejected: { submit: "submitted" },
  submitted: {
    withdraw: "draft",
    publish: "published",
    "request-changes": "changes_requested",
    reject: "rejected",
  },
  published: { withdraw: "withdrawn", "request-changes": "changes_requested", renew: "published" },
  expired: { withdraw: "withdrawn", renew: "published" },
  withdrawn: { renew: "published" },
};

const stepsOf: Record<Noun, Steps> = {
  result: { ...shared, transferred: {} },
  need: {
    ...shared,
    published: { ...shared.published, solve: "solved", close: "closed" },
    solved: {},
    closed: {},
  },
};

/** Every action endpoint: who takes it, and with which body. */
const actionsOf = (noun: Noun): Record<string, { by: "owner" | "operator"; body?: object }> => ({
  submit: { by: "owner" },
  withdraw: { by: "owner" },
  renew: { by: "owner", body: { validUntil: "2032-02-29" } },
  publish: { by: "operator" },
  "request-changes": { by: "operator", body: review },
  reject: { by: "operator", body: review },
  ...(noun === "need"
    ? { solve: { by: "owner" as const, body: {} }, close: { by: "owner" as const } }
    : {}),
});

/** Registers the tests for one of the two kinds. */
async function testListing(t: Test, market: Market, noun: Noun, cast: Cast): Promise<void> {
  const { db } = market.database;
  const { owner, operator, other } = cast;
  const list = `/v1/${noun}s`;
  const pathOf = (id: string) => `${list}/${id}`;
  const [asOwner, asOperator, asOther, asNobody] = [owner, operator, other, null].map(
    market.as,
  ) as [Call, Call, Call, Call];
  const actions = actionsOf(noun);
  const steps = stepsOf[noun];
  const at = (status: string, overrides = {}) =>
    listingIn(market, noun, { owner, operator }, status, overrides);
  const lastAudit = async (id: string) => (await auditsOf(market, id)).at(-1)!;
  const call = (as: Call, id: string, action: string) => {
    const body = actions[action]?.body;
    return as("POST", `${pathOf(id)}/${action}`, body ? { body } : {});
  };

  t.test(`${noun}: create drafts it, for the caller's organization`, async (t) => {
    const reply = await asOwner("POST", list, {
      body: { title: "  玉米秸秆还田机具  ", ...nowhere },
    });
    t.equal(reply.status, 201);
    t.equal(reply.headers.location, pathOf(reply.body.id));
    t.match(reply.headers.etag, /^"1-/);
    const row = await rowOf(market, noun, reply.body.id);
    t.match(row, {
      organizationId: owner.organizationId,
      createdBy: owner.id,
      status: "draft",
      title: "玉米秸秆还田机具",
      version: 1,
      completeness: 0,
      publishedAt: null,
      submittedAt: null,
    });
    const [audit, ...more] = await auditsOf(market, reply.body.id);
    t.equal(more.length, 0);
    t.match(audit, {
      type: `${noun}.create`,
      subjectType: noun,
      organizationId: owner.organizationId,
      actorKind: "member",
      actorId: owner.id,
      actorOrganizationId: owner.organizationId,
      requestId: reply.headers["request-id"],
      address: "127.0.0.1",
      before: null,
      after: { title: "玉米秸秆还田机具", status: "draft", version: 1 },
    });
  });

  t.test(`${noun}: region and contact are the organization's unless given`, async (t) => {
    const contact = { name: "成果转化办公室", phone: "0373-3326000", email: null };
    const own = { regionCode: "410711", contact };
    const author = await market.person(noun === "result" ? "university" : "enterprise");
    const machine = await market.client(author, [`${noun}s:write`]);
    const mine = eq(organizations.id, author.organizationId);
    await db.update(organizations).set(own).where(mine);
    const make = async (given: object, by = author) => {
      const body = { title: "玉米秸秆还田机具", ...given };
      return (await market.as(by)("POST", list, { body })).body;
    };

    const plain = await make({});
    t.match(plain, own);
    t.match(await rowOf(market, noun, plain.id), own);
    const gaps = plain.completeness.missing.map(({ field }: { field: string }) => field);
    t.notOk(gaps.includes("/contact") || gaps.includes("/regionCode"), "nor are they lacking");
    t.match(await make({}, machine), own, "of a machine client as well");
    t.match(await make({ regionCode: "410782" }), { regionCode: "410782", contact });
    const other = { name: "周敏", phone: null, email: null };
    t.match(await make({ contact: other }), { regionCode: "410711", contact: other });
    t.match(await make({ contact: null }), { regionCode: "410711", contact: null });
    t.match(await make(nowhere), nowhere);

    const patched = await market.as(author)("PATCH", pathOf(plain.id), {
      body: nowhere,
      headers: { "if-match": "*" },
    });
    t.match(patched.body, nowhere, "what is taken out of a draft does not come back");
    t.match(await rowOf(market, noun, plain.id), nowhere);
    await db.update(organizations).set({ contact: null }).where(mine);
    t.match(await make({}), { regionCode: "410711", contact: null });
  });

  t.test(`${noun}: create by a machine client names no person`, async (t) => {
    const reply = await market.as(cast.machine)("POST", list, {
      body: { title: "机器录入的草稿" },
    });
    t.equal(reply.status, 201);
    const row = await rowOf(market, noun, reply.body.id);
    t.equal(row.organizationId, owner.organizationId);
    t.equal(row.createdBy, null);
    t.match(await lastAudit(reply.body.id), { actorKind: "client", actorId: cast.machine.id });
  });

  t.test(`${noun}: every field of the input comes back as it was given`, async (t) => {
    const input: Record<string, unknown> = complete[noun]({ validUntil: "2035-12-31" });
    const created = await asOwner("POST", list, { body: input });
    t.equal(created.status, 201);
    const { body } = await asOwner("GET", pathOf(created.body.id));
    t.strictSame(body, created.body, "reading gives what creating gave");
    for (const [field, value] of Object.entries(input)) t.strictSame(body[field], value, field);
    t.strictSame(body.completeness, { score: 100, missing: [] });
  });

  t.test(`${noun}: references are R- or N-, the year and six digits, and unique`, async (t) => {
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, i) => drafted(market, noun, owner, { title: `编号测试${i}` })),
    );
    const references = replies.map(({ body }) => body.reference as string);
    const shape = noun === "result" ? /^R-20\d\d-\d{6}$/ : /^N-20\d\d-\d{6}$/;
    for (const reference of references) t.match(reference, shape);
    t.equal(new Set(references).size, 12);
  });

  t.test(`${noun}: completeness counts the weights of what is there`, async (t) => {
    const { body } = await asOwner("POST", list, {
      body: { title: "只有标题和摘要", summary: "一句话摘要。", ...nowhere },
    });
    const missing: { field: string; weight: number; required: boolean }[] =
      body.completeness.missing;
    t.equal(body.completeness.score, 10);
    t.equal(100 - missing.reduce((sum, gap) => sum + gap.weight, 0), 10);
    t.notOk(missing.some(({ field }) => field === "/summary"));
    const patched = await asOwner("PATCH", pathOf(body.id), {
      body: { fieldCode: "03" },
      headers: { "if-match": "*" },
    });
    t.equal(patched.body.completeness.score, 18);
    t.equal((await rowOf(market, noun, body.id)).completeness, 18);
  });

  t.test(`${noun}: submit names every required field that is missing`, async (t) => {
    const { body } = await asOwner("POST", list, { body: { title: "空白草稿一份", ...nowhere } });
    const problem = refused(
      t,
      await asOwner("POST", `${pathOf(body.id)}/submit`),
      409,
      `${noun}.incomplete`,
    );
    const fields = Object.keys(required[noun]).map((field) => `/${field}`);
    t.same(pointersOf(problem), fields.sort());
    const gaps: { field: string; required: boolean }[] = body.completeness.missing;
    t.same(
      gaps
        .filter((gap) => gap.required)
        .map((gap) => gap.field)
        .sort(),
      fields.sort(),
      "the gaps mark the same fields as required",
    );
    t.match(await rowOf(market, noun, body.id), { status: "draft", version: 1 });
    t.equal((await auditsOf(market, body.id)).length, 1);
  });

  t.test(`${noun}: any one required field missing keeps it from review`, async (t) => {
    for (const [field, empty] of Object.entries(required[noun])) {
      const { body } = await drafted(market, noun, owner, { [field]: empty });
      const reply = await asOwner("POST", `${pathOf(body.id)}/submit`);
      t.same(pointersOf(refused(t, reply, 409, `${noun}.incomplete`)), [`/${field}`]);
    }
  });

  t.test(`${noun}: submit stores the step and its audit record`, async (t) => {
    const id = await at("draft");
    const reply = await asOwner("POST", `${pathOf(id)}/submit`);
    t.equal(reply.status, 200);
    t.match(reply.body, { status: "submitted", version: 2, allowedActions: ["withdraw"] });
    const row = await rowOf(market, noun, id);
    t.match(row, { status: "submitted", version: 2 });
    t.equal(row.submittedAt, reply.body.submittedAt);
    const audit = await lastAudit(id);
    t.equal(audit.type, `${noun}.submit`);
    t.strictSame(audit.before, { status: "draft", submittedAt: null, version: 1 });
    t.strictSame(audit.after, { status: "submitted", submittedAt: row.submittedAt, version: 2 });
  });

  t.test(`${noun}: publish makes it live for a year when the owner named no day`, async (t) => {
    const id = await at("submitted");
    const reply = await asOperator("POST", `${pathOf(id)}/publish`);
    t.equal(reply.status, 200);
    const row = await rowOf(market, noun, id);
    t.match(row, { status: "published", version: 3, changedSinceReview: false });
    const shanghai = new Date(Date.now() + 8 * 3_600_000).toISOString();
    t.equal(row.validUntil?.slice(0, 4), String(Number(shanghai.slice(0, 4)) + 1));
    const audit = await lastAudit(id);
    t.match(audit, { type: `${noun}.publish`, actorId: operator.id });
    t.equal(audit.organizationId, owner.organizationId, "the owner may read the record");
    t.strictSame(Object.keys(audit.after ?? {}).sort(), [
      "publishedAt",
      "status",
      "validUntil",
      "version",
    ]);
    const open = await asNobody("GET", pathOf(id));
    t.equal(open.status, 200);
    t.notOk("review" in open.body);
    t.notOk("allowedActions" in open.body);
  });

  t.test(`${noun}: publish keeps the owner's last day`, async (t) => {
    const id = await at("submitted", { validUntil: "2030-03-15" });
    await asOperator("POST", `${pathOf(id)}/publish`);
    t.equal((await rowOf(market, noun, id)).validUntil, "2030-03-15");
  });

  t.test(`${noun}: a last day that has passed keeps it from review and from view`, async (t) => {
    const { body } = await drafted(market, noun, owner, { validUntil: "2026-01-31" });
    const late = await asOwner("POST", `${pathOf(body.id)}/submit`);
    t.match(refused(t, late, 409, `${noun}.incomplete`).errors, [
      { pointer: "/validUntil", code: "date.past" },
    ]);
    const id = await at("submitted");
    await db
      .update(tableOf(noun))
      .set({ validUntil: "2026-01-31" })
      .where(eq(tableOf(noun).id, id));
    refused(t, await asOperator("POST", `${pathOf(id)}/publish`), 409, `${noun}.incomplete`);
    t.equal((await rowOf(market, noun, id)).status, "submitted");
  });

  for (const [action, status] of [
    ["request-changes", "changes_requested"],
    ["reject", "rejected"],
  ] as const) {
    t.test(`${noun}: ${action} stores reason and note, for owner and operator`, async (t) => {
      const id = await at("submitted");
      const reply = await asOperator("POST", `${pathOf(id)}/${action}`, { body: review });
      t.equal(reply.status, 200);
      t.match(await rowOf(market, noun, id), {
        status,
        reviewReason: review.reason,
        reviewNote: review.note,
        version: 3,
      });
      t.match(await lastAudit(id), {
        type: `${noun}.${action.replace("-", "_")}`,
        reason: review.note,
        before: { status: "submitted", reviewReason: null, reviewNote: null, version: 2 },
        after: { status, reviewReason: review.reason, reviewNote: review.note, version: 3 },
      });
      const own = await asOwner("GET", pathOf(id));
      t.strictSame(own.body.review, review);
      t.strictSame(own.body.allowedActions, ["submit"]);
      refused(t, await asOther("GET", pathOf(id)), 404, `${noun}.not_found`);
    });

    t.test(`${noun}: ${action} wants a reason of the list, and a note`, async (t) => {
      const id = await at("submitted");
      const url = `${pathOf(id)}/${action}`;
      const unknown = await asOperator("POST", url, { body: { ...review, reason: "no_such" } });
      t.match(refused(t, unknown, 400, "request.invalid").errors, [
        { pointer: "/reason", code: "taxonomy.unknown_code" },
      ]);
      const empty = await asOperator("POST", url, { body: { extra: 1 } });
      t.same(pointersOf(refused(t, empty, 400, "request.invalid")), ["/extra", "/note", "/reason"]);
      t.equal((await rowOf(market, noun, id)).status, "submitted");
    });
  }

  t.test(`${noun}: publishing after a review forgets the review`, async (t) => {
    const id = await at("changes_requested");
    t.equal((await call(asOwner, id, "submit")).status, 200);
    const { body } = await call(asOperator, id, "publish");
    t.equal(body.review, null);
    t.match(await rowOf(market, noun, id), { reviewReason: null, reviewNote: null });
  });

  t.test(`${noun}: patch changes what it names, and the record says only that`, async (t) => {
    const id = await at("draft");
    const before = await rowOf(market, noun, id);
    const reply = await asOwner("PATCH", pathOf(id), {
      body: { title: "改过的标题一则", contact: { phone: null, name: "李红霞" } },
      headers: { "if-match": '"1-x"' },
    });
    t.equal(reply.status, 200);
    t.match(reply.headers.etag, /^"2-/);
    t.strictSame(reply.body.contact, { ...before.contact, name: "李红霞", phone: null });
    const row = await rowOf(market, noun, id);
    t.match(row, { title: "改过的标题一则", summary: before.summary, version: 2 });
    t.equal(row.changedSinceReview, false, "nobody has reviewed it yet");
    const audit = await lastAudit(id);
    t.equal(audit.type, `${noun}.update`);
    t.strictSame(audit.before, {
      title: before.title,
      contact: { changed: true },
      version: 1,
    });
    t.strictSame(audit.after, {
      title: "改过的标题一则",
      contact: { changed: true },
      version: 2,
    });
  });

  t.test(`${noun}: in a patch null removes, an array replaces, absent stays`, async (t) => {
    const id = await at("draft");
    const reply = await asOwner("PATCH", pathOf(id), {
      body: { summary: null, tags: ["新标签"], cooperationModes: null, contactVisibility: null },
      headers: { "if-match": "*", "content-type": "application/merge-patch+json" },
    });
    t.equal(reply.status, 200);
    t.match(reply.body, {
      summary: null,
      tags: ["新标签"],
      cooperationModes: [],
      contactVisibility: "accepted",
      keywords: complete[noun]().keywords,
    });
    t.match(await rowOf(market, noun, id), {
      summary: null,
      tags: ["新标签"],
      cooperationModes: [],
    });
    const noTitle = await asOwner("PATCH", pathOf(id), {
      body: { title: null },
      headers: { "if-match": "*" },
    });
    t.match(refused(t, noTitle, 400, "request.invalid").errors, [
      { pointer: "/title", code: "invalid_type" },
    ]);
  });

  t.test(`${noun}: no patch sets a status, an owner or a version`, async (t) => {
    const id = await at("draft");
    const reply = await asOwner("PATCH", pathOf(id), {
      body: { status: "published", organizationId: other.organizationId, version: 9, id: newId() },
      headers: { "if-match": "*" },
    });
    const problem = refused(t, reply, 400, "request.invalid");
    t.same(pointersOf(problem), ["/id", "/organizationId", "/status", "/version"]);
    t.match(await rowOf(market, noun, id), { status: "draft", version: 1 });
  });

  t.test(`${noun}: a published one stays live when patched, and says so`, async (t) => {
    const id = await at("published");
    const reply = await asOwner("PATCH", pathOf(id), {
      body: { summary: "摘要已更新。" },
      headers: { "if-match": "*" },
    });
    t.match(reply.body, { status: "published", changedSinceReview: true, version: 4 });
    t.match(await rowOf(market, noun, id), { status: "published", changedSinceReview: true });
    t.match(await lastAudit(id), {
      before: { changedSinceReview: false },
      after: { changedSinceReview: true, summary: "摘要已更新。" },
    });
    t.equal((await asNobody("GET", pathOf(id))).body.summary, "摘要已更新。");
  });

  t.test(`${noun}: a published one keeps what it needs`, async (t) => {
    const id = await at("published");
    for (const [field, empty] of Object.entries(required[noun])) {
      const reply = await asOwner("PATCH", pathOf(id), {
        body: { [field]: empty },
        headers: { "if-match": "*" },
      });
      t.same(pointersOf(refused(t, reply, 409, `${noun}.incomplete`)), [`/${field}`]);
    }
    t.match(await rowOf(market, noun, id), { version: 3, changedSinceReview: false });
  });

  t.test(`${noun}: one that has ended is changed where it lies, with its day passed`, async (t) => {
    for (const status of Object.keys(steps).filter((s) => !(s in { submitted: 1, published: 1 }))) {
      const id = await at(status);
      await db
        .update(tableOf(noun))
        .set({ validUntil: "2026-01-31" })
        .where(eq(tableOf(noun).id, id));
      const reply = await asOwner("PATCH", pathOf(id), {
        body: { summary: "事后补充的说明。" },
        headers: { "if-match": "*" },
      });
      t.equal(reply.status, 200, `${status}: ${reply.text.slice(0, 200)}`);
      t.equal((await rowOf(market, noun, id)).status, status);
    }
  });

  t.test(`${noun}: patch is refused while the operator looks at it`, async (t) => {
    const id = await at("submitted");
    const reply = await asOwner("PATCH", pathOf(id), {
      body: { summary: "审核中修改。" },
      headers: { "if-match": "*" },
    });
    t.match(refused(t, reply, 409, `${noun}.invalid_transition`), {
      currentStatus: "submitted",
      allowedActions: ["withdraw"],
    });
    t.equal((await rowOf(market, noun, id)).version, 2);
  });

  t.test(`${noun}: delete removes a draft, and the audit record stays`, async (t) => {
    const id = await at("draft");
    const reply = await asOwner("DELETE", pathOf(id));
    t.equal(reply.status, 204);
    t.equal(reply.text, "");
    t.equal(await db.$count(tableOf(noun), eq(tableOf(noun).id, id)), 0);
    const audit = await lastAudit(id);
    t.match(audit, { type: `${noun}.delete`, after: null });
    t.match(audit.before, { status: "draft", contact: { changed: true } });
    refused(t, await asOwner("GET", pathOf(id)), 404, `${noun}.not_found`);
    refused(t, await asOwner("DELETE", pathOf(id)), 404, `${noun}.not_found`);
  });

  t.test(
    `${noun}: every action in every status is the step, or 409 with what may be done`,
    async (t) => {
      for (const [status, allowed] of Object.entries(steps)) {
        const permitted = (by: "owner" | "operator") =>
          Object.keys(allowed)
            .filter((action) => actions[action]?.by === by)
            .sort();
        const still = await at(status);
        const { version } = await rowOf(market, noun, still);
        for (const [action, { by }] of Object.entries(actions)) {
          const as = by === "owner" ? asOwner : asOperator;
          const to = allowed[action];
          const name = `${status} -> ${action}`;
          if (to) {
            const id = await at(status);
            const reply = await call(as, id, action);
            t.equal(reply.status, 200, `${name}: ${reply.text.slice(0, 200)}`);
            t.equal(reply.body.status, to, name);
            t.equal((await rowOf(market, noun, id)).status, to, name);
            t.equal((await lastAudit(id)).type, `${noun}.${action.replace("-", "_")}`, name);
          } else {
            const reply = await call(as, still, action);
            const problem = refused(t, reply, 409, `${noun}.invalid_transition`);
            t.equal(problem?.currentStatus, status, name);
            t.same([...(problem?.allowedActions ?? [])].sort(), permitted(by), name);
          }
        }
        if (status !== "draft") {
          const reply = await asOwner("DELETE", pathOf(still));
          const problem = refused(t, reply, 409, `${noun}.invalid_transition`);
          t.equal(problem?.currentStatus, status);
          t.same([...(problem?.allowedActions ?? [])].sort(), permitted("owner"));
        }
        t.match(await rowOf(market, noun, still), { status, version }, "refusals change nothing");
        const read = await asOwner("GET", pathOf(still));
        t.same([...read.body.allowedActions].sort(), permitted("owner"), `${status}: as read`);
      }
    },
  );

  t.test(`${noun}: an unknown action is a 404`, async (t) => {
    const id = await at("draft");
    refused(t, await asOwner("POST", `${pathOf(id)}/approve`), 404, "request.not_found");
  });

  t.test(`${noun}: steps honour If-Match`, async (t) => {
    const id = await at("draft");
    const submit = (tag: string) =>
      asOwner("POST", `${pathOf(id)}/submit`, { headers: { "if-match": tag } });
    refused(t, await submit('"7-abc"'), 412, "request.precondition_failed");
    refused(t, await submit('W/"1-abc"'), 412, "request.precondition_failed");
    t.equal((await rowOf(market, noun, id)).status, "draft");
    t.equal((await submit('"1-abc"')).status, 200);
    const stale = await asOwner("DELETE", pathOf(await at("draft")), {
      headers: { "if-match": '"2-abc"' },
    });
    refused(t, stale, 412, "request.precondition_failed");
  });

  t.test(`${noun}: renew puts an unchanged one back at once`, async (t) => {
    for (const status of ["expired", "withdrawn"]) {
      const id = await at(status);
      const before = await rowOf(market, noun, id);
      const reply = await asOwner("POST", `${pathOf(id)}/renew`, {
        body: { validUntil: "2031-05-31" },
      });
      t.match(reply.body, { status: "published", validUntil: "2031-05-31" }, status);
      const row = await rowOf(market, noun, id);
      t.match(row, { status: "published", validUntil: "2031-05-31", version: before.version + 1 });
      t.ok(String(row.publishedAt) > String(before.publishedAt), "published again");
      t.match(await lastAudit(id), { type: `${noun}.renew`, before: { status } });
    }
  });

  t.test(`${noun}: renew sends a changed one to review`, async (t) => {
    for (const status of ["expired", "withdrawn"]) {
      const id = await at(status);
      const patched = await asOwner("PATCH", pathOf(id), {
        body: { summary: "过期后修改的摘要。" },
        headers: { "if-match": "*" },
      });
      t.equal(patched.status, 200, patched.text);
      const reply = await asOwner("POST", `${pathOf(id)}/renew`, { body: {} });
      t.equal(reply.body.status, "submitted", status);
      t.match(await rowOf(market, noun, id), { status: "submitted", changedSinceReview: true });
      refused(t, await asNobody("GET", pathOf(id)), 404, `${noun}.not_found`);
      const live = await call(asOperator, id, "publish");
      t.match(live.body, { status: "published", changedSinceReview: false });
    }
  });

  t.test(`${noun}: renewing a published one changes its last day alone`, async (t) => {
    const id = await at("published");
    const before = await rowOf(market, noun, id);
    const renew = (validUntil?: string) =>
      asOwner("POST", `${pathOf(id)}/renew`, { body: validUntil ? { validUntil } : {} });
    const reply = await renew("2031-05-31");
    t.match(reply.body, { status: "published", validUntil: "2031-05-31" });
    const after = await rowOf(market, noun, id);
    const { validUntil, version, updatedAt, ...rest } = after;
    t.match({ validUntil, version }, { validUntil: "2031-05-31", version: before.version + 1 });
    t.match(before, rest, "nothing else: its place among the newest, and what was reviewed");
    t.match(await lastAudit(id), {
      type: `${noun}.renew`,
      before: { validUntil: before.validUntil },
      after: { validUntil: "2031-05-31" },
    });
    const audits = (await auditsOf(market, id)).length;
    t.equal((await renew("2031-05-31")).status, 200, "to the same day: no change");
    t.same(await rowOf(market, noun, id), after);
    t.equal((await auditsOf(market, id)).length, audits);
    const past = await renew("2026-01-31");
    t.match(refused(t, past, 400, "request.invalid").errors, [{ code: "date.past" }]);
    const inAYear = await renew();
    t.equal(inAYear.body.validUntil, before.validUntil, "a year from today when none is said");
  });

  t.test(
    `${noun}: one changed since its review is renewed where it is, and stays marked`,
    async (t) => {
      const id = await at("published");
      const headers = { "if-match": "*" };
      await must(asOwner("PATCH", pathOf(id), { body: { summary: "已改写的摘要。" }, headers }));
      const reply = await asOwner("POST", `${pathOf(id)}/renew`, {
        body: { validUntil: "2031-05-31" },
      });
      t.match(reply.body, { status: "published", changedSinceReview: true });
    },
  );

  t.test(`${noun}: another last day by patch asks for no new review`, async (t) => {
    for (const status of ["published", "expired", "withdrawn"]) {
      const id = await at(status);
      const patch = (body: object) =>
        must(asOwner("PATCH", pathOf(id), { body, headers: { "if-match": "*" } }));
      t.match(await patch({ validUntil: "2031-06-30" }), {
        validUntil: "2031-06-30",
        changedSinceReview: false,
      });
      if (status !== "published") {
        const renewed = await must(asOwner("POST", `${pathOf(id)}/renew`, { body: {} }));
        t.equal(renewed.status, "published", status);
      }
      const both = await patch({ validUntil: "2031-07-31", summary: "连同摘要一起修改。" });
      t.equal(both.changedSinceReview, true, "and with another text it does");
    }
  });

  t.test(`${noun}: four renew one at once: each takes effect, none is lost`, async (t) => {
    const id = await at("published");
    const { version } = await rowOf(market, noun, id);
    const days = ["2031-01-01", "2031-02-01", "2031-03-01", "2031-04-01"];
    const replies = await Promise.all(
      days.map((validUntil) => asOwner("POST", `${pathOf(id)}/renew`, { body: { validUntil } })),
    );
    t.same(
      replies.map(({ status, body }) => [status, body.validUntil]),
      days.map((day) => [200, day]),
    );
    t.equal((await rowOf(market, noun, id)).version, version + days.length);
  });

  t.test(`${noun}: renew wants a day to come, and a complete listing`, async (t) => {
    const id = await at("withdrawn");
    const past = await asOwner("POST", `${pathOf(id)}/renew`, {
      body: { validUntil: "2026-01-31" },
    });
    t.match(refused(t, past, 400, "request.invalid").errors, [
      { pointer: "/validUntil", code: "date.past" },
    ]);
    const emptied = await asOwner("PATCH", pathOf(id), {
      body: { contact: null },
      headers: { "if-match": "*" },
    });
    t.equal(emptied.status, 200);
    const lacking = await asOwner("POST", `${pathOf(id)}/renew`, { body: {} });
    t.same(pointersOf(refused(t, lacking, 409, `${noun}.incomplete`)), ["/contact"]);
    t.equal((await rowOf(market, noun, id)).status, "withdrawn");
  });

  t.test(`${noun}: the job expires it once its last day is over in Shanghai`, async (t) => {
    const job = market.app.jobs.find(({ name }) => name === `${noun}s.expire`)!;
    const id = await at("published", { validUntil: "2032-06-30" });
    const later = await at("published", { validUntil: "2032-07-01" });
    const drafted = await at("draft", { validUntil: "2032-06-30" });
    const before = await rowOf(market, noun, id);
    const { now } = clock;
    t.teardown(() => {
      clock.now = now;
    });
    try {
      clock.now = () => new Date("2032-06-30T15:59:59.999Z");
      await job.run(db);
      t.equal((await rowOf(market, noun, id)).status, "published", "live all its last day");
      clock.now = () => new Date("2032-06-30T16:00:00.000Z");
      await job.run(db);
    } finally {
      clock.now = now;
    }
    t.match(await rowOf(market, noun, id), {
      status: "expired",
      version: before.version + 1,
      validUntil: "2032-06-30",
      updatedAt: "2032-06-30T16:00:00.000Z",
    });
    t.equal((await rowOf(market, noun, later)).status, "published");
    t.equal((await rowOf(market, noun, drafted)).status, "draft");
    const audit = await lastAudit(id);
    t.match(audit, {
      type: `${noun}.expire`,
      actorKind: "system",
      actorId: null,
      requestId: null,
      address: null,
      organizationId: owner.organizationId,
    });
    t.strictSame(audit.before, { status: "published", version: before.version });
    t.strictSame(audit.after, { status: "expired", version: before.version + 1 });
    t.equal((await asNobody("GET", pathOf(id))).body.status, "expired", "readable by its id");
  });

  t.test(`${noun}: the job expires more than a batch, each with its record`, async (t) => {
    const job = market.app.jobs.find(({ name }) => name === `${noun}s.expire`)!;
    const model = await at("published");
    const { reference: _, ...row } = await rowOf(market, noun, model);
    const copies = Array.from({ length: 230 }, () => ({
      ...row,
      id: newId(),
      validUntil: "2026-01-31",
    }));
    await db.insert(tableOf(noun)).values(copies);
    const expired = () =>
      db.$count(
        auditRecords,
        and(eq(auditRecords.type, `${noun}.expire`), eq(auditRecords.actorKind, "system")),
      );
    const earlier = await expired();
    await job.run(db);
    t.equal((await expired()) - earlier, 230);
    t.equal(
      await db.$count(
        tableOf(noun),
        and(eq(tableOf(noun).status, "published"), eq(tableOf(noun).validUntil, "2026-01-31")),
      ),
      0,
    );
  });

  t.test(`${noun}: closing the organization withdraws what is live or under review`, async (t) => {
    const closing = await market.person(noun === "result" ? "university" : "enterprise");
    const ids: Record<string, string> = {};
    for (const status of ["draft", "submitted", "published", "expired", "rejected"]) {
      ids[status] = await listingIn(market, noun, { owner: closing, operator }, status);
    }
    const reply = await asOperator("POST", `/v1/organizations/${closing.organizationId}/close`, {
      body: { reason: "机构注销。" },
    });
    t.equal(reply.status, 200, reply.text);
    const now: Record<string, string> = {};
    for (const [status, id] of Object.entries(ids)) {
      now[status] = (await rowOf(market, noun, id)).status;
    }
    t.strictSame(now, {
      draft: "draft",
      submitted: "draft",
      published: "withdrawn",
      expired: "withdrawn",
      rejected: "rejected",
    });
    t.match(await lastAudit(ids.published!), {
      type: `${noun}.withdraw`,
      reason: "organization closed",
      actorId: operator.id,
    });
    t.equal((await market.as(closing)("GET", pathOf(ids.draft!))).status, 200, "reads its own");
    refused(t, await call(market.as(closing), ids.draft!, "submit"), 403, "organization.suspended");
  });

  t.test(`${noun}: nobody writes without signing in`, async (t) => {
    const id = await at("published");
    const counts = await rowCounts(market);
    const replies = [
      await asNobody("POST", list, { body: { title: "匿名投递的草稿" } }),
      await asNobody("PATCH", pathOf(id), { body: {}, headers: { "if-match": "*" } }),
      await asNobody("DELETE", pathOf(id)),
    ];
    for (const action of Object.keys(actions)) replies.push(await call(asNobody, id, action));
    for (const reply of replies) {
      refused(t, reply, 401, "auth.required");
      t.match(reply.headers["www-authenticate"], /^Bearer /);
    }
    t.same(await rowCounts(market), counts);
  });

  t.test(`${noun}: wrong roles get 403 and are told which is right`, async (t) => {
    const id = await at("submitted");
    const counts = await rowCounts(market);
    for (const caller of [operator, cast.registrar]) {
      const as = market.as(caller);
      const create = await as("POST", list, { body: { title: "不该有的草稿" } });
      t.same(refused(t, create, 403, "auth.forbidden_role").requiredRoles, [
        "university",
        "enterprise",
        "brokerage",
      ]);
      const patch = await as("PATCH", pathOf(id), { body: {}, headers: { "if-match": "*" } });
      refused(t, patch, 403, "auth.forbidden_role");
    }
    for (const caller of [owner, other, cast.broker, cast.registrar]) {
      for (const action of ["publish", "request-changes", "reject"]) {
        const reply = await call(market.as(caller), id, action);
        t.same(refused(t, reply, 403, "auth.forbidden_role").requiredRoles, ["operator"]);
      }
    }
    t.same(await rowCounts(market), counts);
    t.equal((await rowOf(market, noun, id)).status, "submitted");
  });

  t.test(
    `${noun}: of another organization's, a draft is not there, a live one not theirs`,
    async (t) => {
      const draft = await at("draft");
      const live = await at("published");
      const owning = Object.keys(actions).filter((action) => actions[action]?.by === "owner");
      for (const caller of [other, cast.broker]) {
        const as = market.as(caller);
        refused(t, await as("GET", pathOf(draft)), 404, `${noun}.not_found`);
        t.equal((await as("GET", pathOf(live))).status, 200);
        for (const [id, status, reason] of [
          [draft, 404, "not_found"],
          [live, 403, "not_owner"],
        ] as const) {
          const patch = await as("PATCH", pathOf(id), {
            body: { summary: "改别人的。" },
            headers: { "if-match": "*" },
          });
          refused(t, patch, status, `${noun}.${reason}`);
          refused(t, await as("DELETE", pathOf(id)), status, `${noun}.${reason}`);
          for (const action of owning)
            refused(t, await call(as, id, action), status, `${noun}.${reason}`);
        }
      }
      t.match(await rowOf(market, noun, draft), { status: "draft", version: 1 });
      t.match(await rowOf(market, noun, live), { status: "published", version: 3 });
    },
  );

  t.test(`${noun}: not even the operator takes an owner's steps`, async (t) => {
    const live = await at("published");
    for (const [action, { by }] of Object.entries(actions)) {
      if (by === "owner")
        refused(t, await call(asOperator, live, action), 403, `${noun}.not_owner`);
    }
    refused(t, await asOperator("DELETE", pathOf(await at("draft"))), 403, `${noun}.not_owner`);
  });

  t.test(`${noun}: an id that nobody has is 404 everywhere`, async (t) => {
    const id = newId();
    refused(t, await asNobody("GET", pathOf(id)), 404, `${noun}.not_found`);
    refused(t, await asOwner("DELETE", pathOf(id)), 404, `${noun}.not_found`);
    const patch = await asOwner("PATCH", pathOf(id), { body: {}, headers: { "if-match": "*" } });
    refused(t, patch, 404, `${noun}.not_found`);
    for (const [action, { by }] of Object.entries(actions)) {
      const as = by === "owner" ? asOwner : asOperator;
      refused(t, await call(as, id, action), 404, `${noun}.not_found`);
    }
  });

  t.test(`${noun}: any member of the organization works on it`, async (t) => {
    const id = await at("draft");
    const as = market.as(cast.colleague);
    t.equal((await as("GET", pathOf(id))).status, 200);
    const patch = await as("PATCH", pathOf(id), {
      body: { summary: "同事补充。" },
      headers: { "if-match": "*" },
    });
    t.equal(patch.status, 200);
    t.equal((await call(as, id, "submit")).status, 200);
    t.equal((await rowOf(market, noun, id)).createdBy, owner.id, "its author stays");
  });

  t.test(`${noun}: a machine client does what its scope lets it`, async (t) => {
    const as = market.as(cast.machine);
    const { body } = await as("POST", list, { body: complete[noun]() });
    const patch = await as("PATCH", pathOf(body.id), {
      body: { summary: "机器更新。" },
      headers: { "if-match": "*" },
    });
    t.equal(patch.status, 200);
    t.equal((await call(as, body.id, "submit")).status, 200);
    t.equal((await call(asOperator, body.id, "publish")).status, 200);
    t.equal((await as("GET", pathOf(body.id))).status, 200);
    t.equal((await call(as, body.id, "withdraw")).status, 200);
    t.equal((await call(as, body.id, "renew")).status, 200);
    t.match(await lastAudit(body.id), { actorKind: "client", actorId: cast.machine.id });
  });

  t.test(
    `${noun}: without the scope a machine client gets 403, also for what is public`,
    async (t) => {
      const as = market.as(cast.scopeless);
      const id = await at("published");
      for (const url of [list, pathOf(id)]) {
        const problem = refused(t, await as("GET", url), 403, "auth.insufficient_scope");
        t.equal(problem.requiredScope, `${noun}s:read`);
      }
      const create = await as("POST", list, { body: { title: "没有权限的草稿" } });
      t.equal(refused(t, create, 403, "auth.insufficient_scope").requiredScope, `${noun}s:write`);
      const patch = await as("PATCH", pathOf(id), { body: {}, headers: { "if-match": "*" } });
      refused(t, patch, 403, "auth.insufficient_scope");
      for (const [action, { by }] of Object.entries(actions)) {
        if (by === "owner") refused(t, await call(as, id, action), 403, "auth.insufficient_scope");
      }
    },
  );

  t.test(`${noun}: reading is not writing, and review needs a person`, async (t) => {
    const reader = await market.client(owner, [`${noun}s:read`]);
    const id = await at("draft");
    t.equal((await market.as(reader)("GET", pathOf(id))).status, 200);
    refused(t, await call(market.as(reader), id, "submit"), 403, "auth.insufficient_scope");
    const robot = await market.client(operator, [`${noun}s:read`, `${noun}s:write`]);
    for (const action of ["publish", "request-changes", "reject"]) {
      refused(t, await call(market.as(robot), id, action), 403, "auth.person_required");
    }
  });

  t.test(
    `${noun}: an organization not verified drafts, and does not submit or renew`,
    async (t) => {
      const pending = await market.person("enterprise", { status: "pending" });
      const { body } = await drafted(market, noun, pending);
      t.equal(body.status, "draft");
      const as = market.as(pending);
      refused(t, await call(as, body.id, "submit"), 403, "organization.not_verified");
      refused(t, await call(as, body.id, "renew"), 403, "organization.not_verified");
      t.equal((await rowOf(market, noun, body.id)).status, "draft");
    },
  );

  t.test(
    `${noun}: a suspended organization reads its own, changes nothing and is hidden`,
    async (t) => {
      const suspended = await market.person("enterprise", { status: "suspended" });
      const id = await copyListing(market, noun, await at("published"), {
        organizationId: suspended.organizationId,
        createdBy: suspended.id,
      });
      const as = market.as(suspended);
      t.equal((await as("GET", pathOf(id))).status, 200);
      const create = await as("POST", list, { body: { title: "停用期间的草稿" } });
      refused(t, create, 403, "organization.suspended");
      const patch = await as("PATCH", pathOf(id), { body: {}, headers: { "if-match": "*" } });
      refused(t, patch, 403, "organization.suspended");
      refused(t, await as("DELETE", pathOf(id)), 403, "organization.suspended");
      for (const [action, { by }] of Object.entries(actions)) {
        if (by === "owner") refused(t, await call(as, id, action), 403, "organization.suspended");
      }
      for (const hidden of [asNobody, asOther]) {
        refused(t, await hidden("GET", pathOf(id)), 404, `${noun}.not_found`);
      }
      t.equal((await asOperator("GET", pathOf(id))).status, 200);
    },
  );

  t.test(
    `${noun}: what is not public any more is there for owner and operator alone`,
    async (t) => {
      for (const status of Object.keys(steps)) {
        const id = await at(status);
        const isOpen = ["published", "expired", "transferred", "solved", "closed"].includes(status);
        for (const as of [asNobody, asOther, market.as(cast.broker), market.as(cast.registrar)]) {
          t.equal((await as("GET", pathOf(id))).status, isOpen ? 200 : 404, status);
        }
        for (const as of [asOwner, asOperator, market.as(cast.machine)]) {
          t.equal((await as("GET", pathOf(id))).status, 200, status);
        }
      }
    },
  );

  t.test(`${noun}: the contact shows to whom the owner allows`, async (t) => {
    const viewers: Record<string, Call> = {
      nobody: asNobody,
      other: asOther,
      broker: market.as(cast.broker),
      registrar: market.as(cast.registrar),
      owner: asOwner,
      colleague: market.as(cast.colleague),
      machine: market.as(cast.machine),
      operator: asOperator,
    };
    const insiders = ["owner", "colleague", "machine", "operator"];
    const shown: Record<string, string[]> = {
      public: Object.keys(viewers),
      signed_in: Object.keys(viewers).filter((name) => name !== "nobody"),
      accepted: insiders,
    };
    for (const [contactVisibility, names] of Object.entries(shown)) {
      const id = await at("published", { contactVisibility });
      for (const [name, as] of Object.entries(viewers)) {
        const { body, text } = await as("GET", pathOf(id));
        const expected = names.includes(name) ? complete[noun]().contact : null;
        t.strictSame(body.contact, expected, `${contactVisibility} to ${name}`);
        if (!expected) t.notMatch(text, complete[noun]().contact?.phone ?? "");
        t.equal("review" in body, insiders.includes(name), `review to ${name}`);
        t.equal("allowedActions" in body, name !== "nobody");
        if (!insiders.includes(name) && name !== "nobody") t.same(body.allowedActions, []);
      }
    }
  });

  t.test(`${noun}: no audit record holds a contact or a person's name`, async (t) => {
    const id = await at("withdrawn");
    await asOwner("PATCH", pathOf(id), {
      body: { contact: { name: "王海燕", phone: "13900001111" } },
      headers: { "if-match": "*" },
    });
    const { rows } = await market.database.pool.query(
      "select coalesce(before::text, '') || coalesce(after::text, '') as text from audit_records where subject_type = $1",
      [noun],
    );
    const texts = rows.map((row) => row.text).join("\n");
    const { contact } = complete[noun]();
    const personal = ["王海燕", "13900001111", "赵立新", "孙晓燕"];
    for (const value of [...personal, contact?.name, contact?.phone, contact?.email]) {
      t.notOk(texts.includes(String(value)), `no ${value}`);
    }
    t.ok(texts.includes('{"changed": true}'));
  });

  t.test(`${noun}: codes that a taxonomy lacks are named, each where it stands`, async (t) => {
    const wrong: Record<string, unknown> = {
      fieldCode: "99",
      industryCode: "Z99",
      regionCode: "999999",
      cooperationModes: ["licence", "barter"],
      ...(noun === "result"
        ? {
            resultType: "x",
            resultForm: "x",
            resultNature: "x",
            sampleStatus: "x",
            planSourceCode: "98",
            licenceKinds: ["ordinary", "forever"],
            intellectualProperty: [{ typeCode: "10" }, { typeCode: "98", status: "x" }],
          }
        : { needType: "x", urgency: "x" }),
    };
    const expected = [
      "/cooperationModes/1",
      "/fieldCode",
      "/industryCode",
      "/regionCode",
      ...(noun === "result"
        ? [
            "/intellectualProperty/1/status",
            "/intellectualProperty/1/typeCode",
            "/licenceKinds/1",
            "/planSourceCode",
            "/resultForm",
            "/resultNature",
            "/resultType",
            "/sampleStatus",
          ]
        : ["/needType", "/urgency"]),
    ].sort();
    const counts = await rowCounts(market);
    const reply = await asOwner("POST", list, { body: { title: "分类代码有误", ...wrong } });
    const problem = refused(t, reply, 400, "request.invalid");
    t.same(pointersOf(problem), expected);
    for (const error of problem.errors) t.equal(error.code, "taxonomy.unknown_code");
    t.same(await rowCounts(market), counts);
    const id = await at("draft");
    const patch = await asOwner("PATCH", pathOf(id), { body: wrong, headers: { "if-match": "*" } });
    t.same(pointersOf(refused(t, patch, 400, "request.invalid")), expected);
  });

  t.test(`${noun}: the input's own rules, each with its pointer`, async (t) => {
    const faults: [string, unknown, string][] = [
      ["title", "短", "/title"],
      ["title", "长".repeat(121), "/title"],
      ["title", "两行\n标题", "/title"],
      ["summary", "长".repeat(501), "/summary"],
      ["keywords", ["一", "二", "三", "四", "五", "六"], "/keywords"],
      ["keywords", ["重复", "重复"], "/keywords"],
      ["tags", ["x".repeat(31)], "/tags/0"],
      ["fieldCode", 9, "/fieldCode"],
      ["validUntil", "2027-02-30", "/validUntil"],
      ["validUntil", "2027/02/03", "/validUntil"],
      ["contact", { phone: "0373-3326000" }, "/contact/name"],
      ["contact", { name: "王", phone: "abc" }, "/contact/phone"],
      ["contact", { name: "王", email: "not an address" }, "/contact/email"],
      ["contact", { name: "王", fax: "1" }, "/contact/fax"],
      ["contactVisibility", "everyone", "/contactVisibility"],
      ["unknown", 1, "/unknown"],
    ];
    for (const [field, value, pointer] of faults) {
      const reply = await asOwner("POST", list, {
        body: { title: "规则测试用草稿", [field]: value },
      });
      t.same(pointersOf(refused(t, reply, 400, "request.invalid")), [pointer], `${field} ${value}`);
    }
  });
}

const market = await openMarket(t);
for (const noun of ["result", "need"] as const) {
  await testListing(t, market, noun, await castOf(market, noun));
}
