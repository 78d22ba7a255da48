/** What serving costs: this API beside the floor (`floor.ts`) and the limit (`limit.ts`), in one run. */
import { isDeepStrictEqual } from "node:util";
import pg from "pg";
import {
  bodyOf,
  type Capture,
  type CaseName,
  cases,
  fieldCodes,
  type Job,
  pathsOf,
  type Role,
} from "./cases.ts";
import { dropCopy, openCopy, type Progress, type Size, urlOf } from "./generate.ts";
import { headersOf, type Measured, run } from "./load.ts";
import { median, rounded } from "./numbers.ts";
import { captureApi, startTarget, type Target } from "./processes.ts";
import { untilSettled } from "./settled.ts";

export interface ServingOptions {
  size: Size;
  fresh: boolean;
  rounds: number;
  seconds: number;
  connections: number;
  names: readonly CaseName[];
  /** Whether the filtered page is measured over a tenth of the market as well. */
  withGrowth: boolean;
  /** Whether the limit is measured beside them. */
  withLimit: boolean;
  /** Folder for a CPU profile of each process. */
  profile: string | undefined;
}

/** Limits of the whole: bytes of resident memory, and the large market's cost over the small one's. */
const memoryLimit = 300 * 1024 * 1024;
const growthLimit = 1.3;

/** What counting a request may cost, and of which replies: the cheapest show it most. */
const countingLimit = 1.05;
const countedCases: readonly CaseName[] = ["one", "oneHot", "page"];

/** What a load came to, with the target's own use of the processor. */
interface Round extends Measured {
  /** CPU time of the target's process for each reply, in ms. */
  cpu: number;
}

/** Medians of the rounds. */
const summary = (measured: readonly Round[]) => ({
  requestsPerSecond: rounded(median(measured.map((m) => m.requestsPerSecond)), 1),
  p50: rounded(median(measured.map((m) => m.p50))),
  p99: rounded(median(measured.map((m) => m.p99))),
  cpuMs: rounded(median(measured.map((m) => m.cpu)), 3),
});

/** Published results of organizations in good standing, spread over the market. */
export async function publishedIds(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    `select r.id from results r join organizations o on o.id = r.organization_id
     where r.status = 'published' and o.status = 'verified' order by md5(r.id::text) limit 20000`,
  );
  await client.end();
  return rows.map((row) => row.id);
}

/** What two replies must have in common: all but the cursor, whose content is this API's own. */
function comparable(text: string): unknown {
  const body = JSON.parse(text) as { page?: { next?: string } };
  if (body.page?.next) body.page.next = "";
  return body;
}

/** A reply that only has to have the other's members, such as what was just created. */
const shapeOf = (body: unknown) => Object.keys(body as object).sort();

/**
 * The floor must do the same work: its replies are compared with the API's before anything is measured.
 * @throws Error when they differ
 */
async function assertSame(name: CaseName, api: Target, floor: Target, ids: readonly string[]) {
  const token = await api.token();
  for (const path of pathsOf(name, ids).slice(0, 20)) {
    const replies = [];
    for (const target of [api, floor]) {
      const init: RequestInit = { method: cases[name].method, headers: headersOf(name, token) };
      const body = bodyOf(name);
      if (body) Object.assign(init, { body });
      const response = await fetch(`${target.url}${path}`, init);
      const text = await response.text();
      if (!response.ok) throw new Error(`${target.role} ${path}: ${response.status} ${text}`);
      replies.push(comparable(text));
    }
    const [ours, floors] = cases[name].method === "GET" ? replies : replies.map(shapeOf);
    if (isDeepStrictEqual(ours, floors)) continue;
    throw new Error(
      `${path}: the floor answers differently\n${JSON.stringify(ours)}\n${JSON.stringify(floors)}`,
    );
  }
}

/** Milliseconds of the filtered page's statement alone, on each database in turn. */
async function measureSql(
  capture: Capture,
  urls: readonly string[],
  laps: number,
): Promise<number[]> {
  const { text, values } = capture.statements.page;
  const settings = "-c timezone=UTC -c jit=off";
  const clients = urls.map((url) => new pg.Client({ connectionString: url, options: settings }));
  for (const client of clients) await client.connect();
  const times: number[][] = clients.map(() => []);
  for (let lap = -2; lap < laps; lap++) {
    for (const [i, client] of clients.entries()) {
      for (const code of fieldCodes) {
        const given = values.map((value) => (value === capture.sample.fieldCode ? code : value));
        const started = performance.now();
        await client.query({ name: "page", text, values: given, rowMode: "array" });
        if (lap >= 0) times[i]?.push(performance.now() - started);
      }
    }
  }
  for (const client of clients) await client.end();
  return times.map(median);
}

