import { results } from "../../../db/schema/results.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { type Actor, type Origin, systemOrigin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { parsePatched } from "../../lib/patched.ts";
import type { PutCall } from "../../lib/put.ts";
import { searchColumnsOf } from "../../lib/terms.ts";
import { toAmount, toMoney } from "../../lib/wire.ts";
import { stored } from "../../lifecycle/stored.ts";
import { assertRoomForDraft, type DraftQuota, roomForDrafts } from "../listings/drafts.service.ts";
import { claimExternalId, putListing, replacing } from "../listings/external-ids.service.ts";
import { type Listing, looseStatuses } from "../listings/listings.lifecycle.ts";
import * as listings from "../listings/listings.service.ts";
import * as rows from "../listings/listings.store.ts";
import { completenessOf, toListing } from "../listings/listings.view.ts";
import { conditionsOf } from "../listings/lists.filters.ts";
import { type ListOptions, listListings, openPage } from "../listings/lists.service.ts";
import { selectPublished } from "../listings/lists.store.ts";
import { selectRelated } from "../listings/related.store.ts";
import { assertCodes, broughtIn, codesIn } from "../taxonomies/taxonomies.service.ts";
import { gapsOf, rightFaultsOf } from "./results.completeness.ts";
import { type ResultRow, result } from "./results.lifecycle.ts";
import { type ListResultsQuery, type Result, ResultInput } from "./results.schema.ts";
import * as store from "./results.store.ts";
import { factsOf, textsOf } from "./results.texts.ts";

const kind: listings.ListingKind<ResultRow> = {
  noun: "result",
  table: results,
  resource: result,
  gapsOf,
  textsOf,
  factsOf,
};

/** An input as the columns keep it. */
function toColumns({ price, funding, ...input }: ResultInput) {
  const types = input.intellectualProperty.map((ip) => ip.typeCode);
  const columns = {
    ...input,
    // A patch that takes them out leaves them away.
    regionCode: input.regionCode ?? null,
    contact: input.contact ?? null,
    funding: toAmount(funding),
    priceKind: price?.kind ?? null,
    priceMin: toAmount(price?.amount ?? price?.min ?? null),
    priceMax: toAmount(price?.amount ?? price?.max ?? null),
    intellectualPropertyTypes: [...new Set(types)],
  };
  return { ...columns, completeness: completenessOf(gapsOf(columns)) };
}

/** The price of a row on the wire. */
function toPrice(row: Pick<ResultRow, "priceKind" | "priceMin" | "priceMax">): Result["price"] {
  const { priceKind } = row;
  if (!priceKind) return null;
  const single = priceKind === "fixed" || priceKind === "appraised";
  return {
    kind: priceKind,
    amount: single ? toMoney(row.priceMin) : null,
    min: single ? null : toMoney(row.priceMin),
    max: single ? null : toMoney(row.priceMax),
  };
}

/** A row as an input: what a patch is merged into. */
function toInput(row: ResultRow): ResultInput {
  const wire = { ...row, price: toPrice(row), funding: toMoney(row.funding) };
  // Its keys are exactly those of the input.
  return Object.fromEntries(
    ResultInput.keyof().options.map((key) => [key, wire[key]]),
  ) as ResultInput;
}

/** A row as this caller may see it. */
function toResult(row: rows.Found<ResultRow>, actor: Actor | null): Result {
  return {
    ...row,
    ...toListing(kind, row, actor),
    price: toPrice(row),
    funding: toMoney(row.funding),
  };
}

/** The same after a step, or another change. */
const shown = ({ row, ...beside }: Listing<ResultRow>, actor: Actor): Result =>
  toResult({ ...row, ...beside }, actor);

const kept = stored(result, {
  lock: (tx, actor, id: string) => rows.lockListing(tx, results, actor, id),
  reply: (_, actor, listing) => shown(listing, actor),
});
const rules = listings.listingRules(kind);

/**
 * Drafts a result for the caller's organization, whose region and contact it takes over unless they are given.
 * @throws AppError `request.invalid` for a code that its taxonomy lacks, `organization.draft_quota`,
 *   `result.external_id_taken` (409)
 */
