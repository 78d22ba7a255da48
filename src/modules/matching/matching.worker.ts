import { transact } from "../../database/transact.ts";
import type { App } from "../../plugins/contract.ts";
import { reweigh } from "./matching.service.ts";
import { refreshStatistics } from "./statistics.service.ts";

/** Counts terms anew when the market has changed enough, and weighs what was weighed long ago. */
export default async function matchingWorker(app: App) {
  const { pool } = app.database;
  app.addJob({
    name: "matching.refresh",
    cron: "*/10 * * * *",
    run: async () => {
      await transact(pool, (tx) => refreshStatistics(tx));
      for (let more = true; more; ) more = (await transact(pool, reweigh)).more;
    },
  });
}
