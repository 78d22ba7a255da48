/** Callers who do not send, do not read, or send what is no HTTP: each gets an answer, and none stays. */
import { subscribe } from "node:diagnostics_channel";
import { METHODS } from "node:http";
import { setTimeout } from "node:timers/promises";
import t, { type Test } from "tap";
import { multipart, pdf, settledFiles, upload } from "../support/files.ts";
import { drafted } from "../support/listings.ts";
import { openMarket } from "../support/market.ts";
import { type Dialled, dial, headOf, replyIn } from "../support/sockets.ts";
import { until } from "../support/time.ts";

const limit = 2_000;
const lines: { level: number; msg: string }[] = [];
const market = await openMarket(t, {
  logger: { stream: { write: (line: string) => void lines.push(JSON.parse(line)) } },
  settings: {
    REQUEST_SECONDS: "2",
    HANDLER_SECONDS: "2",
    REPLY_SECONDS: "2",
    UPLOAD_SECONDS: "60",
    // The handler's own time is what is tried here.
    DATABASE_LOCK_TIMEOUT: "15000",
  },
});
const { app } = market;
await app.listen({ port: 0, host: "127.0.0.1" });
const { port } = app.server.address() as { port: number };
const owner = await market.person("university");

/** Every test checks that others are served meanwhile. */
async function othersAreServed(t: Test) {
  t.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200);
}

function timedOut(t: Test, caller: Dialled, took: number) {
  const { status, head, body } = replyIn(caller.text());
  t.equal(status, 408);
  t.match(head, /^content-type: application\/problem\+json/im);
  t.match(head, /^connection: close/im);
  t.match(head, /^request-id: /im);
  t.match(JSON.parse(body), { code: "request.timeout", status: 408 });
  t.ok(took >= limit * 0.9, `not before its time: ${took} ms`);
  t.ok(took < 20_000, `closed: ${took} ms`);
}

t.test("half a head, nothing at all, half a body: 408 and closed", async (t) => {
  const body = JSON.stringify({ title: "一项成果" });
  const half = headOf("POST", "/v1/results", owner.token, 500) + body;
  const chunked = headOf(
    "POST",
    "/v1/results",
    owner.token,
    1,
    "Transfer-Encoding: chunked\r\n",
  ).replace("Content-Length: 1\r\n", "");
  const form =
    "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n" +
    "Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type=";
  const starts = ["GET /v1/results HT", "", half, `${chunked}5\r\n{"tit\r\n`, form];
  const callers = await Promise.all(starts.map((bytes) => dial(port, bytes)));
  await othersAreServed(t);
  for (const caller of callers) timedOut(t, caller, await caller.closed);
});

