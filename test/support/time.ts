/** Waiting for what is to come, and being there already. */
import { setTimeout } from "node:timers/promises";
import type { Test } from "tap";
import { sessions } from "../../db/schema/sessions.ts";
import { clock, instantIn } from "../../src/lib/clock.ts";
import type { Market } from "./market.ts";

/** Waits until something holds, and gives it; the test's own time-out ends a wait in vain. */
export async function until<T>(
  look: () => T | false | undefined | Promise<T | false | undefined>,
  pause = 20,
): Promise<T> {
  for (;;) {
    const found = await look();
    if (found) return found;
    await setTimeout(pause);
  }
}

/** Lets time stand still until the tests of the file have ended, but for `later`. */
export function stopClock(t: Test): void {
  const { now } = clock;
  const at = now();
  clock.now = () => at;
  t.teardown(() => {
    clock.now = now;
  });
}

/** Runs `work` so many seconds later, by the one clock; tokens and sign-ins must outlive it. */
export async function later<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  const { now } = clock;
  clock.now = () => new Date(now().getTime() + seconds * 1000);
  try {
    return await work();
  } finally {
    clock.now = now;
  }
}

/** The same; whoever is signed in stays so for a day more. */
export async function laterSignedIn<T>(
  { database: { db } }: Pick<Market, "database">,
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  await db.update(sessions).set({ expiresAt: instantIn(Math.max(seconds, 0) + 24 * 60 * 60) });
  return later(seconds, work);
}
