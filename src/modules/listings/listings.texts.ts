/** A listing as text: what people search it by and what the market matches it by. */
export interface ListingTexts {
  title: string;
  summary: string | null;
  /** Everything else that it says, the most telling first. */
  rest: string[];
}
