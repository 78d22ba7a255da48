import type { App } from "../../plugins/contract.ts";
import { leftoverKinds, removeLeftovers, takeLeftovers } from "./sessions.service.ts";

export default async function sessionWorker(app: App) {
  const job = "sessions.remove-expired";
  app.addJob({
    name: job,
    cron: "20 * * * *",
    run: async () => {
      for (const subjectType of leftoverKinds) {
        const [select, work] = [takeLeftovers(subjectType), removeLeftovers(subjectType)];
        await app.forEachRow({ job, subjectType, select, work });
      }
    },
  });
}
