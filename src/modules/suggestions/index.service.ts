/** Keeps the index of suggestions as the public listings are: what follows from a change of one, and the upkeep. */
import type { Executor } from "../../database/connect.ts";
import type { SearchColumns } from "../../lib/terms.ts";
import { type Change, meanwhile, type Prepared } from "../../lifecycle/reactions.ts";
import type { Listing, Matched, SharedRow } from "../listings/listings.service.ts";
import {
  type IndexEntry,
  indexListings,
  makeIndexEntries,
  putListings,
  readTermsMeanwhile,
  unindexListings,
} from "../matching/matching.service.ts";
import { needJobs, toMatchableNeed } from "../needs/needs.service.ts";
import { resultJobs, toMatchableResult } from "../results/results.service.ts";
import type { Noun } from "./suggestions.engine.ts";

/** What is in public view is in the index as it is now; its text is cut into terms while it is being written. */
const indexing = <Row extends SharedRow>(
  noun: Noun,
  toMatchable: (row: Row) => Matched,
): Prepared<Listing<Row>> =>
  meanwhile(
    ({ tx, after }) => readTermsMeanwhile(tx, toMatchable(after.row).texts),
    async ({ tx, before, after }, terms) => {
      const isThere = before?.row.status === "published";
      await indexListings(tx, noun, [toMatchable(after.row)], { terms, isThere });
    },
  );

export const indexResult = indexing("result", toMatchableResult);
export const indexNeed = indexing("need", toMatchableNeed);

/** What has left public view leaves the index. */
const unindexing =
  (noun: Noun) =>
  ({ tx, after }: Change<Listing>): Promise<void> =>
    unindexListings(tx, noun, [after.row.id]);

export const unindexResult = unindexing("result");
export const unindexNeed = unindexing("need");

/** What listings are rewritten with, by id, and of which version of them it was worked out. */
type Reindexed = ReadonlyMap<string, IndexEntry & { version: number }>;

/** How the listings of a kind are rewritten, after the way of cutting text has changed. */
function reindexing<Row extends SharedRow>(
  noun: Noun,
  toMatchable: (row: Row) => Matched,
  recut: (tx: Executor, found: readonly { id: string; search: SearchColumns }[]) => Promise<void>,
) {
  /** @param by in another thread, or here */
  async function makeEntries(
    db: Executor,
    rows: readonly Row[],
    by: "here" | "elsewhere",
  ): Promise<Reindexed> {
    const texts = rows.map((row) => toMatchable(row).texts);
    const entries = await makeIndexEntries(db, texts, by);
    return new Map(
      rows.map(({ id, version }, i) => [id, { ...(entries[i] as IndexEntry), version }]),
    );
  }

  return {
    /** Works out what they are found by, before they are locked. */
    prepare: (db: Executor, rows: readonly Row[]) => makeEntries(db, rows, "elsewhere"),
    /**
     * Writes it. It is no change of theirs: neither version nor audit record.
     * @param before what was worked out before they were locked; what has changed since is worked out here
     */
    async work(tx: Executor, rows: readonly Row[], before: Reindexed = new Map()): Promise<void> {
      const changed = rows.filter(({ id, version }) => before.get(id)?.version !== version);
      const anew = changed.length > 0 ? await makeEntries(tx, changed, "here") : before;
      const all = rows.map((row) => ({
        row,
        ...((anew.get(row.id) ?? before.get(row.id)) as IndexEntry),
      }));
      await recut(
        tx,
        all.map(({ row, search }) => ({ id: row.id, search })),
      );
      const live = all.filter(({ row }) => row.status === "published");
      await putListings(
        tx,
        noun,
        live.map(({ row, weighed }) => ({ facts: toMatchable(row).facts, weighed })),
      );
    },
  };
}

export const reindexingResults = reindexing("result", toMatchableResult, resultJobs.recut);
export const reindexingNeeds = reindexing("need", toMatchableNeed, needJobs.recut);
