import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { type Actor, isOperator, type Origin, systemOrigin } from "../../lib/access.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import { transitionRefused } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { findValidBroker } from "../brokers/brokers.service.ts";
import { assertCodes } from "../taxonomies/taxonomies.service.ts";
import { matchLifecycle } from "./matches.lifecycle.ts";
import type { ListMatchesQuery, Match, MatchEndInput } from "./matches.schema.ts";
import { stepMatch } from "./matches.steps.ts";
import * as store from "./matches.store.ts";
import { assertAllowed, sideOf, standingOf, toMatch } from "./matches.view.ts";

/** @throws AppError `match.not_found` (404) for one that the caller has no part in */
export async function readMatch(db: Executor, actor: Actor, id: string): Promise<Match> {
  const found = await store.selectMatch(db, actor, id);
  if (!found) throw new AppError("match.not_found");
  return toMatch(found, actor);
}

/** The matches of the caller's organisation, for the operator all, newest first. */
export async function listMatches(
  db: Executor,
  actor: Actor,
  query: ListMatchesQuery,
): Promise<Page<Match>> {
  const list = `matches ${actor.organizationId}`;
  const rows = await store.selectMatches(db, actor, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows.map((row) => ({ ...row, id: row.match.id })),
    () => "",
    (row) => toMatch(row, actor),
  );
  if (query.include) page.total = totalOf(await store.countMatches(db, actor, query));
  return page;
}

const notTheBroker = {
  en: "Only the broker of this match acts for the brokerage",
  zh: "仅本对接的技术经纪人可代表经纪机构操作",
};

type Party = "owner" | "broker" | "operator";

/**
 * The match, locked, for a step by one of its sides. The caller's organisation is locked first, as by
 * the one who closes it.
 */
async function lockAs(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  by: readonly Party[],
): Promise<store.FoundMatch> {
  await store.holdOrganizations(tx, [actor.organizationId]);
  return lockHeld(tx, context, actor, id, by);
}

/** The same where the caller's organisation is locked already. */
async function lockHeld(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  by: readonly Party[],
): Promise<store.FoundMatch> {
  const found = await store.lockMatch(tx, actor, id);
  if (!found) throw new AppError("match.not_found");
  const standing = standingOf(actor, found.match);
  if (!by.some((party) => standing.includes(party))) {
    const isColleague = sideOf(found.match, actor.organizationId) === "broker";
    throw new AppError("match.not_owner", isColleague ? { detail: notTheBroker } : {});
  }
  assertVersion(found.match.version, context.expected);
  return found;
}

/**
 * An owner says yes. The first one leaves the match proposed, the second one makes it agreed.
 * @param note goes into the timeline
 * @throws AppError `match.not_found` (404), `match.not_owner` (403), `match.invalid_transition` also
 *   after its last day, `match.listing_not_published` (409)
 */
export async function acceptMatch(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  note: string | null,
): Promise<Match> {
  const seen = await store.selectMatch(tx, actor, id);
  if (!seen) throw new AppError("match.not_found");
  // In the order of whoever takes a listing out of public view: organisation, listing, match.
  const { resultId, needId, resultOrganizationId, needOrganizationId } = seen.match;
  const standings = await store.holdOrganizations(tx, [resultOrganizationId, needOrganizationId]);
  const result = await store.holdListing(tx, "result", resultId);
  const need = await store.holdListing(tx, "need", needId);
  const found = await lockHeld(tx, context, actor, id, ["owner"]);
  assertAllowed(actor, found.match, "accept");
  const live = [...standings.values(), result?.status, need?.status];
  if (!live.every((status) => status === "verified" || status === "published")) {
    throw new AppError("match.listing_not_published");
  }
  const now = nowInstant();
  const isResult = sideOf(found.match, actor.organizationId) === "result";
  const given = isResult
    ? { resultAcceptedAt: now, resultAcceptedBy: actor.id }
    : { needAcceptedAt: now, needAcceptedBy: actor.id };
  const other = isResult ? found.match.needAcceptedAt : found.match.resultAcceptedAt;
  const isLast = other !== null;
  const changes = isLast ? { ...given, agreedAt: now } : given;
  await stepMatch(tx, context, found, {
    action: "accept",
    by: "owner",
    changes,
    text: note,
    stays: !isLast,
  });
  return readMatch(tx, actor, id);
}

/**
 * An owner takes back its yes while the other side has not answered.
 * @throws AppError `match.not_found` (404), `match.not_owner` (403), `match.invalid_transition` (409)
 */
