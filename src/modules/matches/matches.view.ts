/** What a caller sees of a match and of its timeline. */
import { type Actor, isOperator } from "../../lib/access.ts";
import { isVeiled, match, sideOf } from "./matches.lifecycle.ts";
import type { Match, MatchNote } from "./matches.schema.ts";
import type { FoundMatch, FoundNote, MatchRow } from "./matches.store.ts";

function pendingOf(row: MatchRow): Match["pending"] {
  if (row.status !== "proposed") return null;
  const { resultAcceptedAt, needAcceptedAt } = row;
  const since = resultAcceptedAt ?? needAcceptedAt;
  if (!since) return null;
  return { action: "accept", by: resultAcceptedAt ? "result" : "need", since, revision: null };
}

/** A match as this caller may see it. */
export function toMatch(found: FoundMatch, actor: Actor): Match {
  const { row, need } = found;
  const insider = isOperator(actor) || actor.organizationId === row.needOrganizationId;
  return {
    ...row,
    result: { ...found.result, organization: found.resultOwner },
    need: { ...need, organization: isVeiled(found) && !insider ? null : found.needOwner },
    broker: { ...found.broker, organization: found.brokerage },
    pending: pendingOf(row),
    endedBy: sideOf(row, found.endedByOrganizationId),
    endNote: isOperator(actor) ? null : row.endNote,
    allowedActions: match.allowedActions(found, actor),
  };
}

/** An entry of the timeline as a party may see it: of the other owner no person is named. */
export function toNote(note: FoundNote, row: MatchRow, actor: Actor): MatchNote {
  const { createdBy, authorName, organizationId, ...rest } = note;
  const side = sideOf(row, organizationId);
  const isKnown = side === "broker" || organizationId === actor.organizationId;
  return {
    ...rest,
    // Of those who are no party only the operator acts on a match.
    by: organizationId === null ? null : (side ?? "operator"),
    author: isKnown && createdBy && authorName ? { id: createdBy, name: authorName } : null,
  };
}
