import { removeReplies, takeOldReplies } from "../../database/kept-replies.ts";
import type { App } from "../../plugins/contract.ts";

export default async function serviceWorker(app: App) {
  const job = "service.remove-old-replies";
  const [select, work] = [takeOldReplies, removeReplies];
  app.addJob({
    name: job,
    cron: "40 * * * *",
    run: () => app.forEachRow({ job, subjectType: "idempotency_key", select, work }),
  });
}
