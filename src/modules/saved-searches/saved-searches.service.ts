import { savedSearches } from "../../../db/schema/saved-searches.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow, updateRow } from "../../database/rows.ts";
import { type Actor, scopeNeeded } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { readChangesCursor, toChangesPage } from "../../lib/changes.ts";
import { instantIn, nowInstant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, totalOf } from "../../lib/pagination.ts";
import { parsePatched } from "../../lib/patched.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { ListNeedsQuery } from "../needs/needs.schema.ts";
import { listNeeds } from "../needs/needs.service.ts";
import { ListResultsQuery } from "../results/results.schema.ts";
import { listResults } from "../results/results.service.ts";
import {
  type ListNewListingsQuery,
  type ListSavedSearchesQuery,
  type LookInput,
  newCountLimit,
  type SavedSearch,
  SavedSearchDetails,
  type SavedSearchInput,
  type SavedSearchWithNew,
} from "./saved-searches.schema.ts";
import * as store from "./saved-searches.store.ts";

/** Most that one owner has. */
const most = 50;

/**
 * Seconds that lie between the present and what counts as seen. A listing's moment of publication is
 * taken before its transaction commits, which is at most the handler time-out (25 s) later: what was
 * published longer ago than this is there to be seen, or never will be.
 */
const unsettled = 30;

function toSavedSearch(row: store.SavedSearchRow): SavedSearch {
  const { organizationId: _, ownerId: __, ...shown } = row;
  return shown;
}

const auditOf = (row: store.SavedSearchRow) => ({
  id: row.id,
  organizationId: row.organizationId,
});

/** A machine client looks for needs only if it may read needs. */
function assertScope(actor: Actor, noun: "result" | "need"): void {
  const scope = `${noun}s:read` as const;
  if (!actor.scopes || actor.scopes.includes(scope)) return;
  throw scopeNeeded(scope);
}

/**
 * Saves a search of the caller's; what is published from now on is new.
 * @throws AppError `saved_search.too_many` (409), `auth.insufficient_scope`
 */
export async function createSavedSearch(
  tx: Executor,
  call: Call,
  { noun, name, query }: SavedSearchInput,
): Promise<SavedSearch> {
  const { actor } = call;
  assertScope(actor, noun);
  if ((await store.countForAnother(tx, actor.id)) >= most) {
    const detail = { en: `There are ${most} already.`, zh: `已有 ${most} 个，达到上限。` };
    throw new AppError("saved_search.too_many", { detail });
  }
  const row = await insertRow(tx, savedSearches, {
    id: newId(),
    organizationId: actor.organizationId,
    ownerId: actor.id,
    noun,
    name,
    query,
    seenThrough: instantIn(-unsettled),
  });
  await recordAudit(tx, call, {
    type: "saved_search.create",
    subject: auditOf(row),
    before: null,
    after: row,
  });
  return toSavedSearch(row);
}

/** The caller's own, in the order in which they were saved. */
export async function listSavedSearches(
  db: Executor,
  actor: Actor,
  query: ListSavedSearchesQuery,
): Promise<Page<SavedSearch>> {
  const list = `saved-searches ${actor.id}`;
  const rows = await store.selectSearches(db, actor.id, query, readChangesCursor(list, query));
  const page = toChangesPage(list, query, rows, toSavedSearch);
  if (query.include) page.total = totalOf(await store.countSearches(db, actor.id, query));
  return page;
}

async function find(db: Executor, actor: Actor, id: string): Promise<store.SavedSearchRow> {
  const row = await store.selectSearch(db, actor.id, id);
  if (!row) throw new AppError("saved_search.not_found");
  return row;
}

/** The instant after which a listing of this search is new, or the search's own bound if that is later. */
function publishedFrom(seenThrough: string, own: string | undefined): string {
  // Instants are kept to the millisecond.
  const after = new Date(new Date(seenThrough).getTime() + 1).toISOString();
  return own && own > after ? own : after;
}

