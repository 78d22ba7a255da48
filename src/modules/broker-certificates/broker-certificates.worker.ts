import type { App } from "../../plugins/contract.ts";
import { expireBrokerCertificates } from "./broker-certificates.service.ts";

export default async function brokerCertificateWorker(app: App) {
  app.addJob({
    name: "broker-certificates.expire",
    // Every hour: a market that sleeps at midnight catches up when it wakes.
    cron: "5 * * * *",
    run: async (db) => {
      while ((await db.transaction((tx) => expireBrokerCertificates(tx))).more);
    },
  });
}
