/**
 * Measures reads while a version that cuts text in another way writes all listings again, and after it, in
 * the same process: 50 reads a second, whether or not the answers come. Prints one line a round.
 * With DATABASE_URL on a scratch database of that server, else on the embedded one.
 * Exit codes: 0 the p99 is at most `--factor` times what it is without in some round, 1 in none, or a
 * read failed; 2 called wrongly.
 */
import { setTimeout } from "node:timers/promises";
import { connect, type Database } from "../../src/database/connect.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { memberRows, needRows, organizationRows, resultRows } from "../bench/content.ts";
import { insert } from "../bench/generate.ts";
import { percentile } from "../bench/numbers.ts";
import { readOptions } from "../options.ts";
import { runScript, untilReady } from "../tour/process.ts";
import { openPlace, type Place } from "./place.ts";

const { results, rounds, factor } = readOptions({
  name: "measure-reindex",
  does: `Measures reads while a version that cuts text in another way writes all listings anew, and after it,
in the same process: 50 reads a second, whether or not the answers come. Prints one line a round.`,
  options: {
    results: { count: 600, what: "results of the market, with a fifth as many needs" },
    rounds: { count: 3, what: "tries at most" },
    factor: { count: 3, what: "how many times the p99 without it is still good" },
  },
  environment: {
    DATABASE_URL: "a PostgreSQL server to make a scratch database on; else the embedded one",
  },
  exits: "0 the p99 stayed within the factor in some round, 1 in none, or a read failed",
}).options;

/** Reads a second. */
const rate = 50;
const paths = (ids: readonly string[]) => [
  ...ids.map((id) => `/v1/results/${id}`),
  "/v1/results?limit=20",
  "/v1/needs?limit=20&fieldCode=07",
  `/v1/results?q=${encodeURIComponent("电池 检测")}`,
  "/v1/taxonomies/regions",
];

/** Fills an empty database with a market that was cut in another way. */
async function fill(database: Database): Promise<void> {
  const { db } = database;
  await migrate(database);
  await insert(db, "organizations", [...organizationRows()]);
  await insert(db, "members", [...memberRows()]);
  await insert(db, "results", [...resultRows(results)]);
  await insert(db, "needs", [...needRows(results / 5)]);
  await database.pool.query(
    "insert into term_statistics_versions (version, terms_version) values (1, 0) on conflict (single_row) do update set version = 1, terms_version = 0",
  );
  if (process.env.DATABASE_URL) await database.pool.query("vacuum analyze");
}

/** Reads at the rate until `done`, and gives how long each read took, in ms. */
async function read(url: string, ids: readonly string[], done: () => boolean): Promise<number[]> {
  const asked = paths(ids);
  const times: number[] = [];
  const running: Promise<void>[] = [];
  const started = performance.now();
  for (let i = 0; !done(); i++) {
    const wait = started + (i * 1000) / rate - performance.now();
    if (wait > 0) await setTimeout(wait);
    const path = asked[i % asked.length];
    const begun = performance.now();
    running.push(
      fetch(`${url}${path}`).then(async (reply) => {
        await reply.arrayBuffer();
        if (!reply.ok) throw new Error(`${path} answered ${reply.status}`);
        times.push(performance.now() - begun);
      }),
    );
  }
  await Promise.all(running);
  return times;
}

/** Resolves when the terms have been recounted, which is the last part of writing the listings again. */
async function finished(url: string): Promise<void> {
  for (;;) {
    const reply = await fetch(`${url}/v1/results?limit=1&q=%E7%94%B5`);
    const { understood } = (await reply.json()) as { understood: { version: number } };
    if (understood.version > 1) return;
    await setTimeout(500);
  }
}

async function round(place: Place): Promise<number> {
  const market = place.launch({ changes: { NODE_ENV: "production" } });
  await untilReady(market);
  const page = await fetch(`${place.url}/v1/results?limit=20`);
  const ids = ((await page.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
  // What a process does for the first time takes longer.
  const warm = performance.now() + 2_000;
  await read(place.url, ids, () => performance.now() > warm);
  let isFinished = false;
  const started = performance.now();
  const ended = finished(place.url).then(() => {
    isFinished = true;
  });
  const during = await read(place.url, ids, () => isFinished);
  await ended;
  const seconds = (performance.now() - started) / 1000;
  const until = performance.now() + 10_000;
  const without = await read(place.url, ids, () => performance.now() > until);
  await market.end("SIGTERM");
  for (const times of [during, without]) times.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(during, share));
  const [plain50, plain99] = [0.5, 0.99].map((share) => percentile(without, share));
  const ratio = (p99 ?? 0) / (plain99 ?? 1);
  const ms = (time = 0) => `${time.toFixed(1)} ms`;
  console.log(
    `p50 ${ms(p50)}, p99 ${ms(p99)} during the ${seconds.toFixed(0)} s beside ${ms(plain50)}, ${ms(plain99)}: ${ratio.toFixed(1)} times, ${during.length} reads`,
  );
  return ratio;
}

async function run(serverUrl: string | null): Promise<boolean> {
  for (let i = 0; i < rounds; i++) {
    const place = await openPlace(serverUrl);
    try {
      const database = place.databaseUrl
        ? connect({ connectionString: place.databaseUrl, max: 2 })
        : await openEmbedded(place.dataDir);
      await fill(database);
      await database.close();
      if (place.databaseUrl) {
        runScript("keys.ts", ["create", String(place.env.SIGNING_KEYS_FILE)], place.env);
      }
      if ((await round(place)) <= factor) return true;
    } finally {
      await place.remove();
    }
  }
  return false;
}

if (!(await run(process.env.DATABASE_URL || null))) process.exitCode = 1;
