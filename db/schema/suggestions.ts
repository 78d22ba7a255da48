import { sql } from "drizzle-orm";
import { index, jsonb, numeric, pgTable, text, unique, uuid } from "drizzle-orm/pg-core";
import { id, known, timestamps, version } from "./columns.ts";
import { listingNouns } from "./listings.ts";
import { members } from "./members.ts";
import { needs } from "./needs.ts";
import { organizations } from "./organizations.ts";
import { results } from "./results.ts";

export const verdicts = ["useful", "not_useful"] as const;

/** What a broker thinks of a suggestion, kept for learning: with the score and its parts as they were. */
export const suggestionVerdicts = pgTable(
  "suggestion_verdicts",
  {
    id: id(),
    needId: uuid("need_id")
      .notNull()
      .references(() => needs.id),
    resultId: uuid("result_id")
      .notNull()
      .references(() => results.id),
    /** The listing for which the other one was suggested. */
    suggestedFor: text("suggested_for", { enum: listingNouns }).notNull(),
    memberId: uuid("member_id")
      .notNull()
      .references(() => members.id),
    organizationId: uuid("organization_id")
      .notNull()
      .references(() => organizations.id),
    verdict: text("verdict", { enum: verdicts }).notNull(),
    /** Code of the taxonomy `suggestion-reasons`. */
    reason: text("reason"),
    note: text("note"),
    /** Null when it was not suggested at that moment. */
    score: numeric("score", { precision: 6, scale: 4, mode: "number" }),
    parts: jsonb("parts").$type<unknown[]>().notNull().default(sql`'[]'`),
    engine: text("engine").notNull(),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    unique("suggestion_verdicts_one_each").on(t.memberId, t.needId, t.resultId),
    index("suggestion_verdicts_need").on(t.needId, t.id),
    index("suggestion_verdicts_result").on(t.resultId, t.id),
    index("suggestion_verdicts_verdict").on(t.verdict, t.id),
    known("suggestion_verdicts_verdict_known", "verdict", verdicts),
    known("suggestion_verdicts_noun_known", "suggested_for", listingNouns),
  ],
);
