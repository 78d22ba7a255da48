/**
 * What callers feel of the heaviest job: the p99 of reading one result while a version that cuts text in
 * another way writes all listings again, beside that of a settled market, round by round in turn.
 */
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import type { Job, Memory } from "./cases.ts";
import { dropCopy, openCopy, type Progress, type Size, urlOf } from "./generate.ts";
import { type Measured, run } from "./load.ts";
import { median, rounded } from "./numbers.ts";
import { startTarget } from "./processes.ts";
import { untilSettled } from "./settled.ts";

/** How many times the p99 without it is at most. */
const target = 1.5;

export interface ReindexOptions {
  size: Size;
  fresh: boolean;
  rounds: number;
  seconds: number;
  connections: number;
}

/** A value that a process tells at /metrics. */
async function readMetric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.split(" ")[1] ?? 0);
}
const done = 'job_rows_done_total{job="suggestions.reindex"}';
const left = 'job_rows_left{job="suggestions.reindex"}';

/** As an upgrade leaves a market whose listings were cut in another way. */
async function outdate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("update term_statistics_versions set terms_version = 0");
  await client.end();
}

export async function benchReindex(
  folder: string,
  keyFile: string,
  ids: (databaseUrl: string) => Promise<string[]>,
  options: ReindexOptions,
  say: Progress,
) {
  const { size, fresh, rounds, seconds, connections } = options;
  const settled = await openCopy(size, fresh, say);
  const outdated = await openCopy(size, false, say);
  try {
    await outdate(urlOf(outdated));
    const resultIds = await ids(urlOf(settled));
    /** One round in a process of its own: the cutting cannot be stopped and gone on with. */
    const measure = async (isCutting: boolean): Promise<Measured & Memory & { rate: number }> => {
      const databaseUrl = urlOf(isCutting ? outdated : settled);
      const job: Job = { databaseUrl, keyFile, connections };
      const api = await startTarget(folder, "api", job, undefined, "api");
      try {
        if (!isCutting) await untilSettled(databaseUrl);
        while (isCutting && (await readMetric(api.url, done)) === 0) await setTimeout(100);
        const token = await api.token();
        const load = { url: api.url, name: "one", resultIds, token, connections } as const;
        await run({ ...load, seconds: Math.min(3, seconds) });
        await api.memory();
        const [began, before] = [performance.now(), await readMetric(api.url, done)];
        const measured = await run({ ...load, seconds });
        const rows = (await readMetric(api.url, done)) - before;
        if (measured.failed > 0) throw new Error(`${measured.failed} reads were not answered`);
        if (isCutting && (await readMetric(api.url, left)) === 0) {
          throw new Error(
            "the listings were all cut before the round had ended: take more of them",
          );
        }
        const rate = (rows / (performance.now() - began)) * 1000;
        return { ...measured, ...(await api.memory()), rate };
      } finally {
        await api.stop();
      }
    };
    const without: Awaited<ReturnType<typeof measure>>[] = [];
    const during: typeof without = [];
    for (let round = 0; round < rounds; round++) {
      // Who goes first changes, so that whatever the machine does besides hits both alike.
      for (const isCutting of round % 2 === 0 ? [false, true] : [true, false]) {
        const one = await measure(isCutting);
        (isCutting ? during : without).push(one);
        say(`${isCutting ? "during" : "without"}: p99 ${one.p99.toFixed(1)} ms`);
      }
    }
    const summary = (of: typeof without) => ({
      requestsPerSecond: rounded(median(of.map((one) => one.requestsPerSecond)), 1),
      p50: rounded(median(of.map(({ p50 }) => p50))),
      p99: rounded(median(of.map(({ p99 }) => p99))),
      memory: Math.max(...of.map(({ most }) => most)),
    });
    const ratio = rounded(median(during.map(({ p99 }, i) => p99 / (without[i]?.p99 ?? 1))), 3);
    return {
      ...size,
      rounds,
      seconds,
      connections,
      without: summary(without),
      during: summary(during),
      listingsPerSecond: rounded(median(during.map(({ rate }) => rate)), 1),
      ratio,
      target,
      reached: ratio <= target,
    };
  } finally {
    for (const copy of [settled, outdated]) await dropCopy(copy);
  }
}
