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
import { failedGates, type Gate, type Pair, scoreOf } from "./suggestions.signals.ts";

export type Noun = "result" | "need";

/** What suggestions are made for. */
export interface Source {
  noun: Noun;
  facts: DocumentFacts;
  texts: Texts;
}

/** A listing that is suggested, with the reasons. */
export interface Ranked {
  listingId: string;
  score: number;
  failedGates: { gate: Gate; zh: string; en: string }[];
  pair: Pair;
  common: Near["common"];
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
  { noun, facts, texts }: Source,
  depth?: number,
): Promise<{ ranked: Ranked[]; version: number }> {
  const suggested: Noun = noun === "need" ? "result" : "need";
  const { near, version } = await findNear(db, suggested, texts, {
    ...(depth ? { depth } : {}),
    withoutOrganization: facts.organizationId,
  });
  const day = today();
  const ranked = near.map(({ facts: other, nearness, common }): Ranked => {
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
      score: scoreOf(pair),
      failedGates: gates,
      pair,
      common,
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
    one.score = scoreOf(one.pair);
  }
  return { ranked: ranked.sort(byScore), version };
}

const byScore = (a: Ranked, b: Ranked) => b.score - a.score || (a.listingId < b.listingId ? 1 : -1);
