/**
 * A market to search and to match in: texts drawn from the words of the dictionary by Zipf's law (the
 * word of rank r as often as 1 / (r + 50)), loaded in bulk, kept as a template database.
 */
import { dict } from "@node-rs/jieba/dict.js";
import pg from "pg";
import type { needs } from "../../db/schema/needs.ts";
import type { results } from "../../db/schema/results.ts";
import { connect, type Database } from "../../src/database/connect.ts";
import { migrate } from "../../src/database/migrate.ts";
import { transact } from "../../src/database/transact.ts";
import {
  addListings,
  type Matchable,
  type Statistics,
  termsOf,
} from "../../src/modules/matching/matching.service.ts";
import { noteCutAnew } from "../../src/modules/matching/term-statistics.service.ts";
import * as needTexts from "../../src/modules/needs/needs.texts.ts";
import * as resultTexts from "../../src/modules/results/results.texts.ts";
import { memberRows, needRows, organizationRows, resultRows, sessionRows } from "./content.ts";
import {
  buildTemplate,
  dropIndexes,
  fingerprint,
  insert,
  type Progress,
  type Size,
  urlOf,
} from "./generate.ts";

/** Words of the dictionary that a title is made of, the most frequent first. */
export const vocabulary: readonly string[] = new TextDecoder()
  .decode(dict)
  .split("\n")
  .map((line) => line.split(" "))
  .filter(
    ([word = "", , tag = ""]) => /^\p{Script=Han}{2,4}$/u.test(word) && /^(n|vn|v)$/.test(tag),
  )
  .map(([word = "", frequency = "0"]) => ({ word, frequency: Number(frequency) }))
  .sort((a, b) => b.frequency - a.frequency || (a.word < b.word ? -1 : 1))
  .slice(0, 40_000)
  .map(({ word }) => word);

const offset = 50;

/** A word by Zipf's law. */
export const draw = (random: () => number): string => {
  const rank = (vocabulary.length + offset) ** random() * offset;
  // The inverse of the distribution: between the offset and the whole, evenly in the logarithm.
  const place = Math.exp(
    Math.log(offset) +
      (Math.log(rank / offset) / Math.log(vocabulary.length + offset)) *
        Math.log((vocabulary.length + offset) / offset),
  );
  return vocabulary[Math.min(vocabulary.length - 1, Math.floor(place - offset))] ?? "";
};

const words = (random: () => number, count: number) =>
  Array.from({ length: count }, () => draw(random)).join("");

const zipf = (random: () => number) => ({
  title: () => words(random, 5),
  prose: (count: number) =>
    Array.from(
      // Half of what a long text has: the terms that tell most of it are in the index either way.
      { length: Math.ceil(count / 2) },
      () => `${words(random, 3)}，${words(random, 2)}。`,
    ).join(""),
});

/** A row as the table names it -> as the code does. */
const named = (row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );

const kinds = {
  result: {
    rows: (count: number) => resultRows(count, zipf),
    matchable: (row: Record<string, unknown>): Matchable => {
      const whole = named(row) as unknown as typeof results.$inferSelect;
      return { facts: resultTexts.factsOf(whole), texts: resultTexts.textsOf(whole) };
    },
  },
  need: {
    rows: (count: number) => needRows(count, zipf),
    matchable: (row: Record<string, unknown>): Matchable => {
      const whole = named(row) as unknown as typeof needs.$inferSelect;
      return { facts: needTexts.factsOf(whole), texts: needTexts.textsOf(whole) };
    },
  },
} as const;

/** Listings from which the frequencies of terms are estimated, before all of them are there to be counted. */
const sample = 10_000;

/** How often terms are in the whole market, by a sample of it. */
function estimate(size: Size): Statistics {
  const all = size.results + size.needs;
  const counts = new Map<number, number>();
  let seen = 0;
  for (const [noun, count] of [
    ["result", Math.ceil((sample * size.results) / all)],
    ["need", Math.ceil((sample * size.needs) / all)],
  ] as const) {
    for (const row of kinds[noun].rows(Math.min(count, all))) {
      seen += 1;
      for (const { term } of termsOf(kinds[noun].matchable(row).texts)) {
        counts.set(term, (counts.get(term) ?? 0) + 1);
      }
    }
  }
  const scale = all / seen;
  return {
    documents: all,
    frequencies: new Map([...counts].map(([term, count]) => [term, Math.round(count * scale)])),
  };
}

