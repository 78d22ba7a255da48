/**
 * What makes a result and a need fit, as data: signals that are weighed, and gates that must be open.
 * Weights and their version stand here and nowhere else.
 */
import type { DocumentFacts } from "../matching/matching.service.ts";

/** Changes with any change of signals, weights or of the vectors below them. */
export const engineVersion = "2";

/** What each signal counts; those that are not known for a pair are left out, and the rest carry the score. */
export const weights = {
  text: 0.6,
  field: 0.1,
  maturity: 0.06,
  price: 0.06,
  cooperation: 0.06,
  region: 0.04,
  industry: 0.03,
  deadline: 0.02,
  freshness: 0.02,
  answering: 0.01,
} as const;
export type Signal = keyof typeof weights;

/**
 * Cosine of the texts from which a pair is suggested at all, if they share a word besides: below it, field,
 * region and dates alone would make up the score. On the benchmark the best of every need lie above 0.09, half
 * of the unrelated pairs about 0.02 or below.
 */
export const leastNearness = 0.01;

/** A result and a need, with what is known of the two together. */
export interface Pair {
  result: DocumentFacts;
  need: DocumentFacts;
  /** Which of the two is suggested. */
  suggested: "result" | "need";
  /** Cosine of the texts. */
  nearness: number;
  /** Interests that the owner of what is suggested answered in time, of those it should have. */
  answering: { inTime: number; due: number } | null;
  /** Today, Asia/Shanghai. */
  today: string;
}

/** What a signal says: 0 does not fit at all, 1 fits; null when it is not known. */
type Measure = (pair: Pair) => number | null;

const days = (from: string, to: string): number =>
  (Date.parse(to.slice(0, 10)) - Date.parse(from.slice(0, 10))) / 86_400_000;

/** How far two codes agree, level by level. */
function agreement(
  a: string | null,
  b: string | null,
  levels: readonly [length: number, value: number][],
): number | null {
  if (a === null || b === null) return null;
  for (const [length, value] of levels) {
    if (a.length >= length && a.slice(0, length) === b.slice(0, length)) return value;
  }
  return 0;
}

const overlap = (a: readonly string[], b: readonly string[]) => a.filter((one) => b.includes(one));

/** Amounts as numbers: for comparing, not for adding. */
const yuan = (amount: string | null): number | null => (amount === null ? null : Number(amount));

const measures: Record<Signal, Measure> = {
  // Cosines of texts that fit lie low: the curve spreads them, and keeps their order.
  text: ({ nearness }) => 1 - (1 - nearness) ** 3,
  field: ({ result, need }) =>
    agreement(result.fieldCode, need.fieldCode, [
      [4, 1],
      [2, result.fieldCode === need.fieldCode ? 1 : 0.8],
    ]),
  industry: ({ result, need }) =>
    agreement(result.industryCode, need.industryCode, [
      [3, 1],
      [1, 0.5],
    ]),
  // Near is handy, far is no harm: no pair loses much by it.
  region: ({ result, need }) =>
    agreement(result.regionCode, need.regionCode, [
      [6, 1],
      [4, 0.9],
      [2, 0.6],
    ]),
  maturity: ({ result, need }) => {
    if (result.maturity === null || need.maturity === null) return null;
    return Math.max(0, 1 - Math.max(0, need.maturity - result.maturity) / 4);
  },
  price: ({ result, need }) => {
    const [least, most, budget] = [result.amountMin, result.amountMax, need.amountMax].map(yuan);
    if (least == null || budget == null) return null;
    if ((most ?? least) <= budget) return 1;
    if (least <= budget) return 0.8;
    return least === 0 ? 0 : (budget / least) * 0.5;
  },
  cooperation: ({ result, need }) => {
    if (result.cooperationModes.length === 0 || need.cooperationModes.length === 0) return null;
    return overlap(result.cooperationModes, need.cooperationModes).length > 0 ? 1 : 0;
  },
  // Half a year is time enough to bring a result and a need together.
  deadline: ({ need, today }) =>
    need.deadline === null ? null : Math.min(1, Math.max(0, days(today, need.deadline) / 180)),
  freshness: ({ result, need, suggested, today }) => {
    const { publishedAt } = suggested === "result" ? result : need;
    return 0.5 ** (Math.max(0, days(publishedAt, today)) / 365);
  },
  answering: ({ answering }) =>
    answering === null || answering.due === 0 ? null : answering.inTime / answering.due,
};

export const signals = Object.keys(weights) as Signal[];

/** One signal of a pair. */
export interface Part {
  signal: Signal;
  /** Its share of all signals that are known. */
  weight: number;
  value: number;
}

const rounded = (value: number) => Math.round(value * 10_000) / 10_000;

/** The score of a pair, 0 to 1. */
export function scorePair(pair: Pair): number {
  let all = 0;
  let sum = 0;
  for (const signal of signals) {
    const value = measures[signal](pair);
    if (value === null) continue;
    all += weights[signal];
    sum += weights[signal] * value;
  }
  return sum / all;
}

/** What the score of a pair is made of. */
export function partsOf(pair: Pair): Part[] {
  const known = signals
    .map((signal) => ({ signal, value: measures[signal](pair) }))
    .filter((one): one is { signal: Signal; value: number } => one.value !== null);
  const all = known.reduce((sum, { signal }) => sum + weights[signal], 0);
  return known.map(({ signal, value }) => ({
    signal,
    weight: rounded(weights[signal] / all),
    value: rounded(value),
  }));
}

/** What must hold for a pair to fit; a pair that fails one is a near miss. */
const gateTable = {
  maturity: {
    open: ({ result, need }: Pair) =>
      result.maturity === null || need.maturity === null || result.maturity >= need.maturity,
    zh: "成果的技术成熟度低于需求可用的最低等级",
    en: "The result is less mature than the least that the need can use",
  },
  price: {
    open: ({ result, need }: Pair) => {
      const [least, budget] = [yuan(result.amountMin), yuan(need.amountMax)];
      return least === null || budget === null || least <= budget;
    },
    zh: "成果的最低价格高于需求的预算上限",
    en: "The least price of the result is above the budget of the need",
  },
  cooperation: {
    open: (pair: Pair) => measures.cooperation(pair) !== 0,
    zh: "双方没有共同的合作方式",
    en: "The two have no mode of cooperation in common",
  },
  deadline: {
    open: ({ need, today }: Pair) => need.deadline === null || need.deadline >= today,
    zh: "需求的截止日期已过",
    en: "The deadline of the need has passed",
  },
} as const;
export type Gate = keyof typeof gateTable;
export const gates = Object.keys(gateTable) as Gate[];

/** The gates that keep a pair from fitting, in both languages. */
export const failedGates = (pair: Pair): { gate: Gate; zh: string; en: string }[] =>
  gates
    .filter((gate) => !gateTable[gate].open(pair))
    .map((gate) => ({ gate, zh: gateTable[gate].zh, en: gateTable[gate].en }));
