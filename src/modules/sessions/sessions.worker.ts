import type { App } from "../../plugins/contract.ts";
import { removeExpired } from "./sessions.service.ts";

export default async function sessionWorker(app: App) {
  app.addJob({ name: "sessions.remove-expired", cron: "20 * * * *", run: removeExpired });
}
