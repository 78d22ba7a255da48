import type { App } from "../../plugins/contract.ts";
import { resultVerbs } from "./results.service.ts";

export default async function resultWorker(app: App) {
  app.addJob({
    name: "results.expire",
    // Every hour: a market that sleeps at midnight catches up when it wakes.
    cron: "5 * * * *",
    run: async (db) => {
      while ((await db.transaction((tx) => resultVerbs.expire(tx))).more);
    },
  });
}
