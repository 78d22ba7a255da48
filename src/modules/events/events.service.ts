/**
 * The event feed: every change of a lifecycle, for whoever may see what it is about.
 *
 * An event is a sealed audit record, at its place in the log: whoever has read up to a position has missed
 * nothing before it (`docs/decisions/009-log-sealed-afterwards.md`). It holds ids, type and status, nothing of
 * what changed and not who changed it.
 */
import type { Executor } from "../../database/connect.ts";
import { instantIn } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Event, EventPage, ListEventsQuery } from "./events.schema.ts";
import * as store from "./events.store.ts";
import { type EventType, eventTypes, type SubjectType, toldAbout } from "./events.types.ts";

export type Reader = store.Reader;

/** What of the feed is asked for; absent: everything. */
export type EventFilter = Pick<ListEventsQuery, "types" | "subjectType" | "subjectId">;

/** An event with its place. */
export interface Placed {
  position: number;
  event: Event;
}

/** Some of the feed, from a position on. */
export interface Read {
  events: Placed[];
  /** Where to read on: nothing up to here is left to be told. */
  next: number;
  hasMore: boolean;
}

/** Positions of the log that are put into the feed at once. */
const batch = 1_000;

/**
 * Puts what is sealed into the feed, some at a time, in order; what a process of a version without a feed has
 * sealed as well.
 * @returns whether there may be more
 */
export async function fillFeed(tx: Executor): Promise<boolean> {
  const position = await store.lockState(tx);
  if (position === undefined) return false;
  const { sealed } = await store.readProgress(tx);
  const to = Math.min(sealed, position + batch);
  if (to <= position) return false;
  await store.fill(tx, position + 1, to);
  return to < sealed;
}

/** Whether something is sealed that the feed has not. */
export async function isBehind(db: Executor): Promise<boolean> {
  const { position, sealed } = await store.readProgress(db);
  return sealed > position;
}

/** Where the feed ends now: a position that never grows smaller. */
export const endOfFeed = async (db: Executor): Promise<number> =>
  (await store.readProgress(db)).position;

/** Addresses of what is no collection of its own name. */
const paths: Partial<Record<SubjectType, (found: store.FoundEvent) => string>> = {
  amendment: ({ parentId, subjectId }) => `/v1/contracts/${parentId}/amendments/${subjectId}`,
  payment: ({ parentId }) => `/v1/contracts/${parentId}/payments`,
  match: ({ subjectId }) => `/v1/matches/${subjectId}`,
  member: ({ organizationId, subjectId }) =>
    `/v1/organizations/${organizationId}/members/${subjectId}`,
};

const subjectOf = (found: store.FoundEvent): string =>
  paths[found.subjectType as SubjectType]?.(found) ??
  `/v1/${found.subjectType.replaceAll("_", "-")}s/${found.subjectId}`;

function toEvent(found: store.FoundEvent, publicUrl: string): Event {
  const { position, id, type, at, subjectId, statusFrom, statusTo, requestId } = found;
  const isMoved = statusFrom !== null || statusTo !== null;
  return {
    specversion: "1.0",
    id,
    source: publicUrl,
    type: type as EventType,
    subject: subjectOf(found),
    time: at,
    datacontenttype: "application/json",
    sequence: String(position),
    data: {
      subjectType: found.subjectType as SubjectType,
      subjectId,
      status: isMoved ? { from: statusFrom, to: statusTo } : null,
      requestId,
    },
  };
}

/**
 * The events after a position that a reader may see now, in the order in which they were committed. It is what the
 * feed, its streams and webhooks are made of: asked again with `next`, it gives each event once.
 * @param position 0: from the oldest one that is kept
 * @param publicUrl the market's address, which is the events' source
 * @throws AppError `event.no_longer_kept` (410) when events after the position are gone, `request.invalid` (400)
 *   for a position that the feed has not reached
 */
export async function selectEventsAfter(
  db: Executor,
  reader: Reader,
  position: number,
  filter: EventFilter,
  { limit, publicUrl }: { limit: number; publicUrl: string },
): Promise<Read> {
  const told = toldAbout(reader);
  const subjectTypes = filter.subjectType ? told.filter((one) => one === filter.subjectType) : told;
  const wanted = {
    types: filter.types ?? eventTypes,
    subjectTypes,
    subjectId: filter.subjectId ?? null,
  };
  const { rows, end, forgotten } = await store.selectEvents(
    db,
    reader,
    position,
    wanted,
    limit + 1,
  );
  if (position > 0 && position < forgotten) {
    throw new AppError("event.no_longer_kept", {
      detail: {
        en: `Events up to position ${forgotten} are gone. Read the lists anew, and the feed from there.`,
        zh: `位置 ${forgotten} 及之前的事件已清除。请重新读取各列表，再从该位置继续读取。`,
      },
    });
  }
  if (position > end) {
    throw new AppError("request.invalid", {
      faults: [{ parameter: "after", code: "position.beyond_head" }],
    });
  }
  const kept = rows.slice(0, limit);
  const hasMore = rows.length > limit;
  return {
    events: kept.map((found) => ({
      position: found.position,
      event: toEvent(found, publicUrl),
    })),
    // Where nothing more is, the page reaches to the feed's end, whoever's events lie between.
    next: hasMore ? (kept.at(-1)?.position ?? position) : end,
    hasMore,
  };
}

/** A page of the feed. @throws AppError as `selectEventsAfter` */
export async function listEvents(
  db: Executor,
  reader: Reader,
  { after = 0, limit, ...filter }: ListEventsQuery,
  publicUrl: string,
): Promise<EventPage> {
  const read = await selectEventsAfter(db, reader, after, filter, { limit, publicUrl });
  return {
    data: read.events.map(({ event }) => event),
    page: { next: String(read.next), hasMore: read.hasMore },
  };
}

/** Events that are removed at once. */
const removedAtOnce = 1_000;

/**
 * Removes events that were sealed more than so many days ago, some at a time.
 * @returns whether there may be more
 */
export const forgetEvents = async (tx: Executor, days: number): Promise<boolean> =>
  (await store.forget(tx, instantIn(-days * 86_400), removedAtOnce)) === removedAtOnce;
