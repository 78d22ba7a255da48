import type { App } from "../../plugins/contract.ts";
import { takeMissedSupplements, withdrawMissedSupplements } from "./registrations.service.ts";

export default async function registrationWorker(app: App) {
  const job = "registrations.withdraw";
  const [select, work] = [takeMissedSupplements, withdrawMissedSupplements];
  app.addJob({
    name: job,
    cron: "25 * * * *",
    run: () => app.forEachRow({ job, subjectType: "registration", select, work }),
  });
}
