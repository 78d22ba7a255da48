/** A market of the tour's own: a scratch database, its first operator by the script, the server as a process. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { random } from "../../src/lib/ids.ts";
import { projectRoot } from "../../src/lib/root.ts";

export interface ScratchMarket {
  url: string;
  /** The operator's one-time token. */
  operatorToken: string;
  /** Ends the server's process at once, as a crash would. */
  kill: () => Promise<void>;
  /** Starts it again on the same database. */
  start: () => Promise<void>;
  /** Stops it and removes the database and all files. */
  remove: () => Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Runs a script of this project to its end and gives what it printed. */
const script = (name: string, options: string[], env: NodeJS.ProcessEnv): string =>
  execFileSync(process.execPath, ["--import=tsx", join(projectRoot, "scripts", name), ...options], {
    cwd: projectRoot,
    env,
    encoding: "utf8",
  });

/**
 * Makes an empty market and starts it.
 * @param serverUrl a PostgreSQL server to make the scratch database on; null: the embedded one
 */
export async function openScratchMarket(serverUrl: string | null): Promise<ScratchMarket> {
  const folder = mkdtempSync(join(tmpdir(), "grand-market-scratch-"));
  const name = `grand_market_scratch_${random.requestId().replaceAll("-", "")}`;
  const admin = serverUrl ? new pg.Client({ connectionString: serverUrl }) : null;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { DATABASE_URL: _, TEST_DATABASE_URL: __, ...inherited } = process.env;
  const env: NodeJS.ProcessEnv = {
    ...inherited,
    DATA_DIR: join(folder, "data"),
    PORT: String(port),
    PUBLIC_URL: url,
    DEMO: "false",
    LOG_LEVEL: "error",
    MAX_EVENT_LOOP_DELAY: "0",
  };
  let server: ChildProcess | null = null;

  const kill = async () => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  };
  const start = async () => {
    const child = spawn(process.execPath, ["--import=tsx", "src/server.ts"], {
      cwd: projectRoot,
      env: { ...env, FASTIFY_AUTOLOAD_TYPESCRIPT: "1" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    server = child;
    for (;;) {
      if (child.exitCode !== null) throw new Error("the market did not start");
      const ready = await fetch(`${url}/readyz`).catch(() => null);
      if (ready?.ok) return;
      await setTimeout(100);
    }
  };
  const remove = async () => {
    await kill();
    if (admin) {
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.end();
    }
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    if (admin && serverUrl) {
      await admin.connect();
      await admin.query(`create database ${name}`);
      const database = new URL(serverUrl);
      database.pathname = `/${name}`;
      env.DATABASE_URL = database.href;
      env.SIGNING_KEYS_FILE = join(folder, "keys.json");
      script("keys.ts", ["create", env.SIGNING_KEYS_FILE], env);
      script("migrate.ts", [], env);
    }
    const printed = script(
      "operator.ts",
      [
        ...["--organization", "新乡市科学技术局", "--credit-code", "11410700MB0T21019T"],
        ...["--region", "410700", "--name", "方志远", "--email", "operator@tour.example"],
      ],
      env,
    );
    const operatorToken = /"token": "([^"]+)"/.exec(printed)?.[1];
    if (!operatorToken) throw new Error(`the operator script printed no token:\n${printed}`);
    await start();
    return { url, operatorToken, kill, start, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
