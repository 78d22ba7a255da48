/** What a request costs that searches: more than any other read, and by what it asks for. */
import type { RouteContract } from "./http.ts";

/** Suggestions weigh a thousand listings. */
const suggestionCost = 5;

/**
 * The cost of a search or of suggestions, 1 to 10; 0 of a request that is neither.
 * @param query the query string, checked or not
 */
export function costOf({ searches }: RouteContract, query: object): number {
  if (searches === undefined) return 0;
  if (searches === "suggestions") return suggestionCost;
  const { q, include } = query as Record<string, unknown>;
  const included = String(include ?? "");
  const counted = (included.includes("facets") ? 2 : 0) + (included.includes("total") ? 2 : 0);
  if (q === undefined && counted === 0) return 0;
  return 1 + Math.min(5, Math.floor(String(q ?? "").length / 20)) + counted;
}
