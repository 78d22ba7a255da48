/**
 * Plays the main flow of the market over HTTP, each party under its own token, and prints each step.
 * Exit codes: 0 everything is as it should be, 1 a step is not, 2 called wrongly.
 */
import { readOptions } from "../options.ts";
import { TourFailure } from "./caller.ts";
import { demoCast, scratchCast } from "./cast.ts";
import { play } from "./play.ts";
import { openScratchMarket } from "./scratch.ts";

const { options } = readOptions({
  name: "tour",
  does: `Plays the main flow of the market over HTTP, each party under its own token, from two listings to a
number in the statistics, and prints each step. On the demo market (npm start in another terminal), or
with --self on a scratch market that it makes and removes.`,
  options: {
    url: { value: "URL", default: "http://127.0.0.1:3000", what: "where the demo market is" },
    self: { what: "a scratch market, on the embedded database or on the server of DATABASE_URL" },
  },
  environment: { DATABASE_URL: "with --self: a PostgreSQL server to make a scratch database on" },
  exits: "0 everything is as it should be, 1 a step is not",
});

async function run(): Promise<void> {
  if (!options.self) {
    await play(await demoCast(options.url.replace(/\/+$/, "")));
    return;
  }
  const market = await openScratchMarket(process.env.DATABASE_URL || null);
  try {
    await play(await scratchCast(market.url, market.operatorToken));
  } finally {
    await market.remove();
  }
}

try {
  await run();
} catch (error) {
  console.error("The tour failed:", error instanceof TourFailure ? error.message : error);
  process.exitCode = 1;
}
