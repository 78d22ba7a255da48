// What the embedded database's thread knows of its engine. Plain JavaScript, like the thread itself.

import { exit } from "node:process";
import { PGlite } from "@electric-sql/pglite";

/**
 * How it is started. Of its log it keeps what two segments hold, which have 16 MB each: the default, made
 * for servers, is up to a gigabyte.
 */
export const startParams = [
  ...PGlite.defaultStartParams,
  ...["-c", "min_wal_size=32MB", "-c", "max_wal_size=64MB"],
];

/**
 * A statement that fails is answered. When the engine itself fails (no memory, no room for its log), its
 * memory cannot be trusted: this thread ends, and another is started. PGlite hides such a failure, and at
 * the next message would ask the engine for ever; so it is caught where the engine is called.
 * @param {PGlite} db
 */
export function endWhenBroken(db) {
  /**
   * What its types keep to itself.
   * @type {{ mod: { _PostgresMainLoopOnce: () => unknown }; POSTGRES_MAIN_LONGJMP: number }}
   */
  const engine = /** @type {never} */ (db);
  /** @type {unknown} */
  let failure = null;
  const once = engine.mod._PostgresMainLoopOnce;
  engine.mod._PostgresMainLoopOnce = () => {
    if (failure) exit(1);
    try {
      return once();
    } catch (error) {
      // The way of a statement's error through C code; anything else is the engine's end.
      const { status } = /** @type {{ status?: number }} */ (error);
      if (status !== engine.POSTGRES_MAIN_LONGJMP) failure = error;
      throw error;
    }
  };
  const run = db.execProtocolRawStream.bind(db);
  db.execProtocolRawStream = async (...given) => {
    try {
      await run(...given);
      if (failure) throw failure;
    } catch (error) {
      // The socket server would wait for ever. What the engine still said goes out first.
      setImmediate(() => {
        throw error;
      });
      throw error;
    }
  };
}
