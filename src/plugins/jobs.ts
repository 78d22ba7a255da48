import { setMaxListeners } from "node:events";
import { setTimeout } from "node:timers/promises";
import { CronExpressionParser } from "cron-parser";
import fp from "fastify-plugin";
import type { Executor } from "../database/connect.ts";
import {
  claimJob,
  enlistJob,
  finishJob,
  releaseJob,
  renewLeases,
  selectRuns,
} from "../database/job-runs.ts";
import { clock } from "../lib/clock.ts";
import { gathered } from "../lib/gathered.ts";
import { newId } from "../lib/ids.ts";
import { loggable } from "../lib/loggable.ts";
import { outageOf } from "../lib/outages.ts";
import { onThreadDeath } from "../lib/threads.ts";
import { countFaultsByJob } from "../modules/job-faults/job-faults.service.ts";
import { ageOf, type Backlog, type JobState, jobMetrics } from "./job-metrics.ts";
import { type RowHelpers, rowHelpers } from "./job-rows.ts";

/** Work that a feature does by itself, in its `*.worker.ts`. */
interface Work {
  /** `<feature>.<verb>` */
  name: string;
  run: (db: Executor) => Promise<void>;
}

/** Work at its time, once for all processes; what was missed is made up for, once. */
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
  /** Also in a process that leaves the jobs to others: it has the signing keys, they need not. */
  whereSigned?: true;
  /** What waits for it, by what the last look found. */
  backlog?: () => Backlog;
  /** Looks what waits for it, where another process works: `run` does so itself. */
  look?: (db: Executor) => Promise<void>;
}

export type Job = TimedJob | LoopingJob;

const isTimed = (job: Job): job is TimedJob => "cron" in job;
const isLooping = (job: Job): job is LoopingJob => !isTimed(job);

/** Milliseconds between two looks for a timed job that is due. */
const pause = 5_000;

/**
 * Timed jobs that one process runs at once: the rest of the connections is for callers. Two may last for
 * hours (listings that are rewritten, a large store that is swept) and leave one to what is due.
 */
const atOnce = 3;

/** The longest pause of a loop that fails again and again, in ms; shorter while the database is away. */
const longestPause = { fault: 30_000, outage: 2_000 };

/** Milliseconds that running jobs get to end when the process stops; what they have begun is rolled back. */
const grace = 5_000;

/** Seconds for which a job may be due before `/readyz` says that nobody runs it. */
const tolerated = 300;

const nothing: Backlog = { depth: 0, since: null };

/** The next time of a job, RFC 3339 in UTC. */
const nextTime = (cron: string): string =>
  CronExpressionParser.parse(cron, { currentDate: clock.now(), tz: "Asia/Shanghai" })
    .next()
    .toDate()
    .toISOString();

/** `look`: another process runs them, this one only knows how they stand. */
export type JobMode = "run" | "look" | "none";

declare module "fastify" {
  interface FastifyInstance extends RowHelpers {
    /** Announces a job; it runs once all features are loaded. */
    addJob: (job: Job) => void;
    jobs: readonly Job[];
    /** Aborted when the process stops: jobs end after the row that they are at. */
    stopping: AbortSignal;
  }
}

/**
 * Runs what features do by themselves. When a timed job is due, and which process runs it, stands in the
 * database and goes by its clock (`job_runs`): a process whose own clock is off runs it like any other,
 * one that dies leaves it to the next, and a machine that slept makes up for what it missed.
 */
