import type { App } from "../../plugins/contract.ts";
import { lapseMatches, takeOverdueMatches } from "./matches.service.ts";

export default async function matchWorker(app: App) {
  const job = "matches.lapse";
  const [select, work] = [takeOverdueMatches, lapseMatches];
  app.addJob({
    name: job,
    cron: "10 * * * *",
    run: () => app.forEachRow({ job, subjectType: "match", select, work }),
  });
}
