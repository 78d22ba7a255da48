/** How much a term tells: the fewer published listings have it, the more. */
import type { Executor } from "../../database/connect.ts";
import { instantIn } from "../../lib/clock.ts";
import { pairNumber, termsVersion, wordNumber } from "../../lib/terms.ts";
import * as store from "./statistics.store.ts";

/** The weight of a term that `documents` of `all` listings have. */
export const rarity = (documents: number, all: number): number =>
  Math.log((all + 1) / (documents + 0.5) + 1);

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
  const { version, documents, frequencies: frequency } = await store.selectStatistics(db, terms);
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

/**
 * Counts in how many listings each term is, when enough has changed since the last count. Scores change
 * with it: it is a new version.
 * @param always count now
 * @returns whether it counted
 */
export async function refreshStatistics(tx: Executor, always = false): Promise<boolean> {
  const before = await store.selectVersion(tx);
  const { documents, last } = await store.countDocuments(tx);
  const added = last - before.through;
  const gone = Math.max(0, before.documents + added - documents);
  const changed = added + gone;
  const old = before.countedAt === null || before.countedAt < instantIn(-longest * 3600);
  if (!always && !(changed > before.documents * enough || (old && changed > 0))) return false;
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