export default fp<{ mode: JobMode }>(
  async (app, { mode }) => {
    const { db } = app.database;
    const jobs: Job[] = [];
    const states = new Map<string, JobState>();
    const stopping = new AbortController();
    const { signal } = stopping;
    // Each job waits for it; Node would take more than ten for a leak, and warn whoever starts the market.
    setMaxListeners(0, signal);
    const metrics = jobMetrics(app.metrics, () => states);
    app.decorate("jobs", jobs);
    app.decorate("addJob", (job) => {
      jobs.push(job);
      const backlog = (isLooping(job) && job.backlog) || (() => nothing);
      const counts = { waiting: 0, parked: 0, left: 0 };
      states.set(job.name, { succeededAt: null, failures: 0, backlog, ...counts });
      metrics.add(job.name);
    });
    app.decorate("stopping", signal);
    const { forEachRow, forEachThing } = rowHelpers({
      database: app.database,
      log: app.log,
      stopping: signal,
      onFailure: (job) => metrics.rowFailures.inc({ job }),
      onProgress: (job, done, left) => {
        metrics.rowsDone.inc({ job }, done);
        const state = states.get(job);
        if (state && left !== null) state.left = left;
      },
    });
    app.decorate("forEachRow", forEachRow);
    app.decorate("forEachThing", forEachThing);
    const stopListening = onThreadDeath((error) => {
      metrics.threadDeaths.inc();
      app.log.error({ error: loggable(error) }, "a thread of the jobs died");
    });
    app.addHook("onClose", async () => stopListening());
    if (mode === "none") return;

    const begun = performance.now();
    app.addReadinessCheck({
      name: "jobs",
      degraded: () => {
        // What was missed while no process ran does not count.
        const lookedFor = (performance.now() - begun) / 1000;
        const ages = [...states.values()].map(({ backlog }) => ageOf(backlog().since));
        return Math.min(lookedFor, Math.max(...ages)) > tolerated;
      },
    });

    // That the database is away is told elsewhere, with its reason.
    const outages = gathered((waiting) =>
      app.log.warn({ jobs: waiting }, "jobs wait for the database"),
    );

    /** Waits; ends early when the process stops. */
    const sleep = (ms: number) => setTimeout(ms, undefined, { signal, ref: false }).catch(() => {});

    /** Runs a job once. @returns how it ended; a database that was away is back soon */
    async function runOnce({ name, run }: Job): Promise<"success" | "fault" | "outage"> {
      const started = performance.now();
      let ended: "success" | "fault" | "outage" = "success";
      try {
        await run(db);
      } catch (error) {
        ended = outageOf(error) ? "outage" : "fault";
        if (ended === "outage") outages.note(name);
        else app.log.error({ job: name, error: loggable(error) }, "job failed");
      }
      const state = states.get(name);
      if (state) state.left = 0;
      const outcome = ended === "success" ? "success" : "failure";
      metrics.ran(name, outcome, (performance.now() - started) / 1000);
      return ended;
    }

    /** Runs a job over and over, with its pause, longer ones after failures. */
    async function loop(job: LoopingJob): Promise<void> {
      const state = states.get(job.name);
      for (let failures = 0; !signal.aborted; ) {
        const ended = await runOnce(job);
        failures = ended === "success" ? 0 : failures + 1;
        if (state) {
          state.failures = failures;
          if (failures === 0) state.succeededAt = clock.now().toISOString();
        }
        const wait = job.everyMilliseconds * 2 ** Math.min(failures, 10);
        await sleep(ended === "success" ? wait : Math.min(longestPause[ended], wait));
      }
    }

    /** This process, to the others. */
    const self = newId();
    const running = new Map<string, Promise<void>>();

    async function runClaimed(job: TimedJob): Promise<void> {
      const started = performance.now();
      const succeeded = (await runOnce(job)) === "success";
      const ms = Math.round(performance.now() - started);
      if (succeeded) app.log.info({ job: job.name, ms }, "job done");
      // Cut short, it stays due.
      if (signal.aborted) await releaseJob(db, job.name, self);
      else await finishJob(db, job.name, self, { succeeded, nextAt: nextTime(job.cron) });
    }

    function begin(job: TimedJob): void {
      const ended = runClaimed(job)
        // The next process takes it up again, once the lease has run out.
        .catch((error) => {
          if (outageOf(error)) outages.note(job.name);
          else app.log.error({ job: job.name, error: loggable(error) }, "jobs");
        })
        .finally(() => running.delete(job.name));
      running.set(job.name, ended);
    }

    /** Notes how all jobs stand, and takes up what is due. */
    async function look(timed: ReadonlyMap<string, TimedJob>): Promise<void> {
      if (running.size > 0) await renewLeases(db, [...running.keys()], self);
      for (const { job: name, dueAt, succeededAt, failures, isWaiting } of await selectRuns(
        db,
        self,
      )) {
        const [job, state] = [timed.get(name), states.get(name)];
        if (!job || !state) continue;
        const backlog = isWaiting ? { depth: 1, since: dueAt } : nothing;
        Object.assign(state, { succeededAt, failures, backlog: () => backlog });
        if (mode === "look" || !isWaiting || running.has(name)) continue;
        if (running.size >= atOnce || signal.aborted) continue;
        if (!(await claimJob(db, name, self))) continue;
        state.backlog = () => nothing;
        begin(job);
      }
      if (mode === "look") {
        for (const job of jobs.filter(isLooping)) await job.look?.(db);
      }
      const faults = new Map((await countFaultsByJob(db)).map((counted) => [counted.job, counted]));
      for (const [name, state] of states) {
        const { waiting = 0, parked = 0 } = faults.get(name) ?? {};
        Object.assign(state, { waiting, parked });
      }
    }

    async function keepTime(): Promise<void> {
      const timed = new Map(jobs.filter(isTimed).map((job) => [job.name, job]));
      const unlisted = new Map(mode === "run" ? timed : []);
      while (!signal.aborted) {
        try {
          for (const [name, { cron, atStart = false }] of unlisted) {
            await enlistJob(db, name, nextTime(cron), atStart);
            unlisted.delete(name);
          }
          await look(timed);
        } catch (error) {
          if (outageOf(error)) outages.note("looking for what is due");
          else app.log.error({ error: loggable(error) }, "jobs");
        }
        // One that ends makes room for the next.
        await Promise.race([sleep(pause), ...running.values()]);
      }
    }

    let ended: Promise<unknown> = Promise.resolve();
    app.addHook("onReady", async () => {
      const loops = jobs
        .filter(isLooping)
        .filter(({ whereSigned }) => mode === "run" || whereSigned)
        .map(loop);
      // The database may be away just now: nothing here waits for it.
      ended = Promise.all([keepTime(), ...loops]).then(() => Promise.all(running.values()));
    });
    app.addHook("onClose", async () => {
      stopping.abort();
      outages.flush();
      await Promise.race([ended, setTimeout(grace, undefined, { ref: false })]);
    });
  },
  { name: "jobs", dependencies: ["database", "metrics", "clock"] },
);
