/** Where a private market lives, empty at first: a folder, a database, ports. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { freePort, launch, type ServerProcess, trialEnvironment } from "../tour/process.ts";
import { scratchDatabase } from "../tour/scratch.ts";

export interface Place {
  /** The address of its first process, and the one that all of them are known by. */
  url: string;
  /** What its processes and scripts run with. */
  env: NodeJS.ProcessEnv;
  dataDir: string;
  /** Its database on the server; null: the embedded one, in `dataDir`. */
  databaseUrl: string | null;
  /** Starts the program on it, on another port if one is given, and does not wait until it is ready. */
  launch: (options?: Launch) => ServerProcess;
  /** Ends what runs there, and removes the database and all files. */
  remove: () => Promise<void>;
}

interface Launch {
  port?: number;
  /** The folder of the program; this project's by default. */
  root?: string;
  changes?: NodeJS.ProcessEnv;
}

/** @param serverUrl a PostgreSQL server to make the scratch database on; null: the embedded one */
export async function openPlace(serverUrl: string | null): Promise<Place> {
  const folder = temporaryFolder("scratch");
  const dataDir = join(folder, "data");
  const env: NodeJS.ProcessEnv = { ...trialEnvironment(await freePort()), DATA_DIR: dataDir };
  const database = serverUrl ? await scratchDatabase(serverUrl) : null;
  if (database) {
    env.DATABASE_URL = database.url;
    env.SIGNING_KEYS_FILE = join(folder, "keys.json");
  }
  const launched: ServerProcess[] = [];
  return {
    url: `http://127.0.0.1:${env.PORT}`,
    env,
    dataDir,
    databaseUrl: database?.url ?? null,
    launch: ({ port, root, changes } = {}) => {
      const own = { ...env, ...changes, ...(port && { PORT: String(port) }) };
      const server = launch(own, { root });
      launched.push(server);
      return server;
    },
    remove: async () => {
      await Promise.all(launched.map((server) => server.end("SIGKILL")));
      await database?.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
