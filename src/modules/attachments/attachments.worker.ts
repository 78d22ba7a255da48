import { clock } from "../../lib/clock.ts";
import type { App } from "../../plugins/contract.ts";
import { isOlder } from "../../storage/files.ts";
import { deleteLostAttachments, releaseBytes } from "./attachments.service.ts";
import { orphanedAfter } from "./verify.service.ts";

export default async function attachmentWorker(app: App) {
  app.addJob({
    name: "attachments.sweep",
    cron: "40 3 * * *",
    // A process that died between writing bytes and committing their row left them behind.
    run: async (db) => {
      await db.transaction((tx) => deleteLostAttachments(tx));
      const now = clock.now();
      for await (const entry of app.files.entries()) {
        const { sha256 } = entry;
        if (!sha256 || !isOlder(entry, orphanedAfter, now)) continue;
        await db.transaction((tx) => releaseBytes(tx, app.files, sha256));
      }
    },
  });
}
