import type { App } from "../../plugins/contract.ts";
import { needVerbs } from "./needs.service.ts";

export default async function needWorker(app: App) {
  app.addJob({
    name: "needs.expire",
    // Every hour: a market that sleeps at midnight catches up when it wakes.
    cron: "5 * * * *",
    run: async (db) => {
      while ((await db.transaction((tx) => needVerbs.expire(tx))).more);
    },
  });
}
