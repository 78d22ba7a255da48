/** Where the words of a query stand in a text. */
import { attach, foldCharacters } from "./terms.ts";

/** From and before where, in UTF-16 code units. */
export type Range = [from: number, to: number];

/** Characters around the first word of a fragment. */
const around = 40;

/** Only these may be escaped in a pattern with the flag `u`: `\-` would make it invalid. */
const literally = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What may stand between two neighbours of a folded spelling in a text of which only the characters are folded. */
function betweenOf(left: string, right: string): string {
  if (/\p{Script=Han}/u.test(left) && /\p{Script=Han}/u.test(right)) return "\\s*";
  // A number may stand apart from its unit or word, and have separators.
  if (/\p{N}/u.test(left)) return "[ ,，°-]*";
  return /\p{L}/u.test(left) && /\p{N}/u.test(right) ? "[ -]?" : "";
}

/** A folded spelling as a pattern. */
const patternOf = (spelling: string): string =>
  [...spelling]
    .map((c, i, all) => literally(c) + (all[i + 1] ? betweenOf(c, all[i + 1] ?? "") : ""))
    .join("");

/** A character with the marks that combine with it. */
const clusters = /\P{M}\p{M}*|\p{M}+/gu;

/** A text folded character by character, with the character of the text that each code unit came from. */
function foldWithPlaces(text: string): { folded: string; places: Range[] } {
  let folded = "";
  const places: Range[] = [];
  for (const { 0: cluster, index } of text.matchAll(clusters)) {
    const piece = foldCharacters(cluster);
    for (let i = 0; i < piece.length; i++) places.push([index, index + cluster.length]);
    folded += piece;
  }
  return { folded: attach(folded), places };
}

/** All places of the spellings in a text, in order, those that touch joined. */
export function rangesIn(text: string, spellings: readonly string[]): Range[] {
  if (spellings.length === 0) return [];
  const { folded, places } = foldWithPlaces(text);
  // The longest first: an alternative that begins another would hide it.
  const patterns = [...spellings].sort((a, b) => b.length - a.length).map(patternOf);
  const found = folded.matchAll(new RegExp(patterns.join("|"), "gu"));
  const ranges: Range[] = [];
  for (const match of found) {
    const from = places[match.index]?.[0] ?? 0;
    // Characters are marked whole, also where a word is a part of one: `m` of `㎡`.
    const to = places[match.index + match[0].length - 1]?.[1] ?? text.length;
    const last = ranges.at(-1);
    if (last && last[1] >= from) last[1] = Math.max(last[1], to);
    else ranges.push([from, to]);
  }
  return ranges;
}

/** The part of a text around its first range, with the ranges that lie in it. */
export function fragmentOf(
  text: string,
  ranges: readonly Range[],
): { text: string; ranges: Range[] } {
  const [first] = ranges;
  if (!first || text.length <= around * 3) return { text, ranges: [...ranges] };
  // Not in the middle of a character of two code units.
  const whole = (place: number) => (/[\uDC00-\uDFFF]/.test(text.charAt(place)) ? place - 1 : place);
  const from = whole(Math.max(0, first[0] - around));
  const to = whole(Math.min(text.length, first[1] + around * 2));
  const inside = ranges.filter((range) => range[0] >= from && range[1] <= to);
  return {
    text: text.slice(from, to),
    ranges: inside.map((range) => [range[0] - from, range[1] - from]),
  };
}
