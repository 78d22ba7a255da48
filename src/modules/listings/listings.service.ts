/** The rules that results and needs share. Each feature gives its own part as a `ListingKind`. */
import { isDeepStrictEqual } from "node:util";
import type { ListingRow, ListingTable, SearchColumn } from "../../../db/schema/listings.ts";
import type { Executor } from "../../database/connect.ts";
import { failedOf, type Take } from "../../database/held-rows.ts";
import { updateRow } from "../../database/rows.ts";
import { type Actor, isOperator, systemOrigin } from "../../lib/access.ts";
import { addYears, nowInstant, today } from "../../lib/clock.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import {
  allowedActions,
  type Lifecycle,
  nextStatus,
  type Transition,
  transitionRefused,
} from "../../lib/lifecycle.ts";
import { searchColumnsOf } from "../../lib/terms.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { lapseInterestsOf } from "../interests/interests.service.ts";
import { lapseMatchesOf } from "../matches/matches.service.ts";
import {
  type DocumentFacts,
  indexListings,
  readTermsMeanwhile,
  type Terms,
  unindexListings,
} from "../matching/matching.service.ts";
import { assertCodes } from "../taxonomies/taxonomies.service.ts";
import { looseStatuses } from "./listings.lifecycle.ts";
import type { Gap, ReviewInput } from "./listings.schema.ts";
import * as store from "./listings.store.ts";
import type { ListingTexts } from "./listings.texts.ts";
import type { MoneyBand } from "./search.schema.ts";
import { bandBounds } from "./search.store.ts";

/** What a feature tells of its listings. */
export interface ListingKind<Row extends ListingRow> {
  noun: "result" | "need";
  table: ListingTable;
  lifecycle: Lifecycle;
  /** What a row lacks, the required things marked. */
  gapsOf: (row: Omit<Row, SearchColumn>) => Gap[];
  /** What a row is found by. */
  textsOf: (row: Omit<Row, SearchColumn>) => ListingTexts;
  /** What of a row suggestions weigh beside the text. */
  factsOf: (row: Omit<Row, SearchColumn>) => DocumentFacts;
  /** Throws what else keeps a row from being submitted or staying public. */
  assertPublishable?: (tx: Executor, row: store.Found<Row>, ended: boolean) => Promise<void>;
}

type Standing = Transition<string, string>["by"];

/** How the caller stands to a listing: what the lifecycle table calls them. */
export function standingOf(actor: Actor | null, row: { organizationId: string }): Standing[] {
  const standing: Standing[] = [];
  if (isOperator(actor)) standing.push("operator");
  if (actor?.organizationId === row.organizationId) standing.push("owner");
  return standing;
}

/** Points of 100 that a row reaches. */
export const scoreOf = (gaps: readonly Gap[]): number =>
  Math.max(0, 100 - gaps.reduce((sum, gap) => sum + gap.weight, 0));

/** The fields that every listing shows, as this caller may see them. */
export function toListing<Row extends ListingRow>(
  kind: ListingKind<Row>,
  row: store.Found<Row>,
  actor: Actor | null,
) {
  const standing = standingOf(actor, row);
  const missing = kind.gapsOf(row as Omit<Row, SearchColumn>);
  const insider = standing.length > 0;
  const sees =
    insider ||
    row.revealed ||
    row.contactVisibility === "public" ||
    (actor !== null && row.contactVisibility === "signed_in");
  return {
    contact: sees ? row.contact : null,
    completeness: { score: row.completeness, missing },
    ...(insider ? { review: reviewOf(row) } : {}),
    ...(actor ? { allowedActions: allowedActions(kind.lifecycle, row.status, standing) } : {}),
  };
}

const reviewOf = (row: { reviewReason: string | null; reviewNote: string | null }) =>
  row.reviewReason || row.reviewNote ? { reason: row.reviewReason, note: row.reviewNote } : null;

const auditOf = (row: { id: string; organizationId: string }) => ({
  id: row.id,
  organizationId: row.organizationId,
});

