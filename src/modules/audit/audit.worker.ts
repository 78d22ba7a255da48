import { appendFile } from "node:fs/promises";
import { Gauge } from "prom-client";
import type { Executor } from "../../database/connect.ts";
import { transact } from "../../database/transact.ts";
import { blameOf } from "../../lib/outages.ts";
import type { App } from "../../plugins/contract.ts";
import { ageOf, type Backlog } from "../../plugins/job-metrics.ts";
import { feedSealed } from "../registry/registry.service.ts";
import { hastenRelease } from "../statistics/releases.service.ts";
import { sumSealed } from "../statistics/statistics.service.ts";
import { signHead } from "./head.service.ts";
import {
  ForgedEntryError,
  needsSealing,
  nextToSeal,
  readBacklog,
  sealRecords,
} from "./sealer.service.ts";

/** Milliseconds between two looks for something to seal. */
const pause = 400;

/** Seconds of waiting from which sealing is behind, and `/readyz` says so. */
const tolerated = 60;

export default async function auditWorker(app: App) {
  const job = "audit.seal";
  let backlog: Backlog = { depth: 0, since: null };
  let isForged = false;

  new Gauge({
    name: "audit_oldest_unsealed_seconds",
    help: "How long the oldest record that has no place in the log has been waiting for one.",
    registers: [app.metrics],
    collect() {
      this.set(ageOf(backlog.since));
    },
  });
  app.addReadinessCheck({
    name: "sealing",
    degraded: () => isForged || ageOf(backlog.since) > tolerated,
  });

  /** Seals some; what is made of the log is written with it: sums and feed are never behind their position. */
  const seal = (limit?: number) =>
    transact(app.database.pool, async (tx) => {
      const sealed = await sealRecords(tx, limit);
      if (!sealed) return null;
      if (await sumSealed(tx, sealed)) await hastenRelease(tx);
      await feedSealed(tx, sealed);
      return sealed;
    });

  /** Seals one by one, up to the record that cannot be sealed, which is told: nothing may overtake it. */
  async function sealSingly(db: Executor): Promise<void> {
    for (let next = await nextToSeal(db); next; next = await nextToSeal(db)) {
      try {
        // Another process seals: it is the one that tells.
        if (!(await seal(1))) return;
      } catch (error) {
        if (blameOf(error) === "row") {
          app.log.fatal({ job, ...next }, "sealing stops at a record that cannot be sealed");
        }
        throw error;
      }
    }
  }

  async function sealAll(db: Executor): Promise<void> {
    try {
      let sealed = await seal();
      if (sealed) isForged = false;
      while (sealed?.more) sealed = await seal();
    } catch (error) {
      isForged = error instanceof ForgedEntryError;
      if (error instanceof ForgedEntryError) {
        const { position, recordId } = error;
        app.log.fatal({ job, position, recordId }, "sealing stops: the log holds a forged entry");
      }
      if (isForged || blameOf(error) !== "row") throw error;
      await sealSingly(db);
    }
  }

  const look = async (db: Executor) => {
    backlog = await readBacklog(db);
  };

  app.addJob({
    name: job,
    everyMilliseconds: pause,
    backlog: () => backlog,
    look,
    run: async (db) => {
      if (!(await needsSealing(db))) {
        backlog = { depth: 0, since: null };
        return;
      }
      try {
        await sealAll(db);
      } finally {
        // While the database is away, what was read last grows older.
        await look(db).catch(() => {});
      }
    },
  });
  // A process without keys runs jobs and serves nobody.
  if (!app.signingKeys) return;
  const key = app.signingKeys.active;
  const { publicUrl, auditHeadFile, auditHeadMinutes } = app.config;
  const headJob = "audit.sign-head";
  app.addJob({
    name: headJob,
    everyMilliseconds: auditHeadMinutes * 60_000,
    whereSigned: true,
    run: async (db) => {
      const head = await signHead(db, { publicUrl, key });
      app.log.info({ job: headJob, ...head }, "the log's head, signed");
      if (auditHeadFile) await appendFile(auditHeadFile, `${head.jws}\n`, { flush: true });
    },
  });
}
