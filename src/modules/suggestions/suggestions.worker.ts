import { transact } from "../../database/transact.ts";
import type { App } from "../../plugins/contract.ts";
import { isCutAnew, noteCutAnew } from "../matching/term-statistics.service.ts";
import { needJobs } from "../needs/needs.service.ts";
import { resultJobs } from "../results/results.service.ts";
import { refoldSynonyms, takeToRefold } from "../synonyms/synonyms.service.ts";
import { reindexingNeeds, reindexingResults } from "./index.service.ts";

/**
 * Listings are rewritten a few at a time, because writing them holds up everybody who wants one of them; and
 * then it rests so much longer than that took: the connections, of which the embedded database has one, are
 * there for callers most of the time.
 */
const pace = { batch: 2, rest: 3 };

/**
 * After an upgrade that cuts text in another way, rewrites what listings are found by. From then on it
 * looks after those alone with which that has failed.
 */
export default async function suggestionWorker(app: App) {
  const job = "suggestions.reindex";
  app.addJob({
    name: job,
    cron: "*/5 * * * *",
    atStart: true,
    run: async (db) => {
      const which = (await isCutAnew(db)) ? "failed" : "all";
      await app.forEachRow({
        job,
        subjectType: "result",
        ...pace,
        ...(which === "all" && { count: resultJobs.countAll }),
        select: (tx, take) => resultJobs.takeToReindex(tx, take, which),
        ...reindexingResults,
      });
      await app.forEachRow({
        job,
        subjectType: "need",
        ...pace,
        ...(which === "all" && { count: needJobs.countAll }),
        select: (tx, take) => needJobs.takeToReindex(tx, take, which),
        ...reindexingNeeds,
      });
      await app.forEachRow({
        job,
        subjectType: "synonym",
        select: (tx, take) => takeToRefold(tx, take, which),
        work: (tx, groups) => refoldSynonyms(tx, groups, which),
      });
      if (which === "failed" || app.stopping.aborted) return;
      await transact(app.database.pool, noteCutAnew);
      app.log.info({ job }, "all listings are cut into terms again");
    },
  });
}
