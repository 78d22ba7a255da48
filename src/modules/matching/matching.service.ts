/**
 * The engine of suggestions: keeps published listings as vectors of terms, and finds those that are
 * nearest to another listing's text. It knows texts and documents, not results and needs.
 */
import type { DocumentFacts } from "../../../db/schema/matching.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { send, sentOff } from "../../database/transact.ts";
import { nowInstant } from "../../lib/clock.ts";
import { kindOf, spellingOf, type TermKind } from "../../lib/terms.ts";
import * as store from "./matching.store.ts";
import {
  candidateTerms,
  commonTerms,
  frequenciesOf,
  nearness,
  numbered,
  postingsBudget,
  queryOf,
  type Statistics,
  type Texts,
  unpacked,
  vectorOf,
} from "./matching.vector.ts";
import { currentStatistics, readStatistics } from "./statistics.service.ts";

export type { DocumentFacts } from "../../../db/schema/matching.ts";
export type { Statistics, Texts } from "./matching.vector.ts";

type Noun = store.Noun;

/** A published listing, as it is matched. */
export interface Matchable {
  facts: DocumentFacts;
  texts: Texts;
}

/** The terms of some listings, and in how many listings each is. */
export interface Terms {
  of: { term: number; frequency: number }[][];
  known: Statistics;
}

/** Reads what listings that say this are to be weighed with. */
async function readTerms(db: Executor, texts: readonly Texts[]): Promise<Terms> {
  const of = texts.map(termsOf);
  const all = new Set(of.flatMap((terms) => terms.map(({ term }) => term)));
  return { of, known: await readStatistics(db, [...all]) };
}

/**
 * The same for a listing that is being written: begun when the writing was sent, so that the server is
 * busy with the row while its text is cut into terms here.
 */
export async function readTermsMeanwhile(tx: Executor, texts: Texts): Promise<Terms> {
  await sentOff();
  return readTerms(tx, [texts]);
}

/**
 * Puts listings that are public into the index, in place of what was there of them. One or a thousand
 * at a time: the number of statements is the same.
 * @param terms theirs, when they were read already
 * @param isThere whether they may be there: what just becomes public has nothing that another transaction
 * could be weighing anew
 */
export async function indexListings(
  tx: Executor,
  noun: Noun,
  listings: readonly Matchable[],
  { terms, isThere = true }: { terms?: Terms | undefined; isThere?: boolean } = {},
): Promise<void> {
  if (listings.length === 0) return;
  const texts = listings.map((listing) => listing.texts);
  const documents = documentsOf(listings, terms ?? (await readTerms(tx, texts)));
  const ids = listings.map(({ facts }) => facts.listingId);
  if (isThere) await send(tx, store.lockDocuments(tx, ids));
  await send(tx, store.writeDocuments(tx, noun, documents, { replacing: true }));
}

const documentsOf = (listings: readonly Matchable[], { of, known }: Terms): store.NewDocument[] =>
  listings.map(({ facts }, i) => ({
    facts,
    ...vectorOf(of[i] ?? [], known),
    weighedWith: known.documents,
  }));

/** Puts listings into the index that are not in it: a bulk load into an empty market. */
export async function addListings(
  tx: Executor,
  noun: Noun,
  listings: readonly Matchable[],
  terms: Terms,
): Promise<void> {
  if (listings.length === 0) return;
  const documents = documentsOf(listings, terms);
  await send(tx, store.writeDocuments(tx, noun, documents, { replacing: false }));
}

/** The terms of a listing by number, with how often it has each. */
export const termsOf = (texts: Texts) => numbered(frequenciesOf(texts));

/** Takes listings that are no longer public out of the index. */
export async function unindexListings(
  tx: Executor,
  noun: Noun,
  listingIds: readonly string[],
): Promise<void> {
  await send(tx, store.lockDocuments(tx, listingIds));
  await send(tx, store.deleteDocuments(tx, noun, listingIds));
}

/** A listing that is near, and why. */
export interface Near {
  facts: DocumentFacts;
  /** Cosine, 0 to 1. */
  nearness: number;
  /** The terms in common that add most; computed when asked for. */
  common: (limit: number) => { term: string; kind: TermKind; part: number }[];
}

/** Candidates that are scored exactly. */
export const candidates = 1_000;

/**
 * The listings of a kind that are nearest to a text, the nearest first, and the version of the term
 * statistics that says so.
 * @param depth how many candidates are scored
 * @param withoutOrganization whose own listings are left out
 */
export async function findNear(
  db: Executor,
  noun: Noun,
  texts: Texts,
  { depth = candidates, withoutOrganization = null as string | null } = {},
): Promise<{ near: Near[]; version: number }> {
  const frequencies = frequenciesOf(texts);
  const known = await readStatistics(
    db,
    numbered(frequencies).map(({ term }) => term),
  );
  const query = queryOf(frequencies, known);
  // A small market is scored whole: there, what two listings share may be in most of the others as well.
  const small = known.documents > 0 && known.documents <= depth / 2;
  const by = small ? null : candidateTerms(query, known.frequencies);
  const found = await store.selectCandidates(db, noun, by, {
    withoutOrganization,
    limit: depth,
    budget: postingsBudget,
  });
  const near = found
    .map((candidate) => ({
      facts: candidate.facts,
      nearness: nearness(query, candidate),
      common: (limit: number) =>
        commonTerms(query, candidate)
          .slice(0, limit)
          .map(({ key, part }) => ({ term: spellingOf(key), kind: kindOf(key), part })),
    }))
    .sort((a, b) => b.nearness - a.nearness || (a.facts.listingId < b.facts.listingId ? 1 : -1));
  return { near, version: known.version };
}

/** Documents whose lengths were taken when the market was much smaller or larger, locked. */
export async function takeStale(tx: Executor, take: Take): Promise<store.StaleDocument[]> {
  const { documents } = await currentStatistics(tx);
  return store.lockStale(tx, documents, take);
}

/** Weighs them anew. */
export async function reweigh(tx: Executor, stale: readonly store.StaleDocument[]): Promise<void> {
  const { documents } = await currentStatistics(tx);
  const opened = stale.map((row) => ({ ...row, terms: unpacked({ ...row, norm: 1 }) }));
  const all = new Set(opened.flatMap(({ terms }) => terms.map(({ term }) => term)));
  const known = await readStatistics(tx, [...all]);
  for (const { noun, number, terms } of opened) {
    await send(tx, store.updateVector(tx, noun, number, vectorOf(terms, known), documents));
  }
}

/** Documents weighed anew in one transaction. */
const batch = 500;

/**
 * Weighs all stale ones anew, some at a time: for whoever loads a market in bulk.
 * @returns how many; fewer than a batch means that none is left
 */
export async function reweighStale(tx: Executor): Promise<{ done: number; more: boolean }> {
  const take = { job: "matching.refresh", limit: batch, at: nowInstant(), after: null };
  const stale = await takeStale(tx, take);
  await reweigh(tx, stale);
  return { done: stale.length, more: stale.length === batch };
}
