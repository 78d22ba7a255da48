/**
 * The rules that results and needs share. Each feature gives its own part as a `ListingKind`; rows go
 * through as what they are there, and only the columns that both have are written here.
 */
import { isDeepStrictEqual } from "node:util";
import type { ListingTable, listingNouns } from "../../../db/schema/listings.ts";
import type { DocumentFacts } from "../../../db/schema/matching.ts";
import type { Executor } from "../../database/connect.ts";
import { failedOf, type Take } from "../../database/held-rows.ts";
import type { Actor } from "../../lib/access.ts";
import { addYears, nowInstant, today } from "../../lib/clock.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import type { Marked } from "../../lib/http.ts";
import { newId } from "../../lib/ids.ts";
import { type SearchColumns, searchColumnsOf } from "../../lib/terms.ts";
import type { Resource } from "../../lifecycle/resource.ts";
import { type Listing, looseStatuses, openStatuses, type SharedRow } from "./listings.lifecycle.ts";
import type { Gap, RenewInput, ReviewInput } from "./listings.schema.ts";
import * as store from "./listings.store.ts";
import type { ListingTexts } from "./listings.texts.ts";
import type { ListingView } from "./listings.view.ts";

export type { Listing, SharedRow } from "./listings.lifecycle.ts";
export { readable } from "./listings.store.ts";
export { openStatuses };

type Noun = (typeof listingNouns)[number];

/** What a feature tells of its listings. */
export interface ListingKind<Row extends SharedRow> extends ListingView<Row> {
  noun: Noun;
  table: ListingTable;
  resource: Pick<Resource<Listing<Row>>, "allowedActions" | "refused">;
  /** What a row is found by. */
  textsOf: (row: Row) => ListingTexts;
  /** What of a row suggestions weigh beside the text. */
  factsOf: (row: Row) => DocumentFacts;
  /** Throws what else keeps a row from being submitted or staying public. */
  assertPublishable?: (tx: Executor, row: Row, ended: boolean) => Promise<void>;
}

/** What is written of a new listing beside what its owner says. */
export const draftOf = (actor: Actor) => ({
  id: newId(),
  organizationId: actor.organizationId,
  createdBy: actor.kind === "member" ? actor.id : null,
  status: "draft" as const,
});

/** What a listing takes over of its organization where its author leaves it out. */
export interface Defaulted {
  regionCode?: string | null | undefined;
  contact?: object | null | undefined;
}

/** An input as a new listing has it: region and contact are its organization's unless they are given. */
export async function withDefaults<T extends Defaulted>(
  tx: Executor,
  { organizationId }: Actor,
  input: T,
): Promise<T> {
  const { regionCode, contact } = input;
  if (regionCode !== undefined && contact !== undefined) return input;
  const own = await store.selectDefaults(tx, organizationId);
  return {
    ...input,
    regionCode: regionCode === undefined ? own.regionCode : regionCode,
    contact: contact === undefined ? own.contact : contact,
  };
}

/** @throws AppError `<noun>.not_found` (404) for one that the caller may not see */
export async function readListing<T extends ListingTable>(
  db: Executor,
  noun: Noun,
  table: T,
  actor: Actor | null,
  id: string,
): Promise<store.Found<T["$inferSelect"]>> {
  const row = await store.selectListing(db, table, noun, actor, id);
  if (!row) throw new AppError(`${noun}.not_found`);
  return row;
}

/** Listings as all may see them, each with its mark; an error for one that is not open. */
export async function readOpen<T extends ListingTable, Shown>(
  db: Executor,
  noun: Noun,
  table: T,
  ids: readonly string[],
  show: (row: store.Found<store.RowOf<T>>) => Shown,
): Promise<({ mark: string; body: Shown } | AppError)[]> {
  const found = await store.selectOpen(db, table, noun, ids);
  const byId = new Map(found.map((one) => [one.id, one]));
  return ids.map((id) => {
    const one = byId.get(id);
    return one ? { mark: one.mark, body: show(one.row) } : new AppError(`${noun}.not_found`);
  });
}

