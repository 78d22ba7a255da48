import { machineTime } from "../../lib/clock.ts";
import type { App } from "../../plugins/contract.ts";

/** Seconds for which a part of an upload that does not grow is left alone: its request was ended long ago. */
const grace = 60 * 60;

export default async function incomingWorker(app: App) {
  app.addJob({
    name: "attachments.sweep-incoming",
    cron: "10 * * * *",
    atStart: true,
    // A process that died in the middle of an upload left a part of it.
    run: () => app.files.sweepIncoming(grace, machineTime()),
  });
}
