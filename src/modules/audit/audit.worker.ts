import type { App } from "../../plugins/contract.ts";
import { feedSealed } from "../registry/registry.service.ts";
import { sumSealed } from "../statistics/statistics.service.ts";
import { needsSealing, sealRecords } from "./sealer.service.ts";

/** Milliseconds between two looks for something to seal. */
const pause = 400;

export default async function auditWorker(app: App) {
  app.addJob({
    name: "audit.seal",
    everyMilliseconds: pause,
    run: async (db) => {
      if (!(await needsSealing(db))) return;
      // What is made of the log is written with it: sums and feed are never behind their position.
      const seal = () =>
        db.transaction(async (tx) => {
          const sealed = await sealRecords(tx);
          if (!sealed) return false;
          await sumSealed(tx, sealed);
          await feedSealed(tx, sealed);
          return sealed.more;
        });
      while (await seal());
    },
  });
}
