/** How much a term tells: the fewer published listings have it, the more. */
import type { Executor } from "../../database/connect.ts";
import { termNumber } from "../../lib/terms.ts";
import * as store from "./statistics.store.ts";

type Noun = "result" | "need";

/** The weight of a term that `documents` of `all` listings have. */
export const rarity = (documents: number, all: number): number =>
  Math.log((all + 1) / (documents + 0.5) + 1);

/**
 * Makes a new version of the statistics of both nouns, for a change after which listings score otherwise:
 * cursors of ranked lists have lost their place.
 */
export const touchStatistics = store.bumpVersions;

/**
 * Weights for the words of a search, in thousandths, and the version of the count they come from.
 * A word that the dictionary cuts otherwise in the listings is as rare as the rarest of its pairs.
 */
export async function weighWords(
  db: Executor,
  noun: Noun,
  words: readonly { text: string; terms: readonly string[] }[],
): Promise<{ version: number; weightOf: (text: string) => number }> {
  const numbers = words.map(({ text, terms }) => ({
    text,
    word: termNumber(noun, "word", text),
    pairs: terms.map((term) => termNumber(noun, "pair", term)),
  }));
  const { version, documents } = await store.selectVersion(db, noun);
  const terms = numbers.flatMap(({ word, pairs }) => [word, ...pairs]);
  const found = terms.length > 0 ? await store.selectFrequencies(db, noun, terms) : [];
  const frequency = new Map(found.map((row) => [row.term, row.documents]));
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
