/** What a contract takes over of what it comes of, where its author left it out; and what it says of that. */
import { isDeepStrictEqual } from "node:util";
import type { StoredPrefill } from "../../../db/schema/contracts.ts";
import type { StoredIntellectualProperty } from "../../../db/schema/results.ts";
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { findAcceptedInterest } from "../interests/interests.service.ts";
import { lockMatchForContract, type MatchRow } from "../matches/matches.service.ts";
import type { ContractContent } from "./content.schema.ts";
import { completed } from "./contracts.content.ts";
import type { Deal } from "./contracts.lifecycle.ts";
import { type ContractInput, type ContractLinks, untaken } from "./contracts.schema.ts";
import { selectOrganizations } from "./contracts.store.ts";
import { toLinks } from "./links.service.ts";
import { Party } from "./parties.schema.ts";
import { selectListingContent } from "./prefill.store.ts";
import { Right } from "./terms.schema.ts";

/** One thing to take over, and where from. */
type Source = Pick<StoredPrefill, "from" | "id">;

/** What a contract comes of, as far as this caller may build on it. */
export interface Origin {
  match: MatchRow | null;
  source: Source;
  seller: string;
  buyer: string;
  resultId: string | null;
  needId: string | null;
  result: Awaited<ReturnType<typeof selectListingContent>>;
  need: Awaited<ReturnType<typeof selectListingContent>>;
  /** The brokerage of the match, while it is in good standing. */
  brokerage: { id: string; name: string } | undefined;
}

/**
 * The match that a draft names, locked, or else the accepted interest between its caller and the other
 * side; null when it names neither, or an interest of others. Both sides know each other then, an
 * anonymous need's owner included.
 * @throws AppError `match.not_found` (404), `match.invalid_transition` (409)
 */
export async function originOf(
  tx: Executor,
  actor: Actor,
  { matchId, interestId }: Pick<ContractLinks, "matchId" | "interestId">,
): Promise<Origin | null> {
  const match = matchId === null ? null : await lockMatchForContract(tx, actor, matchId);
  const deal = match ? ofMatch(match) : interestId && (await ofInterest(tx, actor, interestId));
  if (!deal) return null;
  const { resultId, needId } = deal;
  const [result, need, [brokerage]] = await Promise.all([
    resultId ? selectListingContent(tx, "result", resultId, actor) : undefined,
    needId ? selectListingContent(tx, "need", needId, actor) : undefined,
    match ? selectOrganizations(tx, [match.brokerOrganizationId]) : [],
  ]);
  return { ...deal, match, result, need, brokerage };
}

const ofMatch = (match: MatchRow) => ({
  source: { from: "match" as const, id: match.id },
  seller: match.resultOrganizationId,
  buyer: match.needOrganizationId,
  resultId: match.resultId,
  needId: match.needId,
});

/** Whoever has the result sells; who has the need buys. */
async function ofInterest(tx: Executor, { organizationId }: Actor, id: string) {
  const found = await findAcceptedInterest(tx, id);
  if (!found) return null;
  const { resultId, needId, ownerOrganizationId: owner, askerOrganizationId: asker } = found;
  if (organizationId !== owner && organizationId !== asker) return null;
  const [seller, buyer] = resultId ? [owner, asker] : [asker, owner];
  return { source: { from: "interest" as const, id }, seller, buyer, resultId, needId };
}

/** A draft with what was taken over, and what that is. */
interface Filled {
  /** Its title is the one thing that it cannot do without. */
  content: Omit<ContractContent, "title"> & { title: string | undefined };
  links: ContractLinks;
  prefilled: StoredPrefill[];
}

const names = (parties: readonly Party[], id: string | undefined): boolean =>
  parties.some((party) => party.organizationId === id);

/** Rights of a result as a contract names them; a number that is none is not agreed upon. */
const rightsOf = (listed: readonly StoredIntellectualProperty[]) =>
  listed.flatMap(({ typeCode, country, number, title }) => {
    const right = Right.safeParse({ typeCode, country, number, title });
    return right.success ? [right.data] : [];
  });

