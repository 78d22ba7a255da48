/** How a caller stands to a match, what it may do there, and what it sees. */
import { type Actor, isOperator, type Origin } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { allowedActions, type Standing } from "../../lib/lifecycle.ts";
import { matchLifecycle } from "./matches.lifecycle.ts";
import type { Match, MatchNote } from "./matches.schema.ts";
import type { FoundMatch, FoundNote, MatchRow } from "./matches.store.ts";

export type Action = (typeof matchLifecycle.transitions)[number]["action"];
type Side = NonNullable<Match["endedBy"]>;
type Parties = Pick<
  MatchRow,
  "resultOrganizationId" | "needOrganizationId" | "brokerOrganizationId"
>;

/** Which party an organisation is; null for none. */
export function sideOf(match: Parties, organizationId: string | null): Side | null {
  if (organizationId === match.resultOrganizationId) return "result";
  if (organizationId === match.needOrganizationId) return "need";
  return organizationId === match.brokerOrganizationId ? "broker" : null;
}

/** What the lifecycle table calls the caller. The broker is a person: colleagues read and do not act. */
export function standingOf(actor: Actor, match: MatchRow): Standing[] {
  if (isOperator(actor)) return ["operator"];
  const side = sideOf(match, actor.organizationId);
  if (side === "broker") return actor.id === match.brokerId ? ["broker"] : [];
  return side ? ["owner"] : [];
}

const hasAccepted = (actor: Actor, match: MatchRow): boolean =>
  (sideOf(match, actor.organizationId) === "result"
    ? match.resultAcceptedAt
    : match.needAcceptedAt) !== null;

/**
 * The steps that this caller may take now: those of the lifecycle, of which an owner accepts once and
 * in time, and retracts what it gave. Machines take none.
 */
export function actionsFor(actor: Actor, match: MatchRow): Action[] {
  if (actor.kind === "client") return [];
  const actions = allowedActions(matchLifecycle, match.status, standingOf(actor, match));
  // The status may lag behind the last day until the job has run.
  const canAccept = !hasAccepted(actor, match) && match.expiresOn >= today();
  return actions.filter((action) => {
    if (action === "accept") return canAccept;
    return action !== "retract" || hasAccepted(actor, match);
  });
}

/** @throws AppError `match.invalid_transition` (409) for a step that this caller may not take now */
export function assertAllowed(actor: Actor, match: MatchRow, action: Action): void {
  const actions = actionsFor(actor, match);
  if (actions.includes(action)) return;
  throw new AppError("match.invalid_transition", {
    members: { currentStatus: match.status, allowedActions: actions },
  });
}

/** Whether the owner of the need is still unknown to the broker and to the other side. */
export const isVeiled = ({ match, need }: Pick<FoundMatch, "match" | "need">): boolean =>
  need.anonymous && match.needAcceptedAt === null;

/** Whether what this caller does would tell the others who the owner of an anonymous need is. */
export const wouldReveal = (found: FoundMatch, { actor }: Origin): boolean =>
  isVeiled(found) && actor?.organizationId === found.match.needOrganizationId;

function pendingOf(match: MatchRow): Match["pending"] {
  if (match.status !== "proposed") return null;
  const { resultAcceptedAt, needAcceptedAt } = match;
  const since = resultAcceptedAt ?? needAcceptedAt;
  if (!since) return null;
  return { action: "accept", by: resultAcceptedAt ? "result" : "need", since, revision: null };
}

/** A match as this caller may see it. */
export function toMatch(found: FoundMatch, actor: Actor): Match {
  const { match, need } = found;
  const insider = isOperator(actor) || actor.organizationId === match.needOrganizationId;
  return {
    ...match,
    result: { ...found.result, organization: found.resultOwner },
    need: { ...need, organization: isVeiled(found) && !insider ? null : found.needOwner },
    broker: { ...found.broker, organization: found.brokerage },
    pending: pendingOf(match),
    endedBy: sideOf(match, found.endedByOrganizationId),
    endNote: isOperator(actor) ? null : match.endNote,
    allowedActions: actionsFor(actor, match),
  };
}

/** An entry of the timeline as a party may see it: of the other owner no person is named. */
export function toNote(note: FoundNote, match: MatchRow, actor: Actor): MatchNote {
  const { createdBy, authorName, organizationId, ...rest } = note;
  const side = sideOf(match, organizationId);
  const isKnown = side === "broker" || organizationId === actor.organizationId;
  return {
    ...rest,
    // Of whoever is no party only the operator acts on a match.
    by: organizationId === null ? null : (side ?? "operator"),
    author: isKnown && createdBy && authorName ? { id: createdBy, name: authorName } : null,
  };
}
