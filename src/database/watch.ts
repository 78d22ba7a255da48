/** Whether the database answers. It has a connection of its own: asking waits for no other query. */
import { setImmediate, setTimeout } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import * as schema from "../../db/schema/index.ts";
import type { Executor } from "./connect.ts";

export interface Health {
  /** It answers. */
  database: boolean;
  /** Its schema is this program's; as it was last seen. */
  migrations: boolean;
}

export interface Watch {
  /** What is known now. */
  health: () => Health;
  /** Resolves once something is known. */
  begun: Promise<void>;
  stop: () => Promise<void>;
}

export interface Watching {
  /** Whether the schema is the one that this program was written for. */
  isCurrent: (db: Executor) => Promise<boolean>;
  /** Called when the database went away and when it is back, with the error of the driver, if there is one. */
  onChange?: (isThere: boolean, reason?: unknown) => void;
}

/** Milliseconds between two looks, and after which an answer is missed. */
const pause = 500;
const patience = 1_000;
/** Looks between two at the schema. */
const schemaEvery = 10;
/** Looks without any answer, after which those who wait on the pool's connections are told: it is 5 s and more. */
const silentLooks = 4;

class Silence extends Error {}

/**
 * Watches a server.
 * @param options of a connection
 * @param onSilence called at each look once the server has kept silent for seconds: neither answers nor refuses
 */
export function watchServer(
  options: pg.ClientConfig,
  { isCurrent, onChange }: Watching,
  onSilence: () => void,
): Watch {
  const health: Health = { database: false, migrations: false };
  const stopping = new AbortController();
  const { signal } = stopping;
  let client: pg.Client | null = null;
  let isKnown = false;

  function tell(isThere: boolean, reason?: unknown): void {
    const changed = isKnown ? isThere !== health.database : !isThere;
    isKnown = true;
    health.database = isThere;
    if (changed) onChange?.(isThere, reason);
  }

  /** Forgets a connection that broke or keeps silent. */
  function drop(broken: pg.Client): void {
    if (client === broken) client = null;
    broken.connection.stream.destroy();
  }

  async function connected(): Promise<pg.Client> {
    if (client) return client;
    const fresh = new pg.Client({
      ...options,
      connectionTimeoutMillis: patience,
      application_name: "grand-market health",
      options: `-c statement_timeout=${patience} -c lock_timeout=${pause}`,
    });
    fresh.on("error", (error) => {
      const current = client === fresh;
      drop(fresh);
      if (current && !signal.aborted) tell(false, error);
    });
    await fresh.connect();
    client = fresh;
    return fresh;
  }

  /** Waits for an answer, for so long. */
  async function inTime<T>(answer: Promise<T>): Promise<T> {
    const done = new AbortController();
    answer.catch(() => {});
    const late = async () => {
      await setTimeout(patience, undefined, { signal: done.signal, ref: false });
      // After a stall of this process the answer may be there and not read yet.
      await setImmediate();
      await setImmediate();
      throw new Silence();
    };
    const silence = late();
    silence.catch(() => {});
    return Promise.race([answer, silence]).finally(() => done.abort());
  }

  async function look(count: number): Promise<void> {
    const current = await connected();
    try {
      await inTime(current.query("select 1"));
    } catch (error) {
      drop(current);
      throw error;
    }
    tell(true);
    if (health.migrations && count % schemaEvery !== 0) return;
    // Of a schema that cannot be looked at just now, because it is being changed, the last look stands.
    const seen = isCurrent(drizzle(current, { schema }));
    health.migrations = await inTime(seen).catch(() => health.migrations);
  }

  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });

  async function watch(): Promise<void> {
    let silent = 0;
    for (let count = 0; !signal.aborted; count++) {
      try {
        await look(count);
        silent = 0;
      } catch (error) {
        if (signal.aborted) break;
        tell(false, error instanceof Silence ? undefined : error);
        silent = isSilence(error) ? silent + 1 : 0;
        if (silent >= silentLooks) onSilence();
      }
      begin();
      await setTimeout(pause, undefined, { signal, ref: false }).catch(() => {});
    }
    begin();
  }
  const ended = watch();

  return {
    health: () => ({ ...health }),
    begun,
    stop: async () => {
      stopping.abort();
      if (client) drop(client);
      await ended;
      if (client) drop(client);
    },
  };
}

/** No answer at all, also to the attempt to connect; a refusal is an answer. */
const isSilence = (error: unknown) =>
  error instanceof Silence || (error instanceof Error && error.message === "timeout expired");