export async function createResult(
  tx: Executor,
  call: Call,
  input: ResultInput,
  quota?: DraftQuota,
): Promise<Result> {
  const { actor } = call;
  const [whole] = await Promise.all([
    listings.withDefaults(tx, actor, input),
    assertCodes(tx, codesIn(ResultInput, input)),
    claimExternalId(tx, kind, actor, input.externalId),
    assertRoomForDraft(tx, actor, kind, quota),
  ]);
  const columns = toColumns(whole);
  const { organization, ...row } = await rows.insertListing(tx, results, "result", {
    ...columns,
    ...searchColumnsOf(textsOf(columns)),
    ...listings.draftOf(actor),
  });
  const { organizationStatus } = actor;
  await kept.made(tx, call, { row, organization, organizationStatus });
  return toResult({ ...row, organization, organizationStatus }, actor);
}

/**
 * Drafts many of them, which are counted together.
 * @returns what drafts one of them, with the refusals of `createResult`
 */
export async function createResults(tx: Executor, call: Call, quota?: DraftQuota) {
  const draft = await roomForDrafts(tx, call.actor, kind, quota);
  return (input: ResultInput) => draft(() => createResult(tx, call, input));
}

/** @throws AppError `result.not_found` (404) for one that the caller may not see */
export const readResult = async (db: Executor, actor: Actor | null, id: string): Promise<Result> =>
  toResult(await listings.readListing(db, "result", results, actor, id), actor);

/** Some as all may see them, with their marks. */
export const readOpenResults = (db: Executor, ids: readonly string[]) =>
  listings.readOpen(db, "result", results, ids, (row) => toResult(row, null));

export const markOpenResults = (db: Executor, ids: readonly string[]) =>
  listings.markOpen(db, "result", results, ids);

/**
 * Published results; in the scope `own` the caller's, in every state; in `all`, the operator's, everything.
 * @throws AppError `auth.required`, `auth.forbidden_role` for a scope that is not the caller's, `cursor.expired`
 */
export const listResults = (
  db: Executor,
  actor: Actor | null,
  query: ListResultsQuery,
  options?: ListOptions,
) =>
  listListings(
    db,
    actor,
    store.resultList,
    sorted(query),
    [...conditionsOf(actor, query), ...store.conditionsOf(query)],
    (row) => store.toSummary(row, toPrice(row), actor),
    options,
  );

/** A plain page of published results, as all see it. */
export const openResults = (db: Executor, query: ListResultsQuery) =>
  openPage(
    db,
    store.resultList,
    sorted(query),
    [...conditionsOf(null, query), ...store.conditionsOf(query)],
    (row) => store.toSummary(row, toPrice(row), null),
  );

/** The end of a result is its last day. */
const sorted = (query: ListResultsQuery) =>
  query.sort === "deadline" ? { ...query, sort: "validUntil" } : query;

/**
 * Changes a result by merge patch; a published one stays live, marked as changed since review.
 * @throws AppError `result.not_owner` (403), `result.invalid_transition`, `result.incomplete` (409)
 */
export async function updateResult(
  tx: Executor,
  call: Call,
  id: string,
  patch: Record<string, unknown>,
): Promise<Result> {
  const { before } = await kept.lockAs(tx, call, id, ["owner"]);
  return revise(tx, call, before, parsePatched(ResultInput, toInput(before.row), patch));
}

/**
 * Creates the result that the caller's organization calls so, or replaces what it holds by the rules of a change.
 * @throws AppError `request.invalid` for an input that names another id, `request.precondition_failed` (412),
 *   else as the two
 */
export const putResult = (
  tx: Executor,
  call: PutCall,
  externalId: string,
  input: ResultInput,
  quota?: DraftQuota,
) =>
  putListing(tx, call, kind, externalId, input, {
    create: (whole) => createResult(tx, call, whole, quota),
    replace: async (id, whole) => {
      const { before } = await kept.lockAs(tx, call, id, ["owner"]);
      return revise(tx, call, before, replacing(before.row, whole));
    },
  });

/** What an owner's change makes of a result, whole. */
async function revise(
  tx: Executor,
  call: Call,
  before: Listing<ResultRow>,
  input: ResultInput,
): Promise<Result> {
  const current = toInput(before.row);
  await claimExternalId(tx, kind, call.actor, input.externalId, current.externalId);
  await assertCodes(tx, broughtIn(codesIn(ResultInput, input), codesIn(ResultInput, current)));
  // What the operator has seen, or is to see, has no number that is none.
  if (!looseStatuses.includes(before.row.status)) {
    const faults = rightFaultsOf(input).map(({ index, code }) =>
      bodyFault(["intellectualProperty", index, "number"], code),
    );
    if (faults.length > 0) throw new AppError("request.invalid", { faults });
  }
  const changes = await rules.revised(tx, call.actor, before, toColumns(input));
  const after = changes ? await kept.change(tx, call, before, { changes }) : before;
  return shown(after, call.actor);
}