t.test("a second request on a connection has the same bounds", async (t) => {
  const caller = await dial(port, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  await until(() => caller.text().includes('"ok"'));
  caller.socket.write(`${headOf("POST", "/v1/results", owner.token, 500)}{`);
  await caller.closed;
  t.match(caller.text(), /"ok"[\s\S]*HTTP\/1.1 408 /);
});

t.test("a body that drips is late as a whole", async (t) => {
  const caller = await dial(port, headOf("POST", "/v1/results", owner.token, 100_000));
  while (!caller.isClosed()) {
    caller.socket.write(" ");
    await setTimeout(100);
  }
  timedOut(t, caller, await caller.closed);
});

t.test("who is refused before the body has come cannot go on sending for ever", async (t) => {
  const early = await dial(port, headOf("POST", "/v1/results", "none", 100_000));
  await until(() => early.text().includes("auth.invalid_token"));
  const unread = await dial(
    port,
    "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc",
  );
  await until(() => unread.text().includes('"ok"'));
  while (!early.isClosed() || !unread.isClosed()) {
    for (const { socket } of [early, unread]) if (!socket.destroyed) socket.write(" ");
    await setTimeout(100);
  }
  t.match(replyIn(early.text()), { status: 401 });
});

/** Begins an upload of `bytes` to a draft, with a promise of all of them. */
async function beginUpload(bytes: Buffer) {
  const subjectId = (await drafted(market, "result", owner)).body.id as string;
  const { body, type } = multipart(bytes, "a.pdf");
  const query = new URLSearchParams({ subjectType: "result", subjectId });
  const caller = await dial(
    port,
    `POST /v1/attachments?${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${owner.token}\r\n` +
      `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  return { caller, body };
}

t.test("an upload that gets on may take longer; one that stalls may not", async (t) => {
  const bytes = Buffer.concat([pdf("x"), Buffer.alloc(40_000, " ")]);
  const [slow, stalled] = [await beginUpload(bytes), await beginUpload(bytes)];
  const started = performance.now();
  stalled.caller.socket.write(stalled.body.subarray(0, 20_000));
  const pieces = 24;
  const size = Math.ceil(slow.body.length / pieces);
  for (let i = 0; i < pieces; i++) {
    slow.caller.socket.write(slow.body.subarray(i * size, (i + 1) * size));
    await setTimeout(limit / 16);
  }
  t.ok(performance.now() - started > limit * 1.4, "it took longer than other requests may");
  await until(() => slow.caller.text().includes("\r\n\r\n"));
  t.equal(replyIn(slow.caller.text()).status, 201);
  slow.caller.socket.destroy();
  timedOut(t, stalled.caller, await stalled.caller.closed);
  t.same((await settledFiles(market)).incoming, [], "nothing is left of it");
});

t.test("a handler that does not answer is a 503, also when the request has a body", async (t) => {
  const { id } = (await drafted(market, "result", owner)).body;
  const client = await market.database.pool.connect();
  await client.query("begin");
  await client.query("select from results where id = $1 for update", [id]);
  const body = JSON.stringify({ title: "改了名的成果" });
  const head = headOf(
    "PATCH",
    `/v1/results/${id}`,
    owner.token,
    Buffer.byteLength(body),
    'If-Match: "1-x"\r\n',
  );
  const caller = await dial(port, head + body);
  await until(() => caller.text().includes("\r\n\r\n"));
  const { status, head: replied } = replyIn(caller.text());
  await client.query("rollback");
  client.release();
  t.equal(status, 503);
  t.match(replied, /^retry-after: \d/im);
  t.match(caller.text(), "server.overloaded");
  t.match(caller.text(), '"outcome":"unknown"', "it may still be committed");
  caller.socket.destroy();
});

t.test(
  "who is refused while it waits for its turn takes no turn",
  { skip: market.database.pool.options.max === 1 && "one connection is nothing to share" },
  async (t) => {
    // Nobody's time is up here while the table is locked.
    const patient = await openMarket(t, { settings: { DATABASE_LOCK_TIMEOUT: "15000" } });
    await patient.app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = patient.app.server.address() as { port: number };
    const { pool } = patient.database;
    const { gate } = patient.app;
    const size = pool.options.max;
    const page = "GET /v1/results?limit=1 HTTP/1.1\r\nHost: x\r\n";
    const many = (bytes: string) =>
      Promise.all(Array.from({ length: size }, () => dial(port, bytes)));
    const client = await pool.connect();
    await client.query("begin; lock table results in access exclusive mode");
    const holders = await many(`${page}\r\n`);
    const broken = await many(`${page}Transfer-Encoding: chunked\r\n\r\n`);
    // Seven of ten connections are for one collection: all others wait.
    await until(() => gate.waiting() === 2 * size - Math.floor(size * 0.7));
    for (const { socket } of broken) socket.write("no chunk\r\n");
    await Promise.all(broken.map(({ closed }) => closed));
    t.same(new Set(broken.map(({ text }) => replyIn(text()).status)), new Set([400]));
    await client.query("rollback");
    client.release();
    await until(() => gate.waiting() === 0);
    for (const { socket } of holders) socket.destroy();
    const read = () => fetch(`http://127.0.0.1:${port}/v1/results?limit=1`);
    const replies = await Promise.all(Array.from({ length: size }, read));
    t.same(new Set(replies.map(({ status }) => status)), new Set([200]));
  },
);

/** How many requests the handlers have begun with. */
let begun = 0;
subscribe("tracing:fastify.request.handler:start", () => {
  begun += 1;
});

t.test("replies that nobody reads: one at a time is made, and the connection ends", async (t) => {
  const page = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
  const size = Number(
    (await fetch(`http://127.0.0.1:${port}/openapi.json`)).headers.get("content-length"),
  );
  t.ok(size > 200_000, "more than buffers of the system take up soon");
  begun = 0;
  const callers = await Promise.all(
    Array.from({ length: 5 }, () => dial(port, page.repeat(100), false)),
  );
  await othersAreServed(t);
  await until(() => (app.connections.cut.get("reply not taken") ?? 0) >= callers.length);
  t.ok(begun < 5 * 60, `the rest of 500 requests was never begun: ${begun}`);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  t.match(metrics, /^http_connections_cut_total\{reason="reply not taken"\} [5-9]$/m);
  t.match(metrics, /^http_connections [1-9]/m);
  for (const { socket, closed } of callers) {
    // Who does not read does not hear of the end either.
    socket.resume();
    await closed;
  }
});

t.test("pipelined requests of who reads are answered, all and in order", async (t) => {
  const count = 100;
  const requests = Array.from(
    { length: count },
    (_, i) => `GET /problems/x${i} HTTP/1.1\r\nHost: x\r\nRequest-Id: number-${i}\r\n\r\n`,
  );
  const caller = await dial(port, requests.join(""));
  await until(() => caller.text().includes(`number-${count - 1}`) || caller.isClosed());
  const ids = [...caller.text().matchAll(/^request-id: number-(\d+)/gim)].map(([, n]) => Number(n));
  t.same(ids, [...requests.keys()]);
  caller.socket.destroy();
});

t.test("a reader that is slow and steady gets all of a long reply", async (t) => {
  const bytes = Buffer.concat([pdf("long"), Buffer.alloc(12_000_000, " ")]);
  const subjectId = (await drafted(market, "result", owner)).body.id as string;
  const query = { subjectType: "result", subjectId };
  const { body } = await upload(market, owner, query, bytes, { fileName: "a.pdf" });
  const caller = await dial(
    port,
    `GET /v1/attachments/${body.id}/content HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
      `Authorization: Bearer ${owner.token}\r\n\r\n`,
    false,
  );
  const started = performance.now();
  let read = 0;
  caller.socket.on("data", (data) => {
    read += data.length;
    caller.socket.pause();
    globalThis.setTimeout(() => caller.socket.resume(), limit / 100);
  });
  caller.socket.resume();
  await caller.closed;
  t.ok(performance.now() - started > limit, "it took longer than a reply that nobody takes");
  t.ok(read >= bytes.length, `${read} of ${bytes.length}`);
});

t.test("what is no HTTP is refused, and nothing is written into a reply", async (t) => {
  const cases: [string, number, string][] = [
    ["garbage\r\n\r\n", 400, "request.malformed_http"],
    [`GET /${"x".repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, "request.headers_too_large"],
    ["GET /检 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "request.malformed_url"],
    [
      "POST /v1/results HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
      400,
      "request.malformed_http",
    ],
    [
      "POST /v1/results HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
      400,
      "request.malformed_http",
    ],
    [
      `${headOf("POST", "/v1/results", owner.token, 1).replace("Content-Length: 1", "Transfer-Encoding: chunked")}nonsense\r\n`,
      400,
      "request.malformed_http",
    ],
  ];
  for (const [bytes, status, code] of cases) {
    const caller = await dial(port, bytes);
    await caller.closed;
    const reply = replyIn(caller.text());
    t.equal(reply.status, status, bytes.slice(0, 60));
    t.match(JSON.parse(reply.body), { code, status });
    t.equal(caller.text().split("HTTP/1.1 ").length, 2, "one reply");
  }
  const after = await dial(port, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\ngarbage\r\n\r\n");
  await after.closed;
  t.match(replyIn(after.text()), { status: 200 }, "what came whole before is answered");
  await othersAreServed(t);
});

t.test("unusual requests are answered, without a 5xx", async (t) => {
  const cases: [string, RegExp][] = [
    ["GET /livez HTTP/1.0\r\n\r\n", /^HTTP\/1.1 200 /],
    ["GET http://market.test/livez HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1.1 (200|404) /],
    ["TRACE /livez HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1.1 (404|405) /],
    ["OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1.1 (400|404|405) /],
    [
      "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      /^HTTP\/1.1 200 /,
    ],
    ["GET /livez HTTP/1.1\r\nHost: x\r\nExpect: the-best\r\n\r\n", /^HTTP\/1.1 200 /],
    ["GET /livez HTTP/1.1\r\n\r\n", /^HTTP\/1.1 400 [\s\S]*"request.malformed_http"/],
    [
      `${headOf("POST", "/v1/results", "none", 2, "Expect: 100-continue\r\n")}{}`,
      /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 401 /,
    ],
  ];
  for (const [bytes, expected] of cases) {
    const caller = await dial(port, bytes);
    await until(() => expected.test(caller.text()) || caller.isClosed());
    t.match(caller.text(), expected, bytes.slice(0, 60));
    caller.socket.destroy();
  }
  const tunnel = await dial(port, "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  await tunnel.closed;
  await othersAreServed(t);
});

t.test("every method is answered on every kind of address", async (t) => {
  for (const path of ["/", "/v1/results", "/v1/me", "/livez", "/docs", "/docs/static/x", "/no"]) {
    for (const method of METHODS.filter((one) => one !== "CONNECT")) {
      const caller = await dial(
        port,
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      await caller.closed;
      t.match(caller.text(), /^HTTP\/1.1 [234]/, `${method} ${path}`);
    }
  }
  // Node's parser gets to know it with version 22.
  const query = await app.inject({ method: "QUERY" as "GET", url: "/v1/results" });
  t.equal(query.statusCode, 405);
  t.equal(query.json().code, "request.method_not_allowed");
});

t.test("odd addresses of the docs are not there", async (t) => {
  for (const path of ["%2e%2e/x", "a%00b", "..%2f..%2fpackage.json", "%2e%2e%2fx", "%", "a%2500"]) {
    const caller = await dial(
      port,
      `GET /docs/static/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    await caller.closed;
    t.match(caller.text(), /^HTTP\/1.1 40[0-4] [\s\S]*problem\+json/i, path);
  }
});

t.test("callers that go away in the middle harm nobody", async (t) => {
  const before = app.connections.open();
  lines.length = 0;
  const page = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const bytes of [page.repeat(5), `${headOf("POST", "/v1/results", owner.token, 500)}{`]) {
    const caller = await dial(port, bytes);
    if (bytes.startsWith("GET")) await until(() => caller.text() !== "");
    caller.socket.resetAndDestroy();
  }
  await othersAreServed(t);
  await until(() => app.connections.open() <= before);
  t.same(
    lines.filter(({ level }) => level >= 50),
    [],
    "and are no fault of ours",
  );
});

t.test("who hangs up in a large body or an upload is no error of ours", async (t) => {
  const before = app.connections.open();
  lines.length = 0;
  const { caller: uploading, body } = await beginUpload(pdf("x".repeat(300_000)));
  uploading.socket.write(body.subarray(0, 100_000));
  const posting = await dial(port, headOf("POST", "/v1/results", owner.token, 60_000));
  posting.socket.write(`{"title":"${"长".repeat(5_000)}`);
  await setTimeout(200);
  for (const { socket } of [uploading, posting]) socket.resetAndDestroy();
  await until(() => app.connections.open() <= before);
  await othersAreServed(t);
  t.same(
    lines.filter((line) => line.level >= 50 || "err" in line),
    [],
    "neither an error nor a stack",
  );
});

t.test("a body that is too large gets its 413, however fast it is sent", async (t) => {
  const length = 8_000_000;
  const chunk = Buffer.alloc(length, " ");
  for (let i = 0; i < 20; i++) {
    const caller = await dial(port, headOf("POST", "/v1/results", owner.token, length));
    caller.socket.write(chunk);
    await caller.closed;
    t.equal(replyIn(caller.text()).status, 413, `${i}`);
  }
  await othersAreServed(t);
});
