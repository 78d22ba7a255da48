import type { App } from "../../plugins/contract.ts";
import {
  expireBrokerCertificates,
  takeOverdueCertificates,
} from "./broker-certificates.service.ts";

export default async function brokerCertificateWorker(app: App) {
  const job = "broker-certificates.expire";
  const [select, work] = [takeOverdueCertificates, expireBrokerCertificates];
  app.addJob({
    name: job,
    cron: "5 * * * *",
    run: () => app.forEachRow({ job, subjectType: "broker_certificate", select, work }),
  });
}
