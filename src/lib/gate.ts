/**
 * A gate before something that there is little of: who wants what many others already hold waits here,
 * and takes none of it meanwhile.
 */
import { AppError } from "./errors.ts";
import { chance } from "./ids.ts";

/** What a holder stands for. */
export interface Place {
  name: string;
  /** How many of its kind may hold at a time. */
  most: number;
  /** It holds many that have little in common: one that was stuck tells nothing about the others. */
  isWide?: boolean;
}

export interface GateOptions {
  /** How many may hold at a time of those who enter where others were stuck. */
  suspectsMost: number;
  /** Milliseconds for which it is remembered where somebody was stuck; one that was not ends it. */
  memory: number;
  /** Milliseconds that somebody waits at most. */
  patience: number;
  /** How many may wait for one place that is not wide. */
  longestQueue: number;
}

/**
 * Gives back what was entered; a second call does nothing.
 * @param wasStuck it waited for a lock in vain
 */
export type Leave = (wasStuck?: boolean) => void;

export interface Gate {
  /**
   * Enters all places together, or waits until it can: then a promise.
   * @throws AppError `server.unavailable` (503) after the patience, `server.overloaded` when too many wait
   */
  enter: (places: readonly Place[]) => Leave | Promise<Leave>;
  waiting: () => number;
}

interface Holder {
  places: readonly Place[];
  /** It entered a place where somebody was stuck. */
  isSuspect: boolean;
}

/** Places that are remembered: somebody stuck in more than these was stuck for another reason. */
const rememberedMost = 10_000;

interface Waiter {
  places: readonly Place[];
  admit: (leave: Leave) => void;
}

function count(counts: Map<string, number>, places: readonly Place[], change: 1 | -1): void {
  for (const { name } of places) {
    const sum = (counts.get(name) ?? 0) + change;
    if (sum === 0) counts.delete(name);
    else counts.set(name, sum);
  }
}

export function makeGate(options: GateOptions): Gate {
  const { suspectsMost, memory, patience, longestQueue } = options;
  /** How many hold each place. */
  const held = new Map<string, number>();
  const waitingFor = new Map<string, number>();
  let suspects = 0;
  const waiters = new Set<Waiter>();
  /** Places where somebody was stuck, and until when they are remembered. */
  const remembered = new Map<string, number>();

  function tryEnter(places: readonly Place[]): Leave | null {
    if (places.some(({ name, most }) => (held.get(name) ?? 0) >= most)) return null;
    const now = performance.now();
    const isSuspect = places.some(({ name }) => (remembered.get(name) ?? 0) > now);
    if (isSuspect && suspects >= suspectsMost) return null;
    if (isSuspect) suspects++;
    count(held, places, 1);
    let hasLeft = false;
    return (wasStuck = false) => {
      if (hasLeft) return;
      hasLeft = true;
      leave({ places, isSuspect }, wasStuck);
    };
  }

  function leave({ places, isSuspect }: Holder, wasStuck: boolean): void {
    count(held, places, -1);
    if (isSuspect) suspects--;
    for (const { name, isWide } of places) {
      if (wasStuck && !isWide) remembered.set(name, performance.now() + memory);
      else if (isSuspect) remembered.delete(name);
    }
    if (remembered.size > rememberedMost) remembered.clear();
    // In the order in which they came, each that fits now.
    for (const waiter of waiters) {
      const entered = tryEnter(waiter.places);
      if (entered) waiter.admit(entered);
    }
  }

  function wait(places: readonly Place[]): Promise<Leave> {
    const isFull = ({ name, isWide }: Place) =>
      !isWide && (waitingFor.get(name) ?? 0) >= longestQueue;
    if (places.some(isFull)) {
      throw new AppError("server.overloaded", { headers: { "retry-after": "2" } });
    }
    return new Promise((resolve, reject) => {
      const end = () => {
        waiters.delete(waiter);
        count(waitingFor, places, -1);
        clearTimeout(timer);
      };
      const waiter: Waiter = {
        places,
        admit: (entered) => {
          end();
          resolve(entered);
        },
      };
      // Not all of a crowd that came at once give up at once.
      const wait = patience * (0.85 + 0.15 * chance());
      const timer = setTimeout(() => {
        end();
        reject(new AppError("server.unavailable", { headers: { "retry-after": "2" } }));
      }, wait);
      waiters.add(waiter);
      count(waitingFor, places, 1);
    });
  }

  return {
    enter: (places) => tryEnter(places) ?? wait(places),
    waiting: () => waiters.size,
  };
}
