import { clock } from "../../lib/clock.ts";
import type { App } from "../../plugins/contract.ts";
import { type FileStore, isOlder } from "../../storage/files.ts";
import { deleteLostAttachments, releaseBytes, takeLostAttachments } from "./attachments.service.ts";
import { orphanedAfter } from "./verify.service.ts";

export default async function attachmentWorker(app: App) {
  const job = "attachments.sweep";
  app.addJob({
    name: job,
    cron: "40 * * * *",
    atStart: true,
    // A process that died between writing bytes and committing their row left them behind.
    run: async () => {
      const [select, work] = [takeLostAttachments, deleteLostAttachments];
      await app.forEachRow({ job, subjectType: "attachment", select, work });
      const now = clock.now();
      await app.forEachThing({
        job,
        subjectType: "file",
        ids: orphans(app.files, now),
        work: (tx, sha256) => releaseBytes(tx, app.files, sha256),
      });
    },
  });
}

/** Hashes of files that are there for so long that their upload would have been noted, if it had succeeded. */
async function* orphans(files: FileStore, now: Date): AsyncGenerator<string> {
  for await (const entry of files.entries()) {
    if (entry.sha256 && isOlder(entry, orphanedAfter, now)) yield entry.sha256;
  }
}
