import { needs } from "../../../db/schema/needs.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { type Actor, isOperator, type Origin, systemOrigin } from "../../lib/access.ts";
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
import type { Listing } from "../listings/listings.lifecycle.ts";
import * as listings from "../listings/listings.service.ts";
import * as rows from "../listings/listings.store.ts";
import { completenessOf, isInsider, ownIdOf, toListing } from "../listings/listings.view.ts";
import { conditionsOf } from "../listings/lists.filters.ts";
import { type ListOptions, listListings, openPage } from "../listings/lists.service.ts";
import { selectPublished } from "../listings/lists.store.ts";
import { selectRelated } from "../listings/related.store.ts";
import { assertCodes, broughtIn, codesIn } from "../taxonomies/taxonomies.service.ts";
import { masked, newAlias, revealingFaults } from "./needs.anonymity.ts";
import { gapsOf } from "./needs.completeness.ts";
import { type NeedRow, need } from "./needs.lifecycle.ts";
import { type ListNeedsQuery, type Need, NeedInput } from "./needs.schema.ts";
import * as store from "./needs.store.ts";
import { factsOf, textsOf } from "./needs.texts.ts";

const kind: listings.ListingKind<NeedRow> = {
  noun: "need",
  table: needs,
  resource: need,
  gapsOf,
  textsOf,
  factsOf,
  assertPublishable,
};

/**
 * What needs ask for beyond being complete: a deadline to come, and that an anonymous one keeps its secret.
 * @throws AppError `need.incomplete`, `need.reveals_owner` (409) with a pointer to each place
 */
async function assertPublishable(tx: Executor, row: NeedRow, ended: boolean): Promise<void> {
  if (!ended && row.deadline && row.deadline < today()) {
    throw new AppError("need.incomplete", { faults: [bodyFault(["deadline"], "date.past")] });
  }
  if (!row.anonymous) return;
  const owner = await store.selectOwnerTraces(tx, row.organizationId);
  const faults = owner ? revealingFaults(row, owner) : [];
  if (faults.length > 0) throw new AppError("need.reveals_owner", { faults });
}

/** An input as the columns keep it. */
function toColumns({ budget, ...input }: NeedInput) {
  const columns = {
    ...input,
    // A patch that takes them out leaves them away.
    regionCode: input.regionCode ?? null,
    contact: input.contact ?? null,
    budgetMin: toAmount(budget?.min ?? null),
    budgetMax: toAmount(budget?.max ?? null),
    budgetNegotiable: budget?.negotiable ?? false,
  };
  return { ...columns, completeness: completenessOf(gapsOf(columns)) };
}

function toBudget(
  row: Pick<NeedRow, "budgetMin" | "budgetMax" | "budgetNegotiable">,
): Need["budget"] {
  if (row.budgetMax === null && !row.budgetNegotiable) return null;
  return {
    min: toMoney(row.budgetMin),
    max: toMoney(row.budgetMax),
    negotiable: row.budgetNegotiable,
  };
}

/** A row as an input: what a patch is merged into. */
function toInput(row: NeedRow): NeedInput {
  const wire = { ...row, budget: toBudget(row) };
  // Its keys are exactly those of the input.
  return Object.fromEntries(NeedInput.keyof().options.map((key) => [key, wire[key]])) as NeedInput;
}

const isHidden = (
  row: { anonymous: boolean; organizationId: string; revealed?: boolean },
  actor: Actor | null,
) =>
  row.anonymous &&
  !row.revealed &&
  !isOperator(actor) &&
  actor?.organizationId !== row.organizationId;

/** A row as this caller may see it. */
function toNeed(row: rows.Found<NeedRow>, actor: Actor | null): Need {
  const { solvedBy, solvedContractId, ...open } = row;
  const insider = isInsider(row, actor);
  return {
    ...open,
    ...toListing(kind, row, actor),
    budget: toBudget(row),
    ...(insider ? { solvedBy, solvedContractId } : {}),
    ...(isHidden(row, actor) ? masked(row) : {}),
  };
}

function toSummary(row: store.SummaryRow, actor: Actor | null) {
  return {
    ...row,
    externalId: ownIdOf(row, actor),
    budget: toBudget(row),
    ...(isHidden(row, actor) ? masked(row) : {}),
  };
}

/** The same after a step, or another change. */
const shown = ({ row, ...beside }: Listing<NeedRow>, actor: Actor): Need =>
  toNeed({ ...row, ...beside }, actor);

const kept = stored(need, {
  lock: (tx, actor, id: string) => rows.lockListing(tx, needs, actor, id),
  reply: (_, actor, listing) => shown(listing, actor),
});
const rules = listings.listingRules(kind);

