/**
 * The engine of suggestions: keeps published listings as vectors of terms, and finds those that are
 * nearest to another listing's text. It knows texts and documents, not results and needs.
 */
import type { DocumentFacts } from "../../../db/schema/matching.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { send, sentOff } from "../../database/transact.ts";
import { nowInstant } from "../../lib/clock.ts";
import { kindOf, type SearchColumns, spellingOf, type TermKind } from "../../lib/terms.ts";
import { elsewhere, here } from "./matching.cutting.ts";
import * as store from "./matching.store.ts";
import {
  alikeIn,
  candidateTerms,
  commonSynonyms,
  commonTerms,
  frequenciesOf,
  nearness,
  numbered,
  postingsBudget,
  queryOf,
  type Statistics,
  type SynonymGroups,
  type Texts,
  termsOfAll,
  unpacked,
  type Vector,
  vectorOf,
} from "./matching.vector.ts";
import { currentStatistics, readStatistics } from "./term-statistics.service.ts";

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
 * could be reweighing
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

/** What a listing is rewritten with. */
export interface IndexEntry {
  /** What it is searched by. */
  search: SearchColumns;
  /** What it is matched by, once it is public. */
  weighed: Vector & { weighedWith: number };
}

/** Works out what listings that say this are searched and matched by. @param by in another thread, or here */
export async function makeIndexEntries(
  db: Executor,
  texts: readonly Texts[],
  by: "here" | "elsewhere",
): Promise<IndexEntry[]> {
  const work = by === "here" ? here : elsewhere;
  const cut = await work.cutListings(texts);
  const known = await readStatistics(db, distinct(cut.map(({ match }) => match.terms)));
  const vectors = await work.weighTerms(
    cut.map(({ match }) => match),
    known,
  );
  return vectors.map((vector, i) => ({
    search: (cut[i] as (typeof cut)[number]).search,
    weighed: { ...vector, weighedWith: known.documents },
  }));
}

const distinct = (lists: readonly Iterable<number>[]): number[] => {
  const all = new Set<number>();
  for (const list of lists) for (const term of list) all.add(term);
  return [...all];
};

/** Puts public listings into the index, with what was worked out for them, in place of what was there of them. */
export async function putListings(
  tx: Executor,
  noun: Noun,
  listings: readonly { facts: DocumentFacts; weighed: IndexEntry["weighed"] }[],
): Promise<void> {
  if (listings.length === 0) return;
  const documents = listings.map(({ facts, weighed }) => ({ facts, ...weighed }));
  const ids = listings.map(({ facts }) => facts.listingId);
  await send(tx, store.lockDocuments(tx, ids));
  await send(tx, store.writeDocuments(tx, noun, documents, { replacing: true }));
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
  /** What the two say with different words of one meaning, likewise: that of the text, that of the listing. */
  synonyms: () => { own: string; other: string; part: number }[];
}

/** Candidates that are scored exactly. */
export const candidates = 1_000;

/**
 * The listings of a kind that are nearest to a text, the nearest first, and the version of the term
 * statistics that says so.
 * @param groups words of one meaning
 * @param depth how many candidates are scored
 */
export async function findNear(
  db: Executor,
  noun: Noun,
  texts: Texts,
  groups: SynonymGroups,
  depth = candidates,
): Promise<{ near: Near[]; version: number }> {
  const frequencies = frequenciesOf(texts);
  const alike = alikeIn(frequencies, groups);
  const known = await readStatistics(db, termsOfAll(frequencies, alike));
  const query = queryOf(frequencies, known, alike);
  // A small market is scored whole: there, what two listings share may be in most of the others as well.
  const small = known.documents > 0 && known.documents <= depth / 2;
  const by = small ? null : candidateTerms(query, known.frequencies);
  const found = await store.selectCandidates(db, noun, by, {
    limit: depth,
    more: Math.ceil(depth / 10),
    budget: postingsBudget,
  });
  const near = found
    // What has but parts of a synonym does not have it.
    .filter((one) => !one.bySynonym || commonSynonyms(query, one).length > 0)
    .map((candidate) => ({
      facts: candidate.facts,
      nearness: nearness(query, candidate),
      common: (limit: number) =>
        commonTerms(query, candidate)
          .slice(0, limit)
          .map(({ key, part }) => ({ term: spellingOf(key), kind: kindOf(key), part })),
      synonyms: () => commonSynonyms(query, candidate),
    }))
    .sort((a, b) => b.nearness - a.nearness || (a.facts.listingId < b.facts.listingId ? 1 : -1));
  return { near, version: known.version };
}

/** Documents whose lengths were taken when the market was much smaller or larger, locked. */
export async function takeStale(tx: Executor, take: Take): Promise<store.StaleDocument[]> {
  const { documents } = await currentStatistics(tx);
  return store.lockStale(tx, documents, take);
}

/** How many there are. */
export async function countStale(db: Executor): Promise<number> {
  const { documents } = await currentStatistics(db);
  return store.countStale(db, documents);
}

/** What documents are reweighed with, by listing, and from what it was worked out. */
export type Reweighed = ReadonlyMap<string, { from: Buffer; vector: Vector; weighedWith: number }>;

/** Reweighs documents, as they are now. @param by in another thread, or here */
export async function weighAnew(
  db: Executor,
  stale: readonly store.StaleDocument[],
  by: "here" | "elsewhere",
): Promise<Reweighed> {
  const work = by === "here" ? here : elsewhere;
  const terms = stale.map((row) => unpacked({ ...row, norm: 1 }).map(({ term }) => term));
  const known = await readStatistics(db, distinct(terms));
  const vectors = await work.weighPacked(
    stale.map(({ packed }) => packed),
    known,
  );
  return new Map(
    vectors.map((vector, i) => {
      const { id, packed } = stale[i] as store.StaleDocument;
      return [id, { from: packed, vector, weighedWith: known.documents }];
    }),
  );
}

/**
 * Writes their new weights.
 * @param weighed what was worked out before they were locked; what has changed since is weighed here
 */
export async function reweigh(
  tx: Executor,
  stale: readonly store.StaleDocument[],
  weighed: Reweighed = new Map(),
): Promise<void> {
  const changed = stale.filter(({ id, packed }) => !weighed.get(id)?.from.equals(packed));
  const anew = changed.length > 0 ? await weighAnew(tx, changed, "here") : undefined;
  for (const { id, noun, number } of stale) {
    const { vector, weighedWith } = (anew?.get(id) ?? weighed.get(id)) as NonNullable<
      ReturnType<Reweighed["get"]>
    >;
    await send(tx, store.updateVector(tx, noun, number, vector, weighedWith));
  }
}

/** Documents reweighed in one transaction. */
const batch = 500;

/**
 * Reweighs all stale ones, some at a time: for a caller that loads a market in bulk.
 * @returns how many; fewer than a batch means that none is left
 */
export async function reweighStale(tx: Executor): Promise<{ done: number; more: boolean }> {
  const take = { job: "matching.refresh", limit: batch, at: nowInstant(), after: null };
  const stale = await takeStale(tx, take);
  await reweigh(tx, stale);
  return { done: stale.length, more: stale.length === batch };
}
