/**
 * A gate before something that there is little of: who wants what many others already hold waits here,
 * and takes none of it meanwhile.
 */
import { AppError } from "./errors.ts";
import { chance } from "./ids.ts";

/** What a holder stands for, and how many of its kind may hold at a time. */
export interface Place {
  name: string;
  most: number;
  /** Of all of one kind, such as all writers: that one of them is slow says nothing of the others. */
  isWide?: boolean;
}

export interface GateOptions {
  /** Milliseconds after which a holder counts as stuck, and further ones of its places as likely to be. */
  stuckAfter: number;
  /** How many may be stuck, or likely to, at a time. */
  stuckMost: number;
  /** Milliseconds that somebody waits at most. */
  patience: number;
  /** How many may wait for one place. */
  longestQueue: number;
}

/** Gives back what was entered; a second call does nothing. */
export type Leave = () => void;

export interface Gate {
  /**
   * Enters all places together, or waits until it can: then a promise.
   * @throws AppError `server.unavailable` (503) after the patience, `server.overloaded` when too many wait
   */
  enter: (places: readonly Place[]) => Leave | Promise<Leave>;
  waiting: () => number;
}

interface Holder {
  since: number;
  places: readonly Place[];
  /** It entered a place where somebody was stuck. */
  isSuspect: boolean;
}

interface Waiter {
  places: readonly Place[];
  admit: (leave: Leave) => void;
}

export function makeGate({ stuckAfter, stuckMost, patience, longestQueue }: GateOptions): Gate {
  /** The holders of each place, the oldest first. */
  const holders = new Map<string, Set<Holder>>();
  const all = new Set<Holder>();
  const waiters = new Set<Waiter>();
  const waitingFor = new Map<string, number>();

  const isStuck = (holder: Holder | undefined, now: number) =>
    holder !== undefined && now - holder.since > stuckAfter;

  /** Whether somebody is stuck in one of the places. */
  const isSuspect = (places: readonly Place[], now: number) =>
    places.some(
      ({ name, isWide }) => !isWide && isStuck(holders.get(name)?.values().next().value, now),
    );

  function tryEnter(places: readonly Place[]): Leave | null {
    if (places.some(({ name, most }) => (holders.get(name)?.size ?? 0) >= most)) return null;
    const now = performance.now();
    const suspect = isSuspect(places, now);
    if (suspect) {
      let count = 0;
      for (const one of all) if (one.isSuspect || isStuck(one, now)) count++;
      if (count >= stuckMost) return null;
    }
    const holder = { since: now, places, isSuspect: suspect };
    all.add(holder);
    for (const { name } of places) {
      const inPlace = holders.get(name);
      if (inPlace) inPlace.add(holder);
      else holders.set(name, new Set([holder]));
    }
    return () => leave(holder);
  }

  function leave(holder: Holder): void {
    if (!all.delete(holder)) return;
    for (const { name } of holder.places) {
      const inPlace = holders.get(name);
      inPlace?.delete(holder);
      if (inPlace?.size === 0) holders.delete(name);
    }
    // In the order in which they came, each that fits now.
    for (const waiter of waiters) {
      const entered = tryEnter(waiter.places);
      if (entered) waiter.admit(entered);
    }
  }

  const countWaiting = (places: readonly Place[], change: 1 | -1) => {
    for (const { name } of places) {
      const count = (waitingFor.get(name) ?? 0) + change;
      if (count === 0) waitingFor.delete(name);
      else waitingFor.set(name, count);
    }
  };

  function wait(places: readonly Place[]): Promise<Leave> {
    if (places.some(({ name }) => (waitingFor.get(name) ?? 0) >= longestQueue)) {
      throw new AppError("server.overloaded", { headers: { "retry-after": "2" } });
    }
    return new Promise((resolve, reject) => {
      const end = () => {
        waiters.delete(waiter);
        countWaiting(places, -1);
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
      const wait = patience * (0.7 + 0.3 * chance());
      const timer = setTimeout(() => {
        end();
        reject(new AppError("server.unavailable", { headers: { "retry-after": "2" } }));
      }, wait);
      waiters.add(waiter);
      countWaiting(places, 1);
    });
  }

  return {
    enter: (places) => tryEnter(places) ?? wait(places),
    waiting: () => waiters.size,
  };
}
