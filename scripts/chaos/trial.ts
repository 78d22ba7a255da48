/** One trial: a load on a market, the trouble, and what came of it. */
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type Load, type Rates, startLoad } from "./load.ts";
import type { Market } from "./market.ts";
import { verify } from "./verify.ts";

export interface Figures {
  name: string;
  acknowledged: number;
  lost: number;
  doubled: number;
  /** How often each status came. */
  codes: Record<string, number>;
  /** Seconds from the return to the first acknowledged write; null: there was no outage. */
  recovery: number | "never" | null;
  /** Processes that ended and that nobody ended. */
  died: number;
  /** Milliseconds of the slowest answer of `/readyz`. */
  readyz: number;
  /** Milliseconds that 99 of 100 reads took at most. */
  reads: number;
  notes: string[];
  faults: string[];
}

/** What a trouble works with. */
export interface Scene {
  market: Market;
  load: Load;
  seconds: number;
  /** Says that all is there again: from now on it is measured how long writes take to come back. */
  returned: () => Promise<void>;
  note: (what: string) => void;
  fault: (what: string) => void;
}

/** Seconds in which writes must be taken again. */
export const recoveryLimit = 2;

/** Milliseconds in which `/readyz` must answer in every state. */
const healthLimit = 1_000;

/** Seconds of undisturbed load before and after. */
const calm = 1;

/** Milliseconds in which `/readyz` answers, for some seconds on end, once the code of a process has run often enough. */
const warm = 200;
const warmSeconds = 3;

/** Seconds that a process has for that; what is cold after it is disturbed as it is. */
const longestWarming = 20;

const ninetyNinth = (times: number[]): number => {
  const sorted = times.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0);
};

/** Has every process asked five times a second whether it is ready, and keeps the slowest answer. */
function watchReadiness(market: Market) {
  let slowest = 0;
  const probers = market.members.map((member) => {
    const prober = new Worker(new URL("./prober.js", import.meta.url), { workerData: member.url });
    prober.on("message", ({ from, to }: { from: number; to: number }) => {
      const [began, ended] = [from - performance.timeOrigin, to - performance.timeOrigin];
      // One that is down on purpose does not answer at all.
      if (!member.wasEnded(began, ended)) slowest = Math.max(slowest, ended - began);
    });
    return prober;
  });
  const take = () => {
    const taken = slowest;
    slowest = 0;
    return taken;
  };
  return {
    /** Milliseconds of the slowest answer since this was asked last. */
    take,
    stop: async () => {
      await Promise.all(probers.map((prober) => prober.terminate()));
      return Math.round(take());
    },
  };
}

/**
 * Lets the load run undisturbed until a process that was just started is warm: two cold ones and their load want
 * more than two cores have, and then it is the machine that is measured.
 */
async function warmUp({ take }: { take: () => number }): Promise<void> {
  let inARow = 0;
  for (let second = 0; second < longestWarming && inARow < warmSeconds; second++) {
    take();
    await setTimeout(1000);
    inARow = take() <= warm ? inARow + 1 : 0;
  }
}

/**
 * Runs a trouble under load and verifies the market afterwards.
 * @param run a number that no other trial on this market has: it makes names its own
 */
export async function tryOut(
  name: string,
  run: number,
  market: Market,
  rates: Rates,
  seconds: number,
  trouble: (scene: Scene) => Promise<void>,
): Promise<Figures> {
  const notes: string[] = [];
  const faults: string[] = [];
  const recoveries: (number | null)[] = [];
  const deathsBefore = market.deaths.length;
  const health = watchReadiness(market);
  const load = startLoad(market, `${name} ${run}`, rates);
  const returned = async () => {
    recoveries.push(await load.recovery(performance.now()));
  };
  await warmUp(health);
  await setTimeout(calm * 1000);
  try {
    const scene = { market, load, seconds, returned, note: (what: string) => notes.push(what) };
    await trouble({ ...scene, fault: (what) => faults.push(what) });
    await setTimeout(calm * 1000);
  } catch (error) {
    faults.push(String(error));
  }
  await load.stop();
  const readyz = await health.stop();
  await load.settle().catch((error: Error) => faults.push(error.message));
  const kept = await verify(market, load).catch((error: Error) => ({
    ...{ acknowledged: 0, lost: 0, doubled: 0 },
    faults: [`it could not be verified: ${error.message}`],
  }));
  const isBack = recoveries.every((each) => each !== null && each <= recoveryLimit);
  const slowest = Math.max(...recoveries.map((each) => each ?? 0));
  const recovery = recoveries.includes(null) ? "never" : Number(slowest.toFixed(2));
  if (!isBack) faults.push(`writes were not back within ${recoveryLimit} s`);
  if (readyz > healthLimit) faults.push(`/readyz took ${Math.round(readyz)} ms`);
  const deaths = market.deaths.slice(deathsBefore);
  return {
    name,
    acknowledged: kept.acknowledged,
    lost: kept.lost,
    doubled: kept.doubled,
    codes: load.tally.codes,
    recovery: recoveries.length === 0 ? null : recovery,
    died: deaths.length,
    readyz,
    reads: ninetyNinth(load.tally.readTimes),
    notes,
    faults: [...faults, ...load.tally.faults, ...kept.faults, ...deaths],
  };
}
