/** Reads the environment, opens the database, listens, closes with grace. The only file that touches `process`. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import closeWithGrace from "close-with-grace";
import { demoAccounts, loadDemoMarket } from "../db/demo/demo.ts";
import { buildApp } from "./app.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { awaitSchema } from "./database/await-schema.ts";
import { connect, type Database } from "./database/connect.ts";
import { openEmbedded } from "./database/embedded.ts";
import { clock, machineTime } from "./lib/clock.ts";
import { explainDatabase, isDatabaseError, loggable } from "./lib/loggable.ts";
import { loggerOptions } from "./lib/logging.ts";
import { Refusal } from "./lib/refusal.ts";
import { createKeyFile, readKeyFile, type SigningKeys } from "./lib/signing-keys.ts";
import { sweepTemporaryFolders } from "./lib/temporary.ts";
import { anybodySignedIn } from "./modules/sessions/sessions.service.ts";

/** Tells the person at the keyboard what a start waits for or has done. */
const say = (message: string) => process.stderr.write(`${message}\n`);

/** Seconds that jobs and the database get to end, once no request runs; docker-compose.yml counts on them. */
const closingSeconds = 10;

const loopback = new Set(["127.0.0.1", "::1", "localhost"]);

/** A start that is told to end has acknowledged nothing yet: it ends at once, like one that is killed. */
const endEarly = () => process.exit(0);
const signals = ["SIGTERM", "SIGINT"] as const;

async function start(): Promise<void> {
  for (const signal of signals) process.once(signal, endEarly);
  const config = readConfig(process.env);
  const isServer = config.databaseUrl !== null;
  let database: Database;
  if (config.databaseUrl) {
    const limits = { lockTimeout: config.databaseLockTimeout };
    database = connect(
      { connectionString: config.databaseUrl, max: config.databasePoolSize },
      limits,
    );
    await awaitDatabase(database, config.databaseWaitSeconds);
  } else {
    database = await openEmbedded(config.dataDir, { copy: config.upgradeCopy, tell: say });
    // Everybody knows the demo passwords: they are made for this machine only.
    if (config.demo && loopback.has(config.host)) await loadDemoMarket(database.db);
  }
  try {
    const demo = await demoAccounts(database.db);
    if (demo.length > 0 && !loopback.has(config.host)) {
      throw new Refusal(
        `HOST=${config.host}: this database holds the demo accounts, whose passwords everybody knows, so the market listens on a loopback address only. Use another DATA_DIR with DEMO=false.`,
      );
    }
    const keys = await openKeys(config, database);
    const app = await buildApp(config, {
      database,
      keys,
      logger: loggerOptions(config.logLevel, process.stdout.isTTY),
      runJobs: true,
    });
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
    await app.listen({ host: config.host, port: config.port });
    const address = app.server.address();
    const port = typeof address === "object" && address ? address.port : config.port;
    announce(
      config.port === 0 ? `http://${config.host}:${port}` : config.publicUrl,
      isServer,
      demo,
    );
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Waits for the database, which may start after this process, and for its schema.
 * @throws Refusal when it does not come, or is not this program's
 */
async function awaitDatabase(database: Database, seconds: number): Promise<void> {
  const tell = (why: string) =>
    say(`Grand Market waits for the database of DATABASE_URL, ${seconds} seconds at most: ${why}`);
  try {
    await awaitSchema(database.db, { seconds, tell });
  } catch (error) {
    await database.close();
    if (error instanceof Refusal) throw error;
    throw new Refusal(`DATABASE_URL cannot be used: ${explainDatabase(error)}`);
  }
}

/**
 * Reads the signing keys. A new market on one machine makes its own; one whose keys are lost does not make
 * others silently.
 */
async function openKeys(config: Readonly<Config>, { db }: Database): Promise<SigningKeys> {
  const { signingKeysFile: file, databaseUrl } = config;
  if (!existsSync(file)) {
    if (await anybodySignedIn(db)) {
      throw new Refusal(
        `SIGNING_KEYS_FILE: ${file} is missing, and people are signed in with tokens of its keys. Restore it from a backup. If it is lost for good, make new keys, with which every access token given out before is refused: npm run keys -- create ${file}`,
      );
    }
    if (databaseUrl === null) {
      mkdirSync(dirname(file), { recursive: true });
      createKeyFile(file, clock.now());
    }
  }
  return readKeyFile(file);
}

/** Removes what killed processes left, now and every hour. */
function keepTemporaryFolderClean(): void {
  const sweep = () => sweepTemporaryFolders(machineTime()).catch(() => {});
  sweep();
  setInterval(sweep, 60 * 60 * 1000).unref();
}

/** Tells a person where everything is; the log goes on below. */
function announce(
  url: string,
  isServer: boolean,
  demo: Awaited<ReturnType<typeof demoAccounts>>,
): void {
  const lines = [
    "",
    `Grand Market 科技大市场  ${url}`,
    `  API         ${url}/v1`,
    `  Docs        ${url}/docs`,
    `  OpenAPI     ${url}/openapi.json`,
    `  Database    ${isServer ? "PostgreSQL server" : "embedded"}`,
    ...(demo.length > 0
      ? ["", "  Demo sign-ins (POST /v1/auth/login), on this machine only:"]
      : []),
    ...demo.map(
      ({ email, password, who }) => `    ${email.padEnd(28)} ${password.padEnd(22)} ${who}`,
    ),
    "",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
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

// A reader of what is told that went away, or a full disk, is no reason to end.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

start().catch((error: unknown) => {
  process.stderr.write(`Grand Market did not start. ${explain(error)}\n`);
  process.exit(1);
});
