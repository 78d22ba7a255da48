import type { SearchColumn } from "../../../db/schema/listings.ts";
import type { DocumentFacts } from "../../../db/schema/matching.ts";
import type { results } from "../../../db/schema/results.ts";
import { nowInstant } from "../../lib/clock.ts";
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

/** What suggestions weigh of a result beside its text. */
export const factsOf = (row: Omit<Row, SearchColumn>): DocumentFacts => ({
  listingId: row.id,
  organizationId: row.organizationId,
  fieldCode: row.fieldCode,
  industryCode: row.industryCode,
  regionCode: row.regionCode,
  maturity: row.maturity,
  amountMin: row.priceMin,
  amountMax: row.priceMax,
  cooperationModes: row.cooperationModes,
  deadline: null,
  publishedAt: row.publishedAt ?? nowInstant(),
});
