import { z } from "zod";
import { verdicts } from "../../../db/schema/suggestions.ts";
import { pageQuery } from "../../lib/pagination.ts";
import { instant, prose, taxonomyCode, uuid, wholeNumber } from "../../lib/wire.ts";
import { Broker } from "../brokers/brokers.schema.ts";
import { NeedSummary } from "../needs/needs.schema.ts";
import { ResultSummary } from "../results/results.schema.ts";
import { gates, signals } from "./suggestions.signals.ts";

const share = z.number().min(0).max(1);
const text = { zh: z.string(), en: z.string() };

/** One signal, and what made it. */
export const SuggestionPart = z
  .object({
    signal: z.enum(signals),
    ...text,
    weight: share.describe("Its share of the signals that are known of these two."),
    value: share.describe("0 does not fit at all, 1 fits."),
    words: z
      .array(
        z.object({
          text: z.string(),
          synonym: z
            .string()
            .optional()
            .describe("How the suggested listing says it, when with another word."),
          share: share.describe("Of the likeness of the texts."),
        }),
      )
      .optional()
      .describe("Of `text`: what both say, the most telling first."),
    fields: z
      .object({ result: z.string().nullable(), need: z.string().nullable() })
      .optional()
      .describe("Of the other signals: what was compared."),
  })
  .meta({ id: "SuggestionPart" });
export type SuggestionPart = z.output<typeof SuggestionPart>;

export const FailedGate = z
  .object({ gate: z.enum(gates), ...text })
  .meta({ id: "FailedGate", description: "Why the two do not fit as they are." });

export const Improvement = z
  .object({
    side: z.enum(["result", "need"]).describe("Which of the two would have to say it."),
    field: z.string().describe("JSON pointer of the field."),
    ...text,
  })
  .meta({ id: "Improvement", description: "What would make a suggestion better or surer." });
export type Improvement = z.output<typeof Improvement>;

export const Verdict = z
  .object({
    id: uuid,
    needId: uuid,
    resultId: uuid,
    suggestedFor: z.enum(["result", "need"]),
    memberId: uuid,
    organizationId: uuid,
    verdict: z.enum(verdicts),
    reason: z.string().nullable(),
    note: z.string().nullable(),
    score: z.number().nullable().describe("Null when it was not suggested at that moment."),
    engine: z.string(),
    parts: z.array(z.object({ signal: z.string(), weight: z.number(), value: z.number() })),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: "SuggestionVerdict", description: "What a broker thinks of a suggestion." });
export type Verdict = z.output<typeof Verdict>;

const suggestion = {
  score: share,
  parts: z.array(SuggestionPart),
  failedGates: z.array(FailedGate).describe("Empty for what fits."),
  improvements: z.array(Improvement),
  verdict: Verdict.pick({ verdict: true, reason: true, note: true })
    .nullable()
    .describe("The caller's own."),
};

export const SuggestedResult = z
  .object({ result: ResultSummary, ...suggestion })
  .meta({ id: "SuggestedResult" });
export type SuggestedResult = z.output<typeof SuggestedResult>;

export const SuggestedNeed = z
  .object({ need: NeedSummary, ...suggestion })
  .meta({ id: "SuggestedNeed" });
export type SuggestedNeed = z.output<typeof SuggestedNeed>;

export const SuggestedBroker = z
  .object({
    broker: Broker,
    score: share,
    parts: z.array(
      z.object({
        signal: z.enum(["field", "deals", "level", "region"]),
        ...text,
        weight: share,
        value: share,
      }),
    ),
  })
  .meta({ id: "SuggestedBroker" });
export type SuggestedBroker = z.output<typeof SuggestedBroker>;

const made = {
  engine: z.string().describe("Version of the signals and their weights."),
  statistics: z.int().describe("Version of the term statistics."),
  weights: z
    .record(z.string(), share)
    .describe("What each signal counts when all of them are known."),
};

export const ResultSuggestions = z
  .object({
    ...made,
    data: z.array(SuggestedResult).describe("What fits, the best first."),
    nearMisses: z.array(SuggestedResult).describe("What would fit but for a gate, likewise."),
    brokers: z.array(SuggestedBroker).describe("Who knows the field."),
  })
  .meta({ id: "ResultSuggestions" });

export const NeedSuggestions = z
  .object({
    ...made,
    data: z.array(SuggestedNeed).describe("What fits, the best first."),
    nearMisses: z.array(SuggestedNeed).describe("What would fit but for a gate, likewise."),
  })
  .meta({ id: "NeedSuggestions" });

export const SuggestionsQuery = z.strictObject({
  limit: wholeNumber(1, 50).default(20).describe("How many that fit."),
  nearMisses: wholeNumber(0, 20).default(5).describe("How many near misses."),
  brokers: wholeNumber(0, 20).default(5).describe("How many brokers."),
});
export const NeedSuggestionsQuery = SuggestionsQuery.omit({ brokers: true });
export type SuggestionsQuery = z.output<typeof SuggestionsQuery>;

export const VerdictInput = z.strictObject({
  verdict: z.enum(verdicts),
  reason: taxonomyCode("suggestion-reasons").nullable().default(null),
  note: prose(500).nullable().default(null),
});
export type VerdictInput = z.output<typeof VerdictInput>;

export const NeedVerdictInput = z.strictObject({ resultId: uuid, ...VerdictInput.shape }).meta({
  id: "NeedVerdictInput",
  examples: [
    {
      resultId: "019b0000-0000-7000-8000-000000000001",
      verdict: "not_useful",
      reason: "maturity_gap",
      note: "样机尚未通过现场验证。",
    },
  ],
});
export const ResultVerdictInput = z.strictObject({ needId: uuid, ...VerdictInput.shape }).meta({
  id: "ResultVerdictInput",
  examples: [
    { needId: "019b0000-0000-7000-8000-000000000001", verdict: "useful", reason: "good_fit" },
  ],
});

export const ListVerdictsQuery = z.strictObject({
  ...pageQuery,
  needId: uuid.optional(),
  resultId: uuid.optional(),
  verdict: z.enum(verdicts).optional(),
});
export type ListVerdictsQuery = z.output<typeof ListVerdictsQuery>;
