import { z } from "zod";
import type { App } from "../../plugins/contract.ts";
import { EventPage, ListEventsQuery } from "./events.schema.ts";
import { listEvents } from "./events.service.ts";

const ndjson = "application/x-ndjson";

export default async function eventRoutes(app: App) {
  const { db } = app.database;
  const { publicUrl } = app.config;

  app.get(
    "/v1/events",
    {
      config: {
        access: { scope: "events:read" },
        pagesBy: "after",
        errors: ["event.no_longer_kept"],
      },
      schema: {
        operationId: "listEvents",
        summary: "What happened, in order",
        description:
          "Every change that the caller may see, in commit order without gaps: ask again with `after` = `page.next`. Each event is there once, as long as the market keeps events (30 days at least), for whoever had a part in its subject then and has it still; a machine client needs the reading scope of what it is about too. Public listings' events are there for everybody. An event says what it is about, not what it says: read that at `subject`. With `Accept: application/x-ndjson` an event a line.",
        tags: ["events"],
        querystring: ListEventsQuery,
        response: {
          200: {
            description: "A page of the feed.",
            content: {
              "application/json": { schema: EventPage },
              [ndjson]: { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const found = await listEvents(db, request.caller, request.query, publicUrl);
      if (!request.headers.accept?.includes(ndjson)) return found;
      reply.type(ndjson);
      return found.data.map((event) => `${JSON.stringify(event)}\n`).join("") as never;
    },
  );
}
