/** The timeline of a match: who introduced whom, when. It is what the broker's fee rests on. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import type { ListMatchNotesQuery, MatchNote, MatchNoteInput } from "./matches.schema.ts";
import { recordMatch } from "./matches.steps.ts";
import * as store from "./matches.store.ts";
import { actionsFor, standingOf, toNote } from "./matches.view.ts";

/**
 * The timeline as it was written, for the three parties alone.
 * @throws AppError `match.not_found` (404) for everybody else, the operator too
 */
export async function listMatchNotes(
  db: Executor,
  actor: Actor,
  id: string,
  query: ListMatchNotesQuery,
): Promise<Page<MatchNote>> {
  const found = await store.selectMatchOfParty(db, actor, id);
  if (!found) throw new AppError("match.not_found");
  const list = `match-notes ${id}`;
  const rows = await store.selectNotes(db, id, query.limit, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows,
    () => "",
    (row) => toNote(row, found.match, actor),
  );
  if (query.include) page.total = totalOf(await store.countNotes(db, id));
  return page;
}

/** While it is open, and while its contract is carried out. */
const noted: readonly string[] = ["proposed", "agreed", "negotiating", "contracted"];

/**
 * The broker writes down an introduction, a meeting or a note. The entry stays as it is for good.
 * @throws AppError `match.not_found` (404), `match.not_owner` (403), `match.invalid_transition` (409)
 *   once the match has ended
 */
export async function addMatchNote(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  input: MatchNoteInput,
): Promise<MatchNote> {
  await store.holdOrganizations(tx, [actor.organizationId]);
  const found = await store.lockMatchOfParty(tx, actor, id);
  if (!found) throw new AppError("match.not_found");
  const { match } = found;
  if (!standingOf(actor, match).includes("broker")) throw new AppError("match.not_owner");
  assertVersion(match.version, context.expected);
  if (!noted.includes(match.status)) {
    throw new AppError("match.invalid_transition", {
      members: { currentStatus: match.status, allowedActions: actionsFor(actor, match) },
    });
  }
  const { id: createdBy, organizationId } = actor;
  const heldAt = new Date(input.heldAt).toISOString();
  const entry = { ...input, heldAt, matchId: id, createdBy, organizationId };
  const after = await store.insertNote(tx, entry);
  await recordMatch(tx, context, found, {
    type: "match.note",
    before: null,
    after,
    confidential: true,
    personal: ["text"],
  });
  return toNote({ ...after, authorName: found.broker.name }, match, actor);
}
