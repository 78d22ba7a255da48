import { drizzle, type NodePgDatabase, type NodePgQueryResultHKT } from "drizzle-orm/node-postgres";
import type { PgDatabase } from "drizzle-orm/pg-core";
import pg from "pg";
import * as schema from "../../db/schema/index.ts";
import { type Watch, type Watching, watchServer } from "./watch.ts";

/** Where queries run: the pool, or the transaction that a route opened. First argument of all below. */
export type Executor = PgDatabase<NodePgQueryResultHKT, typeof schema>;

export interface Database {
  db: NodePgDatabase<typeof schema>;
  pool: pg.Pool;
  /** Begins to watch whether it answers. */
  watch: (watching: Watching) => Watch;
  /** Closes the pool, then whatever serves it. */
  close: () => Promise<void>;
}

/** Milliseconds after which the server ends a statement; a request never waits longer for one. */
const statementTimeout = 15_000;

/** Milliseconds that a transaction may do nothing: a frozen process must not keep its locks for long. */
const idleTransactionTimeout = 10_000;

/** What a process that serves callers holds its sessions to; migrations and scripts take their time. */
export interface Limits {
  /** Milliseconds that a statement waits for a lock. */
  lockTimeout: number;
}

/**
 * Opens a pool on a PostgreSQL server. Sessions run in UTC, which `instant` columns count on, and
 * without JIT, which costs more than it brings for queries of this size. Pages are taken to be in memory
 * or on flash: with the costs of a spinning disk the planner would read a whole table for words that
 * some thousands of rows have.
 */
export function connect(options: pg.PoolConfig, limits?: Limits): Database {
  const session = {
    timezone: "UTC",
    statement_timeout: statementTimeout,
    jit: "off",
    random_page_cost: 1.1,
    ...(limits && {
      lock_timeout: limits.lockTimeout,
      idle_in_transaction_session_timeout: idleTransactionTimeout,
    }),
  };
  const settings: pg.PoolConfig & { pipeline: boolean } = {
    // For a free connection as for a new one: who serves callers tells them soon that there is none.
    connectionTimeoutMillis: limits ? 3_000 : 10_000,
    application_name: "grand-market",
    // Statements go out without waiting for the answers before them (`transact.ts`).
    pipeline: true,
    // A peer that vanished without a word is noticed by the system, not after two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...options,
    options: [
      ...Object.entries(session).map(([name, value]) => `-c ${name}=${value}`),
      ...(options.options ? [options.options] : []),
    ].join(" "),
  };
  const pool = new pg.Pool(settings);
  const busy = new Set<pg.PoolClient>();
  pool.on("acquire", (client) => busy.add(client));
  pool.on("release", (_error, client) => busy.delete(client));
  pool.on("remove", (client) => busy.delete(client));
  pool.on("connect", (client) => {
    // The user of a connection that breaks gets the error from its statement; the pool replaces it. Without
    // listeners, here for those in use and on the pool for the idle ones, it would end the process.
    client.on("error", () => {});
    gatherWrites(client);
  });
  pool.on("error", () => {});
  /** Breaks the connections that wait for a server that does not answer any more. */
  const abandon = () => {
    for (const client of busy) connectionOf(client).stream.destroy();
  };
  return {
    db: drizzle(pool, { schema }),
    pool,
    watch: (watching) => watchServer(options, watching, abandon),
    close: () => pool.end(),
  };
}

// A pool's client has its connection, which the type of one does not say.
const connectionOf = (client: pg.PoolClient) => (client as unknown as pg.Client).connection;

/**
 * What is written to a connection in one turn of the event loop goes out in one packet: statements that
 * are sent together cost one call of the system, not one each.
 */
function gatherWrites(client: pg.PoolClient): void {
  const { stream } = connectionOf(client);
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
  let gathering = false;
  stream.write = (...given: unknown[]) => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      process.nextTick(() => {
        gathering = false;
        stream.uncork();
      });
    }
    return write(...given);
  };
}

/**
 * An executor on the pool whose statements each wait until they are let in.
 * @param enter resolves to what is called when the statement is done
 */
export function executorThrough(
  pool: pg.Pool,
  enter: () => (() => void) | Promise<() => void>,
): Executor {
  const query = async (...given: Parameters<pg.Pool["query"]>) => {
    const leave = await enter();
    try {
      return await pool.query(...given);
    } finally {
      leave();
    }
  };
  const narrowed: pg.Pool = Object.create(pool, { query: { value: query } });
  return drizzle(narrowed, { schema });
}