/**
 * Removes a draft that was never public, for good; the audit record stays.
 * @throws AppError `result.not_owner` (403), `result.invalid_transition` (409)
 */
export async function deleteResult(tx: Executor, call: Call, id: string): Promise<undefined> {
  const { before } = await kept.lockAs(tx, call, id, ["owner"]);
  rules.assertDeletable(call.actor, before);
  await rows.deleteListing(tx, results, id);
  await kept.removed(tx, call, before);
}

export const submitResult = kept.handle("submitResult", rules.submit, rules.holdOwner);
export const withdrawResult = kept.handle("withdrawResult");
export const publishResult = kept.handle("publishResult", rules.publish, rules.holdOwner);
export const requestChangesOfResult = kept.handle("requestChangesOfResult", rules.review);
export const rejectResult = kept.handle("rejectResult", rules.review);
export const renewResult = kept.handle("renewResult", rules.renew, rules.holdOwnerUntil);

/** Withdraws the results of an organization that was closed. */
export async function withdrawResultsOf(
  tx: Executor,
  origin: Origin,
  organizationId: string,
): Promise<void> {
  for (const before of await rows.lockListings(tx, results, rows.liveOf(results, organizationId))) {
    const reason = "organization closed";
    await kept.move(tx, origin, before, "withdrawResultOfClosed", { reason });
  }
}

/** A transfer or exclusive licence of a result is effective: it is gone, if it was in public view. */
export async function transferResult(
  tx: Executor,
  origin: Origin,
  id: string,
  contractId: string,
): Promise<void> {
  const [before] = await rows.lockListings(tx, results, rows.ifPublished(results, id));
  if (!before) return;
  const changes = { transferredContractId: contractId };
  await kept.move(tx, origin, before, "transferResult", { changes });
}

/** Results that this contract had transferred are there again: it was cancelled. */
export async function restoreResultsOf(
  tx: Executor,
  origin: Origin,
  contractId: string,
): Promise<void> {
  const transferred = store.transferredBy(contractId);
  for (const before of await rows.lockListings(tx, results, transferred)) {
    const to = listings.restoredTo(before.row.validUntil);
    const changes = { transferredContractId: null };
    await kept.move(tx, origin, before, "restoreResult", { to, changes });
  }
}

/** A result as suggestions are made for it. */
export const toMatchableResult = (row: ResultRow) => listings.toMatched(kind, row);

/**
 * The same of one that this caller may read. Whose a result is is never kept from anybody.
 * @throws AppError `result.not_found` (404)
 */
export async function readMatchableResult(db: Executor, actor: Actor, id: string) {
  const row = await listings.readListing(db, "result", results, actor, id);
  return { ...toMatchableResult(row), isVeiled: false };
}

/** Some, as lists show them; those that the caller may not read are left out. */
export async function relatedResults(db: Executor, actor: Actor | null, ids: readonly string[]) {
  const { columns } = store.resultList;
  const read = selectRelated<store.SummaryRow>;
  const found = await read(db, results, "result", columns, actor, ids);
  return new Map(found.map((row) => [row.id, store.toSummary(row, toPrice(row), actor)]));
}

/** Published results as lists show them, with what each lacks. */
export async function describeResults(db: Executor, actor: Actor, ids: readonly string[]) {
  const found = await selectPublished(db, results, ids);
  return new Map(
    found.map((row) => [
      row.id,
      { item: store.toSummary(row, toPrice(row), actor), gaps: gapsOf(row) },
    ]),
  );
}

/** What is done with results on time. */
export const resultJobs = {
  /** Published ones whose last day has passed, locked; those that another process holds are left to it. */
  takeOverdue: async (tx: Executor, take: Take) =>
    listings.withIds(await rows.lockOverdue(tx, results, today(), take)),
  async expire(tx: Executor, overdue: readonly Listing<ResultRow>[]): Promise<void> {
    for (const before of overdue) await kept.move(tx, systemOrigin, before, "expireResult");
  },
  takeToReindex: (tx: Executor, take: Take, which: "all" | "failed") =>
    listings.takeToReindex(tx, "result", results, take, which),
  countAll: (db: Executor) => listings.countAll(db, kind),
  recut: (tx: Executor, found: Parameters<typeof listings.recutListings>[2]) =>
    listings.recutListings(tx, kind, found),
};
