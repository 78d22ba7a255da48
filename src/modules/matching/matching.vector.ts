/**
 * A listing as a vector of terms, and how near two of them are: one cosine over characters, pairs of
 * characters and words. What was tried, and what each part brings, is in `docs/matching.md` ("Finding and
 * matching").
 */
import {
  demandedOf,
  kindOfNumber,
  matchTermsOf,
  type TermKind,
  termNumber,
} from "../../lib/terms.ts";

/** What each kind of term counts in products and lengths. */
const share: Record<TermKind, number> = { character: 1, pair: 0.25, word: 0.25 };

/** A term in the title adds two for each time; in the text, one and the logarithm of how often. */
const titleWorth = 2;

/** Terms that a listing keeps: beyond so many, the least telling are left out. */
const mostTerms = 128;

/** Postings that a listing has: its most telling terms. */
const mostPostings = 32;

/**
 * Postings that a query reads at most. A number of terms would bound nothing: one term may be in any
 * number of listings. Twice as many found nothing more on the benchmark.
 */
export const postingsBudget = 10_000;

/** Postings of other words for what a query says that are read at most. */
const synonymsBudget = 1_000;

/** Frequencies are kept in steps of a sixteenth, up to 255 of them. */
const step = 16;

/** Postings' weights are kept as whole numbers of this share. */
const weightStep = 1e-5;

/** Title and text, folded by the terms themselves. */
export interface Texts {
  title: string;
  summary: string | null;
  rest: readonly string[];
}

/** How often a text has each term, by the term's spelling; titles count more. */
export function frequenciesOf({ title, summary, rest }: Texts): Map<string, number> {
  const frequencies = new Map<string, number>();
  for (const [key, count] of matchTermsOf([summary ?? "", ...rest].join("\n"))) {
    frequencies.set(key, 1 + Math.log(count));
  }
  for (const [key, count] of matchTermsOf(title)) {
    frequencies.set(key, (frequencies.get(key) ?? 0) + titleWorth * count);
  }
  return frequencies;
}

/** A word by its terms. */
interface Word {
  /** Folded. */
  text: string;
  /** All of them, by spelling. */
  keys: string[];
  /** Those that a text must have to have the word. */
  demanded: string[];
}

const wordOf = (text: string): Word => {
  const terms = matchTermsOf(text);
  return { text, keys: [...terms.keys()], demanded: demandedOf(terms) };
};

/** Groups are cut into terms once, for as long as they are the same. */
const cutGroups = new WeakMap<SynonymGroups, Word[][]>();

/** Groups of words of one meaning, folded. */
export type SynonymGroups = readonly (readonly string[])[];

/** A word that a text has, and another word for it. */
export interface Alike {
  own: Word;
  other: Word;
}

/** Other words for what a text says. */
export function alikeIn(frequencies: ReadonlyMap<string, number>, groups: SynonymGroups): Alike[] {
  let cut = cutGroups.get(groups);
  if (!cut) {
    cut = groups.map((words) => words.map(wordOf).filter(({ keys }) => keys.length > 0));
    cutGroups.set(groups, cut);
  }
  const has = ({ demanded }: Word) => demanded.every((key) => frequencies.has(key));
  return cut.flatMap((words) => {
    const own = words.filter(has);
    const others = own.length > 0 ? words.filter((word) => !own.includes(word)) : [];
    return others.flatMap((other) => own.map((word) => ({ own: word, other })));
  });
}

/** How many listings have a term, of how many. */
export interface Statistics {
  documents: number;
  frequencies: ReadonlyMap<number, number>;
}

/** What a term tells: nothing when every listing has it. Raised, because a rare term tells much more. */
const tellingOf = ({ documents, frequencies }: Statistics, term: number): number =>
  Math.max(0, Math.log((documents + 1) / ((frequencies.get(term) ?? 0) + 1))) ** 1.5;

/** A term of a listing. */
interface Weighed {
  term: number;
  frequency: number;
  /** What it adds to the listing's length, squared. */
  mass: number;
}

/**
 * A listing's terms as they are stored: each term in four bytes, the highest first, and behind all of
 * them how often it has each, a byte a term.
 */
export interface Packed {
  packed: Buffer;
  /** Length of the vector. */
  norm: number;
}

/** What is stored of a listing. */
export interface Vector extends Packed {
  postedTerms: number[];
  postedWeights: number[];
}

/**
 * Listings that a market is taken to have at least, the missing ones without any of the terms: of the first two
 * all that they share would else stand in all listings, and tell nothing.
 */
const leastDocuments = 20;

/** A market without statistics yet: every term tells the same. */
const even = ({ documents, frequencies }: Statistics): Statistics =>
  documents > 0
    ? { documents: Math.max(documents, leastDocuments), frequencies }
    : { documents: 1, frequencies: new Map() };

