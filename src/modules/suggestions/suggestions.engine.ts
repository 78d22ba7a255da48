/** The ranking behind suggestions: the nearest texts, weighed by everything else that is known. */
import type { Executor } from "../../database/connect.ts";
import { today } from "../../lib/clock.ts";
import { answeringRecords } from "../interests/interests.service.ts";
import {
  type DocumentFacts,
  findNear,
  type Near,
  type Texts,
} from "../matching/matching.service.ts";
import { anonymousAmong } from "../needs/needs.service.ts";
import { allSynonyms } from "../synonyms/synonyms.service.ts";
import { failedGates, type Gate, type Pair, scorePair } from "./suggestions.signals.ts";

export type Noun = "result" | "need";

/** What suggestions are made for. */
export interface Source {
  noun: Noun;
  facts: DocumentFacts;
  texts: Texts;
  /** Whether whose it is is kept from the caller. */
  isVeiled: boolean;
  /** Whether the caller may know of all listings of its owner that they are: it is the owner, or the operator. */
  knowsOwn: boolean;
}

/** A listing that is suggested, with the reasons. */
export interface Ranked {
  listingId: string;
  score: number;
  failedGates: { gate: Gate; zh: string; en: string }[];
  pair: Pair;
  near: Near;
}

/** How many of the best get the owner's answering record looked up: it weighs too little to lift others. */
const lookedUp = 200;

/**
 * Ranks the listings of the other kind for one listing, the best first; all candidates, whether they
 * fit or nearly. `version` is that of the term statistics.
 * @param depth how many candidates are scored
 */
export async function rank(
  db: Executor,
  source: Source,
  depth?: number,
): Promise<{ ranked: Ranked[]; version: number }> {
  const { noun, facts, texts } = source;
  const suggested: Noun = noun === "need" ? "result" : "need";
  const groups = await allSynonyms(db);
  const { near, version } = await findNear(db, suggested, texts, groups, depth);
  const day = today();
  const ranked = (await withoutOwn(db, source, near)).map((one): Ranked => {
    const { facts: other, nearness } = one;
    const pair: Pair = {
      result: noun === "result" ? facts : other,
      need: noun === "need" ? facts : other,
      suggested,
      nearness,
      answering: null,
      today: day,
    };
    const gates = failedGates(pair);
    return {
      listingId: other.listingId,
      score: scorePair(pair),
      failedGates: gates,
      pair,
      near: one,
    };
  });
  ranked.sort(byScore);
  const best = ranked.slice(0, lookedUp);
  const ids = best.map(({ listingId }) => listingId);
  // How its owner answers would tell an anonymous need's owner from others.
  const hidden = suggested === "need" ? await anonymousAmong(db, ids) : new Set<string>();
  const named = best.filter(({ listingId }) => !hidden.has(listingId));
  const records = await answeringRecords(
    db,
    named.map(({ pair }) => pair[suggested].organizationId),
  );
  for (const one of named) {
    const answering = records.get(one.pair[suggested].organizationId);
    if (!answering) continue;
    one.pair = { ...one.pair, answering };
    one.score = scorePair(one.pair);
  }
  return { ranked: ranked.sort(byScore), version };
}

/**
 * Leaves out what the source's owner has itself, but where that would tell a stranger who has an anonymous
 * need: the results of its owner stay, and so do the anonymous needs of a result's owner.
 */
async function withoutOwn(
  db: Executor,
  { noun, facts, isVeiled, knowsOwn }: Source,
  near: readonly Near[],
): Promise<Near[]> {
  const isOwn = (other: Near) => other.facts.organizationId === facts.organizationId;
  if (isVeiled) return [...near];
  const own = near.filter(isOwn).map((other) => other.facts.listingId);
  const unnamed =
    noun === "result" && !knowsOwn ? await anonymousAmong(db, own) : new Set<string>();
  return near.filter((other) => !isOwn(other) || unnamed.has(other.facts.listingId));
}

const byScore = (a: Ranked, b: Ranked) => b.score - a.score || (a.listingId < b.listingId ? 1 : -1);