/** Writes a new listing with what happened. */
export async function draftListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  values: { organizationId: string } & Partial<Row>,
): Promise<store.Found<Row>> {
  // The values are a whole row but for what the database fills in by itself.
  const search = searchColumnsOf(kind.textsOf(values as unknown as Row));
  const row = await store.insertListing<Row>(tx, kind.table, kind.noun, { ...values, ...search });
  const { organization: _, ...after } = row;
  await recordAudit(tx, context, {
    type: `${kind.noun}.create`,
    subject: auditOf(row),
    before: null,
    after,
  });
  return row;
}

/** @throws AppError `<noun>.not_found` (404) for one that the caller may not see */
export async function readListing<Row extends ListingRow>(
  db: Executor,
  kind: ListingKind<Row>,
  actor: Actor | null,
  id: string,
): Promise<store.Found<Row>> {
  const row = await store.selectListing<Row>(db, kind.table, kind.noun, actor, id);
  if (!row) throw new AppError(`${kind.noun}.not_found`);
  return row;
}

/**
 * The listing, locked, for a change by its owner or by the operator.
 * @throws AppError `<noun>.not_found` (404), `<noun>.not_owner` (403), 412
 */
export async function lockListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
  by: "owner" | "operator",
): Promise<store.Found<Row>> {
  const { actor } = context;
  const row = actor && (await store.lockListing<Row>(tx, kind.table, actor, id));
  if (!row) throw new AppError(`${kind.noun}.not_found`);
  if (!standingOf(actor, row).includes(by)) throw new AppError(`${kind.noun}.not_owner`);
  assertVersion(row.version, context.expected);
  return row;
}

/**
 * The listing, locked, for a step that makes it public or leads there: its organisation is in good
 * standing and stays so meanwhile. The organisation is locked first, as by the one who closes it.
 * @throws AppError `organization.not_verified` (403), and those of `lockListing`
 */
async function lockForPublic<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
  by: "owner" | "operator",
): Promise<store.Found<Row>> {
  const { organizationId } = await readListing(tx, kind, context.actor, id);
  const standing = await store.holdOrganizationStatus(tx, organizationId);
  const row = await lockListing(tx, context, kind, id, by);
  if (standing !== "verified") throw new AppError("organization.not_verified");
  return row;
}

/**
 * What keeps a row from review or from public view.
 * @param ended its last day may have passed: it is changed where it lies, not shown in lists
 * @throws AppError `<noun>.incomplete` (409) with a pointer to each thing that is missing
 */
async function assertPublishable<Row extends ListingRow>(
  tx: Executor,
  kind: ListingKind<Row>,
  row: store.Found<Row>,
  ended = false,
): Promise<void> {
  const faults: Fault[] = kind
    .gapsOf(row as Omit<Row, SearchColumn>)
    .filter((gap) => gap.required)
    .map((gap) => ({ pointer: gap.field, code: "required", detail: { zh: gap.zh, en: gap.en } }));
  if (!ended && row.validUntil && row.validUntil < today())
    faults.push(bodyFault(["validUntil"], "date.past"));
  if (faults.length > 0) throw new AppError(`${kind.noun}.incomplete`, { faults });
  await kind.assertPublishable?.(tx, row, ended);
}

/**
 * Writes a changed listing: marks it as changed when the operator had seen it, and keeps it complete
 * where it is public.
 * @throws AppError `<noun>.invalid_transition` (409) while it is under review
 */
export async function changeListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  before: store.Found<Row>,
  changes: Partial<Row>,
): Promise<store.Found<Row>> {
  if (before.status === "submitted") {
    throw transitionRefused(kind.lifecycle, before.status, "owner");
  }
  // What is public has a last day: without one of the owner's, a year from now.
  const lastDay =
    before.status === "published" && changes.validUntil === null
      ? { validUntil: addYears(today(), 1) }
      : {};
  const changed = { ...before, ...changes, ...lastDay };
  if (!differs(before, changed)) return before;
  if (!looseStatuses.includes(before.status)) {
    await assertPublishable(tx, kind, changed, before.status !== "published");
  }
  const changedSinceReview = before.changedSinceReview || before.publishedAt !== null;
  return writeListing(
    tx,
    context,
    kind,
    before,
    { ...changes, ...lastDay, changedSinceReview, ...searchColumnsOf(kind.textsOf(changed)) },
    "update",
  );
}

