import type { App } from "../../plugins/contract.ts";
import { needJobs } from "./needs.service.ts";

export default async function needWorker(app: App) {
  const job = "needs.expire";
  const { takeOverdue: select, expire: work } = needJobs;
  app.addJob({
    name: job,
    cron: "5 * * * *",
    run: () => app.forEachRow({ job, subjectType: "need", select, work }),
  });
}
