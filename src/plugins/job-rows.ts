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
export interface RowWork<Row extends { id: string }> extends Kind {
  /** Rows that are due and free (`isFreeFor`), locked until the transaction ends. */
  select: (tx: Executor, take: Take) => Promise<Row[]>;
  /** Does them, all or none. */
  work: (tx: Executor, rows: readonly Row[]) => Promise<unknown>;
  /** Rows of one transaction, while none of them fails. */
  batch?: number;
  /** How much longer it rests after each transaction than that took; not at all when absent. */
  rest?: number;
}

/** The same for things that no table holds. */
export interface ThingWork extends Kind {
  ids: AsyncIterable<string>;
  work: (tx: Executor, id: string) => Promise<unknown>;
}

export interface RowHelpers {
  forEachRow: <Row extends { id: string }>(work: RowWork<Row>) => Promise<void>;
  forEachThing: (work: ThingWork) => Promise<void>;
}

interface Options {
  database: Database;
  log: FastifyBaseLogger;
  stopping: AbortSignal;
  /** Told of each try that failed. */
  onFailure: (job: string) => void;
}

/** How often a run waits for rows that others hold, and for how long each time, in ms. */
const mostWaits = 60;
const pause = 1_000;

/** Rows of one transaction, where the job does not say. */
const usualBatch = 200;

/** How jobs do many rows. One that fails waits for its next try, or is parked (`job-faults`). */
export function rowHelpers({ database, log, stopping, onFailure }: Options): RowHelpers {
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

  /** Waits; ends early when the process stops. */
  const sleep = (ms: number) =>
    setTimeout(ms, undefined, { signal: stopping, ref: false }).catch(() => {});

  return {
    /**
     * Does all rows that are due: many in a transaction, and after a failure as many one by one, each in
     * a transaction of its own, so that the one that fails is found and the others are done. Outages end
     * the run and count against no row; locks that others hold postpone it.
     */
    async forEachRow({ job, subjectType, select, work, batch = usualBatch, rest = 0 }) {
      const at = nowInstant();
      /** How many are still to be done one by one. */
      let singly = 0;
      let after: string | null = null;
      /** How often it waited for rows that others hold. */
      let waits = 0;
      const failed = new Set<string>();
      for (let more = true; more; ) {
        if (stopping.aborted) return;
        const limit = singly > 0 ? 1 : batch;
        const started = performance.now();
        let rows: Awaited<ReturnType<typeof select>> = [];
        try {
          await transact(pool, async (tx) => {
            rows = await select(tx, { job, limit, at, after });
            if (rows.length === 0) return;
            await work(tx, rows);
            const ids = rows.map(({ id }) => id);
            await clearFaults(tx, job, ids);
          });
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
