import type { App } from "../../plugins/contract.ts";
import { resultJobs } from "./results.service.ts";

export default async function resultWorker(app: App) {
  const job = "results.expire";
  const { takeOverdue: select, expire: work } = resultJobs;
  app.addJob({
    name: job,
    cron: "5 * * * *",
    run: () => app.forEachRow({ job, subjectType: "result", select, work }),
  });
}