/** Whether a change changes anything. */
function differs(before: object, after: Record<string, unknown>): boolean {
  const was = before as Record<string, unknown>;
  return Object.keys(after).some((key) => !isDeepStrictEqual(was[key], after[key]));
}

/** Updates a row and writes what happened; the owner goes along for the reply. */
async function writeListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  before: store.Found<Row>,
  changes: Partial<ListingRow>,
  verb: string,
  reason: string | null = null,
): Promise<store.Found<Row>> {
  const next = { ...before, ...changes } as unknown as Row;
  const [stored, terms] = await Promise.all([
    updateRow(tx, kind.table, before, changes),
    next.status === "published" ? readTermsMeanwhile(tx, kind.textsOf(next)) : undefined,
  ]);
  const { titleText, summaryText, titleTerms, searchTerms, facetTerms, ...after } = stored;
  const { organization, ...plain } = before;
  await recordAudit(tx, context, {
    type: `${kind.noun}.${verb}`,
    subject: auditOf(before),
    before: plain,
    after,
    reason,
  });
  await afterStep(tx, context, kind, before, after, terms);
  // The update returns all columns of the table it was given, not only those that listings share.
  return { ...after, organization } as unknown as store.Found<Row>;
}

/**
 * What hangs on a listing's being in public view follows in the same transaction. While it is there, it
 * is in the index of suggestions; when it leaves, open interests and proposed matches lapse.
 */
async function afterStep<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  before: Pick<ListingRow, "id" | "status">,
  after: Omit<ListingRow, SearchColumn>,
  terms?: Terms,
): Promise<void> {
  const { noun } = kind;
  if (after.status === "published") {
    // The update returns all columns of the table it was given, not only those that listings share.
    const row = after as unknown as Row;
    const matchable = { facts: kind.factsOf(row), texts: kind.textsOf(row) };
    const isThere = before.status === "published";
    await indexListings(tx, noun, [matchable], { terms, isThere });
    return;
  }
  if (before.status !== "published") return;
  await unindexListings(tx, noun, [before.id]);
  const listing = { noun, id: before.id };
  await lapseInterestsOf(tx, context, listing);
  await lapseMatchesOf(tx, context, listing);
}

/** One step of the lifecycle that needs nothing but the caller. */
async function submitListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
): Promise<store.Found<Row>> {
  const before = await lockForPublic(tx, context, kind, id, "owner");
  const status = stepFrom(kind, before, "submit", "owner");
  await assertPublishable(tx, kind, before);
  return writeListing(tx, context, kind, before, { status, submittedAt: nowInstant() }, "submit");
}

/** The lifecycle speaks of plain strings; the row's statuses are those of the same table. */
function stepFrom<Row extends ListingRow>(
  kind: ListingKind<Row>,
  row: { status: ListingRow["status"] },
  action: string,
  by: Standing,
): ListingRow["status"] {
  return nextStatus(kind.lifecycle, row.status, action, by) as ListingRow["status"];
}

/** Back to draft from review, or out of public view. */
async function withdrawListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
): Promise<store.Found<Row>> {
  const before = await lockListing(tx, context, kind, id, "owner");
  const status = stepFrom(kind, before, "withdraw", "owner");
  return writeListing(tx, context, kind, before, { status }, "withdraw");
}

/** The operator lets it be public, for a year when the owner set no last day. */
async function publishListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
): Promise<store.Found<Row>> {
  const before = await lockForPublic(tx, context, kind, id, "operator");
  const status = stepFrom(kind, before, "publish", "operator");
  await assertPublishable(tx, kind, before);
  return writeListing(tx, context, kind, before, { ...live(before), status }, "publish");
}

const live = (row: { validUntil: string | null }) => ({
  publishedAt: nowInstant(),
  validUntil: row.validUntil ?? addYears(today(), 1),
  changedSinceReview: false,
  reviewReason: null,
  reviewNote: null,
});

