/** Registration offices with their regions, and the rules that cases come under. */
import { asc, eq } from "drizzle-orm";
import t from "tap";
import {
  registrationOfficeRegions,
  registrationOffices,
} from "../../../db/schema/registration-offices.ts";
import { registrationRules } from "../../../db/schema/registration-rules.ts";
import { newId } from "../../../src/lib/ids.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { acceptedCase, filedCase, openOffice, stepOf } from "../../support/registrations.ts";
import { must, pointersOf, refused } from "../../support/replies.ts";

const market = await openMarket(t);
const { db } = market.database;
const { as } = market;
const operator = await market.person("operator");
const registry = await market.person("registry");
const path = "/v1/registration-offices";
const anyVersion = { "if-match": "*" };

let codes = 410800;
const input = (regionCodes: string[], changes: Record<string, unknown> = {}) => ({
  organizationId: registry.organizationId,
  code: String(++codes),
  name: "平原示范区技术合同登记处",
  regionCodes,
  ...changes,
});

const create = (body: object, caller: Caller | null = operator) =>
  as(caller)("POST", path, { body });
const patch = (id: string, body: object, headers: Record<string, string> = anyVersion) =>
  as(operator)("PATCH", `${path}/${id}`, { body, headers });
const close = (id: string, caller: Caller | null = operator) =>
  as(caller)("POST", `${path}/${id}/close`);

const stored = async (id: string) =>
  (await db.select().from(registrationOffices).where(eq(registrationOffices.id, id)))[0]!;

const regionsOf = async (id: string) =>
  (
    await db
      .select()
      .from(registrationOfficeRegions)
      .where(eq(registrationOfficeRegions.officeId, id))
      .orderBy(asc(registrationOfficeRegions.regionCode))
  ).map(({ regionCode }) => regionCode);

/** What nobody but the operator may do. */
const strangers = async (): Promise<[Caller | null, number, string][]> => [
  [null, 401, "auth.required"],
  [await market.person("university"), 403, "auth.forbidden_role"],
  [registry, 403, "auth.forbidden_role"],
];

// ---- Offices ----

