import type { App } from "../../plugins/contract.ts";
import { lapseMatches } from "./matches.service.ts";

export default async function matchWorker(app: App) {
  app.addJob({
    name: "matches.lapse",
    // Every hour: a market that sleeps at midnight catches up when it wakes.
    cron: "10 * * * *",
    run: async (db) => {
      while ((await db.transaction((tx) => lapseMatches(tx))).more);
    },
  });
}