/** A vector from terms and their frequencies, with what the terms tell now. */
export function vectorOf(
  terms: readonly { term: number; frequency: number }[],
  given: Statistics,
): Vector {
  const statistics = even(given);
  const weighed: Weighed[] = terms
    .map(({ term, frequency }) => {
      // As it will be read back.
      const kept = Math.min(255, Math.max(1, Math.round(frequency * step))) / step;
      const weight = kept * tellingOf(statistics, term);
      return { term, frequency: kept, mass: share[kindOfNumber(term)] * weight * weight };
    })
    .sort((a, b) => b.mass - a.mass || a.term - b.term)
    .slice(0, mostTerms);
  const norm = Math.sqrt(weighed.reduce((sum, { mass }) => sum + mass, 0)) || 1;
  const posted = weighed
    // A character that many listings have would never be read: no budget would last for it.
    .filter(
      ({ term }) =>
        kindOfNumber(term) !== "character" ||
        (statistics.frequencies.get(term) ?? 0) <= postingsBudget,
    )
    .slice(0, mostPostings);
  return {
    packed: pack(weighed),
    norm,
    postedTerms: posted.map(({ term }) => term),
    postedWeights: posted.map(({ frequency }) =>
      Math.min(32_767, Math.round(frequency / norm / weightStep)),
    ),
  };
}

/** The terms of a text by number. Spellings that share a number count together. */
export function numbered(frequencies: ReadonlyMap<string, number>) {
  const terms = new Map<number, number>();
  for (const [key, frequency] of frequencies) {
    const term = termNumber(key);
    terms.set(term, (terms.get(term) ?? 0) + frequency);
  }
  return [...terms].map(([term, frequency]) => ({ term, frequency }));
}

/** The numbers of all terms of a text and of other words for what it says. */
export const termsOfAll = (
  frequencies: ReadonlyMap<string, number>,
  alike: readonly Alike[],
): number[] => [
  ...new Set([...frequencies.keys(), ...alike.flatMap(({ other }) => other.keys)].map(termNumber)),
];

/** What to look for: for each term, what one of it in a listing adds to the product. */
export interface Query {
  factors: ReadonlyMap<number, number>;
  /** The spelling of each term. */
  spellings: ReadonlyMap<number, string>;
  /** Other words for what it says: what each term of one adds in a listing that has it and not the own word. */
  synonyms: readonly Synonym[];
}

interface Synonym {
  /** Folded. */
  own: string;
  other: string;
  ownDemanded: readonly number[];
  demanded: readonly number[];
  factors: ReadonlyMap<number, number>;
}

/** What a synonym is worth of the word itself. More made the benchmark's lists no better. */
const synonymShare = 0.4;

/** Most terms of a query: the rest of a long text tells too little to look for. */
const mostQueryTerms = 400;

/**
 * A listing as what to look for among the others.
 * @param alike other words for what it says
 */
export function queryOf(
  frequencies: ReadonlyMap<string, number>,
  given: Statistics,
  alike: readonly Alike[] = [],
): Query {
  const statistics = even(given);
  const all = [...frequencies].map(([key, frequency]) => {
    const term = termNumber(key);
    const telling = tellingOf(statistics, term);
    const part = share[kindOfNumber(term)];
    return {
      key,
      term,
      mass: part * (frequency * telling) ** 2,
      factor: part * frequency * telling * telling,
    };
  });
  const kept = all.sort((a, b) => b.mass - a.mass).slice(0, mostQueryTerms);
  const norm = Math.sqrt(kept.reduce((sum, { mass }) => sum + mass, 0)) || 1;
  return {
    factors: new Map(
      kept.filter(({ factor }) => factor > 0).map(({ term, factor }) => [term, factor / norm]),
    ),
    spellings: new Map(kept.map(({ key, term }) => [term, key])),
    synonyms: alike.map((one) => synonymOf(one, frequencies, statistics, norm)),
  };
}

/** What each term of another word adds, so that all of them together add no more than its share of the own word. */
function synonymOf(
  { own, other }: Alike,
  frequencies: ReadonlyMap<string, number>,
  statistics: Statistics,
  norm: number,
): Synonym {
  const massOf = (key: string, frequency: number) => {
    const term = termNumber(key);
    return share[kindOfNumber(term)] * (frequency * tellingOf(statistics, term)) ** 2;
  };
  const sum = (keys: readonly string[], of: (key: string) => number) =>
    keys.reduce((all, key) => all + of(key), 0);
  const ownMass = sum(own.keys, (key) => massOf(key, frequencies.get(key) ?? 0));
  const unit = sum(other.keys, (key) => massOf(key, 1));
  const frequency = unit > 0 ? synonymShare * Math.sqrt(ownMass / unit) : 0;
  return {
    own: own.text,
    other: other.text,
    ownDemanded: own.demanded.map(termNumber),
    demanded: other.demanded.map(termNumber),
    factors: new Map(
      other.keys.map((key) => [termNumber(key), massOf(key, 1) * (frequency / norm)]),
    ),
  };
}

/** Bytes of a term, and with how often it is there. */
const [termSize, wholeSize] = [4, 5];

