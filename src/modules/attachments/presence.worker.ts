import type { App } from "../../plugins/contract.ts";
import { areAllMissing } from "./verify.service.ts";

/** Milliseconds between two looks whether files that were missing at start are there. */
const lookAgain = 60_000;

/** Tells at start when the files of attachments are not where they should be: a wrong folder, a disk that is not there. */
export default async function presenceWorker(app: App) {
  let allMissing = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const before = allMissing;
    const found = await areAllMissing(app.database.db, app.files).catch(() => null);
    allMissing = found ?? before;
    if (allMissing && !before) {
      const folder = app.config.dataDir;
      app.log.error(
        { folder },
        "none of the newest attachments is there: is DATA_DIR right, is its disk?",
      );
    }
    if (!allMissing && before) app.log.info("the files of attachments are there again");
    // When the database is away nothing is known: it looks again, as for missing files.
    if (allMissing || found === null) timer = setTimeout(look, lookAgain).unref();
  }

  app.addReadinessCheck({ name: "attachments", degraded: () => allMissing });
  app.addHook("onReady", look);
  app.addHook("onClose", async () => clearTimeout(timer));
}
