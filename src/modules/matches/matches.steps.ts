/** How a change of a match is written: row, timeline and audit record together. */
import { matches } from "../../../db/schema/matches.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import type { Origin } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { nextStatus, type Standing } from "../../lib/lifecycle.ts";
import { type AuditEntry, recordAudit } from "../audit/audit.service.ts";
import { matchLifecycle } from "./matches.lifecycle.ts";
import * as store from "./matches.store.ts";
import { type Action, isVeiled, wouldReveal } from "./matches.view.ts";

/** Columns whose values an audit record does not keep: words that a party said to the others. */
const personal = ["endNote"];

/**
 * Writes an audit record that the three parties' admins may read. As long as the others do not know
 * the owner of an anonymous need, its id is withheld, and what it does is in its own log alone.
 */
export function recordMatch(
  tx: Executor,
  origin: Origin,
  found: store.FoundMatch,
  entry: Omit<AuditEntry, "subject" | "readers">,
) {
  const { id, brokerOrganizationId, resultOrganizationId, needOrganizationId } = found.match;
  const isPrivate = wouldReveal(found, origin);
  return recordAudit(tx, origin, {
    ...entry,
    subject: { id, organizationId: isPrivate ? needOrganizationId : brokerOrganizationId },
    readers: isPrivate ? [] : [resultOrganizationId, needOrganizationId],
    personal: [
      ...personal,
      ...(entry.personal ?? []),
      ...(isVeiled(found) ? ["needOrganizationId"] : []),
    ],
  });
}

interface Step {
  action: Action;
  by: Standing;
  /** Columns that change besides the status. */
  changes?: Partial<store.MatchRow>;
  /** What was said with it, for the timeline. */
  text?: string | null;
  /** Why, for the audit record: a code, never somebody's words. */
  reason?: string | null;
  /** The status stays although the lifecycle's step leads further: others must take it too. */
  stays?: boolean;
}

const ended: readonly string[] = ["failed", "declined", "withdrawn", "lapsed"];

/**
 * Moves a locked match along the lifecycle table, and writes what happened into the timeline and the log.
 * @throws AppError `match.invalid_transition` (409)
 */
export async function stepMatch(
  tx: Executor,
  origin: Origin,
  found: store.FoundMatch,
  { action, by, changes = {}, text = null, reason = null, stays = false }: Step,
): Promise<store.MatchRow> {
  const before = found.match;
  const next = nextStatus(matchLifecycle, before.status, action, by);
  const status = stays ? before.status : next;
  const now = nowInstant();
  const endedAt = ended.includes(status) ? now : before.endedAt;
  const after = await updateRow(tx, matches, before, { ...changes, status, endedAt });
  // What a rule does is nobody's step, whoever set it off.
  const actor = by === "system" || by === "job" ? null : origin.actor;
  await store.insertNote(tx, {
    matchId: before.id,
    kind: "step",
    action,
    heldAt: now,
    text,
    createdBy: actor?.id ?? null,
    organizationId: actor?.organizationId ?? null,
  });
  // The first acceptance lets the others know who the owner is: its own record may say so.
  const known = { ...found, match: action === "accept" ? after : before };
  await recordMatch(tx, origin, known, { type: `match.${action}`, before, after, reason });
  return after;
}