/** Measures the cases on copies of a settled market. */
export async function benchServing(
  folder: string,
  keyFile: string,
  {
    size: large,
    fresh,
    rounds,
    seconds,
    connections,
    names: chosen,
    withGrowth,
    withLimit,
    profile,
  }: ServingOptions,
  say: Progress,
) {
  const small = { results: Math.ceil(large.results / 10), needs: Math.ceil(large.needs / 10) };
  const copies = [await openCopy(large, fresh, say)];
  if (withGrowth) copies.push(await openCopy(small, fresh, say));
  const [largeCopy = "", smallCopy = ""] = copies;
  const targets: Target[] = [];
  try {
    const job: Job = { databaseUrl: urlOf(largeCopy), keyFile, connections };
    const smallJob: Job = { ...job, databaseUrl: urlOf(smallCopy) };
    say("capturing what the API asks of the database");
    const captured = await captureApi(folder, job);
    const open = async (role: Exclude<Role, "capture">, given: Job, label: string) => {
      const target = await startTarget(folder, role, given, profile, label);
      targets.push(target);
      return target;
    };
    const api = await open("api", job, "api");
    const floor = await open("floor", { ...job, capture: captured }, "floor");
    const limit = withLimit && (await open("limit", { ...job, capture: captured }, "limit"));
    const ids = await publishedIds(job.databaseUrl);
    for (const name of chosen) await assertSame(name, api, floor, ids);

    let replies = 0;
    let failed = 0;
    const most = new Map<Target, number>();
    const load = async (target: Target, name: CaseName, token: string, time: number) => {
      const { url } = target;
      const before = await target.memory();
      const measured = await run({ url, name, resultIds: ids, token, seconds: time, connections });
      const after = await target.memory();
      most.set(target, Math.max(most.get(target) ?? 0, after.most));
      replies += measured.replies;
      failed += measured.failed;
      return { ...measured, cpu: (after.cpu - before.cpu) / measured.replies };
    };
    /** Rounds of one case on several targets, in turn, after a warm-up of each. */
    const compare = async (name: CaseName, on: readonly Target[]) => {
      const token = await api.token();
      // Not beside work that the market does by itself.
      await untilSettled(job.databaseUrl);
      // Until the compiler has seen enough of it, however slow the machine is.
      for (const target of on) {
        let seen = 0;
        for (let turn = 0; turn < 8 && seen < rounds * seconds * 100; turn++) {
          seen += (await load(target, name, token, Math.min(2, seconds))).replies;
        }
      }
      const measured: Round[][] = on.map(() => []);
      for (let round = 0; round < rounds; round++) {
        // Who goes first changes, so that whatever one leaves behind hits both alike.
        const order = [...on.entries()];
        if (round % 2 === 1) order.reverse();
        for (const [i, target] of order) {
          const one = await load(target, name, token, seconds);
          measured[i]?.push(one);
          say(
            `${name}, round ${round + 1} of ${rounds}: ${target.label} ${Math.round(one.requestsPerSecond)} requests a second`,
          );
        }
      }
      return measured as [Round[], Round[], ...Round[][]];
    };
    /** Median of the rounds' own ratios: what slows the machine for a while hits both of a round. */
    const ratioOf = (over: readonly Measured[], under: readonly Measured[]) =>
      rounded(
        median(
          over.map((one, i) => one.requestsPerSecond / (under[i]?.requestsPerSecond ?? Number.NaN)),
        ),
        3,
      );

    /** What the filtered page costs on ten times the results. */
    const growth = async () => {
      const smallApi = await open("api", smallJob, "api-small");
      await untilSettled(smallJob.databaseUrl);
      const [onLarge, onSmall] = await compare("page", [api, smallApi]);
      const apiRatio = ratioOf(onSmall, onLarge);
      const urls = [job.databaseUrl, smallJob.databaseUrl];
      const [sqlLarge = 0, sqlSmall = 0] = await measureSql(
        captured,
        urls,
        Math.max(3, rounds * seconds * 2),
      );
      const sqlRatio = rounded(sqlLarge / sqlSmall, 3);
      return {
        from: small.results,
        to: large.results,
        api: { from: summary(onSmall), to: summary(onLarge), ratio: apiRatio },
        sql: { fromMs: rounded(sqlSmall, 3), toMs: rounded(sqlLarge, 3), ratio: sqlRatio },
        limit: growthLimit,
        reached: apiRatio <= growthLimit && sqlRatio <= growthLimit,
      };
    };

    /** What counting requests against quotas costs: CPU of a reply with and without. */
    const counting = async () => {
      // Both begin now, without the market's own work: the one that does it has more garbage to collect.
      const alike = { ...job, runsJobs: false };
      const counted = await open("api", alike, "api-counted");
      const uncounted = await open("api", { ...alike, isCounted: false }, "api-uncounted");
      const costs = [];
      for (const name of chosen.filter((name) => countedCases.includes(name))) {
        const [ours, without] = await compare(name, [counted, uncounted]);
        const ratio = rounded(
          median(ours.map((one, i) => one.cpu / (without[i]?.cpu ?? Number.NaN))),
          3,
        );
        costs.push({ name, counted: summary(ours), uncounted: summary(without), ratio });
      }
      for (const target of [counted, uncounted]) await target.stop();
      return {
        cases: costs,
        limit: countingLimit,
        reached: costs.every((one) => one.ratio <= countingLimit),
      };
    };

    const rows = [];
    for (const name of chosen) {
      const [ours, floors, limits] = await compare(
        name,
        limit ? [api, floor, limit] : [api, floor],
      );
      const ratio = ratioOf(ours, floors);
      const { title, target } = cases[name];
      rows.push({
        name,
        title,
        api: summary(ours),
        floor: summary(floors),
        limit: limits ? summary(limits) : null,
        ratio,
        ofLimit: limits ? ratioOf(ours, limits) : null,
        target,
        reached: ratio >= target,
      });
    }

    return {
      ...large,
      rounds,
      seconds,
      connections,
      cases: rows,
      memory: {
        api: most.get(api) ?? 0,
        floor: most.get(floor) ?? 0,
        limit: memoryLimit,
        reached: (most.get(api) ?? 0) <= memoryLimit,
      },
      growth: withGrowth ? await growth() : null,
      counting: await counting(),
      replies: { total: replies, failed },
    };
  } finally {
    for (const target of targets) await target.stop();
    for (const copy of copies) await dropCopy(copy);
  }
}

