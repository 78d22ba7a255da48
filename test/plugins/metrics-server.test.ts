/** Metrics on a port of their own: nothing else is there, and they are nowhere else. */
import { request } from "node:http";
import t from "tap";
import { buildApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { openMarket } from "../support/market.ts";
import { dial } from "../support/sockets.ts";
import { until } from "../support/time.ts";

const market = await openMarket(t, { settings: { METRICS_PORT: "0" } });
const { app } = market;
const port = app.metricsPort() ?? 0;
const url = `http://127.0.0.1:${port}`;

t.test("they are told there, and on the other port is a 404", async (t) => {
  await market.as(null)("GET", "/v1/results");
  const reply = await fetch(`${url}/metrics?x=1`);
  t.equal(reply.status, 200);
  t.match(reply.headers.get("content-type"), /^text\/plain; version=0.0.4/);
  t.match(await reply.text(), /http_request_duration_seconds_count\{.*route="\/v1\/results"/);
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  t.match([head.status, await head.text()], [200, ""]);
  for (const method of ["GET", "HEAD", "POST"] as const) {
    const main = await app.inject({ method, url: "/metrics" });
    t.equal(main.statusCode, 404, method);
  }
  t.equal((await app.inject("/metrics")).json().code, "request.not_found");
});

t.test("nothing else is there, and nothing is told of it", async (t) => {
  for (const [method, path] of [
    ["GET", "/"],
    ["GET", "/livez"],
    ["GET", "/v1/results"],
    ["GET", "/metrics/"],
    ["GET", "/%zz"],
    ["GET", "//metrics"],
    ["POST", "/metrics"],
    ["DELETE", "/metrics"],
  ] as const) {
    const reply = await fetch(url + path, { method });
    t.match([reply.status, await reply.text()], [404, ""], `${method} ${path}`);
  }
  const broken = await dial(port, "nonsense\r\n\r\n");
  await broken.closed;
  t.match(broken.text(), /^HTTP\/1.1 400 Bad Request\r\nConnection: close\r\n\r\n$/);
});

t.test("what goes wrong there is told to nobody", async (t) => {
  const { metrics } = app.metrics;
  t.teardown(() => {
    app.metrics.metrics = metrics;
  });
  app.metrics.metrics = () => Promise.reject(new Error("planted"));
  const reply = await fetch(`${url}/metrics`);
  t.match([reply.status, await reply.text()], [500, ""]);
});

t.test("it is bounded: requests of a connection, and connections", async (t) => {
  const get = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  const greedy = await dial(port, get.repeat(101));
  await greedy.closed;
  const statuses = [...greedy.text().matchAll(/^HTTP\/1.1 (\d+)/gm)].map(([, status]) => status);
  t.equal(statuses.filter((status) => status === "200").length, 100);
  const all = await Promise.all(Array.from({ length: 30 }, () => dial(port)));
  await until(() => all.filter((one) => one.isClosed()).length >= 10);
  for (const { socket } of all) socket.destroy();
  await until(async () => (await fetch(`${url}/metrics`).catch(() => null))?.status === 200);
});

t.test("it stops with the program, whoever is connected", async (t) => {
  const second = await openMarket(t, { settings: { METRICS_PORT: "0" } });
  const at = second.app.metricsPort() ?? 0;
  t.not(at, 0);
  const idle = await dial(at);
  await second.app.close();
  await idle.closed;
  const refused = await new Promise((resolve) => {
    request({ port: at, host: "127.0.0.1", path: "/metrics" })
      .on("error", (error: NodeJS.ErrnoException) => resolve(error.code))
      .end();
  });
  t.equal(refused, "ECONNREFUSED");
});

t.test("a port that is taken is told at the start", async (t) => {
  const config = { ...app.config, metrics: { host: "127.0.0.1", port } };
  const { database } = market;
  const second = await buildApp(config, { database, keys: app.signingKeys });
  await t.rejects(Promise.resolve(second.ready()), { code: "EADDRINUSE" });
  await second.close();
});

t.test("settings", async (t) => {
  t.same(readConfig({}).metrics, { host: "127.0.0.1", port: null });
  t.same(readConfig({ HOST: "::1", METRICS_PORT: "9464" }).metrics, { host: "::1", port: 9464 });
  const apart = { METRICS_PORT: "9464", METRICS_HOST: "10.0.0.1" };
  t.same(readConfig(apart).metrics, { host: "10.0.0.1", port: 9464 });
  t.throws(() => readConfig({ METRICS_PORT: "70000" }), /METRICS_PORT/);
});