/** Their marks alone. */
export async function markOpen(
  db: Executor,
  noun: Noun,
  table: ListingTable,
  ids: readonly string[],
): Promise<(Marked | null)[]> {
  const rows = await store.selectOpenMarks(db, table, noun, ids);
  const marks = new Map(rows.map((marked) => [marked.id, marked]));
  return ids.map((id) => marks.get(id) ?? null);
}

/** What makes a listing live: for a year when its owner set no last day. */
const live = ({ validUntil }: { validUntil: string | null }) => ({
  publishedAt: nowInstant(),
  validUntil: validUntil ?? addYears(today(), 1),
  changedSinceReview: false,
  reviewReason: null,
  reviewNote: null,
});

/** Whether a change changes anything. */
function differs(before: object, after: Record<string, unknown>): boolean {
  const was = before as Record<string, unknown>;
  return Object.keys(after).some((key) => !isDeepStrictEqual(was[key], after[key]));
}

/** What a step's handler gets of the kernel, as far as it is looked at here. */
interface Taking<Row> {
  tx: Executor;
  before: Listing<Row>;
}

/** The handlers of the shared steps, and what an owner's change makes of a listing. */
export function listingRules<Row extends SharedRow>(kind: ListingKind<Row>) {
  const { noun, table, resource, gapsOf, textsOf } = kind;

  /**
   * What keeps a row from review or from public view.
   * @param ended its last day may have passed: it is changed where it lies, not shown in lists
   * @throws AppError `<noun>.incomplete` (409) with a pointer to each thing that is missing
   */
  async function assertPublishable(tx: Executor, row: Row, ended = false): Promise<void> {
    const faults: Fault[] = gapsOf(row)
      .filter((gap) => gap.required)
      .map(({ field, code, zh, en }) =>
        code ? { pointer: field, code } : { pointer: field, code: "required", detail: { zh, en } },
      );
    if (!ended && row.validUntil && row.validUntil < today())
      faults.push(bodyFault(["validUntil"], "date.past"));
    if (faults.length > 0) throw new AppError(`${noun}.incomplete`, { faults });
    await kind.assertPublishable?.(tx, row, ended);
  }

  return {
    async submit({ tx, before }: Taking<Row>) {
      await assertPublishable(tx, before.row);
      return { changes: { submittedAt: nowInstant() } };
    },

    async publish({ tx, before }: Taking<Row>) {
      await assertPublishable(tx, before.row);
      return { changes: live(before.row) };
    },

    /** The operator sends it back, or refuses it, with a reason from the list and a note. */
    review: ({ input: { reason, note } }: { input: ReviewInput }) => ({
      changes: { reviewReason: reason, reviewNote: note },
      reason: note,
    }),

    /**
     * What is live gets another last day; the rest comes back at once when nothing was changed since the
     * operator looked, else through review. Null when it changes nothing.
     */
    async renew({ tx, before, input }: Taking<Row> & { input: RenewInput }) {
      const validUntil = input.validUntil ?? addYears(today(), 1);
      const isLive = before.row.status === "published";
      if (isLive && before.row.validUntil === validUntil) return null;
      await assertPublishable(tx, { ...before.row, validUntil });
      // Its place among the newest stays: who renews each day would else lead the list.
      if (isLive) return { changes: { validUntil } };
      if (!before.row.changedSinceReview) {
        return { to: "published" as const, changes: live({ validUntil }) };
      }
      return { to: "submitted" as const, changes: { submittedAt: nowInstant(), validUntil } };
    },

    /** For a step that makes it public or leads there: its organization stays in good standing meanwhile. */
    holdOwner: {
      first: ({ tx, key }: { tx: Executor; key: string }) => store.holdOwner(tx, table, key),
    },

    /** The same for one whose input names a last day. @throws AppError `request.invalid` when that has passed */
    holdOwnerUntil: {
      first: ({ tx, key, input }: { tx: Executor; key: string; input: RenewInput }) => {
        if (!input.validUntil || input.validUntil >= today())
          return store.holdOwner(tx, table, key);
        const faults = [bodyFault(["validUntil"], "date.past")];
        throw new AppError("request.invalid", { faults });
      },
    },

    /**
     * What an owner's change makes of a listing: marked as changed when the operator had seen it, and
     * still complete where it is public. Null when it changes nothing; its id of the owner's own alone may
     * change in every state.
     * @throws AppError `<noun>.invalid_transition` (409) while it is under review, `<noun>.incomplete`
     */
    async revised<
      C extends Partial<Row> & { validUntil: string | null; externalId: string | null },
    >(tx: Executor, actor: Actor, before: Listing<Row>, changes: C) {
      const { row } = before;
      const { externalId } = changes;
      // What is public has a last day: without one of the owner's, a year from now.
      const isLive = row.status === "published";
      const validUntil = isLive ? (changes.validUntil ?? addYears(today(), 1)) : changes.validUntil;
      const changed = { ...row, ...changes, validUntil };
      // What its owner calls it is nothing that anybody reviews.
      const reviewed = { ...changed, externalId: row.externalId };
      if (!differs(row, reviewed)) {
        return row.externalId === externalId ? null : { externalId };
      }
      if (row.status === "submitted") throw resource.refused(before, actor);
      if (!looseStatuses.includes(row.status)) await assertPublishable(tx, changed, !isLive);
      // Its last day is the owner's own affair: the operator looks at what it says.
      const saysOtherwise = differs(row, { ...reviewed, validUntil: row.validUntil });
      const changedSinceReview =
        row.changedSinceReview || (row.publishedAt !== null && saysOtherwise);
      return { ...changes, validUntil, changedSinceReview, ...searchColumnsOf(textsOf(changed)) };
    },

    /** @throws AppError `<noun>.invalid_transition` (409) for any but a draft that was never public */
    assertDeletable(actor: Actor, before: Listing<Row>): void {
      const { status, publishedAt } = before.row;
      if (status !== "draft" || publishedAt !== null) throw resource.refused(before, actor);
    },
  };
}

