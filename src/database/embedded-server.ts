/** The embedded PostgreSQL in its worker thread: started, and started again when it dies. */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { freeBytes } from "../storage/space.ts";
import { explainFailedOpen } from "./embedded-folder.ts";
import { embeddedReserve } from "./embedded-log.ts";
import type { Watching } from "./watch.ts";

export interface Listen {
  /** Of a socket file. */
  path?: string;
  host?: string;
  /** 0 takes a free one. */
  port?: number;
}

export interface EmbeddedServer {
  /** The port it listens on; 0 with a socket file. */
  port: number;
  isAlive: () => boolean;
  /** The thread that runs; null while it is started again. */
  worker: () => Worker | null;
  /** Tells of its death, with the error, and when it is back. @returns a function that ends this */
  onChange: (listener: Listener) => () => void;
  close: () => Promise<void>;
}

type Listener = NonNullable<Watching["onChange"]>;

/** Milliseconds between two attempts to start it again, at first and at most. */
const pauses = { first: 500, longest: 10_000 };

/**
 * Starts the worker, and waits until it listens, or has made the files when it is to listen nowhere.
 * @throws Refusal why it does not start
 */
async function startWorker(
  files: string,
  listen: Listen | null,
): Promise<{ worker: Worker; port: number }> {
  // A worker that died has left its socket file.
  if (listen?.path) rmSync(listen.path, { force: true });
  const worker = new Worker(new URL("./embedded-worker.js", import.meta.url), {
    workerData: { folder: files, listen: listen && { ...listen, maxConnections: 4 } },
    execArgv: [],
  });
  const answer = await new Promise<{ listening?: string; failed?: string }>((resolve) => {
    worker.once("message", resolve);
    worker.once("error", (error) => resolve({ failed: error.message }));
    worker.once("exit", (code) => resolve({ failed: `it ended with code ${code}` }));
  });
  if (answer.failed !== undefined) throw await explainFailedOpen(files, answer.failed);
  return { worker, port: listen?.path ? 0 : Number(answer.listening?.split(":").at(-1)) };
}

/** Makes the files of a new database, and closes it. */
export async function makeFiles(files: string): Promise<void> {
  const { worker } = await startWorker(files, null);
  await once(worker, "exit");
}

/** Waits before the next attempt; where there is no room to start in, not longer than until there is. */
async function rest(folder: string, pause: number, signal: AbortSignal): Promise<void> {
  const hasRoom = async () =>
    ((await freeBytes(folder)) ?? Number.POSITIVE_INFINITY) > embeddedReserve;
  const wasFull = !(await hasRoom());
  for (let waited = 0; waited < pause && !signal.aborted; waited += pauses.first) {
    await setTimeout(pauses.first, undefined, { signal }).catch(() => {});
    if (wasFull && (await hasRoom())) return;
  }
}

/**
 * Serves the embedded database of these files. When its thread dies (out of memory, no room for its log),
 * what it had acknowledged is in its files: it is started again until it comes up, and who called
 * meanwhile was told that the database is away.
 */
export async function serveEmbedded(files: string, listen: Listen): Promise<EmbeddedServer> {
  const listeners = new Set<Listener>();
  const tell = (isThere: boolean, reason?: unknown) => {
    for (const listener of listeners) listener(isThere, reason);
  };
  const closing = new AbortController();
  const { signal } = closing;
  let running: Worker | null = null;
  let restarting: Promise<void> | null = null;

  function supervise(worker: Worker): void {
    running = worker;
    let reason: unknown;
    worker.on("error", (error) => {
      reason = error;
    });
    worker.once("exit", () => {
      running = null;
      if (signal.aborted) return;
      tell(false, reason);
      restarting = restart();
    });
  }

  async function restart(): Promise<void> {
    for (let pause = pauses.first; !signal.aborted; pause = Math.min(pauses.longest, pause * 2)) {
      await rest(files, pause, signal);
      if (signal.aborted) return;
      try {
        const { worker } = await startWorker(files, { ...listen, ...(port && { port }) });
        supervise(worker);
        tell(true);
        return;
      } catch (error) {
        tell(false, error);
      }
    }
  }

  const { worker, port } = await startWorker(files, listen);
  supervise(worker);
  return {
    port,
    isAlive: () => running !== null,
    worker: () => running,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      closing.abort();
      await restarting;
      const last = running;
      if (!last) return;
      await new Promise<void>((resolve) => {
        last.once("exit", () => resolve());
        last.postMessage("close");
      });
    },
  };
}
