/** Machine clients: their making, their secrets, their tokens, and what they may not do. */
import { eq, sql } from "drizzle-orm";
import t, { type Test } from "tap";
import { apiClients } from "../../../db/schema/api-clients.ts";
import { auditRecords } from "../../../db/schema/audit.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { signInAttempts } from "../../../db/schema/sessions.ts";
import { instantIn } from "../../../src/lib/clock.ts";
import { newId, sha256 } from "../../../src/lib/ids.ts";
import { auditsOf } from "../../support/log.ts";
import { type Caller, openMarket, type Reply } from "../../support/market.ts";
import { statusesOf } from "../../support/replies.ts";
import { later } from "../../support/time.ts";

const market = await openMarket(t);
const { db } = market.database;
const nobody = market.as(null);
const unknownId = "01890000-0000-7000-8000-000000000000";

/** Every secret that was shown; none may be found in the database. */
const secrets = new Set<string>();

const clientRow = async (id: string) => {
  const [row] = await db.select().from(apiClients).where(eq(apiClients.id, id));
  if (!row) throw new Error("no such client");
  return row;
};

const clientsOf = (caller: Caller) =>
  db.$count(apiClients, eq(apiClients.organizationId, caller.organizationId));

let made = 0;
async function create(by: Caller, input: object = {}): Promise<Reply> {
  const body = { name: `ERP ${++made}`, scopes: ["needs:read", "needs:write"], ...input };
  const reply = await market.as(by)("POST", "/v1/api-clients", { body });
  if (reply.body?.clientSecret) secrets.add(reply.body.clientSecret);
  return reply;
}

interface Machine {
  clientId: string;
  clientSecret: string;
}