export async function retractMatch(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Match> {
  const found = await lockAs(tx, context, actor, id, ["owner"]);
  assertAllowed(actor, found.match, "retract");
  const changes =
    sideOf(found.match, actor.organizationId) === "result"
      ? { resultAcceptedAt: null, resultAcceptedBy: null }
      : { needAcceptedAt: null, needAcceptedBy: null };
  await stepMatch(tx, context, found, { action: "retract", by: "owner", changes });
  return readMatch(tx, actor, id);
}

/**
 * An owner declines the proposal, or any of the three lets what was agreed fail; with a reason.
 * @throws AppError `request.invalid` for an unknown reason, and those of `retractMatch`
 */
export async function endMatch(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  action: "decline" | "fail",
  { reason, note }: MatchEndInput,
): Promise<Match> {
  await assertCodes(tx, [{ path: ["reason"], taxonomy: "decline-reasons", code: reason }]);
  const who = action === "decline" ? (["owner"] as const) : (["owner", "broker"] as const);
  const found = await lockAs(tx, context, actor, id, who);
  assertAllowed(actor, found.match, action);
  const changes = { endedBy: actor.id, endReason: reason, endNote: note };
  const by = sideOf(found.match, actor.organizationId) === "broker" ? "broker" : "owner";
  await stepMatch(tx, context, found, { action, by, changes, text: note, reason });
  return readMatch(tx, actor, id);
}

/**
 * The broker withdraws a proposal, or says that the two are negotiating. A certificate that is no
 * longer valid keeps nobody from it: open matches stay with their broker.
 * @throws AppError those of `retractMatch`
 */
export async function moveMatch(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  action: "withdraw" | "negotiate",
): Promise<Match> {
  const found = await lockAs(tx, context, actor, id, ["broker"]);
  assertAllowed(actor, found.match, action);
  const changes = action === "withdraw" ? { endedBy: actor.id } : {};
  await stepMatch(tx, context, found, { action, by: "broker", changes });
  return readMatch(tx, actor, id);
}

/**
 * The operator hands an open match to another broker of the brokerage.
 * @throws AppError `request.invalid` for a person who is none, `match.not_found` (404),
 *   `match.invalid_transition` (409)
 */
export async function reassignMatch(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  brokerId: string,
): Promise<Match> {
  const found = await lockAs(tx, context, actor, id, ["operator"]);
  assertAllowed(actor, found.match, "reassign");
  const broker = await findValidBroker(tx, brokerId);
  if (broker?.organization.id !== found.match.brokerOrganizationId) {
    throw new AppError("request.invalid", {
      faults: [bodyFault(["brokerId"], "broker.not_of_brokerage")],
    });
  }
  if (brokerId !== found.match.brokerId) {
    const changes = { brokerId };
    await stepMatch(tx, context, found, { action: "reassign", by: "operator", changes });
  }
  return readMatch(tx, actor, id);
}

/** The proposals about a listing that leaves public view lapse with it; what was agreed stays. */
export async function lapseMatchesOf(
  tx: Executor,
  context: Origin,
  listing: { noun: "result" | "need"; id: string },
): Promise<void> {
  for (const found of await store.lockProposedOf(tx, listing)) {
    const reason = "listing left public view";
    await stepMatch(tx, context, found, { action: "lapse", by: "system", reason });
  }
}

/** Proposals whose last day has passed, locked; those that another process holds are left to it. */
export async function takeOverdueMatches(tx: Executor, take: Take) {
  const overdue = await store.lockOverdue(tx, today(), take);
  return overdue.map((found) => ({ ...found, id: found.match.id }));
}

/** Marks them as lapsed. */
export async function lapseMatches(
  tx: Executor,
  overdue: readonly store.FoundMatch[],
): Promise<void> {
  for (const found of overdue) {
    await stepMatch(tx, systemOrigin, found, { action: "lapse", by: "job" });
  }
}

/**
 * The match that a contract comes of, locked: agreed or negotiating, and the caller an owner's
 * organisation or the broker.
 * @throws AppError `match.not_found` (404), `match.invalid_transition` (409)
 */
export async function lockMatchForContract(
  tx: Executor,
  actor: Actor,
  id: string,
): Promise<store.MatchRow> {
  await store.holdOrganizations(tx, [actor.organizationId]);
  const found = await store.lockMatch(tx, actor, id);
  const standing = found && !isOperator(actor) ? standingOf(actor, found.match) : [];
  if (!found || standing.length === 0) throw new AppError("match.not_found");
  return assertAgreed(found.match);
}

/**
 * The match that a contract has come of already, locked, whoever has a part in that contract.
 * @throws AppError `match.not_found` (404), `match.invalid_transition` (409) once it has ended
 */
export async function lockMatchOfContract(tx: Executor, id: string): Promise<store.MatchRow> {
  const found = await store.lockMatchById(tx, id);
  if (!found) throw new AppError("match.not_found");
  return assertAgreed(found.match);
}

/** Whether a match that was agreed has ended since: no contract comes of it any more. */
export async function hasMatchEnded(tx: Executor, id: string): Promise<boolean> {
  const found = await store.lockMatchById(tx, id);
  return found === undefined || !isAgreed(found.match);
}

const isAgreed = ({ status }: store.MatchRow): boolean =>
  status === "agreed" || status === "negotiating";

function assertAgreed(match: store.MatchRow): store.MatchRow {
  if (isAgreed(match)) return match;
  throw transitionRefused(matchLifecycle, match.status, "system");
}

/**
 * Its contract is effective.
 * @throws AppError `match.invalid_transition` (409) for one that is neither agreed nor negotiating
 */
export const concludeMatch = (tx: Executor, context: Origin, id: string): Promise<void> =>
  stepBySystem(tx, context, id, "contract", {});

/**
 * Its contract was cancelled.
 * @throws AppError `match.invalid_transition` (409) for one that is not contracted
 */
export const failConcludedMatch = (tx: Executor, context: Origin, id: string): Promise<void> =>
  // The list of reasons is for people; that the contract was cancelled is in the audit record.
  stepBySystem(tx, context, id, "fail", { endReason: "other" }, "contract cancelled");

async function stepBySystem(
  tx: Executor,
  context: Origin,
  id: string,
  action: "contract" | "fail",
  changes: Partial<store.MatchRow>,
  reason: string | null = null,
): Promise<void> {
  const found = await store.lockMatchById(tx, id);
  if (!found) throw new AppError("match.not_found");
  await stepMatch(tx, context, found, { action, by: "system", changes, reason });
}
