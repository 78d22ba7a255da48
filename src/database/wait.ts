import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { driverError, explainDatabase } from "../lib/loggable.ts";
import { outageOf } from "../lib/outages.ts";

/** How a start waits. */
export interface Wait {
  /** For so long at most. */
  seconds: number;
  /** Is told what it waits for, once for each reason. */
  tell: (why: string) => void;
}

/** Milliseconds between two attempts. */
export const pause = 500;

/**
 * Waits until the database takes connections. Not for what no waiting mends, a wrong password or a database
 * that is missing: that is told at once.
 * @throws the driver's error after so many seconds
 */
export async function waitForDatabase(pool: pg.Pool, { seconds, tell }: Wait): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (let said = false; ; said = true) {
    try {
      await pool.query("select 1");
      return;
    } catch (error) {
      if (!isWorthWaiting(error) || performance.now() >= until) throw error;
      if (!said) tell(explainDatabase(error));
    }
    await setTimeout(pause);
  }
}

/** Whether waiting may mend it: the database is away, not out of reach for good. */
export function isWorthWaiting(error: unknown): boolean {
  const code = String(driverError(error)?.code);
  return !/^(28|3D)/.test(code) && outageOf(error) !== null;
}
