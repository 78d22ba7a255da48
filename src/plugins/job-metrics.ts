import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { databaseTime } from "../lib/clock.ts";

/** What waits for a job. */
export interface Backlog {
  depth: number;
  /** Since when the oldest of it waits; null when nothing does. */
  since: string | null;
}

/** How a job stands, as far as this process last heard. */
export interface JobState {
  succeededAt: string | null;
  failures: number;
  backlog: () => Backlog;
  /** Rows that wait for another try, and that are parked. */
  waiting: number;
  parked: number;
  /** Rows that its run has still to do, where it counts them. */
  left: number;
}

/** Seconds since an instant; 0 for none. */
export const ageOf = (since: string | null): number =>
  since === null ? 0 : Math.max(0, databaseTime() / 1000 - secondsOf(since));

const secondsOf = (instant: string) => Date.parse(instant) / 1000;

/**
 * Measurements of jobs for Prometheus, from memory: telling them asks nothing of the database.
 * @param stateOf how each job stands now
 */
export function jobMetrics(registry: Registry, stateOf: () => ReadonlyMap<string, JobState>) {
  const registers = [registry];
  const labelNames = ["job"] as const;
  const runs = new Counter({
    name: "job_runs_total",
    help: "Runs of a job by this process, by how they ended.",
    labelNames: ["job", "outcome"] as const,
    registers,
  });
  const duration = new Histogram({
    name: "job_duration_seconds",
    help: "How long a run of a job took.",
    labelNames,
    buckets: [0.01, 0.1, 1, 10, 60, 600, 3600],
    registers,
  });
  const rowFailures = new Counter({
    name: "job_row_failures_total",
    help: "Tries of this process to do a row that failed.",
    labelNames,
    registers,
  });
  const rowsDone = new Counter({
    name: "job_rows_done_total",
    help: "Rows that this process did.",
    labelNames,
    registers,
  });
  const gauge = (name: string, help: string, read: (state: JobState) => number | null) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        for (const [job, state] of stateOf()) {
          const value = read(state);
          if (value !== null) this.set({ job }, value);
        }
      },
    });
  gauge(
    "job_last_success_timestamp_seconds",
    "When a job last ended well, in whichever process.",
    ({ succeededAt }) => (succeededAt === null ? null : secondsOf(succeededAt)),
  );
  gauge(
    "job_failures_in_a_row",
    "Runs of a job that failed since one ended well.",
    ({ failures }) => failures,
  );
  gauge(
    "job_queue_depth",
    "What waits for a job: due runs, or records to be sealed.",
    (state) => state.backlog().depth,
  );
  gauge("job_lag_seconds", "How long the oldest of it has been waiting.", ({ backlog }) =>
    ageOf(backlog().since),
  );
  gauge(
    "job_rows_left",
    "Rows that a run of this process has still to do, of jobs that count them.",
    (state) => state.left,
  );
  gauge("job_rows_waiting", "Rows that failed and wait for another try.", (state) => state.waiting);
  gauge(
    "job_rows_parked",
    "Rows that failed too often and wait for the operator.",
    (state) => state.parked,
  );
  return {
    rowFailures,
    rowsDone,
    threadDeaths: new Counter({
      name: "job_thread_deaths_total",
      help: "Threads that died over the work of jobs; the next work starts another one.",
      registers,
    }),
    /** A job that never ran is told too. */
    add: (job: string) => {
      for (const outcome of ["success", "failure"]) runs.inc({ job, outcome }, 0);
      rowFailures.inc({ job }, 0);
      rowsDone.inc({ job }, 0);
    },
    ran: (job: string, outcome: "success" | "failure", seconds: number) => {
      runs.inc({ job, outcome });
      duration.observe({ job }, seconds);
    },
  };
}
