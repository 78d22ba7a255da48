/** What a suggestion shows of its reasons. */
import { isTelling } from "../../lib/terms.ts";
import type { Near } from "../matching/matching.service.ts";
import type { Improvement, SuggestionPart } from "./suggestions.schema.ts";
import { leastNearness, type Pair, type Part, type Signal } from "./suggestions.signals.ts";

/** Words that are named as a reason. */
const mostWords = 8;

/** Terms that are looked at to find them: characters and pairs are parts of words. */
const lookedAt = 60;

const labels: Record<Signal, { zh: string; en: string }> = {
  text: { zh: "文本相近", en: "What the texts say" },
  field: { zh: "技术领域", en: "Technology field" },
  industry: { zh: "行业", en: "Industry" },
  region: { zh: "地区", en: "Region" },
  maturity: { zh: "技术成熟度", en: "Maturity" },
  price: { zh: "价格与预算", en: "Price and budget" },
  cooperation: { zh: "合作方式", en: "Modes of cooperation" },
  deadline: { zh: "截止日期", en: "Deadline" },
  freshness: { zh: "发布时间", en: "How new it is" },
  answering: { zh: "意向答复情况", en: "How its owner answers" },
};

const rounded = (value: number) => Math.round(value * 10_000) / 10_000;

/** What can be a reason of what is common: words, else pairs of characters that are one (`pairs`). */
function reasonsIn(terms: ReturnType<Near["common"]>, pairs: Pairs) {
  const words = terms.filter(({ kind, term }) => kind === "word" && isTelling(term));
  if (words.length > 0) return words;
  return terms.filter(({ kind, term }) => kind === "pair" && pairs().has(term));
}

/** Pairs of characters in the source's text that stand for words of no dictionary; looked for when asked for. */
export type Pairs = () => ReadonlySet<string>;

/**
 * Whether what two texts say makes them fit, whatever else is known of them: they are near enough, and share
 * a word that tells something, or say it with words of one meaning.
 */
export const isAbout = (near: Near, pairs: Pairs): boolean =>
  near.nearness >= leastNearness &&
  (reasonsIn(near.common(lookedAt), pairs).length > 0 || near.synonyms().length > 0);

/** The words that both texts have, and words of one meaning, the most telling first. */
function wordsOf({ common, synonyms, nearness }: Near, pairs: Pairs): SuggestionPart["words"] {
  const shareOf = (part: number) => rounded(Math.min(1, part / (nearness || 1)));
  const terms = common(lookedAt);
  const shares = reasonsIn(terms, pairs).map(({ term }) => {
    // A word's pairs and characters tell of it as well.
    const inside = terms.filter((one) => term.includes(one.term));
    return { text: term, share: shareOf(inside.reduce((all, { part }) => all + part, 0)) };
  });
  const otherwise = synonyms().map(({ own, other, part }) => ({
    text: own,
    synonym: other,
    share: shareOf(part),
  }));
  return [...shares, ...otherwise].sort((a, b) => b.share - a.share).slice(0, mostWords);
}

const range = (from: string | null, to: string | null): string | null =>
  from === null && to === null ? null : from === to ? from : `${from ?? ""}-${to ?? ""}`;

/** What of the two a signal compared. */
function fieldsOf(signal: Signal, pair: Pair): SuggestionPart["fields"] {
  const { result, need, suggested, answering } = pair;
  const level = (maturity: number | null) => (maturity === null ? null : String(maturity));
  switch (signal) {
    case "field":
      return { result: result.fieldCode, need: need.fieldCode };
    case "industry":
      return { result: result.industryCode, need: need.industryCode };
    case "region":
      return { result: result.regionCode, need: need.regionCode };
    case "maturity":
      return { result: level(result.maturity), need: level(need.maturity) };
    case "price":
      return {
        result: range(result.amountMin, result.amountMax),
        need: range(need.amountMin, need.amountMax),
      };
    case "cooperation":
      return {
        result: result.cooperationModes.join(", ") || null,
        need: need.cooperationModes.join(", ") || null,
      };
    case "deadline":
      return { result: null, need: need.deadline };
    case "freshness":
    case "answering": {
      const { publishedAt } = suggested === "result" ? result : need;
      const record = answering ? `${answering.inTime}/${answering.due}` : null;
      const shown = signal === "freshness" ? publishedAt.slice(0, 10) : record;
      return { result: null, need: null, [suggested]: shown };
    }
    case "text":
      return undefined;
  }
}

/** The parts of a score with what made them. */
export const evidenceOf = (
  parts: readonly Part[],
  pair: Pair,
  near: Near,
  pairs: Pairs,
): SuggestionPart[] =>
  parts.map((part) => {
    const made =
      part.signal === "text"
        ? { words: wordsOf(near, pairs) }
        : { fields: fieldsOf(part.signal, pair) };
    return { ...part, ...labels[part.signal], ...made };
  });

/** Fields that make a suggestion surer; the others are for readers. */
const telling = new Set([
  "/maturity",
  "/minimumMaturity",
  "/price",
  "/budget",
  "/deadline",
  "/fieldCode",
  "/industryCode",
  "/regionCode",
  "/cooperationModes",
  "/intellectualProperty",
  "/technicalIndicators",
  "/targetIndicators",
  "/advantages",
  "/bottleneck",
  "/description",
  "/summary",
  "/keywords",
]);

/** Most improvements that are named. */
const mostImprovements = 6;

/** What would have to be said for a signal to be known. */
const unsaid: {
  side: "result" | "need";
  field: string;
  zh: string;
  en: string;
  lacks: (pair: Pair) => boolean;
}[] = [
  {
    ...{ side: "result", field: "/maturity", zh: "填写技术成熟度", en: "state the maturity" },
    lacks: ({ result }) => result.maturity === null,
  },
  {
    side: "need",
    field: "/minimumMaturity",
    zh: "填写可用的最低技术成熟度",
    en: "state the least maturity that can be used",
    lacks: ({ need }) => need.maturity === null,
  },
  {
    ...{ side: "result", field: "/price", zh: "给出价格", en: "name a price" },
    lacks: ({ result }) => result.amountMin === null,
  },
  {
    ...{ side: "need", field: "/budget", zh: "给出预算", en: "name a budget" },
    lacks: ({ need }) => need.amountMax === null,
  },
];

/**
 * What would make a suggestion better or surer: first what keeps a signal from being known, then what
 * the two listings lack.
 */
export function improvementsOf(
  pair: Pair,
  gaps: readonly {
    side: "result" | "need";
    field: string;
    weight: number;
    zh: string;
    en: string;
  }[],
): Improvement[] {
  const signals = unsaid.filter(({ lacks }) => lacks(pair));
  const others = [...gaps]
    .filter(({ side, field }) => {
      const known = signals.some((one) => one.side === side && one.field === field);
      return telling.has(field) && !known;
    })
    .sort((a, b) => b.weight - a.weight);
  return [...signals, ...others]
    .slice(0, mostImprovements)
    .map(({ side, field, zh, en }) => ({ side, field, zh, en }));
}