const basic = ({ clientId, clientSecret }: Machine) => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`,
});

/** A form at the token endpoint. */
function grant(fields: Record<string, string>, headers: Record<string, string> = {}) {
  return nobody("POST", "/oauth/token", {
    body: new URLSearchParams(fields).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
}
const grantTo = (machine: Machine, fields: Record<string, string> = {}) =>
  grant({ grant_type: "client_credentials", ...fields }, basic(machine));

/** A client of this organization, made through the API, as a caller with a token. */
async function machineOf(by: Caller, input: object = {}) {
  const { body } = await create(by, input);
  const { clientId, clientSecret } = body as Machine;
  const token = await grantTo({ clientId, clientSecret });
  const caller = { ...by, id: clientId, token: String(token.body.access_token) };
  return { clientId, clientSecret, caller };
}

const patch = (by: Caller, id: string, body: object, etag?: string) =>
  market.as(by)("PATCH", `/v1/api-clients/${id}`, {
    body,
    headers: etag ? { "if-match": etag } : {},
  });
const act = (
  by: Caller,
  id: string,
  action: string,
  headers: Record<string, string> = {},
  body?: object,
) => market.as(by)("POST", `/v1/api-clients/${id}/${action}`, { headers, body });

/** A new secret, with the one before for so many hours. */
async function rotate(by: Caller, { clientId }: Machine, overlapHours: number) {
  const reply = await act(by, clientId, "rotate-secret", {}, { overlapHours });
  if (reply.body?.clientSecret) secrets.add(reply.body.clientSecret);
  return reply;
}

t.beforeEach(async () => {
  await db.delete(signInAttempts);
});

t.test("making a client", async (t) => {
  t.test("shows the secret once; only its hash is stored", async (t) => {
    const admin = await market.person("enterprise");
    const reply = await create(admin, { name: "企业 ERP" });
    t.equal(reply.status, 201);
    const { client, clientId, clientSecret } = reply.body;
    t.match(clientSecret, /^gms_[\w-]{43}$/);
    t.equal(client.id, clientId);
    t.equal(reply.headers.location, `/v1/api-clients/${clientId}`);
    t.match(client, {
      name: "企业 ERP",
      organizationId: admin.organizationId,
      status: "active",
      createdBy: admin.id,
      lastUsedAt: null,
      version: 1,
      allowedActions: ["rotate-secret", "revoke"],
    });
    t.match(await clientRow(clientId), {
      organizationId: admin.organizationId,
      name: "企业 ERP",
      scopes: ["needs:read", "needs:write"],
      secretHash: sha256(clientSecret),
    });
    for (const url of ["/v1/api-clients", `/v1/api-clients/${clientId}`]) {
      const { text } = await market.as(admin)("GET", url);
      t.notOk(text.includes(clientSecret) || text.includes(sha256(clientSecret)), url);
      t.notMatch(text, /secretHash|gms_/);
    }
  });

  t.test("writes an audit record without the secret or its hash", async (t) => {
    const admin = await market.person("enterprise");
    const { body } = await create(admin);
    const records = await auditsOf(market, body.clientId);
    t.match(records, [
      {
        type: "api_client.create",
        subjectType: "api_client",
        organizationId: admin.organizationId,
        actorId: admin.id,
        before: null,
        after: { secretHash: { changed: true }, scopes: ["needs:read", "needs:write"] },
      },
    ]);
    t.notOk(JSON.stringify(records).includes(sha256(body.clientSecret)));
  });

  t.test("takes no Idempotency-Key: a stored reply would keep the secret", async (t) => {
    const admin = await market.person("enterprise");
    const body = { name: "ERP", scopes: ["needs:read"] };
    const headers = { "idempotency-key": "k-1" };
    const reply = await market.as(admin)("POST", "/v1/api-clients", { body, headers });
    t.same([reply.status, reply.body.code], [400, "request.idempotency_key_not_accepted"]);
    t.equal(await clientsOf(admin), 0);
  });

  t.test("a name is used once by active clients of an organization", async (t) => {
    const admin = await market.person("enterprise");
    const first = await create(admin, { name: "ERP" });
    const second = await create(admin, { name: " ERP " });
    t.same([second.status, second.body.code], [409, "api_client.name_taken"]);
    t.equal((await create(await market.person("enterprise"), { name: "ERP" })).status, 201);
    await act(admin, first.body.clientId, "revoke");
    t.equal((await create(admin, { name: "ERP" })).status, 201, "after a revocation");
  });

  t.test("of two at once with one name, one is made", async (t) => {
    const admin = await market.person("enterprise");
    const replies = await Promise.all([1, 2].map(() => create(admin, { name: "ERP" })));
    t.same(statusesOf(replies), [201, 409]);
    t.equal(await clientsOf(admin), 1);
  });

  t.test("scopes are known ones, at least one, each once", async (t) => {
    const admin = await market.person("enterprise");
    for (const [scopes, pointer] of [
      [["everything"], "/scopes/0"],
      [[], "/scopes"],
      [["needs:read", "needs:read"], "/scopes"],
      ["needs:read", "/scopes"],
    ] as const) {
      const reply = await create(admin, { scopes });
      t.equal(reply.status, 400, JSON.stringify(scopes));
      t.match(reply.body.errors, [{ pointer }]);
    }
    const extra = await create(admin, { name: "", status: "active", secretHash: "x" });
    const pointers = extra.body.errors.map((fault: { pointer: string }) => fault.pointer);
    t.same(pointers.sort(), ["/name", "/secretHash", "/status"]);
    t.equal(await clientsOf(admin), 0);
  });

  t.test("is for admins, and for people", async (t) => {
    const admin = await market.person("enterprise");
    const colleague = await market.colleague(admin);
    const machine = await market.client(admin, ["organization:read"]);
    const body = { name: "ERP", scopes: ["needs:read"] };
    const refusals: [Caller | null, number, string][] = [
      [null, 401, "auth.required"],
      [colleague, 403, "auth.admin_required"],
      [machine, 403, "auth.person_required"],
      [await market.person("enterprise", { status: "suspended" }), 403, "organization.suspended"],
    ];
    for (const [caller, status, code] of refusals) {
      const reply = await market.as(caller)("POST", "/v1/api-clients", { body });
      t.same([reply.status, reply.body.code], [status, code]);
    }
    t.equal(await clientsOf(admin), 1, "the machine itself");
  });
});

t.test("reading clients", async (t) => {
  const admin = await market.person("enterprise");
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await create(admin)).body.clientId);
  await act(admin, String(ids[1]), "revoke");

  t.test("the list holds one's own, revoked ones too", async (t) => {
    await create(await market.person("enterprise"));
    const { body } = await market.as(admin)("GET", "/v1/api-clients?include=total");
    t.same(
      body.data.map((client: { id: string }) => client.id),
      ids,
    );
    t.same(body.total, { exact: 3 });
    const active = await market.as(admin)("GET", "/v1/api-clients?status=active");
    t.equal(active.body.data.length, 2);
    const revoked = await market.as(admin)("GET", "/v1/api-clients?status=revoked");
    t.match(revoked.body.data, [{ id: ids[1], allowedActions: [] }]);
  });

  t.test("the list comes in pages; its cursor is nobody else's", async (t) => {
    const first = await market.as(admin)("GET", "/v1/api-clients?limit=2");
    const cursor = first.body.page.next;
    const second = await market.as(admin)("GET", `/v1/api-clients?limit=2&cursor=${cursor}`);
    const seen = [...first.body.data, ...second.body.data].map((client) => client.id);
    t.same(seen, ids);
    t.equal(second.body.page.hasMore, false);
    const other = await market.person("enterprise");
    const stolen = await market.as(other)("GET", `/v1/api-clients?limit=2&cursor=${cursor}`);
    t.match(stolen.body.errors, [{ code: "cursor.invalid" }]);
  });

  t.test("one client has a tag, and 304 for who has it", async (t) => {
    const reply = await market.as(admin)("GET", `/v1/api-clients/${ids[0]}`);
    t.match(reply.headers.etag, /^"1-/);
    const headers = { "if-none-match": String(reply.headers.etag) };
    const again = await market.as(admin)("GET", `/v1/api-clients/${ids[0]}`, { headers });
    t.same([again.status, again.text], [304, ""]);
  });

  t.test("another organization's client is not found, whatever is tried", async (t) => {
    const before = await clientRow(String(ids[0]));
    const callers = [await market.person("enterprise"), await market.person("operator")];
    for (const caller of callers) {
      for (const id of [String(ids[0]), unknownId]) {
        const replies = [
          await market.as(caller)("GET", `/v1/api-clients/${id}`),
          await patch(caller, id, { name: "mine" }, "*"),
          await act(caller, id, "rotate-secret"),
          await act(caller, id, "end-previous-secret"),
          await act(caller, id, "revoke"),
        ];
        for (const reply of replies) {
          t.same([reply.status, reply.body.code], [404, "api_client.not_found"]);
        }
      }
    }
    t.same(await clientRow(String(ids[0])), before);
  });

  t.test("is for admins, and for people; an id is a UUID", async (t) => {
    const colleague = await market.colleague(admin);
    const machine = await market.client(admin, ["organization:read"]);
    for (const url of ["/v1/api-clients", `/v1/api-clients/${ids[0]}`]) {
      t.equal((await nobody("GET", url)).status, 401);
      t.equal((await market.as(colleague)("GET", url)).body.code, "auth.admin_required");
      t.equal((await market.as(machine)("GET", url)).body.code, "auth.person_required");
    }
    const malformed = await market.as(admin)("GET", "/v1/api-clients/ERP");
    t.match(malformed.body.errors, [{ parameter: "id" }]);
  });
});

t.test("changing a client", async (t) => {
  t.test("a token that is in use loses a scope at once, and gains none", async (t) => {
    const admin = await market.person("enterprise");
    const { clientId, caller } = await machineOf(admin);
    const draft = () => market.as(caller)("POST", "/v1/needs", { body: { title: "在线检测需求" } });
    t.equal((await draft()).status, 201);
    const reply = await patch(admin, clientId, { scopes: ["needs:read"] }, '"1-x"');
    t.equal(reply.status, 200);
    t.match(reply.headers.etag, /^"2-/);
    t.match(await clientRow(clientId), { scopes: ["needs:read"], version: 2 });
    const refused = await draft();
    t.same([refused.status, refused.body.code], [403, "auth.insufficient_scope"]);
    t.equal(refused.body.requiredScope, "needs:write");
    t.match((await auditsOf(market, clientId)).at(-1), {
      type: "api_client.update",
      before: { scopes: ["needs:read", "needs:write"] },
      after: { scopes: ["needs:read"] },
    });
  });

  t.test("renames it, and leaves what the patch does not name", async (t) => {
    const admin = await market.person("enterprise");
    const { body } = await create(admin);
    const reply = await patch(admin, body.clientId, { name: "新名称" }, "*");
    t.match(reply.body, { name: "新名称", scopes: ["needs:read", "needs:write"], version: 2 });
    const [row] = [await clientRow(body.clientId)];
    t.match(row, { name: "新名称", secretHash: sha256(body.clientSecret) });
  });

  t.test("needs If-Match, and the version as it is", async (t) => {
    const admin = await market.person("enterprise");
    const { body } = await create(admin);
    const before = await clientRow(body.clientId);
    t.equal((await patch(admin, body.clientId, { name: "x" })).status, 428);
    t.equal((await patch(admin, body.clientId, { name: "x" }, '"2-x"')).status, 412);
    t.same(await clientRow(body.clientId), before);
  });

  t.test("two with the same tag at once: one is told to read again", async (t) => {
    const admin = await market.person("enterprise");
    const { clientId } = (await create(admin)).body;
    const replies = await Promise.all(
      ["甲", "乙"].map((name) => patch(admin, clientId, { name }, '"1-"')),
    );
    t.same(statusesOf(replies), [200, 412]);
    t.equal((await clientRow(clientId)).version, 2);
  });

  t.test("neither name nor scopes can be removed; the name may be taken", async (t) => {
    const admin = await market.person("enterprise");
    const { clientId } = (await create(admin, { name: "甲" })).body;
    await create(admin, { name: "乙" });
    for (const body of [{ name: null }, { scopes: null }, { scopes: [] }, { status: "revoked" }]) {
      const reply = await patch(admin, clientId, body, "*");
      t.equal(reply.status, 400, JSON.stringify(body));
      t.match(reply.body.errors, [{ pointer: `/${Object.keys(body)[0]}` }]);
    }
    const taken = await patch(admin, clientId, { name: "乙" }, "*");
    t.same([taken.status, taken.body.code], [409, "api_client.name_taken"]);
    t.equal((await clientRow(clientId)).version, 1);
  });

  t.test("is for admins", async (t) => {
    const admin = await market.person("enterprise");
    const { clientId } = (await create(admin)).body;
    const colleague = await market.colleague(admin);
    const replies = [
      await patch(colleague, clientId, { name: "x" }, "*"),
      await act(colleague, clientId, "rotate-secret"),
      await act(colleague, clientId, "end-previous-secret"),
      await act(colleague, clientId, "revoke"),
    ];
    for (const reply of replies) t.equal(reply.body.code, "auth.admin_required");
    t.equal((await clientRow(clientId)).version, 1);
  });
});

t.test("a new secret", async (t) => {
  t.test("ends the one before at once; tokens live on", async (t) => {
    const admin = await market.person("enterprise");
    const old = await machineOf(admin, { scopes: ["organization:read"] });
    const reply = await act(admin, old.clientId, "rotate-secret");
    t.equal(reply.status, 200);
    secrets.add(reply.body.clientSecret);
    t.not(reply.body.clientSecret, old.clientSecret);
    t.equal((await grantTo(old)).body.error, "invalid_client");
    t.equal((await grantTo(reply.body)).status, 200);
    t.equal((await market.as(old.caller)("GET", "/v1/me")).status, 200);
    const row = await clientRow(old.clientId);
    t.match(row, { secretHash: sha256(reply.body.clientSecret), version: 2 });
    t.match((await auditsOf(market, old.clientId)).at(-2), {
      type: "api_client.rotate_secret",
      before: { secretHash: { changed: true } },
      after: { secretHash: { changed: true } },
    });
  });

  t.test("overlaps with the one before for the hours that are said", async (t) => {
    const admin = await market.person("enterprise");
    const old = await machineOf(admin, { scopes: ["organization:read"] });
    const reply = await rotate(admin, old, 24);
    t.equal(reply.status, 200);
    const { client } = reply.body;
    t.match(client.secrets, [
      { createdAt: client.secretIssuedAt, lastUsedAt: null, expiresAt: null },
      { createdAt: String, lastUsedAt: String, expiresAt: String },
    ]);
    const hours = Date.parse(client.secrets[1].expiresAt) - Date.parse(client.secretIssuedAt);
    t.ok(Math.abs(hours / 3_600_000 - 24) < 0.01);
    t.same(client.allowedActions, ["rotate-secret", "end-previous-secret", "revoke"]);

    const used = async () => {
      const { body } = await market.as(admin)("GET", `/v1/api-clients/${old.clientId}`);
      return body.secrets.map((one: { lastUsedAt: string | null }) => one.lastUsedAt);
    };
    const [, before] = await used();
    t.equal((await later(5, () => grantTo(old))).status, 200);
    const [none, since] = await used();
    t.same([none, since > before], [null, true], "the old one alone was used");
    t.equal((await grantTo(reply.body)).status, 200);
    t.same((await used()).map(Boolean), [true, true]);
    t.equal((await grantTo({ ...old, clientSecret: "gms_other" })).body.error, "invalid_client");

    t.match(
      (await auditsOf(market, old.clientId)).find((one) => one.type.endsWith("_secret")),
      {
        type: "api_client.rotate_secret",
        before: { secretHash: { changed: true } },
        after: { previousSecretHash: { changed: true }, previousSecretExpiresAt: String },
      },
    );
    const { rows } = await db.execute(sql`select * from audit_records`);
    t.notOk(JSON.stringify(rows).includes(sha256(old.clientSecret)), "nor its hash in the log");
    await later(24 * 3_600 + 5, async () => {
      t.equal((await grantTo(old)).body.error, "invalid_client");
      t.equal((await grantTo(reply.body)).status, 200);
    });
  });

  t.test("of two that work the older one is ended, at once and on the record", async (t) => {
    const admin = await market.person("enterprise");
    const first = await machineOf(admin);
    const second = (await rotate(admin, first, 1)).body;
    const refused = await rotate(admin, first, 1);
    t.same([refused.status, refused.body.code], [409, "api_client.two_secrets"]);
    t.equal((await grantTo(first)).status, 200, "nothing has changed");

    const ended = await act(admin, first.clientId, "end-previous-secret");
    t.equal(ended.status, 200);
    t.match(ended.body.secrets, [{ expiresAt: null }]);
    t.equal(ended.body.secrets.length, 1);
    t.equal((await grantTo(first)).body.error, "invalid_client");
    t.equal((await grantTo(second)).status, 200);
    const records = await auditsOf(market, first.clientId);
    t.ok(records.some(({ type }) => type === "api_client.end_previous_secret"));
    const again = await act(admin, first.clientId, "end-previous-secret");
    t.same([again.status, again.body.code], [409, "api_client.no_previous_secret"]);

    const third = (await rotate(admin, first, 1)).body;
    const fourth = (await rotate(admin, first, 0)).body;
    for (const gone of [second, third]) {
      t.equal((await grantTo(gone)).body.error, "invalid_client", "no overlap ends both");
    }
    t.equal((await grantTo(fourth)).status, 200);
    t.match(await clientRow(first.clientId), { previousSecretHash: null });
  });

  t.test("one before that has expired makes room for another", async (t) => {
    const admin = await market.person("enterprise");
    const first = await machineOf(admin);
    const second = (await rotate(admin, first, 1)).body;
    await db
      .update(apiClients)
      .set({ previousSecretExpiresAt: instantIn(-1) })
      .where(eq(apiClients.id, first.clientId));
    const { body } = await market.as(admin)("GET", `/v1/api-clients/${first.clientId}`);
    t.same([body.secrets.length, body.allowedActions], [1, ["rotate-secret", "revoke"]]);
    t.equal((await grantTo(first)).body.error, "invalid_client");
    t.equal((await rotate(admin, first, 1)).status, 200);
    t.equal((await grantTo(second)).status, 200);
  });

  t.test("with an overlap, several at once: one is made", async (t) => {
    const admin = await market.person("enterprise");
    const first = await machineOf(admin);
    const replies = await Promise.all([1, 2, 3].map(() => rotate(admin, first, 1)));
    t.same(statusesOf(replies), [200, 409, 409]);
    const made = replies.find(({ status }) => status === 200);
    t.equal((await grantTo(made?.body)).status, 200);
    t.equal((await grantTo(first)).status, 200);
    t.equal((await clientRow(first.clientId)).version, 2);
  });

  t.test("overlaps for whole hours, a month at most; an empty body is none", async (t) => {
    const admin = await market.person("enterprise");
    const machine = await machineOf(admin);
    for (const overlapHours of [-1, 1.5, 721, "24", null]) {
      const body = { overlapHours };
      const reply = await act(admin, machine.clientId, "rotate-secret", {}, body);
      t.equal(reply.status, 400, String(overlapHours));
      t.match(reply.body.errors, [{ pointer: "/overlapHours" }]);
    }
    t.equal((await grantTo(machine)).status, 200);
    const reply = await act(admin, machine.clientId, "rotate-secret", {}, {});
    secrets.add(reply.body.clientSecret);
    t.equal((await grantTo(machine)).body.error, "invalid_client");
  });

  t.test("a revoked client shows no secret, and none works", async (t) => {
    const admin = await market.person("enterprise");
    const first = await machineOf(admin);
    const second = (await rotate(admin, first, 1)).body;
    t.same((await act(admin, first.clientId, "revoke")).body.secrets, []);
    for (const one of [first, second]) t.equal((await grantTo(one)).body.error, "invalid_client");
    t.equal((await act(admin, first.clientId, "end-previous-secret")).status, 409);
  });

  t.test("takes no Idempotency-Key, honours If-Match", async (t) => {
    const admin = await market.person("enterprise");
    const { clientId } = (await create(admin)).body;
    const keyed = await act(admin, clientId, "rotate-secret", { "idempotency-key": "k" });
    t.equal(keyed.body.code, "request.idempotency_key_not_accepted");
    t.equal((await act(admin, clientId, "rotate-secret", { "if-match": '"9-"' })).status, 412);
    t.equal((await clientRow(clientId)).version, 1);
  });
});

t.test("revoking a client", async (t) => {
  t.test("ends its tokens and its secret at once, for good", async (t) => {
    const admin = await market.person("enterprise");
    const machine = await machineOf(admin, { scopes: ["organization:read"] });
    t.equal((await market.as(machine.caller)("GET", "/v1/me")).status, 200);
    const reply = await act(admin, machine.clientId, "revoke");
    t.match(reply.body, { status: "revoked", version: 2, allowedActions: [] });
    t.equal((await market.as(machine.caller)("GET", "/v1/me")).body.code, "auth.invalid_token");
    t.equal((await grantTo(machine)).body.error, "invalid_client");
    t.match(await clientRow(machine.clientId), { status: "revoked" });
    t.match((await auditsOf(market, machine.clientId)).at(-1), {
      type: "api_client.revoke",
      before: { status: "active" },
      after: { status: "revoked" },
    });

    for (const refused of [
      await act(admin, machine.clientId, "revoke"),
      await act(admin, machine.clientId, "rotate-secret"),
      await patch(admin, machine.clientId, { name: "again" }, "*"),
    ]) {
      t.equal(refused.status, 409);
      t.match(refused.body, { code: "api_client.invalid_transition", currentStatus: "revoked" });
      t.same(refused.body.allowedActions, []);
    }
    t.equal((await clientRow(machine.clientId)).version, 2);
  });

  t.test("the same key again gets the same answer", async (t) => {
    const admin = await market.person("enterprise");
    const { clientId } = (await create(admin)).body;
    const headers = { "idempotency-key": "revoke-1" };
    const first = await act(admin, clientId, "revoke", headers);
    const again = await act(admin, clientId, "revoke", headers);
    t.same([again.status, again.text], [200, first.text]);
    t.equal(again.headers["idempotent-replayed"], "true");
    t.equal((await auditsOf(market, clientId)).length, 2);
  });

  t.test("while it is given a new secret: one or both happen, in an order", async (t) => {
    const admin = await market.person("enterprise");
    const { clientId } = (await create(admin)).body;
    const [revoked, rotated] = await Promise.all([
      act(admin, clientId, "revoke"),
      act(admin, clientId, "rotate-secret"),
    ]);
    t.equal(revoked.status, 200);
    t.ok([200, 409].includes(rotated.status));
    if (rotated.body.clientSecret) secrets.add(rotated.body.clientSecret);
    t.equal((await clientRow(clientId)).status, "revoked");
  });
});

t.test("the token endpoint", async (t) => {
  const admin = await market.person("enterprise");
  const { body: machine } = await create(admin);
  const posted = { client_id: machine.clientId, client_secret: machine.clientSecret };

  const assertRefused = (t: Test, reply: Reply, status: number, error: string) => {
    t.same([reply.status, reply.body.error], [status, error], reply.text);
    t.match(reply.headers["content-type"], /^application\/json/, "no problem document");
    t.equal(reply.headers["cache-control"], "no-store");
    if (status === 401) t.match(reply.headers["www-authenticate"], /^Basic realm="/);
  };

  t.test("gives a token for Basic and for posted credentials", async (t) => {
    for (const reply of [
      await grantTo(machine),
      await grant({ grant_type: "client_credentials", ...posted }),
    ]) {
      t.equal(reply.status, 200);
      t.match(reply.body, {
        token_type: "Bearer",
        expires_in: 900,
        scope: "needs:read needs:write",
      });
      t.equal(reply.headers["cache-control"], "no-store");
      t.equal(reply.headers.pragma, "no-cache");
      const caller = { ...admin, token: reply.body.access_token };
      const need = await market.as(caller)("POST", "/v1/needs", { body: { title: "机器的需求" } });
      t.equal(need.status, 201);
      t.equal(need.body.organization.id, admin.organizationId);
    }
  });

  t.test("credentials are form-encoded before base64 (RFC 6749 2.3.1)", async (t) => {
    const escaped = (text: string) =>
      [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join("");
    const encoded = {
      clientId: escaped(machine.clientId),
      clientSecret: escaped(machine.clientSecret),
    };
    t.equal((await grantTo(encoded)).status, 200);
  });

  t.test("notes when it was last used, which is no change of the client", async (t) => {
    const before = await clientRow(machine.clientId);
    await grantTo(machine);
    const after = await clientRow(machine.clientId);
    t.ok(after.lastUsedAt);
    const { lastUsedAt, secretUsedAt } = after;
    t.equal(secretUsedAt, lastUsedAt);
    t.same(after, { ...before, lastUsedAt, secretUsedAt });
  });

  t.test("gives the scopes asked for, no more", async (t) => {
    const { body } = await grantTo(machine, { scope: "needs:read" });
    t.equal(body.scope, "needs:read");
    const both = await grantTo(machine, { scope: " needs:write  needs:read " });
    t.equal(both.body.scope, "needs:read needs:write");
  });

  t.test("refuses a scope that the client does not hold, or that is none", async (t) => {
    for (const scope of ["results:write", "needs:read results:write", "everything", "NEEDS:READ"]) {
      assertRefused(t, await grantTo(machine, { scope }), 400, "invalid_scope");
    }
  });

  t.test("refuses a wrong secret, an unknown client, and credentials that are none", async (t) => {
    const form = { grant_type: "client_credentials" };
    const { clientId, clientSecret } = machine as Machine;
    const wrong = [
      await grantTo({ clientId, clientSecret: `${clientSecret}x` }),
      await grantTo({ clientId, clientSecret: "" }),
      await grantTo({ clientId, clientSecret: sha256(clientSecret) }),
      await grantTo({ clientId: unknownId, clientSecret }),
      await grantTo({ clientId: "ERP", clientSecret }),
      await grantTo({ clientId: clientId.toUpperCase(), clientSecret }),
      await grant({ ...form, ...posted, client_secret: "wrong" }),
      await grant({ ...form, client_id: clientId }),
      await grant({ ...form, client_secret: clientSecret }),
      await grant(form),
      await grant(form, { authorization: "Basic" }),
      await grant(form, { authorization: "Basic !!!" }),
      await grant(form, { authorization: `Basic ${Buffer.from("%zz:x").toString("base64")}` }),
      await grant(form, { authorization: `Bearer ${admin.token}` }),
    ];
    for (const reply of wrong) assertRefused(t, reply, 401, "invalid_client");
    const known = JSON.stringify({ ...wrong[0]?.body });
    t.equal(JSON.stringify({ ...wrong[3]?.body }), known, "an unknown one answers the same");
  });

  t.test("refuses another grant, or none", async (t) => {
    for (const grant_type of ["password", "refresh_token", "authorization_code", "x"]) {
      assertRefused(t, await grantTo(machine, { grant_type }), 400, "unsupported_grant_type");
    }
    assertRefused(t, await grant({}, basic(machine)), 400, "invalid_request");
  });

  t.test("refuses both ways at once", async (t) => {
    const reply = await grantTo(machine, posted);
    assertRefused(t, reply, 400, "invalid_request");
  });

  t.test("reads forms only", async (t) => {
    const fields = { grant_type: "client_credentials", ...posted };
    for (const [type, body] of [
      ["application/json", JSON.stringify(fields)],
      ["text/plain", new URLSearchParams(fields).toString()],
    ] as const) {
      const headers = { "content-type": type };
      const reply = await nobody("POST", "/oauth/token", { body, headers });
      t.same([reply.status, reply.body.code], [415, "request.unsupported_media_type"], type);
    }
  });

  t.test("takes no Idempotency-Key", async (t) => {
    const form = { grant_type: "client_credentials" };
    const reply = await grant(form, { ...basic(machine), "idempotency-key": "k" });
    t.equal(reply.body.code, "request.idempotency_key_not_accepted");
  });

  t.test("wrong secrets of others, also at once, keep the right one out of nothing", async (t) => {
    const { clientId, clientSecret } = machine as Machine;
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, i) => grantTo({ clientId, clientSecret: `gms_${i}` })),
    );
    for (const reply of replies) assertRefused(t, reply, 401, "invalid_client");
    t.equal((await grantTo({ clientId, clientSecret })).status, 200);
    const failed = (await auditsOf(market, clientId)).filter(({ type }) => /failed/.test(type));
    t.match(failed, [{ reason: "wrong_secret", address: "127.0.0.1" }], "once, however many");
    t.notMatch(JSON.stringify(failed), /gms_/);
    const count = () =>
      market.database.db.$count(auditRecords, eq(auditRecords.type, "api_client.sign_in_failed"));
    const before = await count();
    for (let i = 0; i < 20; i++) await grantTo({ clientId: newId(), clientSecret: "gms_x" });
    t.ok((await count()) - before <= 1, "nor by ids that are made up");
  });

  t.test("a closed organization's clients get no token", async (t) => {
    const other = await market.person("enterprise");
    const { body } = await create(other);
    const id = eq(organizations.id, other.organizationId);
    await db.update(organizations).set({ status: "closed" }).where(id);
    assertRefused(t, await grantTo(body), 401, "invalid_client");
  });
});

t.test("what a machine may do", async (t) => {
  t.test("nothing that needs a person, whatever its scopes", async (t) => {
    const admin = await market.person("operator");
    const machine = await market.client(admin, ["organization:read", "needs:write"]);
    const other = await market.person("enterprise", { status: "pending" });
    const target = `/v1/organizations/${other.organizationId}`;
    const tries: ["GET" | "POST" | "PATCH", string, object?][] = [
      ["POST", `${target}/verify`],
      ["POST", `${target}/reject`, { reason: "x" }],
      ["POST", "/v1/organizations", {}],
      ["PATCH", `/v1/organizations/${admin.organizationId}`, {}],
      ["POST", `/v1/organizations/${admin.organizationId}/members`, {}],
      ["PATCH", "/v1/me", {}],
      ["POST", "/v1/auth/logout"],
      ["POST", "/v1/auth/change-password", {}],
      ["POST", "/v1/taxonomies/technology-fields/items", {}],
      ["GET", "/v1/api-clients"],
    ];
    for (const [method, url, body] of tries) {
      const reply = await market.as(machine)(method, url, body ? { body } : {});
      t.same([reply.status, reply.body.code], [403, "auth.person_required"], `${method} ${url}`);
    }
    const [row] = await db
      .select()
      .from(organizations)
      .where(eq(organizations.id, other.organizationId));
    t.equal(row?.status, "pending");
  });

  t.test("only what its scopes name, also where anybody may read", async (t) => {
    const admin = await market.person("university");
    const machine = await market.client(admin, ["results:write"]);
    const tries: ["GET" | "POST", string, string][] = [
      ["GET", "/v1/me", "organization:read"],
      ["GET", "/v1/organizations", "organization:read"],
      ["GET", "/v1/results", "results:read"],
      ["GET", "/v1/needs", "needs:read"],
      ["POST", "/v1/needs", "needs:write"],
    ];
    for (const [method, url, requiredScope] of tries) {
      const reply = await market.as(machine)(method, url);
      t.same([reply.status, reply.body.code], [403, "auth.insufficient_scope"], `${method} ${url}`);
      t.equal(reply.body.requiredScope, requiredScope);
    }
    const body = { title: "盐碱地缓释肥" };
    t.equal((await market.as(machine)("POST", "/v1/results", { body })).status, 201);
  });

  t.test("a token holds no more than was asked for when it was given", async (t) => {
    const admin = await market.person("enterprise");
    const { clientId, clientSecret } = (await create(admin)).body as Machine;
    const { body } = await grantTo({ clientId, clientSecret }, { scope: "needs:read" });
    const caller = { ...admin, token: body.access_token };
    const reply = await market.as(caller)("POST", "/v1/needs", { body: { title: "越权的需求" } });
    t.same([reply.status, reply.body.code], [403, "auth.insufficient_scope"]);
    t.equal(reply.body.requiredScope, "needs:write");
  });

  t.test("of a suspended organization: it reads and changes nothing", async (t) => {
    const admin = await market.person("enterprise", { status: "suspended" });
    const machine = await market.client(admin, ["needs:write", "organization:read"]);
    const reply = await market.as(machine)("POST", "/v1/needs", {
      body: { title: "停用后的需求" },
    });
    t.same([reply.status, reply.body.code], [403, "organization.suspended"]);
    t.equal((await market.as(machine)("GET", "/v1/me")).status, 200);
  });
});

t.test("no secret is anywhere in the database", async (t) => {
  t.ok(secrets.size > 20);
  const text = JSON.stringify([
    await db.select().from(auditRecords),
    await db.select().from(apiClients),
  ]);
  for (const secret of secrets) t.notOk(text.includes(secret));
  t.notMatch(JSON.stringify(await db.select().from(auditRecords)), /gms_|[0-9a-f]{64}/);
});

t.test("a doubled or overlong form field is refused in OAuth's own words", async (t) => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  for (const body of [
    "grant_type=client_credentials&grant_type=client_credentials",
    `grant_type=client_credentials&scope=${"x".repeat(600)}`,
  ]) {
    const reply = await market.as(null)("POST", "/oauth/token", { body, headers: form });
    t.equal(reply.status, 400);
    t.match(reply.headers["content-type"], /^application\/json/);
    t.equal(reply.body.error, "invalid_request");
  }
});
