import { setTimeout } from "node:timers/promises";
import fp from "fastify-plugin";
import PgBoss from "pg-boss";
import type { Executor } from "../database/connect.ts";
import { loggable } from "../lib/loggable.ts";

/** Work that a feature does by itself, in its `*.worker.ts`. */
interface Work {
  /** `<feature>.<verb>` */
  name: string;
  run: (db: Executor) => Promise<void>;
}

/** Work at its time, once for all processes. */
export interface TimedJob extends Work {
  /** When, as a cron expression in Asia/Shanghai. */
  cron: string;
  /** Also whenever a process starts. */
  atStart?: true;
}

/** Work that every process looks for again and again; the job itself sees to it that one does it. */
export interface LoopingJob extends Work {
  /** The pause after each look. */
  everyMilliseconds: number;
}

export type Job = TimedJob | LoopingJob;

/** The longest pause of a loop that fails again and again, in ms. */
const longestPause = 30_000;

declare module "fastify" {
  interface FastifyInstance {
    /** Announces a job; it is scheduled once all features are loaded. */
    addJob: (job: Job) => void;
    jobs: readonly Job[];
  }
}

/**
 * Jobs run on pg-boss in the market's own database: each at its time once, however many processes
 * there are, and again after a failure.
 */
export default fp<{ run: boolean }>(
  async (app, { run }) => {
    const jobs: Job[] = [];
    app.decorate("jobs", jobs);
    app.decorate("addJob", (job) => {
      jobs.push(job);
    });
    if (!run) return;

    const { pool, db } = app.database;
    const boss = new PgBoss({
      db: { executeSql: (text, values) => pool.query(text, values) },
      // Its tables come with `db:migrate`: the service needs no right to make any.
      migrate: false,
      // The clock and the maintenance of pg-boss need no second's precision here.
      cronMonitorIntervalSeconds: 30,
      maintenanceIntervalSeconds: 300,
    });
    boss.on("error", (error) => app.log.error({ error: loggable(error) }, "jobs"));
    /** Runs a job over and over, with its pause, longer ones after failures, until it is stopped. */
    function loop({ name, run, everyMilliseconds }: LoopingJob) {
      const stopping = new AbortController();
      const { signal } = stopping;
      const work = async () => {
        for (let failures = 0; !signal.aborted; ) {
          try {
            await run(db);
            failures = 0;
          } catch (error) {
            failures += 1;
            app.log.error({ job: name, error: loggable(error) }, "job failed");
          }
          const wait = Math.min(longestPause, everyMilliseconds * 2 ** Math.min(failures, 10));
          // Ends early, by throwing, when it is stopped.
          await setTimeout(wait, undefined, { signal, ref: false }).catch(() => {});
        }
      };
      const ended = work();
      const stop = () => {
        stopping.abort();
        return ended;
      };
      return { stop };
    }

    app.addHook("onReady", async () => {
      await boss.start();
      for (const job of jobs.filter((one) => "cron" in one)) {
        // Its queue was made by migrating (`src/database/queues.ts`).
        await boss.schedule(job.name, job.cron, undefined, { tz: "Asia/Shanghai" });
        await boss.work(job.name, { pollingIntervalSeconds: 10 }, async () => {
          const started = performance.now();
          try {
            await job.run(db);
          } catch (error) {
            app.log.error({ job: job.name, error: loggable(error) }, "job failed");
            // pg-boss keeps what is thrown, and tries again; the driver's error would hold row values.
            throw new Error("the job failed: its log line says why");
          }
          app.log.info({ job: job.name, ms: Math.round(performance.now() - started) }, "job done");
        });
      }
    });
    const loops: { stop: () => Promise<void> }[] = [];
    app.addHook("onReady", async () => {
      for (const job of jobs) if ("everyMilliseconds" in job) loops.push(loop(job));
    });
    app.addHook("onClose", async () => {
      await Promise.all(loops.map(({ stop }) => stop()));
      await boss.stop({ graceful: true, timeout: 5_000, wait: true });
    });
  },
  { name: "jobs", dependencies: ["database"] },
);
