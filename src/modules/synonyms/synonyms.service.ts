import { synonyms } from "../../../db/schema/synonyms.ts";
import type { Executor } from "../../database/connect.ts";
import { failedOf, type Take } from "../../database/held-rows.ts";
import { insertRow, updateRow } from "../../database/rows.ts";
import type { Call } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { fold, joined, synonymKeysOf } from "../../lib/terms.ts";
import { instantInput } from "../../lib/wire.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { currentStatistics, touchStatistics } from "../matching/term-statistics.service.ts";
import { type ListSynonymsQuery, type Synonym, SynonymInput } from "./synonyms.schema.ts";
import * as store from "./synonyms.store.ts";

/**
 * The groups of words of one meaning that hold one of these, folded.
 * @param words folded; a group's word of several parts may be asked for joined, and is then in the
 *   group as asked too
 */
export async function synonymsOf(db: Executor, words: readonly string[]): Promise<string[][]> {
  if (words.length === 0) return [];
  const asked = new Set(words);
  return (await store.selectGroupsWith(db, words)).map((group) => {
    const folded = group.words.map(fold);
    return [...new Set([...folded, ...folded.map(joined).filter((word) => asked.has(word))])];
  });
}

/** All groups as they were at a version of the scores, which every change of a group makes anew. */
let memory: { version: number; groups: readonly (readonly string[])[] } | null = null;

/** The words of all groups, folded: the same array until a group changes. */
export async function allSynonyms(db: Executor): Promise<readonly (readonly string[])[]> {
  const { version } = await currentStatistics(db);
  if (memory?.version === version) return memory.groups;
  // Read after the version: at worst it is newer than that, and read again.
  const groups = (await store.selectAllWords(db)).map(({ words }) => words.map(fold));
  memory = { version, groups };
  return groups;
}

/** Groups to fold again, in the order of their ids: all, or those for which it failed. */
export const takeToRefold = (tx: Executor, take: Take, which: "all" | "failed") =>
  store.lockWordsAfter(tx, take, which === "failed" ? failedOf(take, "synonym") : undefined);

/**
 * Folds groups again after the way of cutting text has changed. It does not count as a change; of groups that
 * have become the same one, one stays.
 * @param which "all": groups after these are still to be folded; "failed": all others are
 */
export async function refoldSynonyms(
  tx: Executor,
  groups: readonly { id: string; words: string[] }[],
  which: "all" | "failed",
): Promise<void> {
  for (const { id, words } of groups) {
    const folded = synonymKeysOf(words);
    const same = await store.selectSame(tx, id, folded);
    // What it has is outdated: it gets keys of its own until its turn comes.
    if (same && which === "all" && same.id > id) await store.clearFolded(tx, same.id);
    else if (same) {
      await store.deleteGroup(tx, id);
      continue;
    }
    await store.updateFolded(tx, id, folded);
  }
}

function toSynonym(row: store.SynonymRow): Synonym {
  const { folded: _, createdBy: __, ...shown } = row;
  return shown;
}

/** Every group, the latest change first. */
export async function listSynonyms(db: Executor, query: ListSynonymsQuery): Promise<Page<Synonym>> {
  const list = "synonyms";
  const holding = query.q === undefined ? null : fold(query.q);
  const after = readCursor(list, query, instantInput);
  const rows = await store.selectGroups(db, holding, after, query.limit);
  const page = toPage(list, query, rows, (row) => row.updatedAt, toSynonym);
  if (query.include) page.total = totalOf(await store.countGroups(db, holding));
  return page;
}

/** @throws AppError `synonym.not_found` (404) */
export async function readSynonym(db: Executor, id: string): Promise<Synonym> {
  const row = await store.selectGroup(db, id);
  if (!row) throw new AppError("synonym.not_found");
  return toSynonym(row);
}

/** What every change of the table comes with: its record, and scores that are others from now on. */
async function changed(
  tx: Executor,
  call: Call,
  verb: "create" | "update" | "delete",
  before: store.SynonymRow | null,
  after: store.SynonymRow | null,
): Promise<void> {
  const id = (after ?? before)?.id;
  if (!id) throw new Error("nothing was changed");
  await touchStatistics(tx);
  await recordAudit(tx, call, {
    type: `synonym.${verb}`,
    subject: { id, organizationId: null },
    before: before && withoutKeys(before),
    after: after && withoutKeys(after),
  });
}

/** The keys follow from the words. */
function withoutKeys(row: store.SynonymRow) {
  const { folded: _, ...rest } = row;
  return rest;
}

/**
 * Adds a group; searches know it at once, and cursors of ranked lists expire.
 * @throws AppError `synonym.words_taken` (409), by the constraint on the words
 */
export async function createSynonym(
  tx: Executor,
  call: Call,
  input: SynonymInput,
): Promise<Synonym> {
  const row = await insertRow(tx, synonyms, {
    ...input,
    id: newId(),
    folded: synonymKeysOf(input.words),
    createdBy: call.actor.id,
  });
  await changed(tx, call, "create", null, row);
  return toSynonym(row);
}

async function lock(tx: Executor, call: Call, id: string): Promise<store.SynonymRow> {
  const row = await store.lockGroup(tx, id);
  if (!row) throw new AppError("synonym.not_found");
  assertVersion(row, call.expected);
  return row;
}

/**
 * Changes a group by merge patch.
 * @throws AppError `synonym.not_found` (404), `request.invalid`, `synonym.words_taken` (409)
 */
export async function updateSynonym(
  tx: Executor,
  call: Call,
  id: string,
  patch: Record<string, unknown>,
): Promise<Synonym> {
  const before = await lock(tx, call, id);
  const { words, note } = before;
  const input = parsePatched(SynonymInput, { words, note }, patch);
  const changes = { ...input, folded: synonymKeysOf(input.words) };
  const after = await updateRow(tx, synonyms, before, changes);
  await changed(tx, call, "update", before, after);
  return toSynonym(after);
}

/** @throws AppError `synonym.not_found` (404) */
export async function deleteSynonym(tx: Executor, call: Call, id: string): Promise<undefined> {
  const before = await lock(tx, call, id);
  await store.deleteGroup(tx, id);
  await changed(tx, call, "delete", before, null);
}
