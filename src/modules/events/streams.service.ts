/**
 * The feed as a stream (server-sent events): what comes is sent as it comes. While nothing comes a stream holds
 * no connection to the database; one look a moment tells all streams of a process whether the feed went on.
 */
import { setTimeout } from "node:timers/promises";
import type { Executor } from "../../database/connect.ts";
import { AppError } from "../../lib/errors.ts";
import {
  type EventFilter,
  endOfFeed,
  type Read,
  type Reader,
  selectEventsAfter,
} from "./events.service.ts";

/** Streams of one caller that a process has open at a time, and of all callers. */
const mostOfOne = 3;
const mostOfAll = 100;

/** Milliseconds between two looks whether the feed went on. */
const pause = 500;

/** Milliseconds without an event after which a stream shows that it is alive, and who reads it is asked for again. */
const heartbeat = 15_000;

/** Events that are read at once. */
const batch = 100;

interface Parts {
  /** Takes a part of the connections only. */
  db: Executor;
  publicUrl: string;
  /** The process is about to stop: streams end, and their readers go on elsewhere. */
  isStopping: () => boolean;
}

export interface Listening {
  /** Who reads. */
  reader: Reader;
  /** The same as they are now; null when they may not read any more. */
  renew: () => Promise<Reader | null>;
  filter: EventFilter;
  position: number;
  /** Milliseconds after which it ends by itself; its reader comes back with the last id. */
  life: number;
  /** The reader has gone. */
  gone: AbortSignal;
}

/** Events as they travel; the last line lets a reader come back where nothing was left to tell. */
const textOf = ({ events, next }: Read): string =>
  [
    ...events.map(({ position, event }) => `id: ${position}\ndata: ${JSON.stringify(event)}\n\n`),
    `: \nid: ${next}\n\n`,
  ].join("");

/** The streams of a process. */
export function makeStreams({ db, publicUrl, isStopping }: Parts) {
  const open = new Map<string, number>();
  let count = 0;
  let end = 0;
  let look: Promise<void> | null = null;

  /** The next look, which all wait for together. */
  const nextLook = (): Promise<void> => {
    look ??= (async () => {
      await setTimeout(pause, undefined, { ref: false });
      try {
        end = Math.max(end, await endOfFeed(db));
      } finally {
        look = null;
      }
    })();
    return look;
  };

  const read = (reader: Reader, position: number, filter: EventFilter) =>
    selectEventsAfter(db, reader, position, filter, { limit: batch, publicUrl });

  /** Takes a place for a caller. @throws AppError `event.too_many_streams` (429) */
  function enter(id: string): () => void {
    const own = open.get(id) ?? 0;
    if (own >= mostOfOne || count >= mostOfAll) throw new AppError("event.too_many_streams");
    open.set(id, own + 1);
    count += 1;
    return () => {
      const left = (open.get(id) ?? 1) - 1;
      if (left > 0) open.set(id, left);
      else open.delete(id);
      count -= 1;
    };
  }

  async function* listen(first: Read, listening: Listening): AsyncGenerator<string> {
    const { renew, filter, life, gone } = listening;
    const over = performance.now() + life;
    let found = first;
    // A browser comes back after this many milliseconds.
    yield `retry: 2000\n\n${textOf(found)}`;
    let told = performance.now();
    const isOver = () => gone.aborted || isStopping() || performance.now() > over;
    while (!isOver()) {
      if (!found.hasMore) await nextLook();
      const isDue = performance.now() - told > heartbeat;
      if (!found.hasMore && end <= found.next && !isDue) continue;
      if (isOver()) return;
      // Who has lost a role meanwhile reads nothing of what it was for, nor does a sign-in that has ended.
      const reader = await renew();
      if (!reader) return;
      found = await read(reader, found.next, filter);
      if (found.events.length === 0 && !isDue) continue;
      yield textOf(found);
      told = performance.now();
    }
  }

  /**
   * Begins a stream.
   * @returns its text, as it comes
   * @throws AppError as `selectEventsAfter`, `event.too_many_streams` (429)
   */
  return async function begin(listening: Listening): Promise<AsyncGenerator<string>> {
    const { reader, position, filter, gone } = listening;
    const leave = enter(reader.id);
    try {
      const first = await read(reader, position, filter);
      if (gone.aborted) leave();
      else gone.addEventListener("abort", leave, { once: true });
      return listen(first, listening);
    } catch (error) {
      leave();
      throw error;
    }
  };
}
