import type { Executor } from "../../database/connect.ts";
import * as store from "./synonyms.store.ts";

/**
 * The groups of words of one meaning that hold one of these.
 * @param words folded, as are those of the groups
 */
export async function synonymsOf(db: Executor, words: readonly string[]): Promise<string[][]> {
  if (words.length === 0) return [];
  return (await store.selectGroupsWith(db, words)).map(({ folded }) => folded);
}