/**
 * Drafts a need for the caller's organization, whose region and contact it takes over unless they are given.
 * @throws AppError `request.invalid` for a code that its taxonomy lacks, `organization.draft_quota`,
 *   `need.external_id_taken` (409)
 */
export async function createNeed(
  tx: Executor,
  call: Call,
  input: NeedInput,
  quota?: DraftQuota,
): Promise<Need> {
  const { actor } = call;
  const [whole] = await Promise.all([
    listings.withDefaults(tx, actor, input),
    assertCodes(tx, codesIn(NeedInput, input)),
    claimExternalId(tx, kind, actor, input.externalId),
    assertRoomForDraft(tx, actor, kind, quota),
  ]);
  const columns = toColumns(whole);
  const { organization, ...row } = await rows.insertListing(tx, needs, "need", {
    ...columns,
    ...searchColumnsOf(textsOf(columns)),
    ...listings.draftOf(actor),
    alias: input.anonymous ? newAlias() : null,
  });
  const { organizationStatus } = actor;
  await kept.made(tx, call, { row, organization, organizationStatus });
  return toNeed({ ...row, organization, organizationStatus }, actor);
}

/**
 * Drafts many of them, which are counted together.
 * @returns what drafts one of them, with the refusals of `createNeed`
 */
export async function createNeeds(tx: Executor, call: Call, quota?: DraftQuota) {
  const draft = await roomForDrafts(tx, call.actor, kind, quota);
  return (input: NeedInput) => draft(() => createNeed(tx, call, input));
}

/** @throws AppError `need.not_found` (404) for one that the caller may not see */
export const readNeed = async (db: Executor, actor: Actor | null, id: string): Promise<Need> =>
  toNeed(await listings.readListing(db, "need", needs, actor, id), actor);

/** Some as all may see them, with their marks. */
export const readOpenNeeds = (db: Executor, ids: readonly string[]) =>
  listings.readOpen(db, "need", needs, ids, (row) => toNeed(row, null));

export const markOpenNeeds = (db: Executor, ids: readonly string[]) =>
  listings.markOpen(db, "need", needs, ids);

/**
 * Published needs; in the scope `own` the caller's, in every state; in `all`, the operator's, everything.
 * @throws AppError `auth.required`, `auth.forbidden_role` for a scope that is not the caller's, `cursor.expired`
 */
export const listNeeds = (
  db: Executor,
  actor: Actor | null,
  query: ListNeedsQuery,
  options?: ListOptions,
) =>
  listListings(
    db,
    actor,
    store.needList,
    query,
    filtersOf(actor, query),
    (row) => toSummary(row, actor),
    options,
  );

/** A plain page of published needs, as all see it. */
export const openNeeds = (db: Executor, query: ListNeedsQuery) =>
  openPage(db, store.needList, query, filtersOf(null, query), (row) => toSummary(row, null));

const filtersOf = (actor: Actor | null, query: ListNeedsQuery) => [
  ...store.withoutAnonymous(query.scope, conditionsOf(actor, query)),
  ...store.conditionsOf(query),
];

/**
 * Changes a need by merge patch; a published one stays live, marked as changed since review.
 * @throws AppError `need.not_owner` (403), `need.invalid_transition`, `need.incomplete`, `need.reveals_owner` (409)
 */
export async function updateNeed(
  tx: Executor,
  call: Call,
  id: string,
  patch: Record<string, unknown>,
): Promise<Need> {
  const { before } = await kept.lockAs(tx, call, id, ["owner"]);
  return revise(tx, call, before, parsePatched(NeedInput, toInput(before.row), patch));
}

/**
 * Creates the need that the caller's organization calls so, or replaces what it holds by the rules of a change.
 * @throws AppError `request.invalid` for an input that names another id, `request.precondition_failed` (412),
 *   else as the two
 */
export const putNeed = (
  tx: Executor,
  call: PutCall,
  externalId: string,
  input: NeedInput,
  quota?: DraftQuota,
) =>
  putListing(tx, call, kind, externalId, input, {
    create: (whole) => createNeed(tx, call, whole, quota),
    replace: async (id, whole) => {
      const { before } = await kept.lockAs(tx, call, id, ["owner"]);
      return revise(tx, call, before, replacing(before.row, whole));
    },
  });

/** What an owner's change makes of a need, whole. */
async function revise(
  tx: Executor,
  call: Call,
  before: Listing<NeedRow>,
  input: NeedInput,
): Promise<Need> {
  const current = toInput(before.row);
  await claimExternalId(tx, kind, call.actor, input.externalId, current.externalId);
  await assertCodes(tx, broughtIn(codesIn(NeedInput, input), codesIn(NeedInput, current)));
  const alias = input.anonymous ? (before.row.alias ?? newAlias()) : null;
  const given = { ...toColumns(input), alias };
  const changes = await rules.revised(tx, call.actor, before, given);
  const after = changes ? await kept.change(tx, call, before, { changes }) : before;
  return shown(after, call.actor);
}

