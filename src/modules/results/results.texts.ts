import type { results } from "../../../db/schema/results.ts";
import type { ListingTexts } from "../listings/listings.texts.ts";

type Row = typeof results.$inferSelect;

/** The columns of a result that hold words to find it by. */
export type ResultWords = Pick<
  Row,
  | "title"
  | "summary"
  | "keywords"
  | "tags"
  | "description"
  | "applicationField"
  | "technicalIndicators"
  | "advantages"
  | "benefits"
>;

/** What a result is found and matched by. */
export const textsOf = (row: ResultWords): ListingTexts => ({
  title: row.title,
  summary: row.summary,
  rest: [
    ...row.keywords,
    ...row.tags,
    row.description,
    row.applicationField,
    row.technicalIndicators,
    row.advantages,
    row.benefits,
  ].filter((text) => text !== null),
});
