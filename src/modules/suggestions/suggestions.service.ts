import type { Executor } from "../../database/connect.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import { unknownPairsOf } from "../../lib/terms.ts";
import type { Broker } from "../brokers/brokers.schema.ts";
import { findValidBroker, listBrokersOfField, noBroker } from "../brokers/brokers.service.ts";
import type { Matched } from "../listings/listings.service.ts";
import { describeNeeds, readMatchableNeed } from "../needs/needs.service.ts";
import { describeResults, readMatchableResult } from "../results/results.service.ts";
import { type Noun, type Ranked, rank, type Source } from "./suggestions.engine.ts";
import { evidenceOf, improvementsOf, isAbout, type Pairs } from "./suggestions.evidence.ts";
import type {
  SuggestedBroker,
  SuggestedNeed,
  SuggestedResult,
  SuggestionsQuery,
} from "./suggestions.schema.ts";
import { engineVersion, partsOf, weights } from "./suggestions.signals.ts";
import { selectVerdictsOf } from "./verdicts.store.ts";

const readers = { result: readMatchableResult, need: readMatchableNeed };

/**
 * A listing that this caller may have suggestions for: its owner in every state, certified brokers and
 * the operator once it is published.
 * @throws AppError `<noun>.not_found` (404), `<noun>.not_owner`, `match.not_a_broker` (403)
 */
export async function readSource(
  db: Executor,
  actor: Actor,
  noun: Noun,
  id: string,
): Promise<Source & Matched> {
  const found = await readers[noun](db, actor, id);
  const isOwner = found.facts.organizationId === actor.organizationId;
  const source = { ...found, noun, knowsOwn: isOwner || isOperator(actor) };
  if (isOwner) return source;
  const insider =
    source.status === "published" &&
    (isOperator(actor) || (await findValidBroker(db, actor.id)) !== undefined);
  if (insider) return source;
  // Whoever could be let in is told what it lacks.
  if (actor.role === "brokerage" && source.status === "published") {
    throw await noBroker(db, actor.id);
  }
  throw new AppError(`${noun}.not_owner`);
}

/** See `Pairs`. */
function pairsOf({ title, summary, rest }: Source["texts"]): Pairs {
  let found: ReadonlySet<string> | undefined;
  return () => {
    found ??= unknownPairsOf([title, summary ?? "", ...rest].join("\n"));
    return found;
  };
}

/** The best of those that fit and of those that nearly do. */
function choose(
  ranked: readonly Ranked[],
  { limit, nearMisses }: Pick<SuggestionsQuery, "limit" | "nearMisses">,
  pairs: Pairs,
): [fitting: Ranked[], near: Ranked[]] {
  const chosen: [Ranked[], Ranked[]] = [[], []];
  for (const one of ranked) {
    const [list, most] =
      one.failedGates.length === 0 ? [chosen[0], limit] : [chosen[1], nearMisses];
    if (list.length < most && isAbout(one.near, pairs)) list.push(one);
    if (chosen[0].length === limit && chosen[1].length === nearMisses) break;
  }
  return chosen;
}

/** The listings that fit and those that nearly do, each with its reasons. */
async function suggest<Item extends object>(
  db: Executor,
  actor: Actor,
  noun: Noun,
  id: string,
  query: Pick<SuggestionsQuery, "limit" | "nearMisses">,
  describe: (
    db: Executor,
    actor: Actor,
    ids: readonly string[],
  ) => Promise<Map<string, { item: Item; gaps: Matched["gaps"] }>>,
) {
  const source = await readSource(db, actor, noun, id);
  const { ranked, version } = await rank(db, source);
  const pairs = pairsOf(source.texts);
  const chosen = choose(ranked, query, pairs);
  const ids = chosen.flat().map(({ listingId }) => listingId);
  const described = await describe(db, actor, ids);
  const own = await selectVerdictsOf(db, actor.id, noun, id, ids);
  const suggested: Noun = noun === "need" ? "result" : "need";
  const toSuggestion = ({ listingId, score, failedGates, pair, near }: Ranked) => {
    const found = described.get(listingId);
    if (!found) return [];
    const gaps = [
      ...found.gaps.map((gap) => ({ side: suggested, ...gap })),
      ...source.gaps.map((gap) => ({ side: noun, ...gap })),
    ];
    return [
      {
        item: found.item,
        score: Math.round(score * 10_000) / 10_000,
        parts: evidenceOf(partsOf(pair), pair, near, pairs),
        failedGates,
        improvements: improvementsOf(pair, gaps),
        verdict: own.get(listingId) ?? null,
      },
    ];
  };
  const [data = [], nearMisses = []] = chosen.map((list) => list.flatMap(toSuggestion));
  const madeWith = { engine: engineVersion, statistics: version, weights };
  return { source, madeWith, data, nearMisses };
}

