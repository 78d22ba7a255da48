/** The embedded database's own log: without a server's background processes, nobody else keeps it short. */
import type pg from "pg";

/**
 * Bytes of the embedded database's disk that no change may use: a segment of its log has 16 MB, and
 * without room for the next one the engine stops.
 */
export const embeddedReserve = 24 * 1024 * 1024;

/** Bytes of log that are written before it is cut. */
const longest = 32 * 1024 * 1024;

const lookEvery = 3_000;

/**
 * Cuts the log now and then: a server does it in a process of its own, which is missing here, so that
 * the log of a long-lived process would fill the disk. Tens of milliseconds for each cut.
 * @returns a function that ends this
 */
export function keepLogShort(pool: pg.Pool): () => Promise<void> {
  let looking: Promise<void> = Promise.resolve();
  const look = async () => {
    const found = await pool.query<{ due: boolean }>(
      "select pg_current_wal_insert_lsn() - redo_lsn > $1::numeric as due from pg_control_checkpoint()",
      [longest],
    );
    if (found.rows[0]?.due) await pool.query("checkpoint");
  };
  const timer = setInterval(() => {
    // While it is away or full, requests tell of it; the next look comes.
    looking = look().catch(() => {});
  }, lookEvery).unref();
  return () => {
    clearInterval(timer);
    return looking;
  };
}
