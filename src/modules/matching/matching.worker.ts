import { transact } from "../../database/transact.ts";
import type { App } from "../../plugins/contract.ts";
import { countStale, reweigh, takeStale, weighAnew } from "./matching.service.ts";
import { refreshStatistics } from "./term-statistics.service.ts";

/** Few at a time, with rests: the connections and the processor are there for callers most of the time. */
const pace = { batch: 20, rest: 3 };

/** Recounts terms when the market has changed enough, and weighs what was weighed long ago. */
export default async function matchingWorker(app: App) {
  const job = "matching.refresh";
  app.addJob({
    name: job,
    cron: "*/10 * * * *",
    run: async () => {
      await transact(app.database.pool, (tx) => refreshStatistics(tx));
      await app.forEachRow({
        job,
        subjectType: "listing",
        ...pace,
        count: countStale,
        select: takeStale,
        prepare: (db, rows) => weighAnew(db, rows, "elsewhere"),
        work: reweigh,
      });
    },
  });
}
