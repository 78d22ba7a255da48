/** What a contract comes of: a match, an accepted interest, a listing of its own; and who so has a part in it. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import type { Fault } from "../../lib/errors.ts";
import { bodyFault } from "../../lib/faults.ts";
import { findAcceptedInterest } from "../interests/interests.service.ts";
import {
  lockMatchForContract,
  lockMatchOfContract,
  type MatchRow,
} from "../matches/matches.service.ts";
import type { ContractContent } from "./content.schema.ts";
import type { ContractLinks } from "./contracts.schema.ts";
import * as store from "./contracts.store.ts";

export interface Links extends ContractLinks {
  brokerId: string | null;
  brokerOrganizationId: string | null;
}

export const toLinks = ({
  matchId,
  interestId,
  resultId,
  needId,
}: ContractLinks): ContractLinks => ({
  matchId,
  interestId,
  resultId,
  needId,
});

/** Whether a contract's links stay as they are; one that is left out comes of the match or the interest. */
export const areSameLinks = (given: ContractLinks, stored: ContractLinks): boolean => {
  const isLeftOut = (name: "interestId" | "resultId" | "needId") =>
    given[name] === null && (given.matchId ?? given.interestId) !== null;
  return (
    given.matchId === stored.matchId &&
    (["interestId", "resultId", "needId"] as const).every(
      (name) => given[name] === stored[name] || isLeftOut(name),
    )
  );
};

/** A link that does not fit the parties, or that is not the caller's to name: one answer for both. */
const unfit = (name: string): Fault => bodyFault([name], "link.unfit");

/**
 * Match, interest and listings that a contract names, checked against its parties: when it is drafted,
 * and again whenever either may have changed. Whose a listing is decides here what is answered, so only
 * those may name one who know that: its owner, and those whose interest in it the owner accepted. (Else
 * an anonymous need, named with ten buyers at a time, would tell who posted it.)
 * @param stored what the contract names already: a party of the contract keeps it
 * @param locked the match that it names, where it is locked for this caller already
 * @throws AppError `match.not_found` (404), `match.invalid_transition` (409)
 */
export async function linksOf(
  tx: Executor,
  actor: Actor,
  input: ContractLinks & Pick<ContractContent, "sellers" | "buyers">,
  stored: ContractLinks | null,
  locked?: MatchRow | null,
): Promise<{ links: Links; faults: Fault[] }> {
  const { matchId } = input;
  const match =
    locked ??
    (matchId &&
      (matchId === stored?.matchId
        ? await lockMatchOfContract(tx, matchId)
        : await lockMatchForContract(tx, actor, matchId)));
  const links: Links = {
    matchId,
    interestId: input.interestId,
    resultId: match ? match.resultId : input.resultId,
    needId: match ? match.needId : input.needId,
    brokerId: match ? match.brokerId : null,
    brokerOrganizationId: match ? match.brokerOrganizationId : null,
  };
  const faults: Fault[] = [];
  const sellers = new Set(input.sellers.map((party) => party.organizationId));
  const buyers = new Set(input.buyers.map((party) => party.organizationId));
  if (match) {
    const fits = sellers.has(match.resultOrganizationId) && buyers.has(match.needOrganizationId);
    if (!fits) faults.push(unfit("matchId"));
  } else {
    const sides = { result: sellers, need: buyers };
    for (const noun of ["result", "need"] as const) {
      const id = links[`${noun}Id`];
      if (!id) continue;
      const isKept = id === stored?.[`${noun}Id`];
      const owner = await store.selectListingOwner(tx, noun, id, isKept ? null : actor);
      if (!owner || !sides[noun].has(owner)) faults.push(unfit(`${noun}Id`));
    }
  }
  if (links.interestId) {
    const interest = await findAcceptedInterest(tx, links.interestId);
    const asked = [interest?.ownerOrganizationId, interest?.askerOrganizationId];
    const isKnown =
      links.interestId === stored?.interestId ||
      (match && links.interestId === match.interestId) ||
      asked.includes(actor.organizationId);
    const isParty = (id: string | undefined) => id && (sellers.has(id) || buyers.has(id));
    if (!isKnown || !asked.every(isParty)) faults.push(unfit("interestId"));
  }
  return { links, faults };
}

/** Whether an organization has a part in a content: it is a party, or the brokerage of its match. */
export const hasPart = (
  organizationId: string,
  { sellers, buyers }: Pick<ContractContent, "sellers" | "buyers">,
  { brokerOrganizationId }: Links,
): boolean =>
  brokerOrganizationId === organizationId ||
  [...sellers, ...buyers].some((party) => party.organizationId === organizationId);
