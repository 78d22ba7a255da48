import { z } from "zod";
import { listingNouns } from "../../../db/schema/listings.ts";
import { changesQuery } from "../../lib/changes.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { instant, line, uuid } from "../../lib/wire.ts";
import { searchPageOf } from "../listings/search.schema.ts";
import { ListNeedsQuery, NeedSummary } from "../needs/needs.schema.ts";
import { ListResultsQuery, ResultSummary } from "../results/results.schema.ts";

/** Of the list's parameters these tell how it is shown, not what is in it. */
const notSaved = ["cursor", "limit", "sort", "include", "scope", "fields", "expand"];

/** Parameters of a list, as they are written in its address, checked by the list's own rules. */
const queryOf = (list: z.ZodType) =>
  z.record(z.string().max(60), z.string().max(500)).superRefine((query, context) => {
    const kept = Object.entries(query).filter(([name]) => !notSaved.includes(name));
    const keys = notSaved.filter((name) => name in query);
    if (keys.length > 0) {
      context.addIssue({ code: "unrecognized_keys", keys, input: query, path: [] });
    }
    const parsed = list.safeParse(Object.fromEntries(kept), { reportInput: true });
    for (const issue of parsed.error?.issues ?? []) context.addIssue({ ...issue });
  });

const name = line(80);

/** What an owner writes of a saved search, for each kind of listing. */
export const SavedSearchDetails = {
  result: z.strictObject({ name, query: queryOf(ListResultsQuery) }),
  need: z.strictObject({ name, query: queryOf(ListNeedsQuery) }),
} as const;

export const SavedSearchInput = z
  .discriminatedUnion("noun", [
    SavedSearchDetails.result.extend({ noun: z.literal("result") }),
    SavedSearchDetails.need.extend({ noun: z.literal("need") }),
  ])
  .meta({
    id: "SavedSearchInput",
    description:
      "`query` holds parameters of `GET /v1/results` or `GET /v1/needs` as they are written there, without `cursor`, `limit`, `sort`, `include`, `scope`, `fields` and `expand`.",
    examples: [
      {
        noun: "result",
        name: "豫北 LED 封装",
        query: { q: "LED 封装", regionCode: "410700", "maturity[gte]": "6" },
      },
    ],
  });
export type SavedSearchInput = z.output<typeof SavedSearchInput>;

/** By hand: in the merge patch a parameter may be null, which takes it out of the query. */
export const SavedSearchPatch = z
  .strictObject({
    name: name.optional(),
    query: z
      .record(z.string().max(60), z.string().max(500).nullable())
      .nullable()
      .optional()
      .describe("A parameter that is null is taken out."),
  })
  .meta({
    id: "SavedSearchPatch",
    examples: [{ name: "豫北 LED", query: { "maturity[gte]": null, fieldCode: "01" } }],
  });

export const SavedSearch = z
  .object({
    id: uuid,
    noun: z.enum(listingNouns),
    name: z.string(),
    query: z.record(z.string(), z.string()),
    seenThrough: instant.describe("What was published after this is new."),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: "SavedSearch", description: "A search to repeat. Only its owner sees it." });
export type SavedSearch = z.output<typeof SavedSearch>;

/** How far new listings are counted. */
export const newCountLimit = 100;

export const SavedSearchWithNew = SavedSearch.extend({
  newListings: z
    .object({ exact: z.int().optional(), atLeast: z.int().optional() })
    .describe("New listings: `exact`, or `atLeast` beyond 100."),
}).meta({ id: "SavedSearchWithNew" });
export type SavedSearchWithNew = z.output<typeof SavedSearchWithNew>;

export const ListSavedSearchesQuery = z.strictObject({
  ...pageQuery,
  ...changesQuery("createdAt"),
  noun: z.enum(listingNouns).optional(),
});
export type ListSavedSearchesQuery = z.output<typeof ListSavedSearchesQuery>;

export const ListNewListingsQuery = z.strictObject(pageQuery);
export type ListNewListingsQuery = z.output<typeof ListNewListingsQuery>;

const through = instant
  .optional()
  .describe(
    "On the first page: what to send to `/look` once all pages were read. Half a minute ago, so that nothing is lost that is being published just now; what came in that half minute may be shown twice.",
  );

const pageOfNew = <N extends "result" | "need", T extends z.ZodType>(noun: N, item: T) =>
  searchPageOf(item)
    .omit({ facets: true, nearest: true })
    .extend({ noun: z.literal(noun), through });

/** The reply is one or the other: `noun` tells which. */
export const NewResults = pageOfNew("result", ResultSummary).meta({ id: "NewResults" });
export const NewNeeds = pageOfNew("need", NeedSummary).meta({ id: "NewNeeds" });
export const NewListings = z.union([NewResults, NewNeeds]);

export const LookInput = z
  .strictObject({ through: instant.describe("`through` of the first page that was read.") })
  .meta({ id: "LookInput", examples: [{ through: "2026-03-02T01:30:00.000Z" }] });
export type LookInput = z.output<typeof LookInput>;
