/**
 * How text is cut into what it is found and matched by. One way for what is stored and what is asked:
 * folded (full-width forms, case, traditional characters), Chinese as pairs of neighbouring characters
 * and as words, letters and digits as they stand.
 */
import { Jieba } from "@node-rs/jieba";
import { dict } from "@node-rs/jieba/dict.js";
import { Converter } from "opencc-js/t2cn";

/** Rows that were written with another version are written anew (`npm run reindex`). */
export const termsVersion = 1;

const jieba = Jieba.withDict(dict);
const toSimplified = Converter({ from: "t", to: "cn" });

const han = /\p{Script=Han}/u;
/** A run of Chinese characters, or of letters and digits with their decimals and a percent sign. */
const runShape = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}])+(?:\.\p{N}+)*%?/gu;
const partShape = /\p{N}+(?:\.\p{N}+)*|[^\p{N}.%]+/gu;

const simplified = new Map<string, string>();

/** Character by character, so that a text keeps its length: highlights are found in the folded text. */
function simplify(character: string): string {
  if (!han.test(character)) return character;
  const known = simplified.get(character);
  if (known !== undefined) return known;
  const converted = toSimplified(character);
  // One for one, or not at all.
  const simple = converted.length === character.length ? converted : character;
  simplified.set(character, simple);
  return simple;
}

/**
 * One form for what is written in several: NFKC, lower case, simplified characters, no thousands
 * separators, and no blank or degree sign between a number and its unit. `ＬＥＤ封裝 10 ℃` is `led封装 10c`.
 */
export const fold = (text: string): string =>
  [...text.normalize("NFKC").toLowerCase()]
    .map(simplify)
    .join("")
    .replaceAll(/(?<=\p{N}),(?=\p{N}{3}(?!\p{N}))/gu, "")
    .replaceAll(/(?<=\p{N})[ °]+(?=[a-zμω°%])/gu, "");

const runsOf = (folded: string): string[] => folded.match(runShape) ?? [];

const isHan = (run: string): boolean => han.test(run);

function pairsOf(run: string): string[] {
  const characters = [...run];
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`);
}

/** `10000r` is found as it stands, as `10000` and as `r`. */
function partsOf(run: string): string[] {
  const parts = run.match(partShape) ?? [];
  return parts.length === 1 && parts[0] === run ? parts : [run, ...parts];
}

/** What a folded text is searched by: pairs of Chinese characters, and what is not Chinese. */
function termsOf(folded: string): string[] {
  return runsOf(folded).flatMap((run) => (isHan(run) ? pairsOf(run) : partsOf(run)));
}

/** What the search columns of a listing hold. */
export interface SearchColumns {
  /** The title and the summary, folded: where the words of a query stand tells how well they fit. */
  titleText: string;
  summaryText: string;
  /** Terms of the title, its single Chinese characters among them. */
  titleTerms: string[];
  /** Terms of all texts. */
  searchTerms: string[];
}

/** The search columns of a listing that says this. */
export function searchColumnsOf({
  title,
  summary,
  rest,
}: {
  title: string;
  summary: string | null;
  rest: readonly string[];
}): SearchColumns {
  const titleText = fold(title);
  const summaryText = fold(summary ?? "");
  const characters = runsOf(titleText)
    .filter(isHan)
    .flatMap((run) => [...run]);
  const titleTerms = termsOf(titleText);
  const others = rest.flatMap((text) => termsOf(fold(text)));
  return {
    titleText,
    summaryText,
    titleTerms: [...new Set([...titleTerms, ...characters])],
    searchTerms: [...new Set([...titleTerms, ...termsOf(summaryText), ...others])],
  };
}

/** A word of a query. */
export interface QueryWord {
  /** Folded. */
  text: string;
  /** A listing must have all of them to have the word. */
  terms: string[];
  /** A single Chinese character: it is looked for in titles only. */
  inTitle: boolean;
  /** A listing that lacks it is not found. */
  required: boolean;
}

/**
 * The words of a folded query, each once: Chinese is cut by the dictionary, so that `钢丝绳检测` finds
 * `钢丝绳在线检测`. A single character beside longer words, such as `的`, is welcome but not demanded.
 */
export function queryWordsOf(folded: string): QueryWord[] {
  const words = runsOf(folded).flatMap((run): QueryWord[] => {
    if (!isHan(run)) return [{ text: run, terms: [run], inTitle: false, required: true }];
    const cut = jieba.cut(run, true).map((text) => ({ text, characters: [...text].length }));
    const alone = cut.every(({ characters }) => characters === 1);
    // Characters that the dictionary knows no word for stay together.
    if (alone && cut.length > 1) return [chineseWord(run, true)];
    return cut.map(({ text, characters }) => chineseWord(text, alone || characters > 1));
  });
  return [...new Map(words.map((word) => [word.text, word])).values()];
}

/** A Chinese word as it is looked for: by its pairs, a single character in titles. */
function chineseWord(text: string, required: boolean): QueryWord {
  const pairs = pairsOf(text);
  const single = pairs.length === 0;
  return { text, terms: single ? [text] : pairs, inTitle: single, required };
}

/**
 * A folded word without blanks and punctuation: what the neighbouring words of a query are when joined.
 * `machine learning` is asked for as `machine`, `learning`.
 */
export const joined = (folded: string): string => runsOf(folded).join("");

/** What a group of synonyms is looked up by: its words folded, each also as a query joins it. */
export const synonymKeysOf = (words: readonly string[]): string[] => [
  ...new Set(words.map(fold).flatMap((folded) => [folded, joined(folded)])),
];

/** A folded synonym as a listing must have it. */
export const synonymTermsOf = (folded: string): string[] =>
  queryWordsOf(folded).flatMap((word) => (word.inTitle ? [] : word.terms));

/** What two listings are compared by. */
export interface MatchTerms {
  /** Words of the dictionary, and what is not Chinese; with how often. */
  words: Map<string, number>;
  /** Pairs of neighbouring Chinese characters; with how often. */
  pairs: Map<string, number>;
}

function count(terms: Map<string, number>, term: string): void {
  terms.set(term, (terms.get(term) ?? 0) + 1);
}

/** The terms of a text for matching: what is shorter than two characters tells nothing and is left out. */
export function matchTermsOf(text: string): MatchTerms {
  const terms: MatchTerms = { words: new Map(), pairs: new Map() };
  for (const run of runsOf(fold(text))) {
    if (!isHan(run)) {
      for (const part of partsOf(run)) if (part.length > 1) count(terms.words, part);
      continue;
    }
    for (const word of jieba.cut(run, true)) if (word.length > 1) count(terms.words, word);
    for (const pair of pairsOf(run)) count(terms.pairs, pair);
  }
  return terms;
}

/**
 * The number of a term: 32 bits of FNV-1a over the kind of listing, the kind of term and the term. Two
 * of a few million terms may share a number; a score is then off by a little, nothing else.
 */
export function termNumber(noun: "result" | "need", kind: "word" | "pair", term: string): number {
  let hash = 0x811c9dc5;
  const text = `${noun.charAt(0)}${kind.charAt(0)}${term}`;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    hash = Math.imul(hash ^ (code & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (code >>> 8), 0x01000193);
  }
  // FNV's low bits are its best mixed ones; one more round spreads them over all.
  hash ^= hash >>> 16;
  return Math.imul(hash, 0x45d9f3b) | 0;
}
