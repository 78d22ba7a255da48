import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "../lib/temporary.ts";
import { connect, type Database, type Executor } from "./connect.ts";
import {
  checkFiles,
  closeDataFolder,
  makeDataFolder,
  makeFirstFiles,
  sweepHalfMade,
} from "./embedded-folder.ts";
import { keepLogShort } from "./embedded-log.ts";
import { type EmbeddedServer, makeFiles, serveEmbedded } from "./embedded-server.ts";
import { openUpgraded, type Upgrade } from "./embedded-upgrade.ts";
import { lockFolder } from "./folder-lock.ts";
import { offerHold } from "./hold.ts";
import type { Watch, Watching } from "./watch.ts";

/**
 * Opens the embedded PostgreSQL (PGlite) in `folder`, made when missing, in a worker thread so that a
 * query never blocks the event loop, and connects to it like to any server: same driver, same code.
 * It has one connection, so a second one taken inside a transaction waits for ever: pass the
 * executor down. It runs without fsync: safe against a killed process, not against a power cut.
 * @param upgrade brings it to this program's version; without, it is opened as it is
 * @throws Refusal when another process holds the folder, and when its files cannot be made, opened or upgraded
 */
export async function openEmbedded(folder: string, upgrade?: Upgrade): Promise<Database> {
  makeDataFolder(folder);
  const unlock = await lockFolder(folder);
  try {
    await sweepHalfMade(folder);
    const files = await makeFirstFiles(folder, makeFiles);
    checkFiles(files);
    closeDataFolder(folder);
    const open = () => openFiles(files);
    const database = await (upgrade ? openUpgraded(folder, open, upgrade) : open());
    const close = async () => {
      await database.close();
      unlock();
    };
    return { ...database, close };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Serves the files on a socket of this process, and connects to it. */
async function openFiles(files: string): Promise<Database> {
  // A socket file in a folder of the user's own: other users of the machine cannot reach it.
  const socketFolder = temporaryFolder("socket");
  const listen =
    process.platform === "win32"
      ? { host: "127.0.0.1", port: 0 }
      : { path: join(socketFolder, ".s.PGSQL.5432") };
  const cleanUp = () => rmSync(socketFolder, { recursive: true, force: true });
  const server = await serveEmbedded(files, listen).catch((error: unknown) => {
    cleanUp();
    throw error;
  });
  const database = connect({
    host: process.platform === "win32" ? "127.0.0.1" : socketFolder,
    port: server.port || 5432,
    user: "postgres",
    database: "postgres",
    // Several connections share one PostgreSQL session there: their prepared statements would collide.
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: 20_000,
    // The session outlives its connections, and start-up options are not honoured: all are set again. Nothing
    // gathers statistics there, so a plan that is kept would be the one for an empty market.
    onConnect: async (client) => {
      await client.query("discard all");
      await client.query("set timezone = 'UTC'; set jit = off; set random_page_cost = 1.1");
      await client.query("set plan_cache_mode = force_custom_plan");
    },
  });
  const stopHolds = await offerHold(dirname(files), socketFolder, server.worker);
  const endLogCare = keepLogShort(database.pool);
  const close = async () => {
    stopHolds();
    await endLogCare();
    await database.pool.end();
    await server.close();
    cleanUp();
  };
  return { ...database, watch: (watching) => watchEmbedded(server, database.db, watching), close };
}

/** A second connection would wait for the one that works: whether the thread lives is what can be known. */
function watchEmbedded(server: EmbeddedServer, db: Executor, watching: Watching): Watch {
  let migrations = false;
  // Nobody else changes the schema of this folder, so what was seen once holds.
  const look = () =>
    watching.isCurrent(db).then(
      (isCurrent) => {
        migrations = isCurrent;
      },
      () => {},
    );
  const begun = look();
  const stopListening = server.onChange((isThere, reason) => {
    if (isThere && !migrations) look();
    watching.onChange?.(isThere, reason);
  });
  return {
    health: () => ({ database: server.isAlive(), migrations }),
    begun,
    stop: async () => stopListening(),
  };
}