t.test("the operator opens an office, and everybody sees it", async (t) => {
  const body = input(["420100", "420000"]);
  const reply = await create(body);
  t.equal(reply.status, 201, reply.text);
  const { id } = reply.body;
  t.equal(reply.headers.location, `${path}/${id}`);
  t.match(reply.headers.etag, /^"1-/);
  t.match(reply.body, { ...body, regionCodes: ["420000", "420100"], status: "active", version: 1 });
  t.same(reply.body.allowedActions, ["close"]);
  t.match(await stored(id), { code: body.code, name: body.name, status: "active", version: 1 });
  t.same(await regionsOf(id), ["420000", "420100"]);
  const [record, ...more] = await auditsOf(market, id);
  t.same(more, []);
  t.match(record, {
    type: "registration_office.create",
    actorId: operator.id,
    organizationId: registry.organizationId,
    before: null,
    after: { code: body.code, regionCodes: ["420000", "420100"] },
  });

  const seen = await must(as(null)("GET", `${path}/${id}`));
  t.match(seen, { id, code: body.code, regionCodes: ["420000", "420100"] });
  t.notOk("allowedActions" in seen, "for the public there is nothing to do");
  const mine = await must(as(registry)("GET", `${path}/${id}`));
  t.same(mine.allowedActions, [], "an office does not close itself");
});

t.test("an office that cannot be", async (t) => {
  const before = await db.$count(registrationOffices);
  const enterprise = await market.person("enterprise");
  const pending = await market.person("registry", { status: "pending" });
  for (const { organizationId } of [enterprise, pending, { organizationId: newId() }]) {
    const reply = refused(
      t,
      await create(input(["320000"], { organizationId })),
      400,
      "request.invalid",
    );
    t.same(pointersOf(reply), ["/organizationId"]);
  }
  const faulty = { code: "41070", name: " ", regionCodes: [] };
  const body = refused(t, await create(input([], faulty)), 400, "request.invalid");
  t.same(pointersOf(body), ["/code", "/name", "/regionCodes"], "all faults at once");
  const unknown = await create(input(["320000", "999999"]));
  t.same(pointersOf(refused(t, unknown, 400, "request.invalid")), ["/regionCodes/1"]);
  const twice = await create(input(["320000", "320000"]));
  t.same(pointersOf(refused(t, twice, 400, "request.invalid")), ["/regionCodes"]);
  t.equal(await db.$count(registrationOffices), before, "nothing was stored");
});

t.test("a code is given once, a region to one office", async (t) => {
  const first = await must(create(input(["320000"])));
  const sameCode = await create(input(["330000"], { code: first.code }));
  refused(t, sameCode, 409, "registration_office.code_taken");
  refused(t, await create(input(["330000", "320000"])), 409, "registration_office.region_taken");
  t.same(
    (await must(as(null)("GET", `${path}?regionCode=330000`))).data,
    [],
    "what was refused left nothing behind",
  );
  const second = await must(create(input(["330000"])));
  const move = await patch(second.id, { regionCodes: ["320000"] });
  refused(t, move, 409, "registration_office.region_taken");
  t.same(await regionsOf(second.id), ["330000"]);
});

t.test("two offices that take the same region at the same moment", async (t) => {
  const bodies = [input(["340000"]), input(["340000"])];
  const replies = await Promise.all(bodies.map((body) => create(body)));
  t.same(replies.map(({ status }) => status).sort(), [201, 409]);
  const loser = replies.find(({ status }) => status === 409)!;
  refused(t, loser, 409, "registration_office.region_taken");
  t.equal((await must(as(null)("GET", `${path}?regionCode=340000`))).data.length, 1);
});

t.test("an office's name and regions change", async (t) => {
  const made = await must(create(input(["350000"])));
  refused(t, await patch(made.id, { name: "新名" }, {}), 428, "request.precondition_required");
  const stale = await patch(made.id, { name: "新名" }, { "if-match": '"7-x"' });
  refused(t, stale, 412, "request.precondition_failed");
  const etag = (await as(null)("GET", `${path}/${made.id}`)).headers.etag as string;
  const changes = { name: "福建省技术合同登记处", regionCodes: ["350000", "360000"] };
  const reply = await patch(made.id, changes, { "if-match": etag });
  t.equal(reply.status, 200, reply.text);
  t.match(reply.body, { ...changes, code: made.code, version: 2 });
  t.match(await stored(made.id), { name: changes.name, version: 2 });
  t.same(await regionsOf(made.id), ["350000", "360000"]);
  const record = (await auditsOf(market, made.id)).at(-1);
  t.match(record, {
    type: "registration_office.update",
    before: { regionCodes: ["350000"] },
    after: { regionCodes: ["350000", "360000"], name: changes.name },
  });
  const code = await patch(made.id, { code: "999999" });
  refused(t, code, 400, "request.invalid");
  refused(t, await patch(made.id, { regionCodes: ["000000"] }), 400, "request.invalid");
  refused(t, await patch(newId(), { name: "无" }), 404, "registration_office.not_found");
  refused(t, await as(null)("GET", `${path}/${newId()}`), 404, "registration_office.not_found");
});

t.test("a closed office is still read, its regions are free, it closes once", async (t) => {
  const made = await must(create(input(["370000"])));
  const replies = await Promise.all([close(made.id), close(made.id)]);
  t.same(replies.map(({ status }) => status).sort(), [200, 409]);
  const again = refused(t, await close(made.id), 409, "registration_office.invalid_transition");
  t.match(again, { currentStatus: "closed", allowedActions: [] });
  t.match(await stored(made.id), { status: "closed", version: 2 });
  t.same(await regionsOf(made.id), []);
  const change = await patch(made.id, { regionCodes: ["370000"] });
  refused(t, change, 409, "registration_office.invalid_transition");
  t.same(
    (await auditsOf(market, made.id)).map(({ type }) => type),
    ["registration_office.create", "registration_office.close"],
  );
  t.equal((await must(as(null)("GET", `${path}/${made.id}`))).status, "closed");
  t.same((await must(as(null)("GET", `${path}?regionCode=370000`))).data, []);
  t.equal((await create(input(["370000"]))).status, 201);
  const reuse = await create(input(["210000"], { code: made.code }));
  refused(t, reuse, 409, "registration_office.code_taken");
  refused(t, await close(newId()), 404, "registration_office.not_found");
});

t.test("only the operator opens, changes and closes offices", async (t) => {
  const made = await must(create(input(["220000"])));
  for (const [caller, status, code] of await strangers()) {
    refused(t, await create(input(["230000"]), caller), status, code);
    const change = { body: { name: "改名" }, headers: anyVersion };
    refused(t, await as(caller)("PATCH", `${path}/${made.id}`, change), status, code);
    refused(t, await close(made.id, caller), status, code);
  }
  t.match(await stored(made.id), { status: "active", version: 1, name: made.name });
});

t.test("the longest prefix of a region wins", async (t) => {
  const province = await must(create(input(["410000"], { name: "省级登记处" })));
  const city = await must(create(input(["410700"], { name: "市级登记处" })));
  const county = await must(create(input(["410702"], { name: "县级登记处" })));
  const competent = async (regionCode: string) =>
    (await must(as(null)("GET", `${path}?regionCode=${regionCode}`))).data.map(
      (office: { id: string }) => office.id,
    );
  t.same(await competent("410702"), [county.id]);
  t.same(await competent("410711"), [city.id], "a county without an office of its own");
  t.same(await competent("410700"), [city.id]);
  t.same(
    await competent("411000"),
    [province.id],
    "Xuchang ends in zeros, and is not the province",
  );
  t.same(await competent("410000"), [province.id]);
  t.same(await competent("110000"), [], "nobody's");
  await must(close(county.id));
  t.same(await competent("410702"), [city.id]);

  const filed = await filedCase(market, {
    id: city.id,
    code: city.code,
    operator,
    first: registry,
    second: registry,
  });
  t.match(filed.registration, { officeId: city.id, officeCode: city.code, regionCode: "410702" });
  await must(patch(city.id, { regionCodes: ["410800"] }));
  const seen = await must(as(registry)("GET", `/v1/registrations/${filed.caseId}`));
  t.equal(seen.officeId, city.id, "frozen at filing");
  await must(close(city.id));
  const accepted = await stepOf(market, registry, filed.caseId, "accept");
  t.equal(accepted.status, 200, "a closed office finishes what it has");
  await must(close(province.id));
});

t.test("the list by organization, in pages, with a total", async (t) => {
  const other = await market.person("registry");
  const ids: string[] = [];
  for (const region of ["610000", "620000", "630000"]) {
    const made = await must(create(input([region], { organizationId: other.organizationId })));
    ids.push(made.id);
  }
  const query = `${path}?organizationId=${other.organizationId}&limit=2&include=total`;
  const first = await must(as(null)("GET", query));
  t.match(first, { page: { hasMore: true }, total: { exact: 3 } });
  const second = await must(as(null)("GET", `${query}&cursor=${first.page.next}`));
  t.equal(second.page.hasMore, false);
  const all = [...first.data, ...second.data].map((office: { id: string }) => office.id);
  t.same(all, ids);
  const mixed = await as(null)("GET", `${path}?limit=2&cursor=${first.page.next}`);
  refused(t, mixed, 400, "request.invalid");
  refused(t, await as(null)("GET", `${path}?region=410700`), 400, "request.invalid");
});

// ---- Rules ----

const rulesPath = "/v1/registration-rules";
const rulesOf = async (code: string) =>
  (await db.select().from(registrationRules).where(eq(registrationRules.code, code)))[0]!;
const patchRules = (code: string, body: object, headers: Record<string, string> = anyVersion) =>
  as(operator)("PATCH", `${rulesPath}/${code}`, { body, headers });

t.test("the rule sets, in the order in which they came into force", async (t) => {
  const { data } = await must(as(null)("GET", rulesPath));
  t.match(data, [
    { code: "2000-063", rules: { dayKind: "calendar", reviewDays: 30, expertThreshold: null } },
    {
      code: "2026-MIIT",
      appliesFrom: "2026-03-01",
      rules: { dayKind: "working", reviewDays: 15, extendedReviewDays: 30 },
    },
  ]);
});

t.test("the operator changes numbers; cases that began keep theirs", async (t) => {
  const office = await openOffice(market, { code: "410799", regionCodes: ["410700"] });
  const old = await acceptedCase(market, office);
  refused(
    t,
    await patchRules("2026-MIIT", { reviewDays: 12 }, {}),
    428,
    "request.precondition_required",
  );
  const { version, rules } = await rulesOf("2026-MIIT");
  const before = { "if-match": `"${version}-x"` };
  const numbers = { reviewDays: 12, expertThreshold: "900000.00" };
  const replies = await Promise.all([
    patchRules("2026-MIIT", numbers, before),
    patchRules("2026-MIIT", numbers, before),
  ]);
  t.same(replies.map(({ status }) => status).sort(), [200, 412], "one of two writers");
  const after = await rulesOf("2026-MIIT");
  t.same(after.rules, { ...rules, ...numbers });
  t.equal(after.version, version + 1);
  const { id: subjectId } = (
    await must(as(operator)("GET", "/v1/audit?subjectType=registration_rules"))
  ).data.map((record: { subjectId: string }) => ({ id: record.subjectId }))[0];
  const records = await auditsOf(market, subjectId);
  t.equal(records.length, 1);
  t.match(records[0], {
    type: "registration_rules.update",
    actorId: operator.id,
    before: { rules: { reviewDays: 15 } },
    after: { rules: { reviewDays: 12 } },
  });

  const seen = await must(as(office.first)("GET", `/v1/registrations/${old.caseId}`));
  t.match(seen, { rules: { reviewDays: 15 }, dueOn: old.registration.dueOn });
  const fresh = await acceptedCase(market, office);
  t.match(fresh.registration, {
    rules: { reviewDays: 12, expertThreshold: "900000.00" },
    expertReviewNeeded: true,
  });
  await must(patchRules("2026-MIIT", { expertThreshold: null, reviewDays: 15 }));
  const small = await acceptedCase(market, office);
  t.match(small.registration, { expertReviewNeeded: false, rules: { expertThreshold: null } });
});

t.test("one reviewer is enough where the rules say so", async (t) => {
  const office = await openOffice(market, { code: "110101", regionCodes: ["110000"] });
  await must(patchRules("2026-MIIT", { twoReviewers: false }));
  const seller = await market.person("enterprise", { regionCode: "110000" });
  const sellers = [{ organizationId: seller.organizationId, natureCode: "150" }];
  const made = await acceptedCase(market, office, { seller, content: { sellers, pricing: null } });
  const done = await must(stepOf(market, office.first, made.caseId, "register"));
  t.equal(done.status, "registered");
  const revocation = { ground: "wrong_recognition", note: "经复查不属于技术合同。" };
  const revoked = await must(stepOf(market, office.first, made.caseId, "revoke", revocation));
  t.match(revoked, { status: "revoked", grounds: ["wrong_recognition"], pending: null });
  await must(patchRules("2026-MIIT", { twoReviewers: true }));
});

t.test("rules that cannot be, and who may not change them", async (t) => {
  const before = await rulesOf("2000-063");
  const body = { reviewDays: 0, dayKind: "lunar", expertThreshold: "-1" };
  const faulty = refused(t, await patchRules("2000-063", body), 400, "request.invalid");
  t.same(pointersOf(faulty), ["/dayKind", "/expertThreshold", "/reviewDays"]);
  const removed = await patchRules("2000-063", { twoReviewers: null });
  t.same(pointersOf(refused(t, removed, 400, "request.invalid")), ["/twoReviewers"]);
  refused(t, await patchRules("2000-063", { holidays: 3 }), 400, "request.invalid");
  refused(t, await patchRules("1985-01", { reviewDays: 3 }), 404, "registration_rules.not_found");
  for (const [caller, status, code] of await strangers()) {
    const change = { body: { reviewDays: 3 }, headers: anyVersion };
    refused(t, await as(caller)("PATCH", `${rulesPath}/2000-063`, change), status, code);
  }
  t.same(await rulesOf("2000-063"), before);
});
