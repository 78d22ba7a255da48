import { z } from "zod";
import { instant, uuid, wholeNumber } from "../../lib/wire.ts";
import { eventTypes, subjectTypes } from "./events.types.ts";

export const EventType = z.enum(eventTypes).meta({
  id: "EventType",
  description:
    "What happened, as in the audit log: the subject's kind and the step. Later versions may add some.",
});

/** CloudEvents 1.0 in structured mode, of the feed and of webhooks alike. */
export const Event = z
  .object({
    specversion: z.literal("1.0"),
    id: uuid.describe("The same each time that the event is told."),
    source: z.url().describe("The market that tells it."),
    type: EventType,
    subject: z
      .string()
      .describe("Path of what it is about: read there how it stands now.")
      .meta({ example: "/v1/needs/01980000-0000-7000-8000-000000000000" }),
    time: instant.describe("When the change began; the order is that of `sequence`."),
    datacontenttype: z.literal("application/json"),
    sequence: z
      .string()
      .regex(/^\d{1,16}$/)
      .describe(
        "Place in the feed: a whole number that grows, with gaps. It is what `after` takes.",
      ),
    data: z.object({
      subjectType: z.enum(subjectTypes),
      subjectId: uuid,
      status: z
        .object({ from: z.string().nullable(), to: z.string().nullable() })
        .nullable()
        .describe(
          "Null when it stayed; `from` is null of what was made, `to` of what was removed.",
        ),
      requestId: z
        .string()
        .nullable()
        .describe("Of the request that did it, if that was one of the caller's own organization."),
    }),
  })
  .meta({ id: "Event" });
export type Event = z.output<typeof Event>;

export const EventPage = z
  .object({
    data: z.array(Event),
    page: z.object({
      next: z
        .string()
        .describe("`after` of the next page, also when there is nothing yet: ask again with it."),
      hasMore: z.boolean(),
    }),
  })
  .meta({ id: "EventPage" });
export type EventPage = z.output<typeof EventPage>;

export const ListEventsQuery = z.strictObject({
  after: wholeNumber(0)
    .optional()
    .describe(
      "`page.next` of the page before, or an event's `sequence`. From the oldest one when absent.",
    ),
  limit: wholeNumber(1, 1000).default(100).describe("How many events a page holds."),
  types: z
    .string()
    .transform((text) => [...new Set(text.split(","))])
    .pipe(z.array(z.enum(eventTypes)))
    .optional()
    .describe("Only of these types, with commas between them."),
  subjectType: z.enum(subjectTypes).optional(),
  subjectId: uuid.optional(),
});
export type ListEventsQuery = z.output<typeof ListEventsQuery>;
