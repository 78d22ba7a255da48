import { interests } from "../../../db/schema/interests.ts";
import type { Executor } from "../../database/connect.ts";
import { updateRow } from "../../database/rows.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { allowedActions, nextStatus, type Standing } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { cityOf } from "../../lib/regions.ts";
import { dueDay } from "../../lib/working-days.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { assertCodes } from "../taxonomies/taxonomies.service.ts";
import { interestLifecycle } from "./interests.lifecycle.ts";
import type {
  AcceptInterestInput,
  DeclineInput,
  Interest,
  InterestInput,
  ListInterestsQuery,
} from "./interests.schema.ts";
import * as store from "./interests.store.ts";

/** Working days within which an owner should answer. */
const replyDays = 10;

type Found = store.FoundInterest;

function standingOf(
  actor: Actor,
  row: Pick<store.InterestRow, "ownerOrganizationId" | "askerOrganizationId">,
): Standing[] {
  const standing: Standing[] = [];
  if (row.ownerOrganizationId === actor.organizationId) standing.push("owner");
  if (row.askerOrganizationId === actor.organizationId) standing.push("asker");
  return standing;
}

/** What one side lets the other know of it before the interest is accepted. */
const veiled = (side: Found["owner"]) => ({
  organizationId: null,
  name: null,
  kind: side.kind,
  regionCode: cityOf(side.regionCode),
  industryCode: side.industryCode,
  contact: null,
});

/** An interest as this caller may see it: who the other side is, once it was accepted. */
function toInterest(found: Found, actor: Actor): Interest {
  const { owner, asker, listing, contact, ...row } = found;
  const standing = standingOf(actor, row);
  const isAccepted = row.status === "accepted";
  const operator = isOperator(actor);
  const knowsAsker = isAccepted || operator || standing.includes("asker");
  const knowsOwner = isAccepted || operator || standing.includes("owner") || !listing.anonymous;
  // The operator watches the reply clock; it has nobody to speak to.
  const meets = (side: Standing) => (isAccepted && !operator) || standing.includes(side);
  return {
    ...row,
    listing: { reference: listing.reference, title: listing.title },
    owner: knowsOwner
      ? { ...owner, contact: meets("owner") ? listing.contact : null }
      : { ...veiled(owner), kind: null, industryCode: null, regionCode: cityOfListing(listing) },
    asker: knowsAsker ? { ...asker, contact: meets("asker") ? contact : null } : veiled(asker),
    overdue: row.status === "open" && row.dueOn < today(),
    allowedActions: allowedActions(interestLifecycle, row.status, standing),
  };
}

const cityOfListing = ({ regionCode }: Found["listing"]) => regionCode && cityOf(regionCode);

/**
 * Writes down a step. Until the interest is accepted, its records are for the asker alone; of the owner
 * of an anonymous need they withhold the id, and what that owner does is in its own log instead.
 */
async function record(
  tx: Executor,
  context: WriteContext,
  verb: string,
  before: store.InterestRow | null,
  after: store.InterestRow,
) {
  const { askerOrganizationId, ownerOrganizationId } = after;
  const isAccepted = after.status === "accepted";
  const isVeiled = !isAccepted && (await store.isAnonymous(tx, after.needId));
  const isPrivate = isVeiled && context.actor?.organizationId === ownerOrganizationId;
  return recordAudit(tx, context, {
    type: `interest.${verb}`,
    subject: {
      id: after.id,
      organizationId: isPrivate ? ownerOrganizationId : askerOrganizationId,
    },
    readers: isAccepted ? [ownerOrganizationId] : [],
    before,
    after,
    reason: after.declineReason,
    personal: ["message", "questions", "note", ...(isVeiled ? ["ownerOrganizationId"] : [])],
  });
}

const plain = ({ owner: _, asker: __, listing: ___, ...row }: Found): store.InterestRow => row;

/**
 * Asks about somebody else's listing.
 * @throws AppError `result.not_found`, `need.not_found` (404) for one out of public view,
 *   `interest.own_listing`, `interest.already_open` (409), `request.invalid` for an unknown code
 */
export async function createInterest(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  listing: store.ListingRef,
  input: InterestInput,
): Promise<Interest> {
  await assertCodes(tx, [
    { path: ["fieldCode"], taxonomy: "technology-fields", code: input.fieldCode },
    { path: ["cooperationMode"], taxonomy: "cooperation-modes", code: input.cooperationMode },
    ...input.questions.map(({ topic }, i) => ({
      path: ["questions", i, "topic"],
      taxonomy: "interest-topics",
      code: topic,
    })),
  ]);
  const found = await store.holdPublicListing(tx, listing);
  if (!found) throw new AppError(`${listing.noun}.not_found`);
  if (found.organizationId === actor.organizationId) throw new AppError("interest.own_listing");
  const [after] = await tx
    .insert(interests)
    .values({
      ...input,
      id: newId(),
      ...(listing.noun === "result" ? { resultId: listing.id } : { needId: listing.id }),
      ownerOrganizationId: found.organizationId,
      askerOrganizationId: actor.organizationId,
      createdBy: actor.kind === "member" ? actor.id : null,
      fieldCode: input.fieldCode ?? found.fieldCode,
      questions: input.questions.map((question) => ({ ...question, answer: null })),
      dueOn: dueDay(today(), replyDays, "working").date,
    })
    .returning();
  if (!after) throw new Error("insert returned no row");
  await record(tx, context, "create", null, after);
  return readInterest(tx, actor, after.id);
}

