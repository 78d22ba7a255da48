import type { App } from "../../plugins/contract.ts";
import { expireBrokerCertificates } from "./broker-certificates.service.ts";

export default async function brokerCertificateWorker(app: App) {
  app.addJob({
    name: "broker-certificates.expire",
    // Shortly after midnight, when the last day has passed, and once more for what failed then.
    cron: "5 0,6 * * *",
    run: async (db) => {
      while ((await db.transaction((tx) => expireBrokerCertificates(tx))).more);
    },
  });
}
