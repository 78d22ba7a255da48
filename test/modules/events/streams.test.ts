/** The feed as server-sent events, over real connections. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { tellAll } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { must, refused } from "../../support/replies.ts";
import { until } from "../../support/time.ts";

const market = await openMarket(t);
const { as, app } = market;
await app.listen({ port: 0, host: "127.0.0.1" });
const { port } = app.server.address() as AddressInfo;

interface Told {
  id: string;
  data: { type: string; data: { subjectId: string } };
}

/** Opens a stream, and gathers what comes. */
async function open(caller: Caller, query = "", headers: Record<string, string> = {}) {
  const request = get({
    port,
    host: "127.0.0.1",
    path: `/v1/events${query}`,
    headers: {
      authorization: `Bearer ${caller.token}`,
      accept: "text/event-stream",
      ...headers,
    },
  });
  const [reply] = (await once(request, "response")) as [IncomingMessage];
  const stream = { reply, text: "", isOver: false };
  reply.setEncoding("utf8");
  reply.on("data", (chunk: string) => {
    stream.text += chunk;
  });
  reply.on("close", () => {
    stream.isOver = true;
  });
  const told = (): Told[] =>
    stream.text.split("\n\n").flatMap((part) => {
      const [, id = "", data = ""] = /^id: (\d+)\ndata: (.*)$/.exec(part) ?? [];
      return data ? [{ id, data: JSON.parse(data) }] : [];
    });
  /** What a browser would send as Last-Event-ID. */
  const last = () => /.*^id: (\d+)$/ms.exec(stream.text)?.[1] ?? "";
  return { ...stream, stream, told, last, close: () => reply.destroy() };
}
const post = async (by: Caller, title: string): Promise<string> =>
  (await must(as(by)("POST", "/v1/results", { body: { title } }))).id;
const subjects = (told: readonly Told[]) => told.map(({ data }) => data.data.subjectId);

t.test("what comes is sent as it comes, and who comes back goes on where it was", async (t) => {
  const owner = await market.person("university");
  const other = await market.person("university");
  const ids = [await post(owner, "流前的成果")];
  await tellAll(market);
  const first = await open(owner);
  t.equal(first.reply.statusCode, 200);
  t.equal(first.reply.headers["content-type"], "text/event-stream");
  t.equal(first.reply.headers["cache-control"], "no-store");
  await until(() => first.told().length === 1);
  ids.push(await post(owner, "流中的成果"));
  await post(other, "他人的成果");
  await tellAll(market);
  await until(() => first.told().length === 2);
  t.same(subjects(first.told()), ids);
  t.equal(first.told()[0]?.id, first.told()[0]?.data && String(first.told()[0]?.id));
  const last = first.last();
  first.close();
  ids.push(await post(owner, "断线时的成果"));
  await tellAll(market);
  const again = await open(owner, "?after=0&types=result.create", { "last-event-id": last });
  await until(() => again.told().length > 0);
  ids.push(await post(owner, "再连后的成果"));
  await tellAll(market);
  await until(() => again.told().length > 1);
  t.same(subjects(again.told()), ids.slice(2), "nothing twice, nothing missed");
  again.close();
  const wrong = await as(owner)("GET", "/v1/events", {
    headers: { accept: "text/event-stream", "last-event-id": "yesterday" },
  });
  t.match(refused(t, wrong, 400, "request.invalid").errors, [{ header: "Last-Event-ID" }]);
});

t.test("whoever may not read any more is told nothing more", async (t) => {
  const owner = await market.person("university");
  const machine = await market.client(owner, ["events:read", "results:read"]);
  const stream = await open(machine);
  await post(owner, "还能读到的成果");
  await tellAll(market);
  await until(() => stream.told().length === 1);
  const body = { scopes: ["results:read"] };
  const headers = { "if-match": "*" };
  await must(as(owner)("PATCH", `/v1/api-clients/${machine.id}`, { body, headers }));
  await post(owner, "读不到的成果");
  await tellAll(market);
  await until(() => stream.stream.isOver);
  t.equal(stream.told().length, 1);
});

t.test("a caller has three of them, and a closed one makes room", async (t) => {
  const owner = await market.person("university");
  const streams = [await open(owner), await open(owner), await open(owner)];
  const fourth = await as(owner)("GET", "/v1/events", { headers: { accept: "text/event-stream" } });
  refused(t, fourth, 429, "event.too_many_streams");
  streams[0]?.close();
  await until(async () => {
    const one = await open(owner);
    one.close();
    return one.reply.statusCode === 200;
  });
  for (const one of streams) one.close();
});

t.test(
  "while they wait they hold no connection, and they end when the process stops",
  async (t) => {
    const owner = await market.person("university");
    const streams: Awaited<ReturnType<typeof open>>[] = [];
    for (let i = 0; i < 3; i++) streams.push(await open(await market.person("enterprise")));
    const { pool } = market.served;
    await until(() => pool.idleCount === pool.totalCount);
    await must(as(owner)("GET", "/v1/me"));
    app.draining.now = true;
    await until(() => streams.every(({ stream }) => stream.isOver));
    t.ok(
      streams.every(({ reply }) => reply.complete),
      "to the end, not cut off",
    );
  },
);