/** @throws AppError `interest.not_found` (404) for one that the caller has no part in */
export async function readInterest(db: Executor, actor: Actor, id: string): Promise<Interest> {
  const found = await store.selectInterest(db, actor, id);
  if (!found) throw new AppError("interest.not_found");
  return toInterest(found, actor);
}

/** The caller's interests on either side, newest first. */
export async function listInterests(
  db: Executor,
  actor: Actor,
  query: ListInterestsQuery,
): Promise<Page<Interest>> {
  const list = `interests ${actor.organizationId}`;
  const rows = await store.selectInterests(db, actor, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows,
    () => "",
    (row) => toInterest(row, actor),
  );
  if (query.include) page.total = totalOf(await store.countInterests(db, actor, query));
  return page;
}

/**
 * The interests in one listing: all of them for its owner and the operator, an asker's own for others.
 * @throws AppError `result.not_found`, `need.not_found` (404)
 */
export async function listInterestsOf(
  db: Executor,
  actor: Actor,
  listing: store.ListingRef,
  query: ListInterestsQuery,
): Promise<Page<Interest>> {
  if (!(await store.isListingReader(db, actor, listing))) {
    throw new AppError(`${listing.noun}.not_found`);
  }
  const one = listing.noun === "result" ? { resultId: listing.id } : { needId: listing.id };
  return listInterests(db, actor, { ...query, ...one });
}

/** The interest, locked, for a step by one of its sides. */
async function lockAs(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  by: "owner" | "asker",
): Promise<Found> {
  const found = await store.lockInterest(tx, actor, id);
  if (!found) throw new AppError("interest.not_found");
  if (!standingOf(actor, found).includes(by)) throw new AppError("interest.not_owner");
  assertVersion(found.version, context.expected);
  return found;
}

async function step(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  found: Found,
  verb: string,
  changes: Partial<store.InterestRow>,
): Promise<Interest> {
  const before = plain(found);
  const after = await updateRow(tx, interests, before, changes);
  await record(tx, context, verb, before, after);
  return toInterest({ ...found, ...after }, actor);
}

const answered = (actor: Actor) => ({ answeredAt: nowInstant(), answeredBy: actor.id });

/**
 * The owner accepts, and answers what was asked; both sides see each other from now on.
 * @throws AppError `interest.not_found` (404), `interest.not_owner` (403), `interest.invalid_transition` (409),
 *   `request.invalid` for an answer to no question, or a second one to the same
 */
export async function acceptInterest(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  { note, answers }: AcceptInterestInput,
): Promise<Interest> {
  const found = await lockAs(tx, context, actor, id, "owner");
  const status = nextStatus(interestLifecycle, found.status, "accept", "owner");
  const given = new Map(answers.map(({ index, answer }) => [index, answer]));
  const faults = answers.flatMap(({ index }, i) => {
    const path = ["answers", i, "index"];
    if (index >= found.questions.length) return [bodyFault(path, "answer.no_question")];
    const isFirst = answers.findIndex((other) => other.index === index) === i;
    return isFirst ? [] : [bodyFault(path, "duplicate")];
  });
  if (faults.length > 0) throw new AppError("request.invalid", { faults });
  const questions = found.questions.map((question, i) => ({
    ...question,
    answer: given.get(i) ?? question.answer,
  }));
  const changes = { ...answered(actor), status, note, questions };
  return step(tx, context, actor, found, "accept", changes);
}

/**
 * The owner declines, with a reason from `decline-reasons`.
 * @throws AppError as `acceptInterest`, `request.invalid` for an unknown reason
 */
export async function declineInterest(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  { reason, note }: DeclineInput,
): Promise<Interest> {
  await assertCodes(tx, [{ path: ["reason"], taxonomy: "decline-reasons", code: reason }]);
  const found = await lockAs(tx, context, actor, id, "owner");
  const status = nextStatus(interestLifecycle, found.status, "decline", "owner");
  const changes = { ...answered(actor), status, declineReason: reason, note };
  return step(tx, context, actor, found, "decline", changes);
}

/** The asker takes an interest back that was not answered yet. */
export async function withdrawInterest(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
): Promise<Interest> {
  const found = await lockAs(tx, context, actor, id, "asker");
  const status = nextStatus(interestLifecycle, found.status, "withdraw", "asker");
  return step(tx, context, actor, found, "withdraw", { status });
}

/** An interest that its owner accepted, for what is built on it; undefined for any other. */
export const findAcceptedInterest = store.selectAccepted;

/** The open interests in a listing that leaves public view lapse with it. */
export async function lapseInterestsOf(
  tx: Executor,
  context: WriteContext,
  listing: store.ListingRef,
): Promise<void> {
  for (const before of await store.lockOpenOf(tx, listing)) {
    const status = nextStatus(interestLifecycle, before.status, "lapse", "system");
    const after = await updateRow(tx, interests, before, { status });
    await record(tx, context, "lapse", before, after);
  }
}

/** How owners answer interests: of those that were due within the last year, how many in time. */
export async function answeringRecords(
  db: Executor,
  ownerIds: readonly string[],
): Promise<Map<string, { inTime: number; due: number }>> {
  const rows = await store.countAnswers(db, [...new Set(ownerIds)]);
  return new Map(rows.map(({ ownerId, inTime, due }) => [ownerId, { inTime, due }]));
}
