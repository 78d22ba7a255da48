import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { type Actor, isOperator, type Origin, systemOrigin } from "../../lib/access.ts";
import { readChangesCursor, toChangesPage } from "../../lib/changes.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { type Page, totalOf } from "../../lib/pagination.ts";
import type { Change } from "../../lifecycle/reactions.ts";
import { stored, type Taking } from "../../lifecycle/stored.ts";
import { findValidBroker } from "../brokers/brokers.service.ts";
import { match, sideOf, standingOf } from "./matches.lifecycle.ts";
import type { ListMatchesQuery, Match, MatchEndInput } from "./matches.schema.ts";
import * as store from "./matches.store.ts";
import { toMatch } from "./matches.view.ts";

export type { MatchRow } from "./matches.store.ts";

export const matchesKept = stored(match, {
  lock: async (tx, actor, id) => {
    // First the caller's organization, as by the one who closes it.
    await store.holdOrganizations(tx, [actor.organizationId]);
    return store.lockMatch(tx, actor, id);
  },
  reply: (_, actor, found) => toMatch(found, actor),
  wrote: insertStep,
});

/** Each step is in the timeline. What a rule does is nobody's, even when a person's step set it off. */
async function insertStep({
  tx,
  origin,
  action,
  byRule,
  after: { row, remark = null },
}: Omit<Change<store.FoundMatch>, "auditRecordId">): Promise<void> {
  const actor = byRule ? null : origin.actor;
  await store.insertNote(tx, {
    matchId: row.id,
    kind: "step",
    action,
    heldAt: nowInstant(),
    text: remark,
    createdBy: actor?.id ?? null,
    organizationId: actor?.organizationId ?? null,
  });
}

/** @throws AppError `match.not_found` (404) for one that the caller has no part in */
export async function readMatch(db: Executor, actor: Actor, id: string): Promise<Match> {
  const found = await store.selectMatch(db, actor, id);
  if (!found) throw new AppError("match.not_found");
  return toMatch(found, actor);
}

/** The matches of the caller's organization, for the operator all, newest first. */
export async function listMatches(
  db: Executor,
  actor: Actor,
  query: ListMatchesQuery,
): Promise<Page<Match>> {
  const list = `matches ${actor.organizationId}`;
  const rows = await store.selectMatches(db, actor, query, readChangesCursor(list, query));
  const page = toChangesPage(
    list,
    query,
    rows.map((found) => ({ ...found, id: found.row.id, updatedAt: found.row.updatedAt })),
    (found) => toMatch(found, actor),
  );
  if (query.include) page.total = totalOf(await store.countMatches(db, actor, query));
  return page;
}

/** The first owner leaves the match proposed, the second one makes it agreed. */
export const acceptMatch = matchesKept.handle(
  "acceptMatch",
  ({ actor, before: { row }, input: { note } }) => {
    const now = nowInstant();
    const isResult = sideOf(row, actor.organizationId) === "result";
    const given = isResult
      ? { resultAcceptedAt: now, resultAcceptedBy: actor.id }
      : { needAcceptedAt: now, needAcceptedBy: actor.id };
    const isLast = (isResult ? row.needAcceptedAt : row.resultAcceptedAt) !== null;
    const facts = { remark: note };
    return isLast
      ? { to: "agreed", changes: { ...given, agreedAt: now }, facts }
      : { to: "same", changes: given, facts };
  },
  {
    // In the same order as a change that takes a listing out of public view: organizations, listings, match.
    first: async ({ tx, actor, key }) => {
      const seen = await store.selectMatch(tx, actor, key);
      if (!seen) return undefined;
      const { resultId, needId, resultOrganizationId, needOrganizationId } = seen.row;
      const owners = [resultOrganizationId, needOrganizationId];
      await store.holdOrganizations(tx, [...owners, actor.organizationId]);
      await store.holdListing(tx, "result", resultId);
      await store.holdListing(tx, "need", needId);
      return undefined;
    },
  },
);

export const retractMatch = matchesKept.handle("retractMatch", ({ actor, before }) => ({
  changes:
    sideOf(before.row, actor.organizationId) === "result"
      ? { resultAcceptedAt: null, resultAcceptedBy: null }
      : { needAcceptedAt: null, needAcceptedBy: null },
}));

/** A party ends it. */
const endedBy = ({ id, organizationId }: Actor) => ({
  changes: { endedBy: id, endedAt: nowInstant() },
  facts: { endedByOrganizationId: organizationId },
});

/** The same with a reason, of which the parties read more. */
function endedWith({ actor, input: { reason, note } }: Taking<store.FoundMatch, MatchEndInput>) {
  const { changes, facts } = endedBy(actor);
  return {
    changes: { ...changes, endReason: reason, endNote: note },
    facts: { ...facts, remark: note },
  };
}

