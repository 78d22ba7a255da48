/**
 * Kills the server with SIGKILL in the middle of a stream of transitions, again and again, and looks
 * whether every acknowledged change is there, no half one is, and no number is lost or doubled.
 * Exit codes: 0 all was kept, 1 something was not.
 */
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Body, expect, TourFailure } from "../tour/caller.ts";
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

/** How many cases came to be registered, and what of it is left. */
interface Counts {
  registered: number;
  amended: number;
  cancelled: number;
  revoked: number;
}

/** Everything that has a number, ended or not. */
async function numbered(cast: Cast): Promise<Body[]> {
  const found: Body[] = [];
  let cursor = "";
  for (;;) {
    const query = new URLSearchParams({
      "status[in]": "registered,cancelled,revoked",
      limit: "100",
      ...(cursor && { cursor }),
    });
    const { data, page } = await cast.firstReviewer.get(`/v1/registrations?${query}`);
    found.push(...data);
    if (!page.hasMore) return found;
    cursor = page.next;
  }
}

/** What the pull feed has told so far, by kind. */
async function fed(cast: Cast): Promise<Counts> {
  const counts: Counts = { registered: 0, amended: 0, cancelled: 0, revoked: 0 };
  let after = "0";
  for (;;) {
    const path = `/v1/registry/contracts?limit=1000&after=${after}`;
    const { data, page } = await cast.firstReviewer.get(path);
    for (const { kind } of data) counts[kind as keyof Counts] += 1;
    if (!page.hasMore) return counts;
    after = page.next;
  }
}

const fen = ({ totalAmount }: Body): bigint => BigInt(totalAmount.amount.replace(".", ""));

/**
 * Numbers are those from 1 on, each once; the log's chain is whole; the volume is the sum over what is
 * registered; the feed tells every registration and correction, once.
 */
async function assertWhole(cast: Cast): Promise<number> {
  const cases = await numbered(cast);
  const serials = cases.map(({ number }) => Number(number.slice(-6)));
  serials.sort((a, b) => a - b);
  const isGapFree = serials.every((serial, i) => serial === i + 1);
  expect(isGapFree, `serials are not 1 to ${serials.length}: ${serials.join(" ")}`);
  const { total } = await cast.firstReviewer.get("/v1/statistics/contract-volume");
  const registered = cases.filter(({ status }) => status === "registered");
  expect(
    total.count === registered.length,
    `${total.count} counted, ${registered.length} registered`,
  );
  const sum = registered.reduce((all, one) => all + fen(one), 0n);
  expect(fen(total) === sum, `${fen(total)} fen counted, ${sum} registered`);
  const of = (status: string) => cases.filter((one) => one.status === status).length;
  const wanted = JSON.stringify({
    registered: cases.length,
    amended: cases.reduce((all, { revision }) => all + revision - 1, 0),
    cancelled: of("cancelled"),
    revoked: of("revoked"),
  });
  // The log is sealed within a second.
  let told = "";
  for (let i = 0; i < 50 && told !== wanted; i++) {
    if (i > 0) await setTimeout(200);
    told = JSON.stringify(await fed(cast));
  }
  expect(told === wanted, `the feed has ${told}, not ${wanted}`);
  const { ok, brokenAt } = await cast.operator.get("/v1/audit/verify");
  expect(ok, `the log is broken at ${brokenAt}`);
  return serials.length;
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