/** Takes over what a draft leaves out. What is given wins. */
export function prefill(input: ContractInput, origin: Origin | null): Filled {
  const { externalId: _, matchId, interestId, resultId, needId, ...given } = input;
  const prefilled: StoredPrefill[] = [];
  /** What is given, or else the first offer that there is. */
  const take = <T>(
    name: string,
    own: T | undefined,
    ...offers: [Source | null | undefined, NoInfer<T> | undefined][]
  ): T | undefined => {
    if (own !== undefined) return own;
    for (const [source, value] of offers) {
      if (!source || value === undefined || value === null) continue;
      prefilled.push({ pointer: `/${name}`, ...source });
      return value;
    }
    return undefined;
  };
  const { match = null, source, seller, buyer, result, need, brokerage } = origin ?? {};
  const ofResult = origin?.resultId ? { from: "result" as const, id: origin.resultId } : null;
  const ofNeed = origin?.needId ? { from: "need" as const, id: origin.needId } : null;
  const ofBroker = brokerage && { from: "organization" as const, id: brokerage.id };

  const title = take("title", given.title, [ofResult, result?.title], [ofNeed, need?.title]);
  // The field is that of the technology, the industry that of the one who takes it.
  const fieldCode = take(
    "fieldCode",
    given.fieldCode,
    [ofResult, result?.fieldCode],
    [ofNeed, need?.fieldCode],
  );
  const industryCode = take(
    "industryCode",
    given.industryCode,
    [ofNeed, need?.industryCode],
    [ofResult, result?.industryCode],
  );
  const listed = rightsOf(result?.rights ?? []);
  const rights = take("rights", given.rights, [ofResult, listed.length ? listed : undefined]);
  const types = given.rights ? [] : [...new Set(listed.map((right) => right.typeCode))];
  const intellectualPropertyType = take(
    "intellectualPropertyType",
    given.intellectualPropertyType,
    [ofResult, types.length === 1 ? types[0] : undefined],
  );
  const facilitator = take("facilitator", given.facilitator, [ofBroker, brokerage?.name]);

  const { sellers: givenSellers = [], buyers: givenBuyers = [] } = given;
  /** Somebody who is named already is not taken for the other side. */
  const party = (id: string | undefined) =>
    id === undefined || names([...givenSellers, ...givenBuyers], id)
      ? undefined
      : [Party.parse({ organizationId: id })];
  const sellers = take("sellers", given.sellers, [source, party(seller)]) ?? [];
  const buyers = take("buyers", given.buyers, [source, party(buyer)]) ?? [];

  const links: ContractLinks = { matchId, interestId, resultId: null, needId: null };
  const ownLinks = { resultId, needId };
  const fits = { resultId: names(sellers, seller), needId: names(buyers, buyer) };
  for (const name of ["resultId", "needId"] as const) {
    // A match is about its two listings, whatever is given; of an interest, the listing goes with its owner.
    const own = match && ownLinks[name] !== match[name] ? undefined : ownLinks[name];
    const offer = match || fits[name] ? origin?.[name] : undefined;
    links[name] = take(name, own, [source, offer]) ?? null;
  }
  if (match) {
    take<string>("brokerId", undefined, [source, match.brokerId]);
    take<string>("brokerOrganizationId", undefined, [source, match.brokerOrganizationId]);
  }
  const taken = { fieldCode, industryCode, intellectualPropertyType, rights, facilitator };
  const { resultId: __, needId: ___, ...none } = untaken;
  const filled = Object.entries(taken).filter(([, value]) => value !== undefined);
  return {
    content: { ...none, ...given, ...Object.fromEntries(filled), title, sellers, buyers },
    links,
    prefilled,
  };
}

/**
 * What replaces a contract: what is left out again and was taken over when it was drafted stays, and so does what
 * the market had told of a party, whatever it says of itself now.
 */
export function wholeOf(input: ContractInput, { row }: Deal, current: ContractContent) {
  const before = { ...current, ...toLinks(row) };
  const wasTaken = (name: string) =>
    name === "title" || row.prefilled?.some(({ pointer }) => pointer === `/${name}`);
  const left = { title: "", ...untaken };
  const stays = Object.keys(left).filter(wasTaken) as (keyof typeof left)[];
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  const whole: ContractInput = Object.assign(
    { ...left },
    ...stays.map((name) => ({ [name]: before[name] })),
    Object.fromEntries(given),
  );
  const asTold = (side: "sellers" | "buyers") =>
    whole[side]?.map((party) => {
      const { organizationId } = party;
      const told =
        organizationId && current[side].find((one) => one.organizationId === organizationId);
      return told ? completed(party, told) : party;
    });
  return { ...whole, sellers: asTold("sellers"), buyers: asTold("buyers") };
}

/** What the market knew of the parties and their author had left out, or said otherwise. */
export function prefilledParties(
  given: Pick<ContractContent, "sellers" | "buyers">,
  complete: Pick<ContractContent, "sellers" | "buyers">,
): StoredPrefill[] {
  return (["sellers", "buyers"] as const).flatMap((side) =>
    complete[side].flatMap((party, i) => {
      const { organizationId: id } = party;
      const before = given[side][i];
      if (id === null || !before) return [];
      const changed = (Object.keys(party) as (keyof Party)[]).filter(
        (name) => !isDeepStrictEqual(before[name], party[name]),
      );
      return changed.map((name) => ({
        pointer: `/${side}/${i}/${name}`,
        from: "organization" as const,
        id,
      }));
    }),
  );
}

/**
 * What was taken over, as long as the contract names what it came from: who has become a party later
 * learns nothing of a match or a need that was given up.
 */
export function shownPrefill({ row, parties }: Pick<Deal, "row" | "parties">): StoredPrefill[] {
  const { matchId, interestId, resultId, needId, brokerOrganizationId } = row;
  const organizations = [...parties.map((one) => one.organizationId), brokerOrganizationId];
  const named: Record<StoredPrefill["from"], readonly (string | null)[]> = {
    match: [matchId],
    interest: [interestId],
    result: [resultId],
    need: [needId],
    organization: organizations,
  };
  return (row.prefilled ?? []).filter(({ from, id }) => named[from].includes(id));
}
