/**
 * Plays the main flow of the market over HTTP, each party under its own token, and prints each step.
 * Exit codes: 0 everything is as it should be, 1 a step is not, 2 called wrongly.
 */
import { parseArgs } from "node:util";
import { TourFailure } from "./caller.ts";
import { demoCast, scratchCast } from "./cast.ts";
import { play } from "./play.ts";
import { openScratchMarket } from "./scratch.ts";

const usage = `Usage: npm run tour                 on the demo market (npm start in another terminal)
       npm run tour -- --self       on a scratch database that it makes and removes

  --url URL    where the demo market is, http://127.0.0.1:3000
  --self       the embedded database; with DATABASE_URL a scratch database on that server
  --help       this text
`;

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: "string", default: "http://127.0.0.1:3000" },
      self: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  if (!values.self) {
    await play(await demoCast(values.url.replace(/\/+$/, "")));
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
  const isUsage = error instanceof TypeError && "code" in error;
  const message = error instanceof TourFailure || isUsage ? error.message : error;
  console.error(isUsage ? `${message}\n\n${usage}` : "The tour failed:", isUsage ? "" : message);
  process.exitCode = isUsage ? 2 : 1;
}
