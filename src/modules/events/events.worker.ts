import { transact } from "../../database/transact.ts";
import type { App } from "../../plugins/contract.ts";
import { fillFeed, forgetEvents, isBehind } from "./events.service.ts";

/** Milliseconds between two looks for something to tell. */
const pause = 300;

export default async function eventsWorker(app: App) {
  const { pool } = app.database;

  app.addJob({
    name: "events.fill",
    everyMilliseconds: pause,
    run: async (db) => {
      if (!(await isBehind(db))) return;
      while (await transact(pool, fillFeed)) if (app.stopping.aborted) return;
    },
  });
  app.addJob({
    name: "events.forget",
    cron: "40 3 * * *",
    run: async () => {
      const forget = () => transact(pool, (tx) => forgetEvents(tx, app.config.eventDays));
      while (await forget()) if (app.stopping.aborted) return;
    },
  });
}
