/** Whatever fails, the log holds nothing of what a caller sent and no statement. */
import { once } from "node:events";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { sql } from "drizzle-orm";
import pg from "pg";
import t, { type Test } from "tap";
import { connect } from "../../src/database/connect.ts";
import { newId } from "../../src/lib/ids.ts";
import { lineOptions } from "../../src/lib/logging.ts";
import { noServer, startCluster } from "../support/cluster.ts";
import { pdf, upload } from "../support/files.ts";
import { completeResult, drafted } from "../support/listings.ts";
import { type Market, openMarket } from "../support/market.ts";
import { refused } from "../support/replies.ts";
import { dial, headOf } from "../support/sockets.ts";
import { until } from "../support/time.ts";

if (noServer) {
  t.pass(`skipped: ${noServer}`);
  process.exit(0);
}

/** In everything that a caller sends here; what is logged may hold none of it. */
const planted = /planted|13955550001/i;
const statement =
  /\b(select|insert into|update|delete from)\s+["$\w*]+|failed query|params|"(query|parameters|detail|where)"/i;
const mark = {
  secret: "gms_planted-secret",
  token: "planted.token.planted",
  password: "planted pass phrase",
  email: "planted@example.test",
  phone: "13955550001",
};
const headers = {
  "idempotency-key": "planted-key",
  cookie: `session=${mark.secret}`,
  "user-agent": "planted/1",
  "x-secret": mark.secret,
};
const contact = { name: "planted name", phone: mark.phone, email: mark.email };
const body = (title: string) => ({
  ...completeResult(),
  title: `planted ${title}`,
  description: `${mark.secret}\n    at planted (planted.ts:1)`,
  contact,
});

const cluster = await startCluster(t);
const lines: string[] = [];
const logger = {
  ...lineOptions,
  level: "trace",
  stream: { write: (line: string) => void lines.push(line) },
} as NonNullable<Parameters<typeof openMarket>[1]>["logger"];

/** A market on sessions with these bounds, in milliseconds; it really listens. */
async function opened(bounds: { lock: number; statement: number }, runJobs = false) {
  const options = `-c timezone=UTC -c jit=off -c lock_timeout=${bounds.lock} -c statement_timeout=${bounds.statement}`;
  const database = connect(
    { connectionString: cluster.url, max: 5, options },
    { lockTimeout: bounds.lock },
  );
  const settings = { HANDLER_SECONDS: "1", DATABASE_LOCK_TIMEOUT: String(bounds.lock) };
  const market = await openMarket(t, { database, logger, settings, runJobs });
  await market.app.listen({ port: 0, host: "127.0.0.1" });
  return { market, port: (market.app.server.address() as { port: number }).port };
}
const { market, port } = await opened({ lock: 300, statement: 700 }, true);
// Whose statements outlive the time that a handler has.
const { market: patient, port: patientPort } = await opened({ lock: 3_000, statement: 6_000 });
const owner = await market.person("university");
const late = await patient.person("university");
const admin = new pg.Client({ connectionString: cluster.url });
admin.on("error", () => {});
await admin.connect();

/** Asserts that what was logged since the last time tells nothing, and begins anew. */
function tellsNothing(t: Test) {
  const written = lines.splice(0);
  t.same(
    written.filter((line) => planted.test(line) || statement.test(line)),
    [],
    `none of ${written.length} lines`,
  );
  const requests = written.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "request");
  t.same(
    requests.filter(({ status, code }) => status >= 400 !== (typeof code === "string")),
    [],
    "each refusal is logged with its code",
  );
  return requests;
}

const draft = (of: Market, title: string) =>
  of.as(of === market ? owner : late)("POST", "/v1/results", {
    body: body(title),
    headers: { ...headers, "idempotency-key": `planted-${newId()}` },
  });

/** Sends a change to the patient market, as over a real connection. */
const send = (path: string, method: string, given: object, more: object = {}) =>
  fetch(`http://127.0.0.1:${patientPort}${path}`, {
    method,
    headers: {
      ...headers,
      authorization: `Bearer ${late.token}`,
      "content-type": "application/json",
      ...more,
    },
    body: JSON.stringify(given),
  });

