import type { App } from "../../plugins/contract.ts";
import { needVerbs } from "./needs.service.ts";

export default async function needWorker(app: App) {
  app.addJob({
    name: "needs.expire",
    // Shortly after midnight, when the last day has passed, and once more for what failed then.
    cron: "5 0,6 * * *",
    run: async (db) => {
      while ((await db.transaction((tx) => needVerbs.expire(tx))).more);
    },
  });
}
