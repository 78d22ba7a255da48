/**
 * Two processes of this version under load while the next one comes: its migration, which only adds, then
 * its processes, one for one. No request fails, no step is lost, and there is always somebody ready.
 */
import { execFileSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import t from "tap";
import {
  advance,
  assertKept,
  type Deal,
  isFinished,
  newDeal,
} from "../../scripts/kill-test/deals.ts";
import { assertWhole } from "../../scripts/kill-test/whole.ts";
import { type Cast, returningCast } from "../../scripts/tour/cast.ts";
import { freePort, runScript, type ServerProcess, untilReady } from "../../scripts/tour/process.ts";
import { openBalancer } from "../../scripts/versions/balancer.ts";
import { keptVersions, readProtocol, restore } from "../../scripts/versions/kept.ts";
import { nextProgram } from "../../scripts/versions/next-program.ts";
import { openPlace } from "../../scripts/versions/place.ts";

/** Tables that the load reads and writes. */
const tables = [
  ...["organizations", "members", "sessions", "results", "needs", "interests", "matches"],
  ...["contracts", "contract_parties", "contract_revisions", "registrations", "registry_feed"],
  ...["matching_documents", "audit_records", "audit_log", "idempotency_keys"],
];

/** A column more in each of them, and a table more. */
const additive = [
  ...tables.map((table) => `alter table ${table} add column of_next_version text;`),
  "create table of_next_version (id uuid primary key, organization_id uuid references organizations);",
];

/** Steps of deals, changes of a draft and reads, one after the other, until it is told to end. */
async function work(cast: Cast, deals: Deal[], number: () => number, hasEnded: () => boolean) {
  const draft = await cast.office.post("/v1/results", { title: "每一步都改的草稿" });
  while (!hasEnded()) {
    const deal = newDeal(number());
    deals.push(deal);
    while (!isFinished(deal) && !hasEnded()) {
      await advance(cast, deal);
      await cast.public.get("/v1/results?limit=20");
      await cast.office.get("/v1/contracts?limit=20");
      await cast.firstReviewer.get("/v1/statistics/contract-volume");
      await cast.office.patch(`/v1/results/${draft.id}`, { tags: [`${deal.name} ${deal.done}`] });
    }
  }
}

const serverUrl = process.env.TEST_DATABASE_URL;
const skip = serverUrl ? false : "one process alone can have the embedded database";

t.test("old and new processes side by side", { skip }, async (t) => {
  const version = String(keptVersions().at(-1));
  const place = await openPlace(String(serverUrl));
  t.teardown(place.remove);
  await restore(version, "server", place);
  runScript("migrate.ts", [], place.env);
  const next = nextProgram(additive);
  t.teardown(next.remove);
  const balancer = await openBalancer(Number(place.env.PORT));
  t.teardown(balancer.close);

  /** Starts a process, and gives it once it has answered some requests. */
  const launch = async (root?: string): Promise<ServerProcess> => {
    const changes = { DRAIN_SECONDS: "1" };
    const process = place.launch({ port: await freePort(), changes, ...(root && { root }) });
    await untilReady(process);
    balancer.add(process.url);
    return process;
  };
  const served = async (process: ServerProcess, atLeast = 20) => {
    const before = balancer.answered(process.url);
    while (balancer.answered(process.url) < before + atLeast && balancer.failures.length === 0) {
      if (process.ended() !== null) throw new Error(`a process died: ${process.said()}`);
      await setTimeout(50);
    }
  };
  const stop = async (process: ServerProcess) => {
    await process.end("SIGTERM");
    t.equal(process.ended(), 0, `ends in order ${process.said()}`);
    balancer.drop(process.url);
  };

  const old = [await launch(), await launch()] as const;
  // Until the balancer has seen that they are ready.
  await setTimeout(1_000);
  const cast = await returningCast(place.url, readProtocol(version, "server").client);
  const deals: Deal[] = [];
  let numbers = 10_000;
  let isOver = false;
  const workers = Array.from({ length: 3 }, () =>
    work(
      cast,
      deals,
      () => ++numbers,
      () => isOver,
    ),
  );
  const working = Promise.all(workers);
  // A failure is heard below; until then it must not count as unhandled.
  working.catch(() => {});

  for (const process of old) await served(process);
  execFileSync(
    "env",
    [`--chdir=${next.root}`, ...[process.execPath, "--import=tsx", "scripts/migrate.ts"]],
    { env: place.env },
  );
  for (const process of old) await served(process);
  t.same(balancer.failures, [], "old processes go on with the newer schema");
  for (const process of old) {
    const successor = await launch(next.root);
    await served(successor);
    await stop(process);
    await served(successor);
  }
  isOver = true;
  await working;
  t.same(balancer.failures, [], "no request fails");
  for (const deal of deals) await assertKept(cast, deal);
  t.ok(await assertWhole(cast));
});
