import type { ListingTable } from "../../../db/schema/listings.ts";
import { results } from "../../../db/schema/results.ts";
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { newId } from "../../lib/ids.ts";
import { parsePatched } from "../../lib/patched.ts";
import { toMoney } from "../../lib/wire.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { listingCodes } from "../listings/listings.schema.ts";
import * as listings from "../listings/listings.service.ts";
import { listListings } from "../listings/lists.service.ts";
import { assertCodes, broughtIn } from "../taxonomies/taxonomies.service.ts";
import { gapsOf } from "./results.completeness.ts";
import { resultLifecycle } from "./results.lifecycle.ts";
import { type ListResultsQuery, type Result, ResultInput } from "./results.schema.ts";
import * as store from "./results.store.ts";
import { factsOf, textsOf } from "./results.texts.ts";

type Row = typeof results.$inferSelect;

const kind: listings.ListingKind<Row> = {
  noun: "result",
  // It has all the columns of a listing, and more.
  table: results as unknown as ListingTable,
  lifecycle: resultLifecycle,
  gapsOf,
  textsOf,
  factsOf,
};

const codesOf = (input: ResultInput) => [
  ...listingCodes(input),
  { path: ["resultType"], taxonomy: "result-types", code: input.resultType },
  { path: ["resultForm"], taxonomy: "result-forms", code: input.resultForm },
  { path: ["resultNature"], taxonomy: "result-natures", code: input.resultNature },
  { path: ["sampleStatus"], taxonomy: "sample-statuses", code: input.sampleStatus },
  { path: ["planSourceCode"], taxonomy: "plan-sources", code: input.planSourceCode },
  ...input.licenceKinds.map((code, i) => ({
    path: ["licenceKinds", i],
    taxonomy: "licence-kinds",
    code,
  })),
  ...input.intellectualProperty.flatMap(({ typeCode, status }, i) => [
    {
      path: ["intellectualProperty", i, "typeCode"],
      taxonomy: "intellectual-property-types",
      code: typeCode,
    },
    { path: ["intellectualProperty", i, "status"], taxonomy: "ip-statuses", code: status },
  ]),
];

/** An input as the columns keep it. */
function toColumns({ price, funding, ...input }: ResultInput) {
  const types = input.intellectualProperty.map((ip) => ip.typeCode);
  const columns = {
    ...input,
    funding: funding?.amount ?? null,
    priceKind: price?.kind ?? null,
    priceMin: price?.amount?.amount ?? price?.min?.amount ?? null,
    priceMax: price?.amount?.amount ?? price?.max?.amount ?? null,
    intellectualPropertyTypes: [...new Set(types)],
  };
  return { ...columns, completeness: listings.scoreOf(gapsOf(columns)) };
}

type Found = Awaited<ReturnType<typeof listings.readListing<Row>>>;

/** The price of a row on the wire. */
function toPrice(row: Pick<Row, "priceKind" | "priceMin" | "priceMax">): Result["price"] {
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
function toInput(row: Found): ResultInput {
  const wire = { ...row, price: toPrice(row), funding: toMoney(row.funding) };
  // Its keys are exactly those of the input.
  return Object.fromEntries(
    ResultInput.keyof().options.map((key) => [key, wire[key]]),
  ) as ResultInput;
}

/** A row as this caller may see it. */
function toResult(row: Found, actor: Actor | null): Result {
  return {
    ...row,
    ...listings.toListing(kind, row, actor),
    price: toPrice(row),
    funding: toMoney(row.funding),
  };
}

/**
 * Drafts a result for the caller's organisation.
 * @throws AppError `request.invalid` for a code that its taxonomy lacks
 */
export async function createResult(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  input: ResultInput,
): Promise<Result> {
  await assertCodes(tx, codesOf(input));
  const row = await listings.draftListing(tx, context, kind, {
    ...toColumns(input),
    id: newId(),
    organizationId: actor.organizationId,
    createdBy: actor.kind === "member" ? actor.id : null,
    status: "draft",
  });
  return toResult(row, actor);
}

/**
 * Published results; in the scope `own` the caller's, in every state; in `all`, the operator's, everything.
 * @throws AppError `auth.required`, `auth.forbidden_role` for a scope that is not the caller's, `cursor.expired`
 */
export const listResults = (db: Executor, actor: Actor | null, query: ListResultsQuery) =>
  listListings(
    db,
    actor,
    store.resultList,
    query.sort === "deadline" ? { ...query, sort: "validUntil" } : query,
    [...listings.conditionsOf(actor, query), ...store.conditionsOf(query)],
    (row) => store.toSummary(row, toPrice(row)),
  );

/**
 * Changes a result by merge patch; a published one stays live, marked as changed since review.
 * @throws AppError `result.not_owner` (403), `result.invalid_transition`, `result.incomplete` (409)
 */
export async function updateResult(
  tx: Executor,
  context: WriteContext,
  id: string,
  patch: Record<string, unknown>,
): Promise<Result> {
  const before = await listings.lockListing(tx, context, kind, id, "owner");
  const current = toInput(before);
  const input = parsePatched(ResultInput, current, patch);
  await assertCodes(tx, broughtIn(codesOf(input), codesOf(current)));
  return toResult(
    await listings.changeListing(tx, context, kind, before, toColumns(input)),
    context.actor,
  );
}

/** A result as suggestions are made for it. */
export const readMatchableResult = (db: Executor, actor: Actor, id: string) =>
  listings.readMatchable(db, kind, actor, id);

/** Published results as lists show them, with what each lacks. */
export const describeResults = (db: Executor, _: Actor, ids: readonly string[]) =>
  listings.describeListings(db, kind, ids, (row) => store.toSummary(row, toPrice(row)));

/** What is done with results on time. */
export const resultJobs = listings.listingJobs(kind);

/** Reading, and the steps that results share with needs. */
export const resultVerbs = listings.listingVerbs(kind, toResult);

/** Withdraws the results of an organisation that was closed. */
export const withdrawResultsOf = resultVerbs.withdrawAllOf;

/** A transfer or exclusive licence of a published result is effective: it is gone. */
export const transferResult = (
  tx: Executor,
  context: WriteContext,
  id: string,
  contractId: string,
): Promise<void> =>
  listings.endBySystem(tx, context, kind, id, "transfer", { transferredContractId: contractId });

/** Results that this contract had transferred are there again: it was cancelled. */
export async function restoreResultsOf(
  tx: Executor,
  context: WriteContext,
  contractId: string,
): Promise<void> {
  for (const before of await store.lockTransferredBy(tx, contractId)) {
    await listings.restoreBySystem(tx, context, kind, before, { transferredContractId: null });
  }
}
