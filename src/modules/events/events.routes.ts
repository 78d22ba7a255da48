import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { executorThrough } from "../../database/connect.ts";
import { type Access, type Actor, refusalOf } from "../../lib/access.ts";
import { databaseTime } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { within } from "../../plugins/authentication.ts";
import type { App } from "../../plugins/contract.ts";
import { findActor } from "../sessions/sessions.service.ts";
import { EventPage, ListEventsQuery } from "./events.schema.ts";
import { listEvents } from "./events.service.ts";
import { makeStreams } from "./streams.service.ts";

const ndjson = "application/x-ndjson";
const sse = "text/event-stream";
const access: Access = { scope: "events:read" };

/** Milliseconds that a stream lasts at most; its reader comes back then. */
const longest = 600_000;

/** The position that a reader of a stream had come to when it was cut off. */
function lastEventId({ headers }: FastifyRequest): number | null {
  const given = headers["last-event-id"];
  if (given === undefined || given === "") return null;
  if (/^\d{1,15}$/.test(String(given))) return Number(given);
  throw new AppError("request.invalid", {
    faults: [{ header: "Last-Event-ID", code: "invalid_format" }],
  });
}

export default async function eventRoutes(app: App) {
  const { db } = app.database;
  const { publicUrl, secondFactorRoles: proving, uploadSeconds } = app.config;
  const begin = makeStreams({
    // Many streams that the same change wakes leave the connections to others.
    db: executorThrough(app.database.pool, () => app.gate.enter([{ name: "streams", most: 2 }])),
    publicUrl,
    isStopping: () => app.draining.now,
  });

  /** Who called, as they are now; null when they may not read the feed any more. */
  async function renew({ id, sessionId, scopes }: Actor): Promise<Actor | null> {
    const actor = await findActor(app.callerDb, id, sessionId);
    if (!actor) return null;
    const now = within(actor, scopes ?? []);
    return refusalOf(access, now, { reads: true, proving }) ? null : now;
  }

  /** Milliseconds for which a token is valid still. */
  function lifeOf({ headers }: FastifyRequest): number {
    const token = String(headers.authorization).replace(/^bearer +/i, "");
    const { exp = 0 } = app.jwt.decode<{ exp?: number }>(token) ?? {};
    return exp * 1000 - databaseTime();
  }

  async function stream(request: FastifyRequest, reply: FastifyReply, query: ListEventsQuery) {
    const { caller } = request;
    const { after = 0, limit: _, ...filter } = query;
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const text = await begin({
      reader: caller,
      renew: () => renew(caller),
      filter,
      position: lastEventId(request) ?? after,
      // Replies that last longer than files may are cut.
      life: Math.min(longest, uploadSeconds * 1000, lifeOf(request)),
      gone: gone.signal,
    });
    reply.type(sse).header("x-accel-buffering", "no");
    return reply.send(Readable.from(text, { highWaterMark: 1 }) as never);
  }

  app.get(
    "/v1/events",
    {
      config: {
        access,
        pagesBy: "after",
        errors: ["event.no_longer_kept", "event.too_many_streams"],
      },
      schema: {
        operationId: "listEvents",
        summary: "What happened, in order",
        description:
          "Every change that the caller may see, in commit order without gaps: ask again with `after` = `page.next`. Each event is there once, as long as the market keeps events (30 days at least), for whoever had a part in its subject then and has it still; a machine client needs the reading scope of what it is about too. Public listings' events are there for everybody. An event says what it is about, not what it says: read that at `subject`. With `Accept: application/x-ndjson` an event a line; with `Accept: text/event-stream` server-sent events as they come, from `Last-Event-ID` or `after` on, until the token ends or ten minutes have passed: come back with the last id then.",
        tags: ["events"],
        querystring: ListEventsQuery,
        response: {
          200: {
            description: "A page of the feed.",
            content: {
              "application/json": { schema: EventPage },
              [ndjson]: { schema: z.string() },
              [sse]: { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { accept = "" } = request.headers;
      if (accept.includes(sse) && request.method === "GET") {
        return stream(request, reply, request.query);
      }
      const found = await listEvents(db, request.caller, request.query, publicUrl);
      if (!accept.includes(ndjson)) return found;
      reply.type(ndjson);
      return found.data.map((event) => `${JSON.stringify(event)}\n`).join("") as never;
    },
  );
}