/** A page of what is new, as the list of that noun gives it. */
async function selectNew(
  db: Executor,
  actor: Actor,
  { noun, query, seenThrough }: store.SavedSearchRow,
  { limit, cursor, include }: ListNewListingsQuery,
) {
  assertScope(actor, noun);
  const from = "publishedAt[gte]";
  const shown = {
    limit,
    cursor,
    sort: "newest" as const,
    include: include ? [include] : undefined,
  };
  // What is new and comes near is not what was asked to be told of.
  const options = { nearest: false };
  if (noun === "result") {
    const saved = ListResultsQuery.parse(query);
    const bound = { [from]: publishedFrom(seenThrough, saved[from]) };
    return { noun, ...(await listResults(db, actor, { ...saved, ...bound, ...shown }, options)) };
  }
  const saved = ListNeedsQuery.parse(query);
  const bound = { [from]: publishedFrom(seenThrough, saved[from]) };
  return { noun, ...(await listNeeds(db, actor, { ...saved, ...bound, ...shown }, options)) };
}

/**
 * One of the caller's, with how many listings are new.
 * @throws AppError `saved_search.not_found` (404), also for another's; `auth.insufficient_scope`
 */
export async function readSavedSearch(
  db: Executor,
  actor: Actor,
  id: string,
): Promise<SavedSearchWithNew> {
  const row = await find(db, actor, id);
  const { data, page } = await selectNew(db, actor, row, { limit: newCountLimit });
  const newListings = page.hasMore ? { atLeast: newCountLimit } : { exact: data.length };
  return { ...toSavedSearch(row), newListings };
}

/**
 * What was published since the last look, newest first.
 * @throws AppError `saved_search.not_found` (404), `auth.insufficient_scope`
 */
export async function listNewListings(
  db: Executor,
  actor: Actor,
  id: string,
  query: ListNewListingsQuery,
) {
  // Taken before the listings are read: what settles in between is shown again, not lost.
  const through = instantIn(-unsettled);
  const found = await selectNew(db, actor, await find(db, actor, id), query);
  // On the first page only: a later page begins behind what came since, and would pass it over.
  return query.cursor === undefined ? { ...found, through } : found;
}

async function lock(tx: Executor, { actor, expected }: Call, id: string) {
  const row = await store.lockSearch(tx, actor.id, id);
  if (!row) throw new AppError("saved_search.not_found");
  assertVersion(row, expected);
  return row;
}

/**
 * Renames a saved search or changes its query; how far its owner has looked stays.
 * @throws AppError `saved_search.not_found` (404), `request.invalid`
 */
export async function updateSavedSearch(
  tx: Executor,
  call: Call,
  id: string,
  patch: Record<string, unknown>,
): Promise<SavedSearch> {
  const before = await lock(tx, call, id);
  const { name, query } = before;
  const details = parsePatched(SavedSearchDetails[before.noun], { name, query }, patch);
  const after = await updateRow(tx, savedSearches, before, details);
  await recordAudit(tx, call, {
    type: "saved_search.update",
    subject: auditOf(after),
    before,
    after,
  });
  return toSavedSearch(after);
}

/**
 * Notes how far the owner has looked: forward only, and never into the last half minute.
 * @throws AppError `saved_search.not_found` (404), `request.invalid` for an instant to come
 */
export async function lookAtSavedSearch(
  tx: Executor,
  call: Call,
  id: string,
  { through }: LookInput,
): Promise<SavedSearch> {
  if (through > nowInstant()) {
    throw new AppError("request.invalid", { faults: [bodyFault(["through"], "date.future")] });
  }
  const before = await lock(tx, call, id);
  const settled = instantIn(-unsettled);
  const seenThrough = through < settled ? through : settled;
  // Somebody has looked further already: nothing changes.
  if (seenThrough <= before.seenThrough) return toSavedSearch(before);
  const after = await updateRow(tx, savedSearches, before, { seenThrough });
  await recordAudit(tx, call, {
    type: "saved_search.look",
    subject: auditOf(after),
    before,
    after,
  });
  return toSavedSearch(after);
}

/** @throws AppError `saved_search.not_found` (404) */
export async function deleteSavedSearch(tx: Executor, call: Call, id: string): Promise<undefined> {
  const before = await lock(tx, call, id);
  await store.deleteSearch(tx, id);
  await recordAudit(tx, call, {
    type: "saved_search.delete",
    subject: auditOf(before),
    before,
    after: null,
  });
}