t.test("a lock, and a statement that takes too long", async (t) => {
  const { body: row } = await drafted(market, "result", owner);
  lines.length = 0;
  await admin.query("begin");
  await admin.query("select from results where id = $1 for update", [row.id]);
  const locked = await market.as(owner)("PATCH", `/v1/results/${row.id}`, {
    body: { summary: `planted ${mark.secret}`, contact },
    headers: { "if-match": "*", cookie: headers.cookie },
  });
  await admin.query("rollback");
  refused(t, locked, 503, "server.unavailable");
  await admin.query(`
    create function trouble() returns trigger language plpgsql as $$
    begin
      if new.title ~ 'slow' then perform pg_sleep(4); end if;
      if new.title ~ 'cast' then perform new.title::uuid; end if;
      if new.title ~ 'own words' then raise exception 'no room for %', new.title; end if;
      if new.title ~ 'unique' then
        raise unique_violation using constraint = 'unheard_of', detail = new.title, table = 'results';
      end if;
      return new;
    end $$;
    create trigger trouble before insert on results for each row execute function trouble()`);
  refused(t, await draft(market, "slow"), 503, "server.unavailable");
  t.match(tellsNothing(t), [{ code: "server.unavailable" }, { code: "server.unavailable" }]);
});

t.test("faults of ours: constraints, casts, and what the database says of values", async (t) => {
  for (const fault of ["cast", "own words", "unique"]) {
    refused(t, await draft(market, fault), 500, "server.internal");
  }
  const failed = lines
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === "request failed");
  t.match(failed, [
    { error: { sqlstate: "22P02" } },
    { error: { sqlstate: "P0001" } },
    { error: { sqlstate: "23505", constraint: "unheard_of" } },
  ]);
  tellsNothing(t);
});

t.test("what fails, or is done, after its caller was told that it took too long", async (t) => {
  const { body: row } = await drafted(patient, "result", late);
  lines.length = 0;
  const isLogged = (text: string) => until(() => lines.some((line) => line.includes(text)));
  for (const [ends, logged] of [
    ["in vain", "Promise errored"],
    ["late", "FST_ERR_REP_ALREADY_SENT"],
  ] as const) {
    await admin.query("begin");
    await admin.query("select from results where id = $1 for update", [row.id]);
    const given = { summary: `planted ${ends} ${mark.secret}`, contact };
    const reply = await send(`/v1/results/${row.id}`, "PATCH", given, { "if-match": "*" });
    t.match([reply.status, await reply.json()], [503, { code: "server.overloaded" }]);
    if (ends === "in vain") await isLogged(logged);
    await admin.query("rollback");
    await isLogged(logged);
  }
  const told = lines.map((line) => JSON.parse(line)).filter(({ level, err }) => level > 30 && err);
  t.match(told[0]?.err, { sqlstate: "55P03", message: undefined, stack: /^ {4}at / });
  const slow = await send("/v1/results", "POST", body("slow"));
  t.equal(slow.status, 503);
  await until(() => lines.filter((line) => line.includes("REP_ALREADY_SENT")).length >= 2);
  tellsNothing(t);
});

t.test("no connection is free", async (t) => {
  const { pool } = market.database;
  const held = await Promise.all(Array.from({ length: 5 }, () => pool.connect()));
  const replies = await Promise.all([
    draft(market, "waits"),
    market.as(null)("GET", "/v1/results?q=planted"),
    market.as(null)("POST", "/v1/auth/login", {
      body: { email: mark.email, password: mark.password },
    }),
  ]);
  for (const client of held) client.release();
  for (const reply of replies) refused(t, reply, 503, "server.unavailable");
  tellsNothing(t);
});

t.test("the connection is cut in the middle of a statement", async (t) => {
  const cut = draft(patient, "slow");
  await until(async () => {
    const { rowCount } = await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'",
    );
    return (rowCount ?? 0) > 0;
  });
  refused(t, await cut, 503, "server.unavailable");
  tellsNothing(t);
});

