/**
 * Cutting listings into terms and weighing these: some milliseconds of computing each. Jobs do it in a
 * thread of its own (`lib/threads.ts`); a request does its one listing where it is.
 */
import { type SearchColumns, searchColumnsOf } from "../../lib/terms.ts";
import { threaded } from "../../lib/threads.ts";
import {
  frequenciesOf,
  numbered,
  type Statistics,
  type Texts,
  unpacked,
  type Vector,
  vectorOf,
} from "./matching.vector.ts";

/** The terms of a listing and how often it has each, side by side: numbers are copied fast, objects are not. */
export interface TermColumns {
  terms: Int32Array;
  frequencies: Float64Array;
}

export interface Cut {
  search: SearchColumns;
  match: TermColumns;
}

/** What listings that say this are searched and matched by. */
export function cutListings(texts: readonly Texts[]): Cut[] {
  return texts.map((text) => {
    const found = numbered(frequenciesOf(text));
    return {
      search: searchColumnsOf(text),
      match: {
        terms: Int32Array.from(found, ({ term }) => term),
        frequencies: Float64Array.from(found, ({ frequency }) => frequency),
      },
    };
  });
}

/** The vectors of listings with these terms. */
export function weighTerms(listings: readonly TermColumns[], known: Statistics): Vector[] {
  return listings.map(({ terms, frequencies }) =>
    vectorOf(
      Array.from(terms, (term, i) => ({ term, frequency: frequencies[i] ?? 0 })),
      known,
    ),
  );
}

/** The vectors of listings that have been weighed before, out of what is stored of them. */
export function weighPacked(stored: readonly Uint8Array[], known: Statistics): Vector[] {
  return stored.map((bytes) => vectorOf(unpacked({ packed: bufferOf(bytes), norm: 1 }), known));
}

/** Where it is done. */
export interface TextWork {
  cutListings: (texts: readonly Texts[]) => Cut[] | Promise<Cut[]>;
  weighTerms: (listings: readonly TermColumns[], known: Statistics) => Vector[] | Promise<Vector[]>;
  weighPacked: (stored: readonly Uint8Array[], known: Statistics) => Vector[] | Promise<Vector[]>;
}

export const here: TextWork = { cutListings, weighTerms, weighPacked };

const inThread = {
  cutListings: threaded(import.meta.url, cutListings),
  weighTerms: threaded(import.meta.url, weighTerms),
  weighPacked: threaded(import.meta.url, weighPacked),
};

export const elsewhere: TextWork = {
  cutListings: inThread.cutListings,
  weighTerms: async (listings, known) => arrived(await inThread.weighTerms(listings, known)),
  weighPacked: async (stored, known) => {
    // Copies of their own: else the whole packet of the database that each is a part of would go over.
    const copies = stored.map((bytes) => new Uint8Array(bytes));
    return arrived(await inThread.weighPacked(copies, known));
  },
};

/** What comes over from another thread is no Buffer any more. */
const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

const arrived = (vectors: readonly Vector[]): Vector[] =>
  vectors.map((vector) => ({ ...vector, packed: bufferOf(vector.packed) }));
