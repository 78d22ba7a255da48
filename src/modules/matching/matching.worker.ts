import { transact } from "../../database/transact.ts";
import type { App } from "../../plugins/contract.ts";
import { reweigh, takeStale } from "./matching.service.ts";
import { refreshStatistics } from "./statistics.service.ts";

/** Counts terms anew when the market has changed enough, and weighs what was weighed long ago. */
export default async function matchingWorker(app: App) {
  const job = "matching.refresh";
  app.addJob({
    name: job,
    cron: "*/10 * * * *",
    run: async () => {
      await transact(app.database.pool, (tx) => refreshStatistics(tx));
      await app.forEachRow({ job, subjectType: "listing", select: takeStale, work: reweigh });
    },
  });
}
