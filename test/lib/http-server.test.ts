/** What all connections may hold together, and how a server stops. */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import t, { type Test } from "tap";
import { boundedServers } from "../../src/lib/http-server.ts";
import { type Dialled, dial, replyIn } from "../support/sockets.ts";
import { until } from "../support/time.ts";

const page = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** A server whose patience outlasts the test, so that only what is tried here ends anything. */
async function open(
  t: Test,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const cuts: string[] = [];
  const draining = { now: false };
  const minute = 60_000;
  const servers = boundedServers({
    limits: { request: minute, handler: minute, reply: minute, transfer: minute },
    keepAlive: minute,
    isDraining: () => draining.now,
    onCut: (reason) => cuts.push(reason),
  });
  const server = servers.create(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const closed = once(server, "close");
  const callers: Dialled[] = [];
  t.teardown(() => {
    for (const { socket } of callers) socket.destroy();
    servers.ended();
    server.close();
  });
  const call = async (bytes = page, reads = true) => {
    const caller = await dial(port, bytes, reads);
    callers.push(caller);
    return caller;
  };
  const stop = async (milliseconds: number) => {
    draining.now = true;
    await servers.stop(milliseconds);
    server.close();
    await closed;
    return servers.ended();
  };
  return { call, stop, cuts, servers, draining };
}

t.test("unread replies are bounded in all: the slowest give way", async (t) => {
  const megabytes = Buffer.alloc(12 * 1024 * 1024);
  let begun = 0;
  const { call, cuts, servers } = await open(t, (_request, response) => {
    begun += 1;
    response.end(megabytes);
  });
  const unread = [];
  for (let i = 0; i < 20; i++) unread.push(await call(page.repeat(20), false));
  await until(() => cuts.length > 0);
  await until(() => begun === unread.length);
  await setTimeout(600);
  t.same([...new Set(cuts)], ["too much unread"]);
  t.ok(servers.openConnections() >= 1, "not all");
  // The system's own buffers take a part of each reply, not two thirds of it.
  t.ok(servers.openConnections() * 4 <= 64, `what is left fits: ${servers.openConnections()}`);
  const reader = await call();
  await until(() => reader.text().length > megabytes.length);
  t.equal(replyIn(reader.text()).status, 200, "who reads is served");
});

t.test("a flood of small requests is answered as far as it is kept, then closed", async (t) => {
  let begun = 0;
  const { call, cuts } = await open(t, (request, response) => {
    begun += 1;
    setTimeout(1).then(() => response.end(request.url));
  });
  const paths = Array.from({ length: 1_500 }, (_, i) => `/p${i}.`);
  const flood = await call(paths.map((path) => page.replace("/", path)).join(""));
  await flood.closed;
  const answered = [...flood.text().matchAll(/\/p\d+\./g)].map(([path]) => path);
  t.same(answered, paths.slice(0, answered.length), "in order, each once");
  t.ok(answered.length > 100 && answered.length < 200, `${answered.length}`);
  t.equal(begun, answered.length);
  t.match(flood.text().split("HTTP/1.1 ").at(-1), /connection: close/i, "so the caller can go on");
  t.same(cuts, []);
});

t.test("a stop lets go of callers, waits for what runs, and cuts what lasts", async (t) => {
  let finish = () => {};
  const { call, stop, servers, cuts } = await open(t, (request, response) => {
    if (request.url === "/now") response.end("now");
    else if (request.url === "/later") finish = () => response.end("later");
    else response.write("for ever");
  });
  const [silent, half] = [await call(""), await call("GET /now HT")];
  const ask = (path: string) => call(page.replace("/", path));
  const [kept, running, endless] = [await ask("/now"), await ask("/later"), await ask("/ever")];
  await until(() => kept.text().includes("now") && endless.text().includes("for ever"));
  t.match(kept.text(), /connection: keep-alive/i);
  const begun = performance.now();
  const stopped = stop(3_000);
  kept.socket.write(page.replace("/", "/now"));
  await until(() => kept.text().includes("close"));
  t.match(kept.text(), /connection: close\r\n[\s\S]*now$/i, "a caller in between is answered");
  await kept.closed;
  await silent.closed;
  t.ok(performance.now() - begun < 3_000, "who asks nothing is not waited for");
  finish();
  await running.closed;
  t.match(running.text(), /connection: close[\s\S]*later/i);
  t.equal(await stopped, 1, "one was cut");
  await Promise.all([half.closed, endless.closed]);
  t.ok(performance.now() - begun >= 3_000, "the time that running ones get");
  t.same([...new Set(cuts)], ["stopping"]);
  t.equal(servers.openConnections(), 0);
});

t.test("callers that go on during a stop do not fail", async (t) => {
  const { call, stop } = await open(t, (_request, response) => {
    globalThis.setTimeout(() => response.end("ok"), 5);
  });
  let answered = 0;
  let failed = 0;
  /** Asks on one connection, with pauses, until it is told to close it. */
  async function work(): Promise<void> {
    const caller = await call("");
    for (let asked = 1; ; asked++) {
      caller.socket.write(page);
      await until(() => caller.text().split("ok").length > asked || caller.isClosed());
      if (caller.text().split("ok").length <= asked) {
        failed += 1;
        return;
      }
      answered += 1;
      if (/connection: close/i.test(caller.text())) return;
      await setTimeout(asked % 7 === 0 ? 150 : 0);
    }
  }
  const workers = Array.from({ length: 30 }, work);
  await until(() => answered > 200);
  t.equal(await stop(5_000), 0, "none was cut");
  await Promise.all(workers);
  t.equal(failed, 0);
});
