import type { SearchColumn } from "../../../db/schema/listings.ts";
import type { DocumentFacts } from "../../../db/schema/matching.ts";
import type { needs } from "../../../db/schema/needs.ts";
import { nowInstant } from "../../lib/clock.ts";
import { cityOf } from "../../lib/regions.ts";
import type { ListingTexts } from "../listings/listings.texts.ts";

type Row = typeof needs.$inferSelect;

/** The columns of a need that hold words to find it by. */
export type NeedWords = Pick<
  Row,
  | "title"
  | "summary"
  | "keywords"
  | "tags"
  | "background"
  | "bottleneck"
  | "existingBase"
  | "solverRequirements"
  | "targetIndicators"
>;

/** What a need is found and matched by. */
export const textsOf = (row: NeedWords): ListingTexts => ({
  title: row.title,
  summary: row.summary,
  rest: [
    ...row.keywords,
    ...row.tags,
    row.bottleneck,
    row.background,
    row.existingBase,
    row.solverRequirements,
    ...row.targetIndicators.map(({ name, target, unit }) => `${name} ${target}${unit ?? ""}`),
  ].filter((text) => text !== null),
});

/** What suggestions weigh of a need beside its text. Of an anonymous one the city, not the county. */
export const factsOf = (row: Omit<Row, SearchColumn>): DocumentFacts => ({
  listingId: row.id,
  organizationId: row.organizationId,
  fieldCode: row.fieldCode,
  industryCode: row.industryCode,
  regionCode: row.anonymous && row.regionCode ? cityOf(row.regionCode) : row.regionCode,
  maturity: row.minimumMaturity,
  amountMin: row.budgetMin,
  amountMax: row.budgetMax,
  cooperationModes: row.cooperationModes,
  deadline: row.deadline,
  publishedAt: row.publishedAt ?? nowInstant(),
});
