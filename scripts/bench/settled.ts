/** Whether a market has work to do by itself: what is measured beside that tells nothing of the market. */
import { setTimeout } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { connect, type Executor } from "../../src/database/connect.ts";
import { readBacklog } from "../../src/modules/audit/sealer.service.ts";
import { countStale } from "../../src/modules/matching/matching.service.ts";
import { isCountDue, isCutAnew } from "../../src/modules/matching/term-statistics.service.ts";

/** What the jobs of a market have still to do, in words. */
export async function workOf(db: Executor): Promise<string[]> {
  const work: string[] = [];
  if (!(await isCutAnew(db))) work.push("its listings are to be cut into terms again");
  if (await isCountDue(db)) work.push("its terms are to be counted");
  const stale = await countStale(db);
  if (stale > 0) work.push(`${stale} listings are to be reweighed`);
  const { depth } = await readBacklog(db);
  if (depth > 0) work.push(`${depth} records are to be sealed`);
  const { rows } = await db.execute<{ job: string }>(
    sql`select job from job_runs where due_at <= now() or leased_until > now() order by job`,
  );
  if (rows.length > 0) work.push(`jobs are due or run: ${rows.map(({ job }) => job).join(", ")}`);
  return work;
}

/** Seconds that a market gets to settle: what each start does, and what the last case left. */
const patience = 60;

/** @throws Error that says what is left to do when the market does not settle */
export async function untilSettled(url: string, seconds = patience): Promise<void> {
  const database = connect({ connectionString: url, max: 1 });
  try {
    const until = performance.now() + seconds * 1000;
    for (;;) {
      const work = await workOf(database.db);
      if (work.length === 0) return;
      if (performance.now() > until) {
        throw new Error(`refused to measure a market that has work to do: ${work.join("; ")}`);
      }
      await setTimeout(250);
    }
  } finally {
    await database.close();
  }
}
