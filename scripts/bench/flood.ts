/**
 * What everybody else feels while anonymous callers search as dearly as they may: each search has words of
 * the market, another set each time, and asks for facets. Requests are not limited by how many they are
 * (many addresses at once would not be, either).
 */
import { setTimeout } from "node:timers/promises";
import autocannon from "autocannon";
import pg from "pg";
import { fold, queryWordsOf } from "../../src/lib/terms.ts";
import { mostWords } from "../../src/modules/listings/search.service.ts";
import type { Job } from "./cases.ts";
import { dropCopy, openCopy, type Progress, type Size, urlOf } from "./generate.ts";
import { percentile, rounded } from "./numbers.ts";
import { startTarget } from "./processes.ts";
import { untilSettled } from "./settled.ts";

/** Searches at a time. */
const searchers = 50;
/** Characters of the words of a search: as many as `q` may have. */
const longest = 100;
/** Milliseconds between two looks of each kind. */
const lookEvery = 50;

export interface FloodOptions {
  size: Size;
  fresh: boolean;
  rounds: number;
  seconds: number;
  connections: number;
}

/** What others ask for meanwhile. The first ones must answer whatever happens. */
const looks = {
  livez: "/livez",
  readyz: "/readyz",
  one: "",
  page: "/v1/results?limit=20",
  taxonomies: "/v1/taxonomies",
};
type Look = keyof typeof looks;
const vital: readonly string[] = ["livez", "readyz"] satisfies Look[];

/** Searches with as many words of the market's titles as there is room for, each time others. */
async function searchesOf(databaseUrl: string): Promise<{ paths: string[]; id: string }> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string; title: string }>(
    `select r.id, r.title from results r join organizations o on o.id = r.organization_id
     where r.status = 'published' and o.status = 'verified' order by md5(r.id::text) limit 4000`,
  );
  await client.end();
  const words = rows.map(({ title }) => title.slice(0, 5));
  const paths = rows.map((_, i) => {
    let q = "";
    for (let k = 0; k < 40; k++) {
      const longer = `${q} ${words[(i * 41 + k * 97) % words.length]}`.trim();
      if (longer.length <= longest && queryWordsOf(fold(longer)).length <= mostWords.anonymous)
        q = longer;
    }
    return `/v1/results?q=${encodeURIComponent(q)}&include=facets`;
  });
  return { paths, id: rows[0]?.id ?? "" };
}

/** Asks for each in turn, again and again, until the time is over. */
async function look(url: string, id: string, seconds: number) {
  const until = performance.now() + seconds * 1000;
  const seen: { name: Look; ms: number; status: number }[] = [];
  const paths = Object.entries({ ...looks, one: `/v1/results/${id}` }) as [Look, string][];
  await Promise.all(
    paths.map(async ([name, path]) => {
      while (performance.now() < until) {
        const began = performance.now();
        const response = await fetch(`${url}${path}`);
        await response.arrayBuffer();
        seen.push({ name, ms: performance.now() - began, status: response.status });
        await setTimeout(lookEvery);
      }
    }),
  );
  return seen;
}
type Seen = Awaited<ReturnType<typeof look>>;

const summary = (seen: Seen, name: Look) => {
  const of = seen.filter((one) => one.name === name);
  const sorted = of.map(({ ms }) => ms).sort((a, b) => a - b);
  return {
    looks: of.length,
    p50: rounded(percentile(sorted, 0.5)),
    p99: rounded(percentile(sorted, 0.99)),
    most: rounded(sorted.at(-1) ?? Number.NaN),
    refused: of.filter(({ status }) => status !== 200).length,
    failed: of.filter(({ status }) => status >= 500 && status !== 503).length,
  };
};

export async function benchFlood(
  folder: string,
  keyFile: string,
  { size, fresh, rounds, seconds, connections }: FloodOptions,
  say: Progress,
) {
  const copy = await openCopy(size, fresh, say);
  const databaseUrl = urlOf(copy);
  const job: Job = { databaseUrl, keyFile, connections };
  const api = await startTarget(folder, "api", job, undefined, "api");
  try {
    await untilSettled(databaseUrl);
    const { paths, id } = await searchesOf(databaseUrl);
    const without = await look(api.url, id, rounds * seconds);
    let next = 0;
    const requests: autocannon.Request[] = [
      { setupRequest: (given) => ({ ...given, path: paths[next++ % paths.length] ?? "" }) },
    ];
    say(`${searchers} search`);
    const searching = new Promise<autocannon.Result>((resolve, reject) =>
      autocannon(
        { url: api.url, connections: searchers, duration: rounds * seconds, timeout: 60, requests },
        (error, ended) => (error ? reject(error) : resolve(ended)),
      ),
    );
    const during = await look(api.url, id, rounds * seconds);
    const flood = await searching;
    const statuses = Object.fromEntries(
      Object.entries(flood.statusCodeStats ?? {}).map(([code, { count }]) => [code, count ?? 0]),
    );
    const names = Object.keys(looks) as Look[];
    return {
      ...size,
      searchers,
      seconds: rounds * seconds,
      searches: {
        p50: flood.latency.p50,
        p99: flood.latency.p99,
        statuses,
        unanswered: flood.errors,
      },
      looks: names.map((name) => ({
        name,
        without: summary(without, name),
        during: summary(during, name),
      })),
      /** Nothing failed, and what must answer whatever happens did. */
      stood:
        flood.errors === 0 &&
        Object.keys(statuses).every((code) => ["200", "429", "503"].includes(code)) &&
        names.every((name) => {
          const { refused, failed } = summary(during, name);
          return failed === 0 && (refused === 0 || !vital.includes(name));
        }),
    };
  } finally {
    await api.stop();
    await dropCopy(copy);
  }
}

export function printFlood(report: Awaited<ReturnType<typeof benchFlood>>): void {
  const { searches, looks: looked, stood } = report;
  console.log(
    `\n${report.searchers} anonymous searches at a time over ${report.results} results for ${report.seconds} s: p50 ${searches.p50} ms, p99 ${searches.p99} ms, replies ${JSON.stringify(searches.statuses)}, unanswered ${searches.unanswered}`,
  );
  for (const { name, without, during } of looked)
    console.log(
      `${name}: p50 ${without.p50} -> ${during.p50} ms, p99 ${without.p99} -> ${during.p99} ms, longest ${without.most} -> ${during.most} ms, ${during.refused} of ${during.looks} refused`,
    );
  console.log(`nothing failed, and what must answer did: ${stood ? "yes" : "no"}`);
}