/** The operator sends it back, or refuses it, with a reason from the list and a note. */
async function reviewListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
  action: "request-changes" | "reject",
  { reason, note }: ReviewInput,
): Promise<store.Found<Row>> {
  await assertCodes(tx, [{ path: ["reason"], taxonomy: "review-reasons", code: reason }]);
  const before = await lockListing(tx, context, kind, id, "operator");
  const status = stepFrom(kind, before, action, "operator");
  const changes = { status, reviewReason: reason, reviewNote: note };
  return writeListing(tx, context, kind, before, changes, action.replace("-", "_"), note);
}

/**
 * Back into public view: at once when nothing was changed since the operator looked, else through review.
 * @param validUntil the new last day; a year from today when absent
 */
async function renewListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
  validUntil: string | undefined,
): Promise<store.Found<Row>> {
  if (validUntil && validUntil < today()) {
    throw new AppError("request.invalid", { faults: [bodyFault(["validUntil"], "date.past")] });
  }
  const before = await lockForPublic(tx, context, kind, id, "owner");
  const status = stepFrom(kind, before, "renew", "owner");
  const renewed = { ...before, validUntil: validUntil ?? addYears(today(), 1) };
  await assertPublishable(tx, kind, renewed);
  const changes = before.changedSinceReview
    ? { status: "submitted" as const, submittedAt: nowInstant(), validUntil: renewed.validUntil }
    : { ...live(renewed), status };
  return writeListing(tx, context, kind, before, changes, "renew");
}

/** An end that the owner declares. */
export async function endListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
  action: string,
  changes: Partial<Row>,
): Promise<store.Found<Row>> {
  const before = await lockListing(tx, context, kind, id, "owner");
  const status = stepFrom(kind, before, action, "owner");
  return writeListing(tx, context, kind, before, { ...changes, status }, action);
}

/** Removes a draft that was never public, for good; the audit record stays. */
async function deleteListing<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
): Promise<undefined> {
  const before = await lockListing(tx, context, kind, id, "owner");
  if (before.status !== "draft" || before.publishedAt !== null) {
    throw transitionRefused(kind.lifecycle, before.status, "owner");
  }
  await store.deleteListing(tx, kind.table, id);
  const { organization: _, ...plain } = before;
  await recordAudit(tx, context, {
    type: `${kind.noun}.delete`,
    subject: auditOf(before),
    before: plain,
    after: null,
  });
}

/** Marks published listings whose last day has passed as expired. */
async function expireListings<Row extends ListingRow>(
  tx: Executor,
  kind: ListingKind<Row>,
  overdue: readonly ListingRow[],
): Promise<void> {
  for (const before of overdue) {
    const status = stepFrom(kind, before, "expire", "job");
    const after = await updateRow(tx, kind.table, before, { status });
    await recordAudit(tx, systemOrigin, {
      type: `${kind.noun}.expire`,
      subject: auditOf(before),
      before,
      after,
    });
    await afterStep(tx, { ...systemOrigin, expected: null }, kind, before, after);
  }
}

/** Takes the listings of an organisation that was closed out of review and out of public view. */
async function withdrawListingsOf<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  organizationId: string,
): Promise<void> {
  for (const before of await store.lockLiveOf(tx, kind.table, organizationId)) {
    const status = stepFrom(kind, before, "withdraw", "system");
    const after = await updateRow(tx, kind.table, before, { status });
    await recordAudit(tx, context, {
      type: `${kind.noun}.withdraw`,
      subject: auditOf(before),
      before,
      after,
      reason: "organization closed",
    });
    await afterStep(tx, context, kind, before, after);
  }
}

/**
 * A listing ends because a contract about it is effective: out of public view, if it was there.
 * @param changes names the contract, by which it comes back
 */
export async function endBySystem<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  id: string,
  action: string,
  changes: Partial<Row>,
): Promise<void> {
  const before = await store.lockPublished(tx, kind.table, id);
  if (!before) return;
  const status = stepFrom(kind, before, action, "system");
  await moveBySystem(tx, context, kind, before, { ...changes, status }, action);
}

