/** Brokers' verdicts on suggestions, kept for learning which signals are right. */
import type { Executor } from "../../database/connect.ts";
import type { Call } from "../../lib/call.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { assertBroker } from "../brokers/brokers.service.ts";
import { describeNeeds } from "../needs/needs.service.ts";
import { describeResults } from "../results/results.service.ts";
import { assertCodes, codesIn } from "../taxonomies/taxonomies.service.ts";
import { type Noun, rank } from "./suggestions.engine.ts";
import { type ListVerdictsQuery, type Verdict, VerdictInput } from "./suggestions.schema.ts";
import { readSource } from "./suggestions.service.ts";
import { engineVersion, type Part, partsOf } from "./suggestions.signals.ts";
import * as store from "./verdicts.store.ts";

/** The parts were written by this engine or an earlier one. */
const toVerdict = (row: store.VerdictRow): Verdict => ({ ...row, parts: row.parts as Part[] });

/**
 * A certified broker says whether a suggestion was useful, and why; saying it again replaces it. Score
 * and parts are kept as they are now.
 * @param noun the listing that the other one was suggested for
 * @throws AppError `match.not_a_broker` (403), `<noun>.not_found` (404) for a listing that is not public
 */
export async function judgeSuggestion(
  tx: Executor,
  call: Call,
  noun: Noun,
  { needId, resultId, ...input }: VerdictInput & { needId: string; resultId: string },
): Promise<Verdict> {
  const { actor } = call;
  await assertBroker(tx, actor.id);
  await assertCodes(tx, codesIn(VerdictInput, input));
  const [id, otherId] = noun === "need" ? [needId, resultId] : [resultId, needId];
  const source = await readSource(tx, actor, noun, id);
  const describe = noun === "need" ? describeResults : describeNeeds;
  const other = (await describe(tx, actor, [otherId])).get(otherId);
  if (!other) throw new AppError(noun === "need" ? "result.not_found" : "need.not_found");
  const { ranked } = await rank(tx, source);
  const found = ranked.find((one) => one.listingId === otherId);
  const before = await store.lockVerdict(tx, { memberId: actor.id, needId, resultId });
  const row = await store.putVerdict(tx, {
    id: newId(),
    ...input,
    needId,
    resultId,
    suggestedFor: noun,
    memberId: actor.id,
    organizationId: actor.organizationId,
    score: found ? Math.round(found.score * 10_000) / 10_000 : null,
    parts: found ? partsOf(found.pair) : [],
    engine: engineVersion,
  });
  await recordAudit(tx, call, {
    type: before ? "suggestion_verdict.update" : "suggestion_verdict.create",
    subject: { id: row.id, organizationId: row.organizationId },
    before: before ?? null,
    after: row,
  });
  return toVerdict(row);
}

/** All verdicts, the latest first: the operator learns from them. */
export async function listVerdicts(db: Executor, query: ListVerdictsQuery): Promise<Page<Verdict>> {
  const rows = await store.selectVerdicts(db, query, readCursor("suggestion-verdicts", query));
  const page = toPage("suggestion-verdicts", query, rows, () => "", toVerdict);
  if (query.include) page.total = totalOf(await store.countVerdicts(db, query));
  return page;
}
