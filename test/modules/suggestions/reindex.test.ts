/** After an upgrade that cuts text in another way, everything is found and suggested again. */
import { sql } from "drizzle-orm";
import t from "tap";
import { auditRecords } from "../../../db/schema/audit.ts";
import { jobFaults } from "../../../db/schema/job-faults.ts";
import {
  matchingDocuments,
  resultPostings,
  termStatisticsVersions,
} from "../../../db/schema/matching.ts";
import { results } from "../../../db/schema/results.ts";
import { synonyms } from "../../../db/schema/synonyms.ts";
import { ThreadDied } from "../../../src/lib/outages.ts";
import { resultJobs } from "../../../src/modules/results/results.service.ts";
import { reindexingResults } from "../../../src/modules/suggestions/index.service.ts";
import { drafted, publishedNeed, publishedResult } from "../../support/listings.ts";
import { openMarket } from "../../support/market.ts";

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

t.test("what an earlier version wrote is rewritten, without being changed", async (t) => {
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

t.test("what is edited after it was cut is cut again, not written as it was", async (t) => {
  const draft = await drafted(market, "result", university, { title: "原子层沉积设备" });
  const { id } = draft.body;
  const findOwn = async (q: string) => {
    const query = new URLSearchParams({ scope: "own", q });
    const { body } = await market.as(university)("GET", `/v1/results?${query}`);
    return body.data.map((one: { id: string }) => one.id);
  };
  const edit = async () => {
    const reply = await market.as(university)("PATCH", `/v1/results/${id}`, {
      body: { title: "磁控溅射设备" },
      headers: {
        "content-type": "application/merge-patch+json",
        "if-match": String(draft.headers.etag),
      },
    });
    t.equal(reply.status, 200);
  };
  let isEdited = false;
  await market.app.forEachRow({
    job: "suggestions.reindex",
    subjectType: "result",
    select: (tx, take) => resultJobs.takeToReindex(tx, take, "all"),
    prepare: async (db, rows) => {
      const entries = await reindexingResults.prepare(db, rows);
      if (!isEdited) await edit();
      isEdited = true;
      return entries;
    },
    work: reindexingResults.work,
  });
  t.same(await findOwn("溅射"), [id]);
  t.same(await findOwn("沉积"), []);
});

t.test("a thread that dies fails the run, and no row is blamed for it", async (t) => {
  await t.rejects(
    market.app.forEachRow({
      job: "suggestions.reindex",
      subjectType: "result",
      select: (tx, take) => resultJobs.takeToReindex(tx, take, "all"),
      prepare: async () => {
        throw new ThreadDied("out of memory");
      },
      work: reindexingResults.work,
    }),
    { message: "out of memory" },
  );
  t.equal(await db.$count(jobFaults), 0);
});
