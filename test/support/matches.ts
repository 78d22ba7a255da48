/** Brokers and matches to test with, in each state that people bring about. */
import { brokerCertificates } from "../../db/schema/broker-certificates.ts";
import { nowInstant } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import { type Overrides, publishedNeed, publishedResult } from "./listings.ts";
import type { Caller, Market, Reply } from "./market.ts";
import { must } from "./replies.ts";

/** Gives a person a certificate in force. */
export async function certify(
  market: Market,
  person: Caller,
  changes: Partial<typeof brokerCertificates.$inferInsert> = {},
): Promise<void> {
  const id = newId();
  await market.database.db.insert(brokerCertificates).values({
    id,
    memberId: person.id,
    organizationId: person.organizationId,
    status: "certified",
    level: "intermediate",
    certificateNumber: `JJR-${id}`,
    issuer: "牧野技术转移培训基地",
    fieldCodes: ["03"],
    issuedOn: "2025-06-18",
    certifiedAt: nowInstant(),
    ...changes,
  });
}

/** A person of a new brokerage with a valid certificate. */
export async function certifiedBroker(market: Market): Promise<Caller> {
  const broker = await market.person("brokerage", { isAdmin: false });
  await certify(market, broker);
  return broker;
}

/** Who takes part; those who are not given are made. */
export interface Parties {
  broker: Caller;
  resultOwner: Caller;
  needOwner: Caller;
  operator: Caller;
}

export interface MatchOptions extends Partial<Parties> {
  resultId?: string;
  needId?: string;
  /** What of the need's input is different, such as `anonymous`. */
  need?: Overrides;
  result?: Overrides;
}

export interface MadePair extends Parties {
  resultId: string;
  needId: string;
}

export interface MadeMatch extends MadePair {
  id: string;
  /** As its broker reads it. */
  match: Reply["body"];
}

/** A published result and a published need of two owners, and a broker. */
export async function publishedPair(market: Market, options: MatchOptions = {}): Promise<MadePair> {
  const broker = options.broker ?? (await certifiedBroker(market));
  const resultOwner = options.resultOwner ?? (await market.person("university"));
  const needOwner = options.needOwner ?? (await market.person("enterprise"));
  const operator = options.operator ?? (await market.person("operator"));
  const resultId: string =
    options.resultId ?? (await publishedResult(market, resultOwner, operator, options.result)).id;
  const needId: string =
    options.needId ?? (await publishedNeed(market, needOwner, operator, options.need)).id;
  return { broker, resultOwner, needOwner, operator, resultId, needId };
}

export const proposalText = "该校缓释配方已在滩区试验三年，与贵方减肥增效的需求吻合。";

/** A broker's call that proposes. */
export const propose = (
  market: Market,
  caller: Caller | null,
  { resultId, needId }: { resultId: string; needId: string },
  body: Overrides = {},
): Promise<Reply> =>
  market.as(caller)("POST", "/v1/matches", {
    body: { resultId, needId, proposal: proposalText, ...body },
  });

/** A step of a match. */
export const stepOf = (
  market: Market,
  caller: Caller | null,
  id: string,
  action: string,
  body?: object,
): Promise<Reply> => market.as(caller)("POST", `/v1/matches/${id}/${action}`, { body });

/** A match that waits for both owners. */
export async function proposedMatch(
  market: Market,
  options: MatchOptions = {},
): Promise<MadeMatch> {
  const pair = await publishedPair(market, options);
  const match = await must(propose(market, pair.broker, pair));
  return { ...pair, id: match.id, match };
}

/** A match that both owners have accepted. */
export async function agreedMatch(market: Market, options: MatchOptions = {}): Promise<MadeMatch> {
  const made = await proposedMatch(market, options);
  await must(stepOf(market, made.resultOwner, made.id, "accept"));
  await must(stepOf(market, made.needOwner, made.id, "accept"));
  const match = await must(market.as(made.broker)("GET", `/v1/matches/${made.id}`));
  return { ...made, match };
}

/** A match whose sides negotiate. */
export async function negotiatingMatch(
  market: Market,
  options: MatchOptions = {},
): Promise<MadeMatch> {
  const made = await agreedMatch(market, options);
  const match = await must(stepOf(market, made.broker, made.id, "negotiate"));
  return { ...made, match };
}
