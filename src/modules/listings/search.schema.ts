/** What a search says beside its rows: how it was understood, where the words stand, what there is to narrow it by. */
import { z } from "zod";
import { pageOf } from "../../lib/pagination.ts";

/** Prices and budgets in yuan, by which a search is narrowed; the lower bound belongs to the band. */
export const moneyBands = [
  "negotiable",
  "under_100k",
  "100k_500k",
  "500k_1m",
  "1m_5m",
  "over_5m",
] as const;
export type MoneyBand = (typeof moneyBands)[number];

const Counts = z
  .array(z.object({ code: z.string(), count: z.int() }))
  .describe("Codes as the filter of the same name takes them, the most frequent first.");

export const Facets = z
  .object({
    matches: z.int().describe("Listings that were counted."),
    approximate: z
      .boolean()
      .describe("More than 2,000 match, and these counts are of 2,000 of them, the best first."),
    fieldCode: Counts,
    industryCode: Counts,
    regionCode: Counts,
    maturity: Counts,
    cooperationMode: Counts,
    moneyBand: Counts,
    status: Counts.optional().describe("In the scopes `own` and `all`."),
  })
  .meta({ id: "Facets", description: "How many of what is found have which code." });
export type Facets = z.output<typeof Facets>;

export const Understood = z
  .object({
    words: z.array(
      z.object({
        text: z.string(),
        synonyms: z.array(z.string()).describe("Taken for the same word."),
        required: z
          .boolean()
          .describe("False for a single character beside longer words: it is welcome only."),
        titlesOnly: z.boolean().describe("A single Chinese character is looked for in titles."),
        listings: z
          .string()
          .optional()
          .describe("When nothing was found: how many have this word alone, `2000+` beyond 2,000."),
      }),
    ),
    version: z.int().describe("Of the term statistics that the score was made with."),
  })
  .meta({ id: "UnderstoodQuery", description: "How `q` was understood." });
export type Understood = z.output<typeof Understood>;

export const SearchMatch = z
  .object({
    score: z.number().min(0).max(1).nullable().describe("Only when sorted by relevance."),
    highlights: z.array(
      z.object({
        field: z.string().describe("`title`, `summary`, or `text` for any other field."),
        text: z.string().describe("The field, or the part of it where the words stand."),
        ranges: z
          .array(z.tuple([z.int(), z.int()]))
          .describe("From and before where, in UTF-16 code units of `text`."),
      }),
    ),
  })
  .meta({ id: "SearchMatch", description: "Where the words of `q` stand." });
export type SearchMatch = z.output<typeof SearchMatch>;

/** A page of listings, with what a search adds to it. */
export const searchPageOf = <T extends z.ZodType>(item: T) =>
  pageOf(item).extend({
    facets: Facets.optional().describe("Only with `include=facets`."),
    understood: Understood.optional().describe("Only with `q`."),
    nearest: z
      .array(item)
      .max(5)
      .optional()
      .describe(
        "When `q` found nothing: up to five listings that have some of its words, within the same filters, the nearest first.",
      ),
  });

const includes = ["total", "facets", "gaps"] as const;

/** `include`: what to add to a page, comma-separated. */
export const searchInclude = z
  .string()
  .regex(/^[a-z]+(,[a-z]+){0,2}$/)
  .transform((text) => [...new Set(text.split(","))])
  .pipe(z.array(z.enum(includes)))
  .describe(
    "`total`: count the matches, exactly up to 10,000; `facets`; `gaps`: what each lacks, in the scopes `own` and `all`; or several, comma-separated.",
  );