export function printServing(report: Awaited<ReturnType<typeof benchServing>>): void {
  const verdict = (reached: boolean) => (reached ? "yes" : "no");
  const head = [
    "case",
    "API req/s",
    "p50/p99 ms",
    "floor req/s",
    "p50/p99 ms",
    "limit req/s",
    "CPU ms a reply, API / floor / limit",
    "ratio",
    "target",
    "reached",
  ];
  const lines = report.cases.map(({ title, api, floor, limit, ratio, target, reached }) => [
    title,
    api.requestsPerSecond.toFixed(0),
    `${api.p50} / ${api.p99}`,
    floor.requestsPerSecond.toFixed(0),
    `${floor.p50} / ${floor.p99}`,
    limit?.requestsPerSecond.toFixed(0) ?? "",
    [api, floor, limit].flatMap((one) => one?.cpuMs.toFixed(2) ?? []).join(" / "),
    ratio.toFixed(2),
    target.toFixed(2),
    verdict(reached),
  ]);
  const table = [head, ...lines];
  const widths = head.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0)));
  for (const line of table) {
    console.log(line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "));
  }
  const { memory, growth, counting, replies } = report;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`;
  console.log(
    `\nresident memory under load: API ${megabytes(memory.api)}, floor ${megabytes(memory.floor)}; at most ${megabytes(memory.limit)}: ${verdict(memory.reached)}`,
  );
  if (growth)
    console.log(
      `filtered page, ${growth.from} -> ${growth.to} results: API ${growth.api.ratio.toFixed(2)} times the cost, its SQL alone ${growth.sql.fromMs} -> ${growth.sql.toMs} ms, ${growth.sql.ratio.toFixed(2)} times; at most ${growth.limit}: ${verdict(growth.reached)}`,
    );
  if (counting.cases.length > 0)
    console.log(
      `counting requests: CPU a reply ${counting.cases.map(({ name, counted, uncounted, ratio }) => `${name} ${counted.cpuMs} beside ${uncounted.cpuMs} ms (${ratio})`).join(", ")}; at most ${counting.limit}: ${verdict(counting.reached)}`,
    );
  console.log(`${replies.total} replies, ${replies.failed} not 2xx`);
}
