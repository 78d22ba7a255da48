import { transact } from "../../database/transact.ts";
import type { App } from "../../plugins/contract.ts";
import { releaseJob, releaseVolume } from "./releases.service.ts";

export default async function statisticsWorker(app: App) {
  app.addJob({
    name: releaseJob,
    // The sealer has it look at once when it sealed something of a quarter that is over.
    cron: "*/5 * * * *",
    atStart: true,
    run: async () => {
      const quarters = await transact(app.database.pool, releaseVolume);
      if (quarters.length > 0) app.log.info({ job: releaseJob, quarters }, "figures released");
    },
  });
}