/**
 * A listing comes back because the contract that ended it was cancelled: into public view, or expired
 * where its last day has passed meanwhile.
 * @param changes forgets the contract
 * @param until another day after which it is of no use, such as a need's deadline
 */
export async function restoreBySystem<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  before: ListingRow,
  changes: Partial<Row>,
  until: string | null = null,
): Promise<void> {
  const isPast = [before.validUntil, until].some((day) => day !== null && day < today());
  const status = isPast ? "expired" : "published";
  await moveBySystem(tx, context, kind, before, { ...changes, status }, "restore");
}

async function moveBySystem<Row extends ListingRow>(
  tx: Executor,
  context: WriteContext,
  kind: ListingKind<Row>,
  before: ListingRow,
  changes: Partial<ListingRow>,
  verb: string,
): Promise<void> {
  const after = await updateRow(tx, kind.table, before, changes);
  await recordAudit(tx, context, {
    type: `${kind.noun}.${verb}`,
    subject: auditOf(before),
    before,
    after,
  });
  await afterStep(tx, context, kind, before, after);
}

/** A listing as suggestions are made for it. */
export interface Matched {
  status: string;
  facts: DocumentFacts;
  texts: ListingTexts;
  /** What it lacks. */
  gaps: Gap[];
}

/**
 * A listing that this caller may read, as suggestions are made for it.
 * @throws AppError `<noun>.not_found` (404)
 */
export async function readMatchable<Row extends ListingRow>(
  db: Executor,
  kind: ListingKind<Row>,
  actor: Actor,
  id: string,
): Promise<Matched> {
  const row = await readListing(db, kind, actor, id);
  // A found row is a whole one.
  const whole = row as unknown as Row;
  const { status } = row;
  return {
    status,
    facts: kind.factsOf(whole),
    texts: kind.textsOf(whole),
    gaps: kind.gapsOf(whole),
  };
}

/** Published listings of organisations in good standing, each as `toItem` shows it and with what it lacks. */
export async function describeListings<Row extends ListingRow, Item>(
  db: Executor,
  kind: ListingKind<Row>,
  ids: readonly string[],
  toItem: (row: store.Found<Row>) => Item,
): Promise<Map<string, { item: Item; gaps: Gap[] }>> {
  const rows = await store.selectPublished<Row>(db, kind.table, ids);
  return new Map(
    rows.map((row) => [row.id, { item: toItem(row), gaps: kind.gapsOf(row as unknown as Row) }]),
  );
}

/**
 * Writes anew what some listings are searched and matched by, after the way of cutting text has changed.
 * It is no change of theirs: neither version nor audit record.
 */
export async function reindexListings<Row extends ListingRow>(
  tx: Executor,
  kind: ListingKind<Row>,
  rows: readonly Row[],
): Promise<void> {
  await store.updateSearchColumns(
    tx,
    kind.table,
    rows.map((row) => ({ id: row.id, ...searchColumnsOf(kind.textsOf(row)) })),
  );
  const live = rows.filter(({ status }) => status === "published");
  const matchables = live.map((row) => ({ facts: kind.factsOf(row), texts: kind.textsOf(row) }));
  await indexListings(tx, kind.noun, matchables);
}

