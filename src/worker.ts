/** `npm run worker`: runs the jobs of a market on a PostgreSQL server, and tells how it stands at /readyz and /metrics. */
import { buildWorker } from "./app.ts";
import { readConfig } from "./config.ts";
import { loggerOptions } from "./lib/logging.ts";
import { Refusal } from "./lib/refusal.ts";
import { atExit, begin, endWithGrace, listen, openServer } from "./process.ts";

/** One that runs beside a server on the same machine does not take its port. */
const defaultPort = "3001";

async function start(): Promise<void> {
  const config = readConfig(
    { ...process.env, PORT: process.env.PORT || defaultPort },
    { signs: false },
  );
  if (!config.databaseUrl) {
    throw new Refusal(
      "DATABASE_URL is missing: the embedded database belongs to the process that serves, which runs its jobs itself.",
    );
  }
  // No balancer sends anybody here.
  const own = { ...config, drainSeconds: 0 };
  const database = await openServer(own, config.databaseUrl);
  try {
    const logger = loggerOptions(own.logLevel, process.stdout.isTTY, atExit);
    const app = await buildWorker(own, { database, logger });
    endWithGrace(app, database, own);
    const port = await listen(app, own);
    process.stdout.write(`Grand Market runs its jobs here  http://${own.host}:${port}/readyz\n`);
  } catch (error) {
    await database.close();
    throw error;
  }
}

begin(start);
