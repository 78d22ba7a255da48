/** A market of the tour's own: a scratch database, its first operator by the script, the server as a process. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { clock } from "../../src/lib/clock.ts";
import { sweepTemporaryFolders, temporaryFolder } from "../../src/lib/temporary.ts";
import { scratchName, sweepDatabases } from "../leftovers.ts";
import {
  freePort,
  launch,
  runScript,
  type ServerProcess,
  trialEnvironment,
  untilReady,
} from "./process.ts";

export interface ScratchMarket {
  url: string;
  /** The operator's one-time token. */
  operatorToken: string;
  /** What its process is started with, for scripts that work on the same market. */
  env: NodeJS.ProcessEnv;
  /** Ends the server's process at once, as a crash would. */
  kill: () => Promise<void>;
  /** Starts it again on the same database. */
  start: () => Promise<void>;
  /** Stops it and removes the database and all files. */
  remove: () => Promise<void>;
}

/** The first operator of an empty market, made by the script. @returns the one-time token */
export function makeOperator(env: NodeJS.ProcessEnv): string {
  const printed = runScript(
    "operator.ts",
    [
      ...["--organization", "新乡市科学技术局", "--credit-code", "11410700MB0T21019T"],
      ...["--region", "410700", "--name", "方志远", "--email", "operator@tour.example"],
    ],
    env,
  );
  const token = /"token": "([^"]+)"/.exec(printed)?.[1];
  if (!token) throw new Error(`the operator script printed no token:\n${printed}`);
  return token;
}

/** An empty database beside the one that a URL names. */
export async function scratchDatabase(serverUrl: string) {
  const name = scratchName("scratch");
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  await sweepDatabases(admin);
  await admin.query(`create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const drop = async () => {
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  };
  return { url: url.href, drop };
}

/**
 * Makes an empty market and starts it.
 * @param serverUrl a PostgreSQL server to make the scratch database on; null: the embedded one
 */
export async function openScratchMarket(serverUrl: string | null): Promise<ScratchMarket> {
  await sweepTemporaryFolders(clock.now());
  const folder = temporaryFolder("scratch");
  const env: NodeJS.ProcessEnv = {
    ...trialEnvironment(await freePort()),
    DATA_DIR: join(folder, "data"),
  };
  let database: { url: string; drop: () => Promise<void> } | null = null;
  let server: ServerProcess | null = null;

  const kill = async () => server?.end("SIGKILL");
  const start = async () => {
    server = launch(env);
    await untilReady(server);
  };
  const remove = async () => {
    await kill();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    if (serverUrl) {
      database = await scratchDatabase(serverUrl);
      env.DATABASE_URL = database.url;
      env.SIGNING_KEYS_FILE = join(folder, "keys.json");
      runScript("keys.ts", ["create", env.SIGNING_KEYS_FILE], env);
      runScript("migrate.ts", [], env);
    }
    const operatorToken = makeOperator(env);
    await start();
    return { url: `http://127.0.0.1:${env.PORT}`, operatorToken, env, kill, start, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
