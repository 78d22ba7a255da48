import type { ListingTable } from "../../../db/schema/listings.ts";
import { needs } from "../../../db/schema/needs.ts";
import type { Executor } from "../../database/connect.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { parsePatched } from "../../lib/patched.ts";
import { toMoney } from "../../lib/wire.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { listingCodes } from "../listings/listings.schema.ts";
import * as listings from "../listings/listings.service.ts";
import { listListings } from "../listings/lists.service.ts";
import { assertCodes, broughtIn } from "../taxonomies/taxonomies.service.ts";
import { masked, newAlias, revealingFaults } from "./needs.anonymity.ts";
import { gapsOf } from "./needs.completeness.ts";
import { needLifecycle } from "./needs.lifecycle.ts";
import { type ListNeedsQuery, type Need, NeedInput, type SolveInput } from "./needs.schema.ts";
import * as store from "./needs.store.ts";
import { factsOf, textsOf } from "./needs.texts.ts";

type Row = typeof needs.$inferSelect;
type Found = Awaited<ReturnType<typeof listings.readListing<Row>>>;

const kind: listings.ListingKind<Row> = {
  noun: "need",
  // It has all the columns of a listing, and more.
  table: needs as unknown as ListingTable,
  lifecycle: needLifecycle,
  gapsOf,
  textsOf,
  factsOf,
  assertPublishable,
};

/**
 * What needs ask for beyond being complete: a deadline to come, and that an anonymous one keeps its secret.
 * @throws AppError `need.incomplete`, `need.reveals_owner` (409) with a pointer to each place
 */
async function assertPublishable(tx: Executor, row: Found, ended: boolean): Promise<void> {
  if (!ended && row.deadline && row.deadline < today()) {
    throw new AppError("need.incomplete", { faults: [bodyFault(["deadline"], "date.past")] });
  }
  if (!row.anonymous) return;
  const owner = await store.selectOwnerTraces(tx, row.organizationId);
  const faults = owner ? revealingFaults(row, owner) : [];
  if (faults.length > 0) throw new AppError("need.reveals_owner", { faults });
}

const codesOf = (input: NeedInput) => [
  ...listingCodes(input),
  { path: ["needType"], taxonomy: "need-types", code: input.needType },
  { path: ["urgency"], taxonomy: "urgencies", code: input.urgency },
];

/** An input as the columns keep it. */
function toColumns({ budget, ...input }: NeedInput) {
  const columns = {
    ...input,
    budgetMin: budget?.min?.amount ?? null,
    budgetMax: budget?.max?.amount ?? null,
    budgetNegotiable: budget?.negotiable ?? false,
  };
  return { ...columns, completeness: listings.scoreOf(gapsOf(columns)) };
}

function toBudget(row: Pick<Row, "budgetMin" | "budgetMax" | "budgetNegotiable">): Need["budget"] {
  if (row.budgetMax === null && !row.budgetNegotiable) return null;
  return {
    min: toMoney(row.budgetMin),
    max: toMoney(row.budgetMax),
    negotiable: row.budgetNegotiable,
  };
}

