import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { connect, type Database } from "./connect.ts";
import { lockFolder } from "./folder-lock.ts";

/**
 * Opens the embedded PostgreSQL (PGlite) in `folder`, made when missing, in a worker thread so that a
 * query never blocks the event loop, and connects to it like to any server: same driver, same code.
 * It has one connection, so a second one taken inside a transaction waits for ever: pass the
 * executor down. It runs without fsync: safe against a killed process, not against a power cut.
 * @throws Error when another running process holds the folder
 */
export async function openEmbedded(folder: string): Promise<Database> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unlock = lockFolder(folder);
  // A socket file in a folder of the user's own: other users of the machine cannot reach it.
  const socketFolder = mkdtempSync(join(tmpdir(), "grand-market-"));
  const listen =
    process.platform === "win32"
      ? { host: "127.0.0.1", port: 0 }
      : { path: join(socketFolder, ".s.PGSQL.5432") };
  const worker = new Worker(new URL("./embedded-worker.js", import.meta.url), {
    workerData: { folder: join(folder, "postgres"), listen: { ...listen, maxConnections: 4 } },
    execArgv: [],
  });
  const cleanUp = () => {
    rmSync(socketFolder, { recursive: true, force: true });
    unlock();
  };
  let listening: string;
  try {
    listening = await new Promise<string>((resolve, reject) => {
      worker.once("message", (message: { listening: string }) => resolve(message.listening));
      worker.once("error", reject);
    });
  } catch (error) {
    cleanUp();
    throw error;
  }
  const port = process.platform === "win32" ? Number(listening.split(":").at(-1)) : 5432;
  const database = connect({
    host: process.platform === "win32" ? "127.0.0.1" : socketFolder,
    port,
    user: "postgres",
    database: "postgres",
    // Several connections share one PostgreSQL session there: their prepared statements would collide.
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: 60_000,
    // The session outlives its connections, and start-up options are not honoured: set all anew. Nothing
    // gathers statistics there, so a plan that is kept would be the one for an empty market.
    onConnect: async (client) => {
      await client.query("discard all");
      await client.query("set timezone = 'UTC'; set jit = off; set random_page_cost = 1.1");
      await client.query("set plan_cache_mode = force_custom_plan");
    },
  });
  const close = async () => {
    await database.pool.end();
    await new Promise<void>((resolve) => {
      worker.once("exit", () => resolve());
      worker.postMessage("close");
    });
    cleanUp();
  };
  return { ...database, close };
}
