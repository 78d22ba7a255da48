import { clock } from "../../lib/clock.ts";
import type { App } from "../../plugins/contract.ts";
import { isOlder } from "../../storage/files.ts";
import { deleteLostAttachments, releaseBytes } from "./attachments.service.ts";

/** Seconds after which bytes without a row are nobody's any more: no upload lasts that long. */
const grace = 60 * 60;

export default async function attachmentWorker(app: App) {
  app.addJob({
    name: "attachments.sweep",
    cron: "40 3 * * *",
    // A process that died between writing bytes and committing their row left them behind.
    run: async (db) => {
      await db.transaction((tx) => deleteLostAttachments(tx));
      const now = clock.now();
      await app.files.sweepIncoming(grace, now);
      for await (const entry of app.files.entries()) {
        const { sha256 } = entry;
        if (!sha256 || !isOlder(entry, grace, now)) continue;
        await db.transaction((tx) => releaseBytes(tx, app.files, sha256));
      }
    },
  });
}
