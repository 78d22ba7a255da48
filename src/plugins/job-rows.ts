import { setTimeout } from "node:timers/promises";
import type { FastifyBaseLogger } from "fastify";
import type { Database, Executor } from "../database/connect.ts";
import { isHeld, type Take } from "../database/held-rows.ts";
import { transact } from "../database/transact.ts";
import { nowInstant } from "../lib/clock.ts";
import { loggable } from "../lib/loggable.ts";
import { blameOf } from "../lib/outages.ts";
import {
  clearFaults,
  forgetObsolete,
  noteFault,
} from "../modules/job-faults/job-faults.service.ts";

interface Kind {
  job: string;
  subjectType: string;
}

/** Work on many rows, of which one that fails must not keep the others waiting. */
export interface RowWork<Row extends { id: string }, Prepared = undefined> extends Kind {
  /** How many are due: asked once in a run, which then tells its progress. */
  count?: (db: Executor) => Promise<number>;
  /** Rows that are due and free (`isFreeFor`), locked until the transaction ends. */
  select: (tx: Executor, take: Take) => Promise<Row[]>;
  /**
   * What takes long and needs no lock, outside any transaction: nobody waits for it, and an embedded
   * database's one connection is free meanwhile. A row may be another one when its work is done.
   */
  prepare?: (db: Executor, rows: readonly Row[]) => Promise<Prepared>;
  /** Does them, all or none. */
  work: (tx: Executor, rows: readonly Row[], prepared?: Prepared) => Promise<unknown>;
  /** Rows of one transaction, while none of them fails. */
  batch?: number;
  /** How many times as long as each transaction took it rests after it; not at all when absent. */
  rest?: number;
}

/** The same for things that no table holds. */
export interface ThingWork extends Kind {
  ids: AsyncIterable<string>;
  work: (tx: Executor, id: string) => Promise<unknown>;
}

export interface RowHelpers {
  forEachRow: <Row extends { id: string }, Prepared = undefined>(
    work: RowWork<Row, Prepared>,
  ) => Promise<void>;
  forEachThing: (work: ThingWork) => Promise<void>;
}

interface Options {
  database: Database;
  log: FastifyBaseLogger;
  stopping: AbortSignal;
  /** Told of each try that failed. */
  onFailure: (job: string) => void;
  /** Told of rows that were done, and of how many are left where that is known. */
  onProgress: (job: string, done: number, left: number | null) => void;
}

/** How often a run waits for rows that others hold, and for how long each time, in ms. */
const mostWaits = 60;
const pause = 1_000;

/** Milliseconds between two lines of the log that tell how far a run has come. */
const tellEvery = 10_000;

/** Rows of one transaction, where the job does not say. */
const usualBatch = 200;

/** How jobs do many rows. One that fails waits for its next try, or is parked (`job-faults`). */
export function rowHelpers(options: Options): RowHelpers {
  const { database, log, stopping, onFailure, onProgress } = options;
  const { db, pool } = database;

  /** Notes a failure, in a transaction of its own: the one of the row was rolled back. */
  async function note({ job, subjectType }: Kind, subjectId: string, error: unknown) {
    onFailure(job);
    const subject = { job, subjectType, subjectId };
    const noted = await transact(pool, (tx) =>
      noteFault(tx, subject, error, blameOf(error) === "row"),
    );
    log.error({ ...subject, ...noted, error: loggable(error) }, "a job could not do a row");
  }

  /** Counts what a run has done of what was due when it began, and tells of it. */
  async function progressOf({ job, subjectType }: Kind, count?: RowWork<never>["count"]) {
    const due = count ? await count(db) : null;
    let [done, told] = [0, performance.now()];
    return (more: number) => {
      done += more;
      const left = due === null ? null : Math.max(0, due - done);
      onProgress(job, more, left);
      if (left === null || performance.now() - told < tellEvery) return;
      told = performance.now();
      log.info({ job, subjectType, done, left }, "a job goes on");
    };
  }

  /** Waits; ends early when the process stops. */
  const sleep = (ms: number) =>
    setTimeout(ms, undefined, { signal: stopping, ref: false }).catch(() => {});

  return {
    /**
     * Does all rows that are due: many in a transaction, and after a failure as many one by one, each in
     * a transaction of its own, so that the one that fails is found and the others are done. Outages end
     * the run and count against no row; locks that others hold postpone it.
     */
    async forEachRow({ job, subjectType, ...of }) {
      const { count, select, prepare, work, batch = usualBatch, rest = 0 } = of;
      const at = nowInstant();
      const progress = await progressOf({ job, subjectType }, count);
      /** How many are still to be done one by one. */
      let singly = 0;
      let after: string | null = null;
      /** How often it waited for rows that others hold. */
      let waits = 0;
      const failed = new Set<string>();
      for (let more = true; more; ) {
        if (stopping.aborted) return;
        const limit = singly > 0 ? 1 : batch;
        const take = { job, limit, at, after };
        let rows: Awaited<ReturnType<typeof select>> = [];
        let started = performance.now();
        try {
          if (prepare) rows = await select(db, take);
          const prepared = prepare && rows.length > 0 ? await prepare(db, rows) : undefined;
          // Whose fault it is if they cannot be locked is not known.
          rows = [];
          started = performance.now();
          await transact(pool, async (tx) => {
            rows = await select(tx, take);
            if (rows.length === 0) return;
            await work(tx, rows, prepared);
            const ids = rows.map(({ id }) => id);
            await clearFaults(tx, job, ids);
          });
          progress(rows.length);
        } catch (error) {
          const [row] = rows;
          const blame = blameOf(error);
          if (!row && blame === "lock" && waits < mostWaits) {
            // Somebody holds one of the next rows: where the run stands is not given up for it.
            waits += 1;
            await sleep(pause);
            continue;
          }
          if (!row || blame === "outage") throw error;
          // Else it would be tried for ever.
          if (failed.has(row.id)) throw new Error(`${job} takes rows that are not free`);
          if (rows.length > 1) {
            singly = rows.length;
            continue;
          }
          failed.add(row.id);
          await note({ job, subjectType }, row.id, error);
        }
        singly = Math.max(0, singly - 1);
        after = rows.at(-1)?.id ?? after;
        more = rows.length === limit;
        if (rest > 0) await sleep((performance.now() - started) * rest);
      }
      await forgetObsolete(db, job, subjectType, at);
    },

    /** Does things one by one, each in a transaction of its own. */
    async forEachThing({ job, subjectType, ids, work }) {
      const at = nowInstant();
      for await (const id of ids) {
        if (stopping.aborted) return;
        if (await isHeld(db, { job, at }, id)) continue;
        try {
          await transact(pool, async (tx) => {
            await work(tx, id);
            await clearFaults(tx, job, [id]);
          });
        } catch (error) {
          if (blameOf(error) === "outage") throw error;
          await note({ job, subjectType }, id, error);
        }
      }
      await forgetObsolete(db, job, subjectType, at);
    },
  };
}