export const declineMatch = matchesKept.handle("declineMatch", endedWith);
export const failMatch = matchesKept.handle("failMatch", endedWith);

// A certificate that is no longer valid keeps nobody from this: open matches stay with their broker.
export const withdrawMatch = matchesKept.handle("withdrawMatch", ({ actor }) => endedBy(actor));
export const negotiateMatch = matchesKept.handle("negotiateMatch");

export const reassignMatch = matchesKept.handle(
  "reassignMatch",
  async ({ tx, before, input: { brokerId } }) => {
    const broker = await findValidBroker(tx, brokerId);
    if (broker?.organization.id !== before.row.brokerOrganizationId) {
      throw new AppError("request.invalid", {
        faults: [bodyFault(["brokerId"], "broker.not_of_brokerage")],
      });
    }
    if (brokerId === before.row.brokerId) return null;
    return {
      changes: { brokerId },
      facts: { broker: { id: brokerId, name: broker.name }, isBrokerValid: true },
    };
  },
);

/** Lets proposals lapse that are locked. */
export async function lapseMatches(
  tx: Executor,
  proposals: readonly store.FoundMatch[],
  origin = systemOrigin,
  reason: string | null = null,
): Promise<void> {
  for (const before of proposals) {
    const changes = { endedAt: nowInstant() };
    await matchesKept.move(tx, origin, before, "lapseMatch", { changes, reason });
  }
}

/** The proposals about a listing that leaves public view lapse with it; what was agreed stays. */
export const lapseMatchesOf = async (
  tx: Executor,
  origin: Origin,
  listing: { noun: "result" | "need"; id: string },
): Promise<void> =>
  lapseMatches(tx, await store.lockProposedOf(tx, listing), origin, "listing left public view");

/** Proposals whose last day has passed, locked; those that another process holds are left to it. */
export async function takeOverdueMatches(tx: Executor, take: Take) {
  const overdue = await store.lockOverdue(tx, today(), take);
  return overdue.map((found) => ({ ...found, id: found.row.id }));
}

/**
 * The match that a contract comes of, locked: agreed or negotiating, and the caller an owner's
 * organization or the broker.
 * @throws AppError `match.not_found` (404), `match.invalid_transition` (409)
 */
export async function lockMatchForContract(
  tx: Executor,
  actor: Actor,
  id: string,
): Promise<store.MatchRow> {
  await store.holdOrganizations(tx, [actor.organizationId]);
  const found = await store.lockMatch(tx, actor, id);
  if (!found || isOperator(actor) || standingOf(found, actor).length === 0) {
    throw new AppError("match.not_found");
  }
  return assertAgreed(found, actor);
}

/**
 * The match that a contract has come of already, locked, for any party of that contract.
 * @throws AppError `match.not_found` (404), `match.invalid_transition` (409) once it has ended
 */
export const lockMatchOfContract = async (tx: Executor, id: string): Promise<store.MatchRow> =>
  assertAgreed(await lockById(tx, id), null);

/** Whether a match that was agreed has ended since: no contract comes of it any more. */
export async function hasMatchEnded(tx: Executor, id: string): Promise<boolean> {
  const found = await store.lockMatchById(tx, id);
  return found === undefined || !isAgreed(found.row);
}

async function lockById(tx: Executor, id: string): Promise<store.FoundMatch> {
  const found = await store.lockMatchById(tx, id);
  if (!found) throw new AppError("match.not_found");
  return found;
}

const isAgreed = ({ status }: store.MatchRow): boolean =>
  status === "agreed" || status === "negotiating";

function assertAgreed(found: store.FoundMatch, actor: Actor | null): store.MatchRow {
  if (isAgreed(found.row)) return found.row;
  throw match.refused(found, actor);
}

/**
 * Its contract is effective.
 * @throws AppError `match.invalid_transition` (409) for one that is neither agreed nor negotiating
 */
export async function concludeMatch(tx: Executor, origin: Origin, id: string): Promise<void> {
  await matchesKept.move(tx, origin, await lockById(tx, id), "concludeMatch");
}

/**
 * Its contract was cancelled.
 * @throws AppError `match.invalid_transition` (409) for one that is not contracted
 */
export async function failConcludedMatch(tx: Executor, origin: Origin, id: string): Promise<void> {
  // The list of reasons is for people; that the contract was cancelled is in the audit record.
  const changes = { endReason: "other", endedAt: nowInstant() };
  const reason = "contract cancelled";
  const before = await lockById(tx, id);
  await matchesKept.move(tx, origin, before, "failConcludedMatch", { changes, reason });
}
