/**
 * A listing as a vector of terms, and how near two of them are: one cosine over characters, pairs of
 * characters and words. What was tried, and what each part brings, is in `docs/matching.md` ("Finding and
 * matching").
 */
import { kindOfNumber, matchTermsOf, type TermKind, termNumber } from "../../lib/terms.ts";

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

/** A market without statistics yet: every term tells the same. */
const even = (statistics: Statistics): Statistics =>
  statistics.documents > 0 ? statistics : { documents: 1, frequencies: new Map() };

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

/** What to look for: for each term, what one of it in a listing adds to the product. */
export interface Query {
  factors: ReadonlyMap<number, number>;
  /** The spelling of each term. */
  spellings: ReadonlyMap<number, string>;
}

/** Most terms of a query: the rest of a long text tells too little to look for. */
const mostQueryTerms = 400;

/** A listing as what to look for among the others. */
export function queryOf(frequencies: ReadonlyMap<string, number>, given: Statistics): Query {
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

/** The cosine of the two: 0 for nothing in common, 1 for the same. */
export function nearness({ factors }: Query, packed: Packed): number {
  let product = 0;
  walk(packed, (term, frequency) => {
    const factor = factors.get(term);
    if (factor !== undefined) product += factor * frequency;
  });
  return Math.min(1, product / packed.norm);
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

/** A stored vector's terms, to reweigh them. */
export function unpacked(packed: Packed): { term: number; frequency: number }[] {
  const terms: { term: number; frequency: number }[] = [];
  walk(packed, (term, frequency) => terms.push({ term, frequency }));
  return terms;
}

/**
 * Terms whose postings are read to find candidates: what adds most first, as long as the budget lasts.
 * A query of nothing but common terms reads the heaviest postings of the rarest of them.
 */
export function candidateTerms(
  { factors }: Query,
  frequencies: ReadonlyMap<number, number>,
): { terms: number[]; factors: number[] } {
  const known = [...factors]
    .map(([term, factor]) => ({ term, factor, count: frequencies.get(term) ?? 0 }))
    .sort((a, b) => b.factor - a.factor);
  let left = postingsBudget;
  const chosen = known.filter(({ count }) => {
    if (count > left) return false;
    left -= count;
    return true;
  });
  if (left === postingsBudget) {
    const common = known.filter(({ term }) => kindOfNumber(term) !== "character");
    const [rarest] = common.filter(({ count }) => count > 0).sort((a, b) => a.count - b.count);
    if (rarest) chosen.push(rarest);
  }
  return {
    terms: chosen.map(({ term }) => term),
    factors: chosen.map(({ factor }) => factor),
  };
}
