import { interests } from "../../../db/schema/interests.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import { type Actor, isOperator, type Origin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { readChangesCursor, toChangesPage } from "../../lib/changes.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, totalOf } from "../../lib/pagination.ts";
import { cityOf } from "../../lib/regions.ts";
import { dueDay } from "../../lib/working-days.ts";
import type { Standing } from "../../lifecycle/resource.ts";
import { stored } from "../../lifecycle/stored.ts";
import { assertCodes, codesIn } from "../taxonomies/taxonomies.service.ts";
import { interest, standingOf } from "./interests.lifecycle.ts";
import { type Interest, InterestInput, type ListInterestsQuery } from "./interests.schema.ts";
import * as store from "./interests.store.ts";

/** Working days within which an owner should answer. */
const replyDays = 10;

type Found = store.FoundInterest;

const nobody = { organizationId: null, name: null, kind: null, industryCode: null, contact: null };

/**
 * What an asker lets the owner know of it before the interest is accepted: kind, city, and section of
 * industry, where at least three organizations are of these.
 */
const veiledAsker = ({ asker, isAskerOneOfMany }: Found) =>
  isAskerOneOfMany
    ? {
        ...nobody,
        kind: asker.kind,
        regionCode: cityOf(asker.regionCode),
        industryCode: asker.industryCode?.slice(0, 1) ?? null,
      }
    : { ...nobody, regionCode: null };

/** What anybody knows of the owner of an anonymous need before it accepts: the listing's city. */
const veiledOwner = ({ listing: { regionCode } }: Found) => ({
  ...nobody,
  regionCode: regionCode && cityOf(regionCode),
});

/** An interest as this caller may see it: who the other side is, once it was accepted. */
function toInterest(found: Found, actor: Actor): Interest {
  const { row, owner, asker, listing } = found;
  const { contact, ...shown } = row;
  const standing = standingOf(found, actor);
  const isAccepted = row.status === "accepted";
  const operator = isOperator(actor);
  const knowsAsker = isAccepted || operator || standing.includes("asker");
  const knowsOwner = isAccepted || operator || standing.includes("owner") || !listing.anonymous;
  // The operator watches the reply clock; it has nobody to speak to.
  const meets = (side: Standing) => (isAccepted && !operator) || standing.includes(side);
  return {
    ...shown,
    listing: { reference: listing.reference, title: listing.title },
    owner: knowsOwner
      ? { ...owner, contact: meets("owner") ? listing.contact : null }
      : veiledOwner(found),
    asker: knowsAsker ? { ...asker, contact: meets("asker") ? contact : null } : veiledAsker(found),
    overdue: row.status === "open" && row.dueOn < today(),
    allowedActions: interest.allowedActions(found, actor),
  };
}

const interestsKept = stored(interest, {
  lock: store.lockInterest,
  reply: (_, actor, found) => toInterest(found, actor),
});

/**
 * Asks about somebody else's listing.
 * @throws AppError `result.not_found`, `need.not_found` (404) for one out of public view,
 *   `interest.own_listing`, `interest.already_open` (409), `request.invalid` for an unknown code
 */
export async function createInterest(
  tx: Executor,
  call: Call,
  listing: store.ListingRef,
  input: InterestInput,
): Promise<Interest> {
  const { actor } = call;
  await assertCodes(tx, codesIn(InterestInput, input));
  const held = await store.holdPublicListing(tx, listing);
  if (!held) throw new AppError(`${listing.noun}.not_found`);
  if (held.organizationId === actor.organizationId) throw new AppError("interest.own_listing");
  const { id } = await insertRow(tx, interests, {
    ...input,
    id: newId(),
    ...(listing.noun === "result" ? { resultId: listing.id } : { needId: listing.id }),
    ownerOrganizationId: held.organizationId,
    askerOrganizationId: actor.organizationId,
    createdBy: actor.kind === "member" ? actor.id : null,
    fieldCode: input.fieldCode ?? held.fieldCode,
    questions: input.questions.map((question) => ({ ...question, answer: null })),
    dueOn: dueDay(today(), replyDays, "working").date,
  });
  const found = await store.selectInterest(tx, actor, id);
  if (!found) throw new Error("the interest that was inserted is not there");
  await interestsKept.made(tx, call, found);
  return toInterest(found, actor);
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
  const rows = await store.selectInterests(db, actor, query, readChangesCursor(list, query));
  const page = toChangesPage(
    list,
    query,
    rows.map((found) => ({ ...found, id: found.row.id, updatedAt: found.row.updatedAt })),
    (found) => toInterest(found, actor),
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

const answered = ({ id }: Actor) => ({ answeredAt: nowInstant(), answeredBy: id });

/** Both sides see each other from now on. */
export const acceptInterest = interestsKept.handle(
  "acceptInterest",
  ({ actor, before: { row }, input: { note, answers } }) => {
    const given = new Map(answers.map(({ index, answer }) => [index, answer]));
    const faults = answers.flatMap(({ index }, i) => {
      const path = ["answers", i, "index"];
      if (index >= row.questions.length) return [bodyFault(path, "answer.no_question")];
      const isFirst = answers.findIndex((other) => other.index === index) === i;
      return isFirst ? [] : [bodyFault(path, "duplicate")];
    });
    if (faults.length > 0) throw new AppError("request.invalid", { faults });
    const questions = row.questions.map((question, i) => ({
      ...question,
      answer: given.get(i) ?? question.answer,
    }));
    return { changes: { ...answered(actor), note, questions } };
  },
);

export const declineInterest = interestsKept.handle(
  "declineInterest",
  ({ actor, input: { reason, note } }) => ({
    changes: { ...answered(actor), declineReason: reason, note },
  }),
);

export const withdrawInterest = interestsKept.handle("withdrawInterest");

/** An interest that its owner accepted, for what is built on it; undefined for any other. */
export const findAcceptedInterest = store.selectAccepted;

/** The open interests in a listing that leaves public view lapse with it. */
export async function lapseInterestsOf(
  tx: Executor,
  origin: Origin,
  listing: store.ListingRef,
): Promise<void> {
  for (const before of await store.lockOpenOf(tx, listing)) {
    await interestsKept.move(tx, origin, before, "lapseInterest");
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
