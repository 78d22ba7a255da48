/** The embedded PostgreSQL in its worker thread: started, and started again when it dies. */
import { rmSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
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
  /** Tells of its death, with the error, and when it is back. @returns a function that ends this */
  onChange: (listener: Listener) => () => void;
  close: () => Promise<void>;
}

type Listener = NonNullable<Watching["onChange"]>;

/** Milliseconds between two attempts to start it again, at first and at most. */
const pauses = { first: 500, longest: 10_000 };

/** Starts the worker. @returns it, once it listens @throws Error why it does not start */
async function startWorker(
  folder: string,
  listen: Listen,
): Promise<{ worker: Worker; port: number }> {
  // A worker that died has left its socket file.
  if (listen.path) rmSync(listen.path, { force: true });
  const worker = new Worker(new URL("./embedded-worker.js", import.meta.url), {
    workerData: { folder, listen: { ...listen, maxConnections: 4 } },
    execArgv: [],
  });
  const listening = await new Promise<string>((resolve, reject) => {
    worker.once("message", (message: { listening: string }) => resolve(message.listening));
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the embedded database ended while it started")));
  });
  return { worker, port: listen.path ? 0 : Number(listening.split(":").at(-1)) };
}

/**
 * Serves the embedded database in `folder`. When its thread dies (out of memory, no room for its log),
 * what it had acknowledged is in its files: it is started anew, until it comes up, and who called
 * meanwhile was told that the database is away.
 */
export async function serveEmbedded(folder: string, listen: Listen): Promise<EmbeddedServer> {
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
      await setTimeout(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        const { worker } = await startWorker(folder, { ...listen, ...(port && { port }) });
        supervise(worker);
        tell(true);
        return;
      } catch (error) {
        tell(false, error);
      }
    }
  }

  const { worker, port } = await startWorker(folder, listen);
  supervise(worker);
  return {
    port,
    isAlive: () => running !== null,
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