/** Rows written in one transaction. */
const batch = 1_000;

async function load(
  { pool }: Database,
  noun: "result" | "need",
  count: number,
  known: Statistics,
  progress: Progress,
): Promise<void> {
  const started = performance.now();
  let waiting: Record<string, unknown>[] = [];
  let done = 0;
  // While the server stores a batch, the next one is cut into terms.
  let storing: Promise<unknown> = Promise.resolve();
  const flush = async () => {
    const rows = waiting;
    waiting = [];
    const live = rows.filter(({ status }) => status === "published");
    const matchables = live.map(kinds[noun].matchable);
    const of = matchables.map(({ texts }) => termsOf(texts));
    await storing;
    storing = transact(pool, async (tx) => {
      await insert(tx, `${noun}s`, rows);
      await addListings(tx, noun, matchables, { of, known });
    });
    done += rows.length;
    if (done % 10_000 === 0 || done === count) {
      const rate = Math.round((done / (performance.now() - started)) * 1000);
      progress(`${noun}s: ${done} of ${count}, ${rate} a second`);
    }
  };
  for (const row of kinds[noun].rows(count)) {
    waiting.push(row);
    if (waiting.length === batch) await flush();
  }
  await flush();
  await storing;
}

async function fill(url: string, size: Size, progress: Progress): Promise<void> {
  const settings =
    "-c synchronous_commit=off -c maintenance_work_mem=1GB -c statement_timeout=0 -c jit=off -c timezone=UTC";
  const database = connect({ connectionString: url, max: 2, options: settings });
  const started = performance.now();
  try {
    progress("migrating");
    await migrate(database);
    const { pool, db } = database;
    await insert(db, "organizations", [...organizationRows()]);
    await insert(db, "members", [...memberRows()]);
    await insert(db, "sessions", [...sessionRows()]);
    const rebuild = await dropIndexes(pool, [
      "results",
      "needs",
      "result_postings",
      "need_postings",
    ]);
    progress("estimating how frequent terms are");
    const known = estimate(size);
    await load(database, "result", size.results, known, progress);
    await load(database, "need", size.needs, known, progress);
    await rebuild(progress);
    progress("counting terms");
    await transact(pool, noteCutAnew);
    progress("vacuum, analyze");
    await pool.query("vacuum (freeze, analyze)");
    progress(`filled in ${Math.round((performance.now() - started) / 1000)} s`);
  } finally {
    await database.close();
  }
}

/** The filled database of this size, made when it is missing. It is read only: copy it to write. */
export const matchingTemplate = (size: Size, fresh: boolean, progress: Progress): Promise<string> =>
  buildTemplate(
    `grand_market_matching_${fingerprint([
      "scripts/bench/matching-data.ts",
      "src/modules/matching/matching.vector.ts",
      "src/modules/matching/matching.store.ts",
      "src/modules/matching/matching.service.ts",
      "src/modules/matching/term-statistics.store.ts",
      "src/modules/results/results.texts.ts",
      "src/modules/needs/needs.texts.ts",
    ])}_${size.results}_${size.needs}`,
    fresh,
    progress,
    (url) => fill(url, size, progress),
  );

/** Bytes of a database, and of its largest tables with their indexes. */
export async function sizesOf(database: string) {
  const client = new pg.Client({ connectionString: urlOf(database) });
  await client.connect();
  const { rows } = await client.query<{ name: string; table: string; indexes: string }>(
    `select relname as name, pg_size_pretty(pg_table_size(oid)) as table, pg_size_pretty(pg_indexes_size(oid)) as indexes
     from pg_class where relname in ('results', 'needs', 'matching_documents', 'result_postings', 'need_postings', 'term_statistics')`,
  );
  await client.end();
  return rows;
}
