/** After an upgrade that cuts text in another way, everything is found and suggested again. */
import { sql } from "drizzle-orm";
import t from "tap";
import {
  matchingDocuments,
  resultPostings,
  synonyms,
  termStatisticsVersions,
} from "../../db/schema/matching.ts";
import { auditRecords } from "../../db/schema/plumbing.ts";
import { results } from "../../db/schema/results.ts";
import { drafted, publishedNeed, publishedResult } from "../support/listings.ts";
import { openMarket } from "../support/market.ts";

const market = await openMarket(t);
const { db } = market.database;
const operator = await market.person("operator");
const university = await market.person("university");
const enterprise = await market.person("enterprise");

const job = market.app.jobs.find(({ name }) => name === "suggestions.reindex");
const find = async (q: string) =>
  (await market.as(null)("GET", `/v1/results?q=${encodeURIComponent(q)}`)).body.data.map(
    (one: { id: string }) => one.id,
  );

t.test("what an earlier version wrote is written anew, without being changed", async (t) => {
  const result = await publishedResult(market, university, operator, {
    title: "极片涂布厚度检测仪",
  });
  const need = await publishedNeed(market, enterprise, operator);
  const { body: draft } = await drafted(market, "result", university, { title: "极片涂布草稿" });
  // As rows of a market look that was migrated from before there was search.
  await db.execute(
    sql`update results set title_text = '', summary_text = '', title_terms = '{}', search_terms = '{}'`,
  );
  await db.delete(matchingDocuments);
  await db.delete(resultPostings);
  await db.update(synonyms).set({ folded: sql`array['?', id::text]` });
  await db.delete(termStatisticsVersions);
  t.same(await find("涂布"), []);
  const records = await db.$count(auditRecords);
  const before = await db.select({ version: results.version }).from(results);

  await job?.run(db);

  t.same(await find("涂布"), [result.id]);
  const own = await market.as(university)(
    "GET",
    `/v1/results?scope=own&q=${encodeURIComponent("草稿")}`,
  );
  t.same(
    own.body.data.map(({ id }: { id: string }) => id),
    [draft.id],
  );
  const suggested = await market.as(enterprise)("GET", `/v1/needs/${need.id}/suggestions`);
  t.ok(suggested.body.data.some((one: { result: { id: string } }) => one.result.id === result.id));
  const indexed = await db.select({ id: matchingDocuments.listingId }).from(matchingDocuments);
  t.same(indexed.map(({ id }) => id).sort(), [result.id, need.id].sort(), "only what is public");
  t.equal(await db.$count(synonyms, sql`folded @> array['?']`), 0);
  t.equal(await db.$count(auditRecords), records, "no audit record");
  t.same(await db.select({ version: results.version }).from(results), before, "no new version");

  const [done] = await db.select().from(termStatisticsVersions);
  await job?.run(db);
  t.same(await db.select().from(termStatisticsVersions), [done], "once is enough");
});
