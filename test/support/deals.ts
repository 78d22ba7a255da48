/** Interests to test with, in each state that people bring about. */
import type { z } from "zod";
import type { InterestInput } from "../../src/modules/interests/interests.schema.ts";
import { type Noun, type Overrides, publishedNeed, publishedResult } from "./listings.ts";
import type { Caller, Market, Reply } from "./market.ts";
import { must } from "./replies.ts";

/** Everything that an asker may write, nothing left out. */
export const completeInterest = (overrides: Overrides = {}) =>
  ({
    message: "我公司种植玉米三千亩，想了解缓释肥在重度盐碱地的表现。",
    fieldCode: "07",
    cooperationMode: "licence",
    questions: [
      { topic: "performance", question: "土壤含盐量千分之四时亩产如何？" },
      { topic: "price", question: "年许可费可否按销量计？" },
    ],
    contact: { name: "吕春燕", phone: "0373-6218111", email: "lvchunyan@example.com" },
    ...overrides,
  }) as z.input<typeof InterestInput>;

export const declined = { reason: "capacity", note: "本年度中试排期已满。" };

/** Asks about a listing. */
export const ask = (
  market: Market,
  asker: Caller | null,
  noun: Noun,
  listingId: string,
  overrides: Overrides = {},
): Promise<Reply> =>
  market.as(asker)("POST", `/v1/${noun}s/${listingId}/interests`, {
    body: completeInterest(overrides),
  });

/** A step of an interest, with the body that it cannot do without. */
export const answer = (
  market: Market,
  caller: Caller | null,
  id: string,
  action: string,
  body: object | undefined = bodies[action],
): Promise<Reply> =>
  market.as(caller)("POST", `/v1/interests/${id}/${action}`, body ? { body } : {});

const bodies: Record<string, object> = { accept: {}, decline: declined };

/** Who takes part; those who are not given are made. */
export interface InterestOptions {
  noun?: Noun;
  owner?: Caller;
  asker?: Caller;
  operator?: Caller;
  listingId?: string;
  /** What of the listing's input is different, such as `anonymous`. */
  listing?: Overrides;
  /** What of the interest's input is different. */
  interest?: Overrides;
}

export interface MadeInterest {
  id: string;
  noun: Noun;
  listingId: string;
  owner: Caller;
  asker: Caller;
  operator: Caller;
  /** As its asker reads it. */
  interest: Reply["body"];
}

/** An interest in a published listing that its owner has not answered. */
export async function openInterest(
  market: Market,
  options: InterestOptions = {},
): Promise<MadeInterest> {
  const noun = options.noun ?? "result";
  const [ownerKind, askerKind] =
    noun === "result"
      ? (["university", "enterprise"] as const)
      : (["enterprise", "university"] as const);
  const owner = options.owner ?? (await market.person(ownerKind));
  const asker = options.asker ?? (await market.person(askerKind));
  const operator = options.operator ?? (await market.person("operator"));
  const publish = noun === "result" ? publishedResult : publishedNeed;
  const listingId: string =
    options.listingId ?? (await publish(market, owner, operator, options.listing)).id;
  const interest = await must(ask(market, asker, noun, listingId, options.interest));
  return { id: interest.id, noun, listingId, owner, asker, operator, interest };
}

/** An interest that the listing's owner has accepted. */
export async function acceptedInterest(
  market: Market,
  options: InterestOptions = {},
): Promise<MadeInterest> {
  const made = await openInterest(market, options);
  await must(answer(market, made.owner, made.id, "accept"));
  const interest = await must(market.as(made.asker)("GET", `/v1/interests/${made.id}`));
  return { ...made, interest };
}
