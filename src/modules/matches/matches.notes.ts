/** The timeline of a match: who introduced whom, when. It is what the broker's fee rests on. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { match } from "./matches.lifecycle.ts";
import type { ListMatchNotesQuery, MatchNote, MatchNoteInput } from "./matches.schema.ts";
import { matchesKept } from "./matches.service.ts";
import * as store from "./matches.store.ts";
import { toNote } from "./matches.view.ts";

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
    (row) => toNote(row, found.row, actor),
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
  call: Call,
  id: string,
  input: MatchNoteInput,
): Promise<MatchNote> {
  const { before: found } = await matchesKept.lockAs(tx, call, id, ["broker"]);
  const { actor } = call;
  if (!noted.includes(found.row.status)) throw match.refused(found, actor);
  const { id: createdBy, organizationId } = actor;
  const heldAt = new Date(input.heldAt).toISOString();
  const after = await store.insertNote(tx, {
    ...input,
    heldAt,
    matchId: id,
    createdBy,
    organizationId,
  });
  const { owner, readers = [] } = match.audit(found, call, "note");
  await recordAudit(tx, call, {
    type: "match.note",
    subject: { id, organizationId: owner },
    readers,
    before: null,
    after,
    confidential: true,
    personal: ["text"],
  });
  return toNote({ ...after, authorName: found.broker.name }, found.row, actor);
}
