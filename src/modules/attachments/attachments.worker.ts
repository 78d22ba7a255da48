import { machineTime } from "../../lib/clock.ts";
import type { App } from "../../plugins/contract.ts";
import { deleteLostAttachments, releaseBytes, takeLostAttachments } from "./attachments.service.ts";
import { oldOrphans } from "./verify.service.ts";

export default async function attachmentWorker(app: App) {
  const job = "attachments.sweep";
  app.addJob({
    name: job,
    cron: "40 * * * *",
    atStart: true,
    // A process that died between writing bytes and committing their row left them behind.
    run: async (db) => {
      const [select, work] = [takeLostAttachments, deleteLostAttachments];
      await app.forEachRow({ job, subjectType: "attachment", select, work });
      await app.forEachThing({
        job,
        subjectType: "file",
        ids: oldOrphans(db, app.files, machineTime()),
        work: (tx, sha256) => releaseBytes(tx, app.files, sha256),
      });
    },
  });
}
