/**
 * Kills the server with SIGKILL in the middle of a stream of transitions, again and again, and looks
 * whether every acknowledged change is there, no half one is, and no number is lost or doubled.
 * Exit codes: 0 all was kept, 1 something was not.
 */
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { expect, TourFailure } from "../tour/caller.ts";
import { type Cast, scratchCast } from "../tour/cast.ts";
import { openScratchMarket, type ScratchMarket } from "../tour/scratch.ts";
import { advance, assertKept, type Deal, isFinished, newDeal } from "./deals.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    workers: { type: "string", default: "6" },
  },
});
const kills = Number(values.kills);
const workers = Number(values.workers);

/** Works on one deal after the other until the server is gone. */
async function work(cast: Cast, deals: Deal[], name: () => string): Promise<void> {
  for (;;) {
    let deal = deals.at(-1);
    if (!deal || isFinished(deal)) {
      deal = newDeal(name());
      deals.push(deal);
    }
    try {
      await advance(cast, deal);
    } catch (error) {
      // `fetch` throws a TypeError when the connection breaks; a refusal is a failure of the test.
      if (error instanceof TourFailure) throw error;
      return;
    }
  }
}

/** Numbers are those from 1 on, each once; the log's chain is whole; the volume counts what is registered. */
async function assertWhole(cast: Cast): Promise<number> {
  const serials: number[] = [];
  let cursor = "";
  for (;;) {
    const query = new URLSearchParams({
      status: "registered",
      limit: "100",
      ...(cursor && { cursor }),
    });
    const { data, page } = await cast.firstReviewer.get(`/v1/registrations?${query}`);
    for (const { number } of data) serials.push(Number(number.slice(-6)));
    if (!page.hasMore) break;
    cursor = page.next;
  }
  serials.sort((a, b) => a - b);
  const isGapFree = serials.every((serial, i) => serial === i + 1);
  expect(isGapFree, `serials are not 1 to ${serials.length}: ${serials.join(" ")}`);
  const { total } = await cast.firstReviewer.get("/v1/statistics/contract-volume");
  expect(total.count === serials.length, `${total.count} counted, ${serials.length} registered`);
  const { ok, brokenAt } = await cast.operator.get("/v1/audit/verify");
  expect(ok, `the log is broken at ${brokenAt}`);
  return serials.length;
}

async function run(market: ScratchMarket): Promise<void> {
  const cast = await scratchCast(market.url, market.operatorToken);
  const stacks: Deal[][] = Array.from({ length: workers }, () => []);
  let names = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const busy = stacks.map((deals) => work(cast, deals, () => `deal ${++names}`));
    // Long enough to be in the middle of something, never at the same place.
    await setTimeout(200 + ((kill * 617) % 1500));
    await market.kill();
    await Promise.all(busy);
    await market.start();
    for (const deals of stacks) for (const deal of deals.slice(-3)) await assertKept(cast, deal);
    const registered = await assertWhole(cast);
    const acknowledged = stacks.flat().reduce((sum, { done }) => sum + done, 0);
    console.log(
      `kill ${String(kill).padStart(3)} of ${kills}: ${acknowledged} acknowledged steps kept, ${registered} numbers gap-free, the log whole`,
    );
  }
  for (const deal of stacks.flat()) await assertKept(cast, deal);
}

const market = await openScratchMarket(process.env.DATABASE_URL || null);
try {
  await run(market);
} catch (error) {
  console.error("The kill test failed:", error instanceof TourFailure ? error.message : error);
  process.exitCode = 1;
} finally {
  await market.remove();
}
