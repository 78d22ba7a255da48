/**
 * Kills the server with SIGKILL in the middle of a stream of transitions, again and again, and looks
 * whether every acknowledged change is there, no half one is, and no number is lost or doubled.
 * Exit codes: 0 all was kept, 1 something was not, 2 called wrongly.
 */
import { setTimeout } from "node:timers/promises";
import { readOptions } from "../options.ts";
import { TourFailure } from "../tour/caller.ts";
import { type Cast, scratchCast } from "../tour/cast.ts";
import { openScratchMarket, type ScratchMarket } from "../tour/scratch.ts";
import { advance, assertKept, type Deal, isFinished, newDeal } from "./deals.ts";
import { assertWhole } from "./whole.ts";

const { kills, workers } = readOptions({
  name: "kill-test",
  does: `Kills the server with SIGKILL in the middle of a stream of transitions, again and again, and looks
whether every acknowledged change is there, no half one is, and no number is lost or doubled.`,
  options: {
    kills: { count: 100, what: "how often it is killed" },
    workers: { count: 6, what: "deals that go on at the same time" },
  },
  environment: {
    DATABASE_URL: "a PostgreSQL server to make a scratch database on; else the embedded one",
  },
  exits: "0 all was kept, 1 something was not",
}).options;

/** Works on one deal after the other until the server is gone. */
async function work(cast: Cast, deals: Deal[], number: () => number): Promise<void> {
  for (;;) {
    let deal = deals.at(-1);
    if (!deal || isFinished(deal)) {
      deal = newDeal(number());
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

async function run(market: ScratchMarket): Promise<void> {
  const cast = await scratchCast(market.url, market.operatorToken);
  const stacks: Deal[][] = Array.from({ length: workers }, () => []);
  let numbers = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const busy = stacks.map((deals) => work(cast, deals, () => ++numbers));
    // Long enough to be in the middle of something, never at the same place.
    await setTimeout(400 + ((kill * 617) % 2000));
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
  // What the last kill interrupted goes on to its end.
  for (const deal of stacks.flat()) {
    while (!isFinished(deal)) await advance(cast, deal);
    await assertKept(cast, deal);
  }
  const registered = await assertWhole(cast);
  console.log(`all ${stacks.flat().length} deals came to their end, ${registered} with a number`);
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
