import type { App } from "../../plugins/contract.ts";
import { withdrawMissedSupplements } from "./registrations.service.ts";

export default async function registrationWorker(app: App) {
  app.addJob({
    name: "registrations.withdraw",
    // Every hour: a market that sleeps at midnight catches up when it wakes.
    cron: "25 * * * *",
    run: async (db) => {
      while ((await db.transaction((tx) => withdrawMissedSupplements(tx))).more);
    },
  });
}
