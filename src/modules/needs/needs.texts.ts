import type { needs } from "../../../db/schema/needs.ts";
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
