import type { App } from "../../plugins/contract.ts";
import { removeOldReplies } from "../../plugins/writes.ts";

export default async function serviceWorker(app: App) {
  app.addJob({ name: "service.remove-old-replies", cron: "40 * * * *", run: removeOldReplies });
}
