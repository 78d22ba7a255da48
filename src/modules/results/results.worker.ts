import type { App } from "../../plugins/contract.ts";
import { resultVerbs } from "./results.service.ts";

export default async function resultWorker(app: App) {
  app.addJob({
    name: "results.expire",
    // Shortly after midnight, when the last day has passed, and once more for what failed then.
    cron: "5 0,6 * * *",
    run: async (db) => {
      while ((await db.transaction((tx) => resultVerbs.expire(tx))).more);
    },
  });
}