/**
 * Where a listing comes back to because the contract that ended it was cancelled: into public view, or
 * expired where a day has passed meanwhile after which it is of no use.
 */
export const restoredTo = (...days: (string | null)[]): "expired" | "published" =>
  days.some((day) => day !== null && day < today()) ? "expired" : "published";

/** A listing as suggestions are made for it. */
export interface Matched {
  status: string;
  facts: DocumentFacts;
  texts: ListingTexts;
  /** What it lacks. */
  gaps: Gap[];
}

/** A row as suggestions are made for it. */
export const toMatched = <Row extends SharedRow>(
  { factsOf, textsOf, gapsOf }: ListingKind<Row>,
  row: Row,
): Matched => ({
  status: row.status,
  facts: factsOf(row),
  texts: textsOf(row),
  gaps: gapsOf(row),
});

/** Rows for a job, which knows them by their ids. */
export const withIds = <Row extends SharedRow>(found: readonly Listing<Row>[]) =>
  found.map((listing) => ({ ...listing, id: listing.row.id }));

/** Listings to be rewritten, locked: all, or those with which that has failed. */
export const takeToReindex = <T extends ListingTable>(
  tx: Executor,
  noun: Noun,
  table: T,
  take: Take,
  which: "all" | "failed",
) => store.lockAfter(tx, table, take, which === "failed" ? failedOf(take, noun) : undefined);

/** How many there are to be rewritten, when it is all of them. */
export const countAll = (db: Executor, { table }: Pick<ListingKind<never>, "table">) =>
  store.countAll(db, table);

/** Writes again what some listings are searched by, after the way of cutting text has changed. */
export const recutListings = (
  tx: Executor,
  { table }: Pick<ListingKind<never>, "table">,
  found: readonly { id: string; search: SearchColumns }[],
): Promise<void> =>
  store.updateSearchColumns(
    tx,
    table,
    found.map(({ id, search }) => ({ id, ...search })),
  );
