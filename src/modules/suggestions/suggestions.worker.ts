import { setTimeout } from "node:timers/promises";
import { transact } from "../../database/transact.ts";
import type { App } from "../../plugins/contract.ts";
import { isCutAnew, noteCutAnew } from "../matching/statistics.service.ts";
import { needVerbs } from "../needs/needs.service.ts";
import { resultVerbs } from "../results/results.service.ts";
import { refoldSynonyms } from "../synonyms/synonyms.service.ts";

/**
 * How much longer it rests after each few listings than they took: the process, and the one connection of
 * the embedded database, are there for callers most of the time.
 */
const rest = 3;

/** After an upgrade that cuts text in another way, writes anew what listings are found by. */
export default async function suggestionWorker(app: App) {
  const { pool } = app.database;
  app.addJob({
    name: "suggestions.reindex",
    everyMilliseconds: 60_000,
    run: async (db) => {
      if (await isCutAnew(db)) return;
      for (const { reindex } of [resultVerbs, needVerbs]) {
        let after: string | null = null;
        do {
          const from: string | null = after;
          const started = performance.now();
          after = await transact(pool, (tx) => reindex(tx, from));
          // A process that stops does not wait for the end of it: the next one begins anew.
          if (app.draining.now) return;
          await setTimeout((performance.now() - started) * rest);
        } while (after);
      }
      await transact(pool, refoldSynonyms);
      await transact(pool, noteCutAnew);
      app.log.info({ job: "suggestions.reindex" }, "all listings are cut into terms anew");
    },
  });
}