function pack(terms: readonly { term: number; frequency: number }[]): Buffer {
  const packed = Buffer.alloc(terms.length * wholeSize);
  for (const [i, { term, frequency }] of terms.entries()) {
    packed.writeInt32BE(term, i * termSize);
    packed[terms.length * termSize + i] = Math.round(frequency * step);
  }
  return packed;
}

/** Calls `each` with every term of a stored vector. */
function walk({ packed }: Packed, each: (term: number, frequency: number) => void) {
  const count = packed.length / wholeSize;
  for (let i = 0; i < count; i++) {
    each(packed.readInt32BE(i * termSize), (packed[count * termSize + i] ?? 0) / step);
  }
}

/**
 * The cosine of the two: 0 for nothing in common, 1 for the same. What is said with another word for the
 * same adds to it.
 */
export function nearness(query: Query, packed: Packed): number {
  let product = 0;
  walk(packed, (term, frequency) => {
    const factor = query.factors.get(term);
    if (factor !== undefined) product += factor * frequency;
  });
  const synonyms = commonSynonyms(query, packed).reduce((sum, { part }) => sum + part, 0);
  return Math.min(1, product / packed.norm + synonyms);
}

/** The terms that the two have in common, those that add most first. */
export function commonTerms(query: Query, packed: Packed): { key: string; part: number }[] {
  const common: { key: string; part: number }[] = [];
  walk(packed, (term, frequency) => {
    const factor = query.factors.get(term);
    const key = query.spellings.get(term);
    if (factor !== undefined && key !== undefined) {
      common.push({ key, part: (factor * frequency) / packed.norm });
    }
  });
  return common.sort((a, b) => b.part - a.part);
}

/** What the two say with different words of one meaning: each own word once, with the best of the others. */
export function commonSynonyms(
  { factors, synonyms }: Query,
  packed: Packed,
): { own: string; other: string; part: number }[] {
  if (synonyms.length === 0) return [];
  const terms = new Map<number, number>();
  walk(packed, (term, frequency) => terms.set(term, frequency));
  const hasAll = (wanted: readonly number[]) => wanted.every((term) => terms.has(term));
  const best = new Map<string, { own: string; other: string; part: number }>();
  for (const { own, other, ownDemanded, demanded, factors: added } of synonyms) {
    if (!hasAll(demanded) || hasAll(ownDemanded)) continue;
    let product = 0;
    for (const [term, factor] of added) {
      // What the query has of the other word was counted.
      const more = Math.max(0, factor - (factors.get(term) ?? 0));
      product += more * (terms.get(term) ?? 0);
    }
    const part = product / packed.norm;
    if (part > (best.get(own)?.part ?? 0)) best.set(own, { own, other, part });
  }
  return [...best.values()];
}

/** A stored vector's terms, to reweigh them. */
export function unpacked(packed: Packed): { term: number; frequency: number }[] {
  const terms: { term: number; frequency: number }[] = [];
  walk(packed, (term, frequency) => terms.push({ term, frequency }));
  return terms;
}

/** Terms to look for, and what each adds. */
export interface Lookup {
  terms: number[];
  factors: number[];
}

/** A term with its factor, and how many postings it has. */
interface Known {
  term: number;
  factor: number;
  count: number;
}

/** Those that add most, as long as the budget lasts. */
function affordable(known: readonly Known[], budget: number): Known[] {
  let left = budget;
  return known.filter(({ count }) => {
    if (count > left) return false;
    left -= count;
    return true;
  });
}

const lookupOf = (known: readonly Known[]): Lookup => ({
  terms: known.map(({ term }) => term),
  factors: known.map(({ factor }) => factor),
});

/**
 * Terms whose postings are read to find candidates: what adds most first, as long as the budget lasts.
 * A query of nothing but common terms reads the heaviest postings of the rarest of them. Other words for
 * what it says have a small budget of their own, so that they displace nothing.
 */
export function candidateTerms(
  { factors, synonyms }: Query,
  frequencies: ReadonlyMap<number, number>,
): { own: Lookup; synonyms: Lookup } {
  const knownOf = (some: Iterable<readonly [number, number]>) =>
    [...some]
      .map(([term, factor]) => ({ term, factor, count: frequencies.get(term) ?? 0 }))
      .sort((a, b) => b.factor - a.factor);
  const known = knownOf(factors);
  const chosen = affordable(known, postingsBudget);
  if (chosen.every(({ count }) => count === 0)) {
    const common = known.filter(({ term }) => kindOfNumber(term) !== "character");
    const [rarest] = common.filter(({ count }) => count > 0).sort((a, b) => a.count - b.count);
    if (rarest) chosen.push(rarest);
  }
  const others = synonyms.flatMap((one) =>
    one.demanded.map((term) => [term, one.factors.get(term) ?? 0] as const),
  );
  return {
    own: lookupOf(chosen),
    synonyms: lookupOf(affordable(knownOf(new Map(others)), synonymsBudget)),
  };
}
