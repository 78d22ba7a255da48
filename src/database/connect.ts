import { drizzle, type NodePgDatabase, type NodePgQueryResultHKT } from "drizzle-orm/node-postgres";
import type { PgDatabase } from "drizzle-orm/pg-core";
import pg from "pg";
import * as schema from "../../db/schema/index.ts";

/** Where queries run: the pool, or the transaction that a route opened. First argument of all below. */
export type Executor = PgDatabase<NodePgQueryResultHKT, typeof schema>;

export interface Database {
  db: NodePgDatabase<typeof schema>;
  pool: pg.Pool;
  /** Closes the pool, then whatever serves it. */
  close: () => Promise<void>;
}

/** Milliseconds after which the server ends a statement; a request never waits longer for one. */
const statementTimeout = 15_000;

/**
 * Opens a pool on a PostgreSQL server. Sessions run in UTC, which `instant` columns count on, and
 * without JIT, which costs more than it brings for queries of this size. Pages are taken to be in memory
 * or on flash: as for a turning disk, words that some thousands have would be read from the whole table.
 */
export function connect(options: pg.PoolConfig): Database {
  const settings: pg.PoolConfig & { pipeline: boolean } = {
    connectionTimeoutMillis: 10_000,
    options: `-c timezone=UTC -c statement_timeout=${statementTimeout} -c jit=off -c random_page_cost=1.1`,
    application_name: "grand-market",
    // Statements go out without waiting for the answers before them (`transact.ts`).
    pipeline: true,
    ...options,
  };
  const pool = new pg.Pool(settings);
  // An idle connection that breaks is replaced on the next use; without a listener it would end the process.
  pool.on("error", () => {});
  pool.on("connect", gatherWrites);
  return { db: drizzle(pool, { schema }), pool, close: () => pool.end() };
}

/**
 * What is written to a connection in one turn of the event loop goes out in one packet: statements that
 * are sent together cost one call of the system, not one each.
 */
function gatherWrites(client: pg.PoolClient): void {
  // A pool's client has its connection, which the type of one does not say.
  const { stream } = (client as unknown as pg.Client).connection;
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
