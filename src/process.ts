/** What the program's two processes have in common, the one that serves and the one that runs jobs: how they start and end. */
import { setTimeout } from "node:timers/promises";
import closeWithGrace from "close-with-grace";
import { type Config, ConfigError } from "./config.ts";
import { awaitSchema } from "./database/await-schema.ts";
import { connect, type Database } from "./database/connect.ts";
import { machineTime } from "./lib/clock.ts";
import { explainDatabase, isDatabaseError, loggable } from "./lib/loggable.ts";
import { Refusal } from "./lib/refusal.ts";
import { sweepTemporaryFolders } from "./lib/temporary.ts";
import type { App } from "./plugins/contract.ts";

/** Tells the person at the keyboard what a start waits for or has done. */
export const say = (message: string) => process.stderr.write(`${message}\n`);

/** Seconds that jobs and the database get to end, once no request runs; docker-compose.yml counts on them. */
const closingSeconds = 10;

/** A start that is told to end has acknowledged nothing yet: it ends at once, like one that is killed. */
const endEarly = () => process.exit(0);
const signals = ["SIGTERM", "SIGINT"] as const;

/** Runs a start to its end, or tells why it failed. */
export function begin(start: () => Promise<void>): void {
  // A reader of what is told that went away, or a full disk, is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  for (const signal of signals) process.once(signal, endEarly);
  start().catch((error: unknown) => {
    process.stderr.write(`Grand Market did not start. ${explain(error)}\n`);
    process.exit(1);
  });
}

/** Has something done when this process ends, however it ends. */
export const atExit = (last: () => void): void => {
  process.on("exit", last);
};

/** Connects to a PostgreSQL server, and waits for it, which may start later, and for its schema. */
export async function openServer(
  config: Readonly<Config>,
  connectionString: string,
): Promise<Database> {
  const limits = { lockTimeout: config.databaseLockTimeout };
  const database = connect({ connectionString, max: config.databasePoolSize }, limits);
  const seconds = config.databaseWaitSeconds;
  const tell = (why: string) =>
    say(`Grand Market waits for the database of DATABASE_URL, ${seconds} seconds at most: ${why}`);
  try {
    await awaitSchema(database.db, { seconds, tell });
    return database;
  } catch (error) {
    await database.close();
    if (error instanceof Refusal) throw error;
    throw new Refusal(`DATABASE_URL cannot be used: ${explainDatabase(error)}`);
  }
}

/** From now on the process ends in order: it takes nothing new, finishes what has begun, and closes. */
export function endWithGrace(app: App, database: Database, config: Readonly<Config>): void {
  let isFailure = false;
  const longest = (config.drainSeconds + config.stopSeconds + closingSeconds) * 1000;
  // What is acknowledged is stored: a stop that its time cuts short is one in order all the same.
  const onTimeout = () => {
    app.log.warn("stopped before all work had ended");
    process.exit(isFailure ? 1 : 0);
  };
  for (const signal of signals) process.off(signal, endEarly);
  closeWithGrace({ delay: longest, onTimeout }, async ({ err, signal }) => {
    isFailure = err !== undefined;
    if (err) app.log.fatal({ error: loggable(err) }, "stopping after an error");
    else app.log.info({ signal }, "stopping");
    // Load balancers look at /readyz, callers at `Connection: close`: tell them first, then finish
    // what has begun.
    app.draining.now = true;
    if (!err) await setTimeout(config.drainSeconds * 1000);
    await app.close();
    await database.close();
  });
  keepTemporaryFolderClean();
}

/** The port that the app listens on. */
export async function listen(app: App, { host, port }: Readonly<Config>): Promise<number> {
  await app.listen({ host, port });
  const address = app.server.address();
  return typeof address === "object" && address ? address.port : port;
}

/** Removes what killed processes left, now and every hour. */
function keepTemporaryFolderClean(): void {
  const sweep = () => sweepTemporaryFolders(machineTime()).catch(() => {});
  sweep();
  setInterval(sweep, 60 * 60 * 1000).unref();
}

/** Why the start failed: in a sentence where the person at the keyboard can mend it, else with its stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isDatabaseError(error)) return `The database refused: ${explainDatabase(error)}.`;
  const plain = error instanceof ConfigError || error instanceof Refusal;
  // An operating system's refusal (port in use, folder not writable) says all in its message too.
  const isSystem = (error as NodeJS.ErrnoException).code !== undefined;
  return plain || isSystem ? error.message : (error.stack ?? error.message);
}
