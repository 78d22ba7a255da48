/** `npm start`: reads the environment, opens the database, listens, closes with grace. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { buildApp } from "./app.ts";
import { type Config, readConfig } from "./config.ts";
import type { Database } from "./database/connect.ts";
import { openEmbedded } from "./database/embedded.ts";
import { demoAccounts, loadDemoMarket } from "./demo/demo.ts";
import { clock } from "./lib/clock.ts";
import { loggerOptions } from "./lib/logging.ts";
import { closeToOthers, privateModes } from "./lib/private.ts";
import { Refusal } from "./lib/refusal.ts";
import { createKeyFile, readKeyFile, type SigningKeys } from "./lib/signing-keys.ts";
import { dictionary } from "./lib/terms.ts";
import { anybodySignedIn } from "./modules/sessions/sessions.service.ts";
import { atExit, begin, endWithGrace, listen, openServer, say } from "./process.ts";

const loopback = new Set(["127.0.0.1", "::1", "localhost"]);

async function start(): Promise<void> {
  const config = readConfig(process.env);
  const isServer = config.databaseUrl !== null;
  let database: Database;
  if (config.databaseUrl) database = await openServer(config, config.databaseUrl);
  else {
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
      logger: loggerOptions(config.logLevel, process.stdout.isTTY, atExit),
      runJobs: config.jobs === "inside",
    });
    endWithGrace(app, database, config);
    // Before anybody calls, so that no first search and no first reply waits for it.
    dictionary();
    await app.ready();
    app.compileSerializers();
    const port = await listen(app, config);
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
      mkdirSync(dirname(file), { recursive: true, mode: privateModes.folder });
      createKeyFile(file, clock.now());
    }
  }
  // Several processes, perhaps of several users, may share those of a server.
  if (databaseUrl === null) closeToOthers(file);
  return readKeyFile(file);
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

begin(start);