/**
 * The results that fit a need, and the brokers who know its field.
 * @throws AppError `need.not_found` (404), `need.not_owner` (403)
 */
export async function suggestForNeed(
  db: Executor,
  actor: Actor,
  id: string,
  query: SuggestionsQuery,
) {
  const { source, madeWith, data, nearMisses } = await suggest(
    db,
    actor,
    "need",
    id,
    query,
    describeResults,
  );
  const named = ({ item, ...rest }: (typeof data)[number]): SuggestedResult => ({
    result: item,
    ...rest,
  });
  return {
    ...madeWith,
    data: data.map(named),
    nearMisses: nearMisses.map(named),
    brokers: await suggestBrokers(db, source, query.brokers),
  };
}

/**
 * The needs that a result fits.
 * @throws AppError `result.not_found` (404), `result.not_owner` (403)
 */
export async function suggestForResult(
  db: Executor,
  actor: Actor,
  id: string,
  query: Pick<SuggestionsQuery, "limit" | "nearMisses">,
) {
  const { madeWith, data, nearMisses } = await suggest(
    db,
    actor,
    "result",
    id,
    query,
    describeNeeds,
  );
  const named = ({ item, ...rest }: (typeof data)[number]): SuggestedNeed => ({
    need: item,
    ...rest,
  });
  return { ...madeWith, data: data.map(named), nearMisses: nearMisses.map(named) };
}

const levels: Record<Broker["level"], number> = { senior: 1, intermediate: 0.7, primary: 0.4 };

/** What makes a broker right for a field, with what each counts. */
const brokerSignals = [
  {
    signal: "field",
    zh: "熟悉技术领域",
    en: "Knows the field",
    weight: 0.4,
    measure: ({ fieldCodes }: Broker, field: string) => (fieldCodes.includes(field) ? 1 : 0.8),
  },
  {
    signal: "deals",
    zh: "已促成的合同",
    en: "Contracts brought about",
    weight: 0.3,
    measure: ({ deals }: Broker) => deals.contracted / (deals.contracted + 2),
  },
  {
    signal: "level",
    zh: "证书等级",
    en: "Level of the certificate",
    weight: 0.2,
    measure: ({ level }: Broker) => levels[level],
  },
  {
    signal: "region",
    zh: "同城",
    en: "In the same city",
    weight: 0.1,
    measure: ({ organization }: Broker, _: string, region: string | null) =>
      region !== null && organization.regionCode.slice(0, 4) === region.slice(0, 4) ? 1 : 0,
  },
] as const;

/** Brokers of a field that are weighed, those with most contracts first. */
const weighedBrokers = 200;

/** Certified brokers who know the field, but for those of the owner's own organization, if that may be known. */
async function suggestBrokers(
  db: Executor,
  { isVeiled, facts: { fieldCode, regionCode, organizationId } }: Source,
  limit: number,
): Promise<SuggestedBroker[]> {
  if (!fieldCode || limit === 0) return [];
  const brokers = await listBrokersOfField(db, fieldCode, weighedBrokers);
  return brokers
    .filter(({ organization }) => isVeiled || organization.id !== organizationId)
    .map((broker) => {
      const parts = brokerSignals.map(({ signal, zh, en, weight, measure }) => ({
        ...{ signal, zh, en, weight },
        value: Math.round(measure(broker, fieldCode, regionCode) * 10_000) / 10_000,
      }));
      const score = parts.reduce((sum, { weight, value }) => sum + weight * value, 0);
      return { broker, score: Math.round(score * 10_000) / 10_000, parts };
    })
    .sort((a, b) => b.score - a.score || (a.broker.id < b.broker.id ? -1 : 1))
    .slice(0, limit);
}