t.test("a download breaks off", async (t) => {
  const { body: row } = await drafted(market, "result", owner);
  const query = { subjectType: "result", subjectId: row.id as string };
  const made = await upload(market, owner, query, pdf("planted"), { fileName: "planted.pdf" });
  t.equal(made.status, 201);
  const { open } = market.app.files;
  t.teardown(() => {
    market.app.files.open = open;
  });
  for (const thrown of [
    Object.assign(new Error("EIO: planted.pdf"), { code: "EIO", path: "planted.pdf" }),
    new pg.DatabaseError("planted", 1, "error"),
  ]) {
    market.app.files.open = async () => ({
      stream: () =>
        Readable.from(
          (async function* () {
            yield Buffer.from("%PDF");
            throw thrown;
          })(),
        ),
      close: async () => {},
    });
    const path = `/v1/attachments/${made.body.id}/content?planted=`;
    const url = `http://127.0.0.1:${port}${path.split("?")[0]}`;
    const broken = await fetch(url, { headers: { authorization: `Bearer ${owner.token}` } })
      .then((reply) => reply.text())
      .then(
        () => false,
        () => true,
      );
    t.ok(broken, "its reader does not take a part for the whole");
  }
  tellsNothing(t);
});

t.test("requests that are none", async (t) => {
  const url = `http://127.0.0.1:${port}`;
  const bearer = { authorization: `Bearer ${mark.token}` };
  const json = { "content-type": "application/json" };
  for (const [path, given] of [
    ["/v1/planted", {}],
    ["/v1/results/planted", {}],
    ["/v1/results/%zzplanted", {}],
    [`/v1/results/${"planted".repeat(40)}`, {}],
    ["/v1/results?planted=%zz", {}],
    ["/v1/results?planted=1", {}],
    ["/v1/me", { headers: bearer }],
    ["/v1/auth/login", { method: "POST", headers: json, body: `{"password": planted}` }],
    ["/v1/auth/login", { method: "POST", headers: json, body: JSON.stringify({ planted: mark }) }],
    [
      "/v1/auth/refresh",
      { method: "POST", headers: json, body: `{"refreshToken":"${mark.token}"}` },
    ],
    [
      "/oauth/token",
      {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: `grant_type=client_credentials&client_id=planted&client_secret=${mark.secret}`,
      },
    ],
  ] as [string, RequestInit][]) {
    const reply = await fetch(url + path, given);
    t.ok(reply.status >= 400 && reply.status < 500, `${path} ${reply.status}`);
    await reply.text();
  }
  const left = await dial(port, `${headOf("POST", "/v1/results", owner.token, 500)}{"planted":`);
  await setTimeout(50);
  left.socket.destroy();
  const foreign = await dial(port, "planted planted planted\r\n\r\n");
  await once(foreign.socket, "close");
  await until(() => lines.filter((line) => line.includes('"msg":"request"')).length >= 10);
  const codes = tellsNothing(t).map(({ code }) => code);
  for (const code of ["request.not_found", "request.invalid", "auth.invalid_token"]) {
    t.ok(codes.includes(code), code);
  }
  t.ok(codes.includes("invalid_client"), "in OAuth's words where the reply is");
});

t.test("an error that is logged in whatever way", async (t) => {
  const error = await market.database.db
    .execute(sql`select ${mark.secret}::int`)
    .catch((thrown: unknown) => thrown as Error);
  const { log } = market.app;
  log.error(error);
  log.error({ err: error });
  log.error({ err: error }, "said");
  log.error(error as Error, "said");
  log.warn(Object.assign(new Error("planted"), { code: "ERR_INVALID_ARG_TYPE" }));
  t.equal(lines.length >= 5, true);
  tellsNothing(t);
});

t.test("the database is away", async (t) => {
  await cluster.stop("fast");
  const replies = [
    await draft(market, "away"),
    await market.as(null)("GET", "/v1/results?q=planted"),
    await market.as(null)("POST", "/v1/auth/login", {
      body: { email: mark.email, password: mark.password },
    }),
  ];
  for (const reply of replies) refused(t, reply, 503, "server.unavailable");
  await until(async () => (await market.as(null)("GET", "/readyz")).status === 503);
  await setTimeout(1_500);
  const requests = tellsNothing(t);
  t.match(requests.filter(({ route }) => route === "/readyz").at(-1), {
    status: 503,
    code: "server.unavailable",
  });
});
