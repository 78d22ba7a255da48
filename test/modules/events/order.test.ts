/** Writers and readers of the feed at once: nothing missed, nothing twice, in the order of the commits. */
import { setImmediate } from "node:timers/promises";
import t, { type Test } from "tap";
import { transact } from "../../../src/database/transact.ts";
import { newId } from "../../../src/lib/ids.ts";
import { recordAudit } from "../../../src/modules/audit/audit.service.ts";
import { fillFeed } from "../../../src/modules/events/events.service.ts";
import { sealOnce, tellAll } from "../../support/log.ts";
import { type Caller, openMarket } from "../../support/market.ts";
import { must } from "../../support/replies.ts";

const market = await openMarket(t);
const { as } = market;
const { db, pool } = market.database;

/** As many at once as there are connections to spare. */
const writers = 6;
const rounds = 12;

interface Told {
  type: string;
  id: string;
  sequence: string;
  data: { subjectId: string };
}

/** Reads on and on, by small pages, until it is told to stop and there is nothing more. */
async function poll(caller: Caller, isOver: () => boolean, query = ""): Promise<Told[]> {
  const found: Told[] = [];
  for (let after = "0"; ; ) {
    const last = isOver();
    const { data, page } = await must(
      as(caller)("GET", `/v1/events?limit=7&after=${after}${query}`),
    );
    found.push(...data);
    after = page.next;
    if (last && !page.hasMore) return found;
    await setImmediate();
  }
}

/** Makes the feed while others write, as several processes do it at once. */
async function tell(isOver: () => boolean): Promise<void> {
  const process = async () => {
    while (!isOver()) {
      await sealOnce(market);
      await db.transaction(fillFeed);
      await setImmediate();
    }
  };
  await Promise.all([process(), process()]);
}

function assertOrder(t: Test, found: readonly Told[]) {
  const places = found.map(({ sequence }) => Number(sequence));
  t.same(
    places,
    [...places].sort((a, b) => a - b),
    "in order",
  );
  t.equal(new Set(places).size, places.length, "no place twice");
  t.equal(new Set(found.map(({ id }) => id)).size, found.length, "no event twice");
}

t.test("writers and polling readers in parallel", async (t) => {
  const owner = await market.person("university");
  const machine = await market.client(owner, ["events:read", "results:read"]);
  const operator = await market.person("operator");
  let isWritten = false;
  let isTold = false;

  /** What each writer did, in its own order: each change after it was answered of the one before. */
  async function write(writer: number): Promise<string[]> {
    const ids: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const body = { title: `并行写入 ${writer} ${round}` };
      const { id } = await must(as(owner)("POST", "/v1/results", { body }));
      const headers = { "if-match": "*" };
      await must(
        as(owner)("PATCH", `/v1/results/${id}`, { body: { summary: "改过的摘要。" }, headers }),
      );
      if (round % 3 === 0) await must(as(owner)("DELETE", `/v1/results/${id}`, { headers }));
      ids.push(id);
    }
    return ids;
  }

  const telling = tell(() => isWritten);
  const reading = Promise.all([
    poll(owner, () => isTold),
    poll(machine, () => isTold, "&subjectType=result"),
    poll(operator, () => isTold, "&types=result.create"),
  ]);
  const written = await Promise.all(Array.from({ length: writers }, (_, i) => write(i)));
  isWritten = true;
  await telling;
  await tellAll(market);
  isTold = true;
  const [byOwner, byMachine, byOperator] = await reading;

  const steps = (round: number) => ["create", "update", ...(round % 3 === 0 ? ["delete"] : [])];
  const expected = written.flatMap((ids) =>
    ids.flatMap((id, round) => steps(round).map((step) => `result.${step} ${id}`)),
  );
  const plain = (found: readonly Told[]) =>
    found.map(({ type, data }) => `${type} ${data.subjectId}`);
  for (const found of [byOwner, byMachine]) {
    assertOrder(t, found);
    t.same(plain(found).sort(), [...expected].sort(), "nothing missed, nothing else");
    // Of one writer, what was done later stands later.
    for (const ids of written) {
      const own = new Set(ids);
      t.same(
        plain(found.filter(({ data }) => own.has(data.subjectId))),
        ids.flatMap((id, round) => steps(round).map((step) => `result.${step} ${id}`)),
      );
    }
  }
  assertOrder(t, byOperator);
  t.same(
    byOperator.map(({ data }) => data.subjectId).sort(),
    written.flat().sort(),
    "nothing missed by a reader with filters",
  );
});

t.test(
  "what began earlier and commits later is not missed",
  { skip: pool.options.max === 1 && "one connection" },
  async (t) => {
    const owner = await market.person("enterprise");
    const origin = { actor: null, requestId: null, address: null };
    const record = (tx: typeof db, id: string) =>
      recordAudit(tx, origin, {
        type: "need.create",
        subject: { id, organizationId: owner.organizationId },
        before: null,
        after: { status: "draft" },
      });
    const [early, late] = [newId(), newId()];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isWritten = () => {};
    const begun = new Promise<void>((resolve) => {
      isWritten = resolve;
    });
    const slow = transact(pool, async (tx) => {
      await record(tx as typeof db, early);
      isWritten();
      await held;
    });
    await begun;
    await transact(pool, (tx) => record(tx as typeof db, late));
    await tellAll(market);
    const read = async (after: string) =>
      must(as(owner)("GET", `/v1/events?after=${after}&subjectType=need`));
    const first = await read("0");
    t.same(
      first.data.map(({ data }: Told) => data.subjectId),
      [late],
      "a transaction that lasts holds up nobody",
    );
    release();
    await slow;
    await tellAll(market);
    const second = await read(first.page.next);
    t.same(
      second.data.map(({ data }: Told) => data.subjectId),
      [early],
      "and is behind what was told before",
    );
  },
);

t.test("what a version without a feed has sealed comes into it, in order", async (t) => {
  const owner = await market.person("enterprise");
  const post = async (title: string) =>
    (await must(as(owner)("POST", "/v1/needs", { body: { title } }))).id as string;
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    ids.push(await post(`旧版本封存的需求 ${i}`));
    while (await sealOnce(market));
  }
  ids.push(await post("新版本封存的需求"));
  await tellAll(market);
  const { data } = await must(as(owner)("GET", "/v1/events?types=need.create"));
  t.same(
    data.map((one: Told) => one.data.subjectId),
    ids,
  );
});
