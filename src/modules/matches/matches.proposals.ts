/** A broker proposes a match. */
import { matches } from "../../../db/schema/matches.ts";
import type { Executor } from "../../database/connect.ts";
import { insertRow } from "../../database/rows.ts";
import type { Actor } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError, type Fault } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { newId } from "../../lib/ids.ts";
import { addDays } from "../../lib/working-days.ts";
import { assertBroker } from "../brokers/brokers.service.ts";
import { findAcceptedInterest } from "../interests/interests.service.ts";
import type { Match, MatchInput } from "./matches.schema.ts";
import { lapseMatches, matchesKept } from "./matches.service.ts";
import * as store from "./matches.store.ts";
import { toMatch } from "./matches.view.ts";

/** Calendar days within which both owners must have accepted. */
const proposalDays = 30;

/** Statuses in which anybody may read a listing by its id (`lifecycles.md`, Result, need). */
const ended: readonly string[] = ["expired", "transferred", "solved", "closed"];

interface Pair {
  resultOwner: string;
  needOwner: string;
  /** Both are published. */
  live: boolean;
  /** Whose the need is is kept from others. */
  anonymous: boolean;
}

/**
 * Both listings, held as they are: in public view, of owners in good standing that are not the broker's
 * own organization. Organizations are locked before listings, as by the one who closes them.
 */
async function holdPair(
  tx: Executor,
  actor: Actor,
  { resultId, needId }: MatchInput,
): Promise<Pair> {
  const ids = { result: resultId, need: needId };
  const owners: (string | undefined)[] = [];
  for (const noun of ["result", "need"] as const) {
    owners.push((await store.selectListing(tx, noun, ids[noun]))?.organizationId);
  }
  const present = owners.filter((owner) => owner !== undefined);
  const standings = await store.holdOrganizations(tx, [...present, actor.organizationId]);
  let [live, anonymous] = [true, false];
  const held: string[] = [];
  for (const noun of ["result", "need"] as const) {
    const listing = await store.holdListing(tx, noun, ids[noun]);
    const isPublished = listing?.status === "published";
    const isOpen = isPublished || ended.includes(listing?.status ?? "");
    const owner = listing?.organizationId ?? "";
    const isOwn = owner === actor.organizationId;
    if (!isOwn && !(isOpen && standings.get(owner) === "verified")) {
      throw new AppError(`${noun}.not_found`);
    }
    live &&= isPublished;
    anonymous ||= listing?.anonymous ?? false;
    held.push(owner);
  }
  const [resultOwner = "", needOwner = ""] = held;
  if (held.includes(actor.organizationId)) throw ownOrganization(resultOwner, actor);
  return { resultOwner, needOwner, live, anonymous };
}

/** Which of the two is the caller's own. */
function ownOrganization(resultOwner: string, { organizationId }: Actor): AppError {
  const isResult = resultOwner === organizationId;
  const detail = {
    en: `The ${isResult ? "result" : "need"} is your organization's own.`,
    zh: `该${isResult ? "成果" : "需求"}属于您所在的机构。`,
  };
  return new AppError("match.own_organization", { detail });
}

/**
 * That the two may be brought together. Of the owner of an anonymous need this is the last that is looked
 * at, and it is answered as if a listing had left public view.
 */
function assertMatchable({ resultOwner, needOwner, live, anonymous }: Pair): void {
  const isSame = resultOwner === needOwner;
  if (isSame && !anonymous) throw new AppError("match.same_owner");
  if (isSame || !live) throw new AppError("match.listing_not_published");
}

/**
 * Checks what a proposal says it comes of: an accepted interest, an earlier match. That the owner of an
 * anonymous need asked about a result is no origin: it would tell who owns the need.
 */
async function assertOrigins(
  tx: Executor,
  actor: Actor,
  input: MatchInput,
  { resultOwner, needOwner, anonymous }: Pair,
): Promise<void> {
  const faults: Fault[] = [];
  if (input.interestId) {
    const interest = await findAcceptedInterest(tx, input.interestId);
    const fits =
      interest?.resultId === input.resultId
        ? !anonymous &&
          interest.ownerOrganizationId === resultOwner &&
          interest.askerOrganizationId === needOwner
        : interest?.needId === input.needId &&
          interest.ownerOrganizationId === needOwner &&
          interest.askerOrganizationId === resultOwner;
    if (!fits) faults.push(bodyFault(["interestId"], "interest.not_of_pair"));
  }
  if (input.previousMatchId) {
    const previous = await store.selectEnded(tx, actor, input.previousMatchId);
    if (previous?.resultId !== input.resultId || previous.needId !== input.needId) {
      faults.push(bodyFault(["previousMatchId"], "match.not_of_pair"));
    }
  }
  if (faults.length > 0) throw new AppError("request.invalid", { faults });
}

/**
 * A broker brings a result and a need together; both owners have thirty days to accept.
 * @throws AppError `match.not_a_broker` (403), `result.not_found`, `need.not_found` (404),
 *   `match.own_organization`, `match.same_owner`, `match.listing_not_published`,
 *   `match.already_open` (409), `request.invalid` for an interest or a match of others
 */
export async function proposeMatch(tx: Executor, call: Call, input: MatchInput): Promise<Match> {
  const { actor } = call;
  await assertBroker(tx, actor.id);
  const pair = await holdPair(tx, actor, input);
  await assertOrigins(tx, actor, input, pair);
  assertMatchable(pair);
  // Its last day has passed, so it must not keep this one out, although the job has not come by yet.
  await lapseMatches(tx, await store.lockOverdueOfPair(tx, input, today()), call);
  const { id: createdBy, organizationId } = actor;
  const { id: matchId } = await insertRow(tx, matches, {
    ...input,
    id: newId(),
    resultOrganizationId: pair.resultOwner,
    needOrganizationId: pair.needOwner,
    brokerId: createdBy,
    brokerOrganizationId: organizationId,
    expiresOn: addDays(today(), proposalDays),
  });
  const found = await store.selectMatch(tx, actor, matchId);
  if (!found) throw new Error("the match that was inserted is not there");
  await matchesKept.made(tx, call, found, "propose");
  // With this the broker introduces the one to the other.
  await store.insertNote(tx, {
    matchId,
    kind: "introduction",
    heldAt: nowInstant(),
    text: input.proposal,
    createdBy,
    organizationId,
  });
  return toMatch(found, actor);
}
