import fp from "fastify-plugin";
import PgBoss from "pg-boss";
import type { Executor } from "../database/connect.ts";
import { loggable } from "../lib/loggable.ts";

/** Work that a feature does on time, in its `*.worker.ts`. */
export interface Job {
  /** `<feature>.<verb>` */
  name: string;
  /** When, as a cron expression in Asia/Shanghai. */
  cron: string;
  run: (db: Executor) => Promise<void>;
}

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
    app.addHook("onReady", async () => {
      await boss.start();
      for (const job of jobs) {
        await boss.createQueue(job.name);
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
    app.addHook("onClose", async () => {
      await boss.stop({ graceful: true, timeout: 5_000, wait: true });
    });
  },
  { name: "jobs", dependencies: ["database"] },
);
