import { setTimeout } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import * as schema from "../../db/schema/index.ts";
import { chance } from "../lib/ids.ts";
import { driverError } from "../lib/loggable.ts";
import { isAnswered, isLost, outageOf, UnknownOutcome } from "../lib/outages.ts";
import type { Executor } from "./connect.ts";

/** One executor for each connection, so that what is prepared on it stays prepared. */
const executors = new WeakMap<pg.PoolClient, Executor>();

function executorOn(client: pg.PoolClient): Executor {
  const known = executors.get(client);
  if (known) return known;
  const executor = drizzle(client, { schema });
  executors.set(client, executor);
  return executor;
}

/** Statements of a running transaction that were sent and not yet waited for. */
const sent = new WeakMap<Executor, Promise<unknown>[]>();

/**
 * Sends a statement whose result nobody needs. In a transaction of `transact` it is waited for with
 * the commit, which saves a round trip; elsewhere here.
 */
export async function send(tx: Executor, statement: PromiseLike<unknown>): Promise<void> {
  // A query of drizzle runs each time that somebody waits for it: it is waited for once, here and now.
  const running = new Promise((resolve, reject) => {
    statement.then(resolve, reject);
  });
  const pending = sent.get(tx);
  if (!pending) {
    await running;
    return;
  }
  // Its failure comes out when the commit is waited for; until then it must not count as unhandled.
  running.catch(() => {});
  pending.push(running);
}

/** Resolves when what was sent so far is on its way: what is computed from then on, the server works meanwhile. */
export const sentOff = () => new Promise<void>((resolve) => setImmediate(resolve));

/** How often a transaction is tried that others got in the way of, and the longest pause before each, in ms. */
const tries = 4;
const pause = 40;

/**
 * Runs `work` in one transaction. Connections pipeline: `begin` goes out together with the first
 * statement, and the commit together with the last ones that were sent without waiting. It returns
 * once the commit is acknowledged, and then all of it is stored; when anything fails, nothing is.
 * @param work runs again, after all that it wrote was undone, when it lost against another transaction
 *   (deadlock, serialization failure): nothing outside the database may depend on how often it runs
 * @throws UnknownOutcome when the connection was lost during the commit: it is stored, or nothing is
 */
export async function transact<T>(pool: pg.Pool, work: (tx: Executor) => Promise<T>): Promise<T> {
  for (let left = tries - 1; ; left--) {
    try {
      return await runOnce(pool, work);
    } catch (error) {
      if (left === 0 || outageOf(error)?.kind !== "again") throw error;
      // Those that met here must not meet again at the same pace.
      await setTimeout(pause * (tries - left) * chance());
    }
  }
}

async function runOnce<T>(pool: pg.Pool, work: (tx: Executor) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const tx = executorOn(client);
  const pending: Promise<unknown>[] = [];
  sent.set(tx, pending);
  let commit: Promise<pg.QueryResult> | undefined;
  let broken: Error | undefined;
  try {
    await send(tx, client.query("begin"));
    const result = await work(tx);
    commit = client.query("commit");
    commit.catch(() => {});
    // In order, so that the first failure is the one that is told; those behind it only follow from it.
    for (const statement of pending) await statement;
    if ((await commit).command !== "COMMIT") throw new Error("the transaction was rolled back");
    return result;
  } catch (error) {
    const failed = [...(await reasonsOf(pending)), error];
    const first = firstOf(failed);
    const [lost] = await reasonsOf([commit]);
    // A statement that the server refused was the end of it; the commit behind it had nothing to store.
    const isKnown = failed.some((one) => one !== lost && isAnswered(one));
    await client.query("rollback").catch((failure: Error) => {
      broken = failure;
    });
    if (lost && !isKnown && isLost(lost)) {
      throw new UnknownOutcome("the connection was lost during the commit", { cause: lost });
    }
    throw first;
  } finally {
    sent.delete(tx);
    client.release(broken);
  }
}

/** The first of several that tells something: a statement in a transaction that failed before tells nothing. */
const firstOf = (failed: readonly unknown[]): unknown =>
  failed.find((one) => driverError(one)?.code !== "25P02") ?? failed.at(-1);

/** Why those failed that did. */
async function reasonsOf(statements: (Promise<unknown> | undefined)[]): Promise<unknown[]> {
  const outcomes = await Promise.allSettled(statements);
  return outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
}

/**
 * Runs a part of a transaction of `transact` by itself: when it fails, what it wrote is undone, and the
 * transaction goes on. One after the other, never two at once.
 * @throws what the part failed with
 */
export async function apart<T>(tx: Executor, work: () => Promise<T>): Promise<T> {
  const pending = sent.get(tx);
  if (!pending) throw new Error("only a transaction has parts");
  const before = pending.length;
  await send(tx, tx.execute("savepoint apart"));
  try {
    const result = await work();
    for (const statement of pending.slice(before)) await statement;
    await send(tx, tx.execute("release savepoint apart"));
    return result;
  } catch (error) {
    const failed = [...(await reasonsOf(pending.splice(before))), error];
    await tx.execute("rollback to savepoint apart");
    throw firstOf(failed);
  }
}