/**
 * Removes a draft that was never public, for good; the audit record stays.
 * @throws AppError `need.not_owner` (403), `need.invalid_transition` (409)
 */
export async function deleteNeed(tx: Executor, call: Call, id: string): Promise<undefined> {
  const { before } = await kept.lockAs(tx, call, id, ["owner"]);
  rules.assertDeletable(call.actor, before);
  await rows.deleteListing(tx, needs, id);
  await kept.removed(tx, call, before);
}

export const submitNeed = kept.handle("submitNeed", rules.submit, rules.holdOwner);
export const withdrawNeed = kept.handle("withdrawNeed");
export const publishNeed = kept.handle("publishNeed", rules.publish, rules.holdOwner);
export const requestChangesOfNeed = kept.handle("requestChangesOfNeed", rules.review);
export const rejectNeed = kept.handle("rejectNeed", rules.review);
export const renewNeed = kept.handle("renewNeed", rules.renew, rules.holdOwnerUntil);
export const closeNeed = kept.handle("closeNeed");

/** Its owner may name the contract, which is one of its own, in force, and about no other need. */
export const solveNeed = kept.handle(
  "solveNeed",
  ({ input: { solvedBy, contractId } }) => ({
    changes: { solvedBy, solvedContractId: contractId },
  }),
  {
    first: async ({ tx, actor, key, input: { contractId } }) => {
      if (
        contractId &&
        !(await store.isSolvingContract(tx, contractId, key, actor.organizationId))
      ) {
        const faults = [bodyFault(["contractId"], "link.unfit")];
        throw new AppError("request.invalid", { faults });
      }
      return undefined;
    },
  },
);

/** Withdraws the needs of an organization that was closed. */
export async function withdrawNeedsOf(
  tx: Executor,
  origin: Origin,
  organizationId: string,
): Promise<void> {
  for (const before of await rows.lockListings(tx, needs, rows.liveOf(needs, organizationId))) {
    const reason = "organization closed";
    await kept.move(tx, origin, before, "withdrawNeedOfClosed", { reason });
  }
}

/** Needs that this contract had solved are open again: it was cancelled. */
export async function restoreNeedsOf(
  tx: Executor,
  origin: Origin,
  contractId: string,
): Promise<void> {
  for (const before of await rows.lockListings(tx, needs, store.solvedBy(contractId))) {
    const to = listings.restoredTo(before.row.validUntil, before.row.deadline);
    const changes = { solvedContractId: null };
    await kept.move(tx, origin, before, "restoreNeed", { to, changes });
  }
}

/** A need as suggestions are made for it. */
export const toMatchableNeed = (row: NeedRow) => listings.toMatched(kind, row);

/**
 * The same of one that this caller may read, and whether its owner is kept from it.
 * @throws AppError `need.not_found` (404)
 */
export async function readMatchableNeed(db: Executor, actor: Actor, id: string) {
  const row = await listings.readListing(db, "need", needs, actor, id);
  return { ...toMatchableNeed(row), isVeiled: isHidden(row, actor) };
}

/** Those of these needs whose owner stays anonymous. */
export const anonymousAmong = store.selectAnonymous;

/** Some, as lists show them to this caller; those that it may not read are left out. */
export async function relatedNeeds(db: Executor, actor: Actor | null, ids: readonly string[]) {
  const { columns } = store.needList;
  const read = selectRelated<store.SummaryRow>;
  const found = await read(db, needs, "need", columns, actor, ids);
  return new Map(found.map((row) => [row.id, toSummary(row, actor)]));
}

/** Published needs as lists show them, with what each lacks. */
export async function describeNeeds(db: Executor, actor: Actor, ids: readonly string[]) {
  const found = await selectPublished(db, needs, ids);
  return new Map(found.map((row) => [row.id, { item: toSummary(row, actor), gaps: gapsOf(row) }]));
}

/** What is done with needs on time. */
export const needJobs = {
  /** Published ones whose last day has passed, locked; those that another process holds are left to it. */
  takeOverdue: async (tx: Executor, take: Take) =>
    listings.withIds(await rows.lockOverdue(tx, needs, today(), take)),
  async expire(tx: Executor, overdue: readonly Listing<NeedRow>[]): Promise<void> {
    for (const before of overdue) await kept.move(tx, systemOrigin, before, "expireNeed");
  },
  takeToReindex: (tx: Executor, take: Take, which: "all" | "failed") =>
    listings.takeToReindex(tx, "need", needs, take, which),
  countAll: (db: Executor) => listings.countAll(db, kind),
  recut: (tx: Executor, found: Parameters<typeof listings.recutListings>[2]) =>
    listings.recutListings(tx, kind, found),
};
