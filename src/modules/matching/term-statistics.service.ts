/** How much a term tells: the fewer published listings have it, the more. */
import type { Executor } from "../../database/connect.ts";
import { instantIn } from "../../lib/clock.ts";
import { pairNumber, termsVersion, wordNumber } from "../../lib/terms.ts";
import type { Statistics } from "./matching.vector.ts";
import * as store from "./term-statistics.store.ts";

/** The weight of a term that `documents` of `all` listings have. */
export const rarity = (documents: number, all: number): number =>
  Math.log((all + 1) / (documents + 0.5) + 1);

/** Terms that are remembered at most: some megabytes. */
const remembered = 200_000;

/** In how many listings the terms are that were asked for before, by the count of this instant. */
let memory: { countedAt: string | null; counts: Map<number, number> } = {
  countedAt: null,
  counts: new Map(),
};

/**
 * The count in use, and in how many listings each of these terms is; those in none are left out. A
 * listing has some hundred terms, nearly all of them met before: each is looked up once a count.
 */
export async function readStatistics(
  db: Executor,
  terms: readonly number[],
): Promise<Statistics & { version: number }> {
  const before = memory;
  const missing = terms.filter((term) => !before.counts.has(term));
  let found = await store.selectStatistics(db, missing);
  const same = found.countedAt === before.countedAt;
  if (!same && missing.length < terms.length) found = await store.selectStatistics(db, terms);
  const { version, documents, countedAt, counts } = found;
  if (countedAt === null) return { version, documents, frequencies: new Map() };
  // Never emptied in place: another request may be between its question and its answer.
  const known = same ? before.counts : new Map<number, number>();
  for (const term of same ? missing : terms) known.set(term, counts?.[term] ?? 0);
  const frequencies = new Map<number, number>();
  for (const term of terms) {
    const count = known.get(term) ?? 0;
    if (count > 0) frequencies.set(term, count);
  }
  memory = { countedAt, counts: known.size > remembered ? new Map() : known };
  return { version, documents, frequencies };
}

/**
 * Weights for the words of a search, in thousandths, and the version of the count they come from.
 * A word that the dictionary cuts otherwise in the listings is as rare as the rarest of its pairs.
 */
export async function weighWords(
  db: Executor,
  words: readonly { text: string; terms: readonly string[] }[],
): Promise<{ version: number; weightOf: (text: string) => number }> {
  const numbers = words.map(({ text, terms }) => ({
    text,
    word: wordNumber(text),
    pairs: terms.map(pairNumber),
  }));
  const terms = numbers.flatMap(({ word, pairs }) => [word, ...pairs]);
  const { version, documents, frequencies: frequency } = await readStatistics(db, terms);
  const weights = new Map(
    numbers.map(({ text, word, pairs }) => {
      const known = frequency.get(word);
      const rarest = Math.min(...pairs.map((pair) => frequency.get(pair) ?? 0));
      const count = known ?? (Number.isFinite(rarest) ? rarest : 0);
      return [text, Math.max(1, Math.round(1000 * rarity(count, documents)))];
    }),
  );
  return { version, weightOf: (text) => weights.get(text) ?? 1 };
}

/** Which count of the terms is in use. */
export const currentStatistics = store.selectVersion;

/** New listings since the last count, as a share of those counted, from which it is made again. */
const enough = 0.05;

/** Hours after which it is made again for any change: listings that leave change it too. */
const longest = 24;

/** Whether enough has changed since the last count for another one. */
export async function isCountDue(db: Executor): Promise<boolean> {
  const before = await store.selectVersion(db);
  const { documents, last } = await store.countDocuments(db);
  const added = last - before.through;
  const gone = Math.max(0, before.documents + added - documents);
  const changed = added + gone;
  const old = before.countedAt === null || before.countedAt < instantIn(-longest * 3600);
  return changed > before.documents * enough || (old && changed > 0);
}

/**
 * Counts in how many listings each term is, when enough has changed since the last count. Scores change
 * with it: it is a new version.
 * @param always count now
 * @returns whether it counted
 */
export async function refreshStatistics(tx: Executor, always = false): Promise<boolean> {
  if (!always && !(await isCountDue(tx))) return false;
  await store.recount(tx);
  return true;
}

/** Whether all listings are cut into terms as this program cuts them. */
export const isCutAnew = async (db: Executor): Promise<boolean> =>
  (await store.selectVersion(db)).termsVersion === termsVersion;

/** Notes that they are, and counts their terms. */
export async function noteCutAnew(tx: Executor): Promise<void> {
  await store.recount(tx, { termsVersion });
}

/** Makes a new version of the scores, because something that they are made of was changed. */
export async function touchStatistics(tx: Executor): Promise<void> {
  await store.changeVersion(tx, {});
}