/** A row as an input: what a patch is merged into. */
function toInput(row: Found): NeedInput {
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
function toNeed(row: Found, actor: Actor | null): Need {
  const { solvedBy, solvedContractId, ...open } = row;
  const insider = listings.standingOf(actor, row).length > 0;
  return {
    ...open,
    ...listings.toListing(kind, row, actor),
    budget: toBudget(row),
    ...(insider ? { solvedBy, solvedContractId } : {}),
    ...(isHidden(row, actor) ? masked(row) : {}),
  };
}

function toSummary(row: store.SummaryRow, actor: Actor | null) {
  return { ...row, budget: toBudget(row), ...(isHidden(row, actor) ? masked(row) : {}) };
}

/**
 * Drafts a need for the caller's organisation.
 * @throws AppError `request.invalid` for a code that its taxonomy lacks
 */
export async function createNeed(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  input: NeedInput,
): Promise<Need> {
  await assertCodes(tx, codesOf(input));
  const row = await listings.draftListing(tx, context, kind, {
    ...toColumns(input),
    id: newId(),
    organizationId: actor.organizationId,
    createdBy: actor.kind === "member" ? actor.id : null,
    alias: input.anonymous ? newAlias() : null,
    status: "draft",
  });
  return toNeed(row, actor);
}

/**
 * Published needs; in the scope `own` the caller's, in every state; in `all`, the operator's, everything.
 * @throws AppError `auth.required`, `auth.forbidden_role` for a scope that is not the caller's, `cursor.expired`
 */
export function listNeeds(db: Executor, actor: Actor | null, query: ListNeedsQuery) {
  const shared = store.withoutAnonymous(query.scope, listings.conditionsOf(actor, query));
  const conditions = [...shared, ...store.conditionsOf(query)];
  return listListings(db, actor, store.needList, query, conditions, (row) => toSummary(row, actor));
}

/**
 * Changes a need by merge patch; a published one stays live, marked as changed since review.
 * @throws AppError `need.not_owner` (403), `need.invalid_transition`, `need.incomplete`, `need.reveals_owner` (409)
 */
export async function updateNeed(
  tx: Executor,
  context: WriteContext,
  id: string,
  patch: Record<string, unknown>,
): Promise<Need> {
  const before = await listings.lockListing(tx, context, kind, id, "owner");
  const current = toInput(before);
  const input = parsePatched(NeedInput, current, patch);
  await assertCodes(tx, broughtIn(codesOf(input), codesOf(current)));
  const alias = input.anonymous ? (before.alias ?? newAlias()) : null;
  const changes = { ...toColumns(input), alias };
  return toNeed(await listings.changeListing(tx, context, kind, before, changes), context.actor);
}

/**
 * The owner declares the need solved, and may name the contract.
 * @throws AppError `request.invalid` for a contract that is not the owner's, not in force, or about
 *   another need
 */
export async function solveNeed(
  tx: Executor,
  context: WriteContext,
  id: string,
  { solvedBy, contractId }: SolveInput,
): Promise<Need> {
  if (contractId) {
    const owner = context.actor?.organizationId ?? "";
    if (!(await store.isSolvingContract(tx, contractId, id, owner))) {
      throw new AppError("request.invalid", { faults: [bodyFault(["contractId"], "link.unfit")] });
    }
  }
  const changes = { solvedBy, solvedContractId: contractId };
  return toNeed(await listings.endListing(tx, context, kind, id, "solve", changes), context.actor);
}

/** Needs that this contract had solved are open again: it was cancelled. */
export async function restoreNeedsOf(
  tx: Executor,
  context: WriteContext,
  contractId: string,
): Promise<void> {
  for (const before of await store.lockSolvedBy(tx, contractId)) {
    const forgotten = { solvedContractId: null };
    await listings.restoreBySystem(tx, context, kind, before, forgotten, before.deadline);
  }
}

/** The owner does not look any further. */
export async function closeNeed(tx: Executor, context: WriteContext, id: string): Promise<Need> {
  return toNeed(await listings.endListing(tx, context, kind, id, "close", {}), context.actor);
}

/** A need as suggestions are made for it. */
export const readMatchableNeed = (db: Executor, actor: Actor, id: string) =>
  listings.readMatchable(db, kind, actor, id);

/** Those of these needs whose owner stays anonymous. */
export const anonymousAmong = store.selectAnonymous;

/** Published needs as lists show them, with what each lacks. */
export const describeNeeds = (db: Executor, actor: Actor, ids: readonly string[]) =>
  listings.describeListings(db, kind, ids, (row) => toSummary(row, actor));

/** What is done with needs on time. */
export const needJobs = listings.listingJobs(kind);

/** Reading, and the steps that needs share with results. */
export const needVerbs = listings.listingVerbs(kind, toNeed);

/** Withdraws the needs of an organisation that was closed. */
export const withdrawNeedsOf = needVerbs.withdrawAllOf;