/** The verbs that results and needs share, each answering with `toWire` of the row. */
export function listingVerbs<Row extends ListingRow, Wire>(
  kind: ListingKind<Row>,
  toWire: (row: store.Found<Row>, actor: Actor | null) => Wire,
) {
  const shown = async (row: Promise<store.Found<Row>>, { actor }: WriteContext) =>
    toWire(await row, actor);
  return {
    read: async (db: Executor, actor: Actor | null, id: string) =>
      toWire(await readListing(db, kind, actor, id), actor),
    submit: (tx: Executor, context: WriteContext, id: string) =>
      shown(submitListing(tx, context, kind, id), context),
    withdraw: (tx: Executor, context: WriteContext, id: string) =>
      shown(withdrawListing(tx, context, kind, id), context),
    publish: (tx: Executor, context: WriteContext, id: string) =>
      shown(publishListing(tx, context, kind, id), context),
    review: (
      tx: Executor,
      context: WriteContext,
      id: string,
      action: "request-changes" | "reject",
      input: ReviewInput,
    ) => shown(reviewListing(tx, context, kind, id, action, input), context),
    renew: (tx: Executor, context: WriteContext, id: string, validUntil: string | undefined) =>
      shown(renewListing(tx, context, kind, id, validUntil), context),
    remove: (tx: Executor, context: WriteContext, id: string) =>
      deleteListing(tx, context, kind, id),
    withdrawAllOf: (tx: Executor, context: WriteContext, organizationId: string) =>
      withdrawListingsOf(tx, context, kind, organizationId),
  };
}

/** What is done with results and needs on time. */
export const listingJobs = <Row extends ListingRow>(kind: ListingKind<Row>) => ({
  /** Published ones whose last day has passed, locked; those that another process holds are left to it. */
  takeOverdue: (tx: Executor, take: Take) => store.lockOverdue(tx, kind.table, today(), take),
  expire: (tx: Executor, overdue: readonly ListingRow[]) => expireListings(tx, kind, overdue),
  /** Those to be written anew: all, or those with which that has failed. */
  takeToReindex: (tx: Executor, take: Take, which: "all" | "failed") =>
    store.lockAfter<Row>(
      tx,
      kind.table,
      take,
      which === "failed" ? failedOf(take, kind.noun) : undefined,
    ),
  reindex: (tx: Executor, rows: readonly Row[]) => reindexListings(tx, kind, rows),
});

/** The shared part of a list's query string. */
interface SharedQuery {
  scope: "public" | "own" | "all";
  moneyBand?: MoneyBand | undefined;
  fieldCode?: string | undefined;
  "fieldCode[in]"?: string[] | undefined;
  industryCode?: string | undefined;
  regionCode?: string | undefined;
  cooperationMode?: string | undefined;
  tag?: string | undefined;
  organizationId?: string | undefined;
  "publishedAt[gte]"?: string | undefined;
  "publishedAt[lte]"?: string | undefined;
}

/**
 * The query string's shared filters as conditions by name.
 * @throws AppError `auth.required` or `auth.forbidden_role` for a scope that is not the caller's
 */
export function conditionsOf(actor: Actor | null, query: SharedQuery): store.Condition[] {
  if (query.scope !== "public" && !actor) throw new AppError("auth.required");
  if (query.scope === "all" && !isOperator(actor)) {
    throw new AppError("auth.forbidden_role", { members: { requiredRoles: ["operator"] } });
  }
  const { fieldCode, industryCode } = query;
  const band = query.moneyBand && bandBounds(query.moneyBand);
  const conditions: Record<string, unknown> = {
    organization: query.scope === "own" ? actor?.organizationId : query.organizationId,
    field: fieldCode && fieldCode.length > 2 ? fieldCode : undefined,
    fieldTop: fieldCode?.slice(0, 2),
    fieldTops: query["fieldCode[in]"]?.map((code) => code.slice(0, 2)),
    fields: query["fieldCode[in]"],
    industry: industryCode && industryCode.length > 1 ? industryCode : undefined,
    industrySection: industryCode?.slice(0, 1),
    ...regionCondition(query.regionCode),
    cooperationMode: query.cooperationMode,
    tag: query.tag,
    moneyNegotiable: query.moneyBand === "negotiable" ? true : undefined,
    moneyFrom: band?.from,
    moneyBelow: band?.below ?? undefined,
    publishedFrom: query["publishedAt[gte]"],
    publishedTo: query["publishedAt[lte]"],
  };
  return Object.entries(conditions)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, value }));
}

function regionCondition(code: string | undefined): Record<string, string> {
  if (!code) return {};
  if (code.endsWith("0000")) return { province: code.slice(0, 2) };
  return code.endsWith("00") ? { city: code.slice(0, 4) } : { region: code };
}
