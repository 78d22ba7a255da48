/** Searching listings: how a query is understood, and what is shown of where its words stand. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import { fragmentOf, rangesIn } from "../../lib/highlight.ts";
import { fold, queryWordsOf, synonymTermsOf } from "../../lib/terms.ts";
import { weighWords } from "../matching/term-statistics.service.ts";
import { synonymsOf } from "../synonyms/synonyms.service.ts";
import type { ListingTexts } from "./listings.texts.ts";
import type { SearchMatch, Understood } from "./search.schema.ts";
import { depth, type SearchWord, type Spelling } from "./search.store.ts";

/** A query that was understood. Without words it finds nothing. */
export interface Search {
  words: SearchWord[];
  /** Version of the term statistics: a cursor of another one has lost its place. */
  version: number;
}

/** Most words of a query that may make up one synonym. */
const longestSpan = 4;

/** Neighbouring words joined, the longest first: `发光`, `二极管` are also `发光二极管`. */
function spansOf(words: readonly { text: string }[]): { from: number; to: number; text: string }[] {
  const spans = [];
  for (let length = Math.min(longestSpan, words.length); length > 0; length--) {
    for (let from = 0; from + length <= words.length; from++) {
      const text = words
        .slice(from, from + length)
        .map((word) => word.text)
        .join("");
      spans.push({ from, to: from + length, text });
    }
  }
  return spans;
}

/** Words that a search may have: each is looked up, counted and intersected. A pasted title has up to a dozen. */
export const mostWords = { anonymous: 16, signedIn: 32 };

/**
 * What `q` asks for: its words, each with its synonyms and its weight. Neighbours that are a synonym together
 * count as one word.
 * @throws AppError `search.too_many_words` (400)
 */
export async function understand(db: Executor, actor: Actor | null, q: string): Promise<Search> {
  const cut = queryWordsOf(fold(q));
  const most = actor ? mostWords.signedIn : mostWords.anonymous;
  if (cut.length > most) {
    const detail = {
      en: `It has ${cut.length} words and may have ${most}.`,
      zh: `共 ${cut.length} 词，最多 ${most} 词。`,
    };
    throw new AppError("search.too_many_words", { detail });
  }
  const spans = spansOf(cut);
  const [groups, { version, weightOf }] = [
    await synonymsOf(
      db,
      spans.map(({ text }) => text),
    ),
    await weighWords(
      db,
      cut.map(({ text, terms }) => ({ text, terms })),
    ),
  ];
  const words: SearchWord[] = [];
  for (let at = 0; at < cut.length; ) {
    const span = spans.find(
      ({ from, text }) => from === at && groups.some((group) => group.includes(text)),
    );
    const to = span?.to ?? at + 1;
    const parts = cut.slice(at, to);
    const [first] = parts;
    if (!first) break;
    const text = span?.text ?? first.text;
    const own: Spelling = {
      text,
      terms: parts.flatMap((part) => part.terms),
      inTitle: parts.length === 1 && first.inTitle,
    };
    const others = new Set(groups.filter((group) => group.includes(text)).flat());
    others.delete(text);
    const spellings = [...others]
      .map((other) => ({ text: other, ...synonymTermsOf(other) }))
      .filter(({ terms }) => terms.length > 0);
    words.push({
      spellings: [own, ...spellings],
      required: parts.some((part) => part.required),
      weight: Math.max(...parts.map((part) => weightOf(part.text))),
    });
    at = to;
  }
  return { words, version };
}

/** How a query was understood, for the reply. `counts` are those of each word alone, when nothing was found. */
export const toUnderstood = (
  { words, version }: Search,
  counts?: readonly number[],
): Understood => ({
  words: words.map(({ spellings: [own, ...others], required }, i) => {
    const count = counts?.[i];
    const listings = count === undefined ? {} : { listings: count > depth ? "2000+" : `${count}` };
    return {
      text: own.text,
      synonyms: others.map(({ text }) => text),
      required,
      titlesOnly: own.inTitle,
      ...listings,
    };
  }),
  version,
});

/**
 * What is looked for when no listing has all words: those that some have; if there is none, the parts of the
 * words, which a listing may have in another word (石墨 of 石墨希).
 * @param counts how many have each word alone
 */
export function nearWords(words: readonly SearchWord[], counts: readonly number[]): SearchWord[] {
  const known = words.filter(({ required }, i) => required && (counts[i] ?? 0) > 0);
  if (known.length > 0) return known;
  const parts = new Map<string, SearchWord>();
  for (const { spellings, weight } of words) {
    for (const text of spellings.length === 1 ? spellings[0].terms : []) {
      if (text === spellings[0].text) continue;
      parts.set(text, {
        spellings: [{ text, terms: [text], inTitle: false }],
        required: true,
        weight,
      });
    }
  }
  return [...parts.values()];
}

/**
 * Where the words stand: in the title, in the summary, and, for words that are in neither, in the first
 * other text that has one.
 */
export function highlightsOf(
  words: readonly SearchWord[],
  { title, summary, rest }: ListingTexts,
): SearchMatch["highlights"] {
  const spellings = words.flatMap((word) => word.spellings.map(({ text }) => text));
  const found: SearchMatch["highlights"] = [];
  for (const [field, text] of [
    ["title", title],
    ["summary", summary ?? ""],
  ] as const) {
    const ranges = rangesIn(text, spellings);
    if (ranges.length > 0) found.push({ field, text, ranges });
  }
  const shown = found.map(({ text }) => fold(text));
  const missing = words
    .filter((word) => !word.spellings.some(({ text }) => shown.some((one) => one.includes(text))))
    .flatMap((word) => word.spellings.map(({ text }) => text));
  for (const text of rest) {
    const ranges = rangesIn(text, missing);
    if (ranges.length === 0) continue;
    found.push({ field: "text", ...fragmentOf(text, ranges) });
    break;
  }
  return found;
}
