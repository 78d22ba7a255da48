/**
 * What searching and matching cost on a market of 1,000,000 results and 200,000 needs, beside one of a
 * tenth: the service's own functions on a PostgreSQL server, one connection. The floor is the cheapest
 * query that gives a page: 20 rows by an index.
 */
import { sql } from "drizzle-orm";
import { results } from "../../db/schema/results.ts";
import { connect, type Database } from "../../src/database/connect.ts";
import { transact } from "../../src/database/transact.ts";
import type { Actor } from "../../src/lib/access.ts";
import { newId } from "../../src/lib/ids.ts";
import { searchColumnsOf } from "../../src/lib/terms.ts";
import { insertListing } from "../../src/modules/listings/listings.store.ts";
import { indexListings, readTermsMeanwhile } from "../../src/modules/matching/matching.service.ts";
import { ListResultsQuery } from "../../src/modules/results/results.schema.ts";
import { listResults } from "../../src/modules/results/results.service.ts";
import { factsOf, textsOf } from "../../src/modules/results/results.texts.ts";
import {
  suggestForNeed,
  suggestForResult,
} from "../../src/modules/suggestions/suggestions.service.ts";
import { copyTemplate, dropCopy, type Size, urlOf } from "./generate.ts";
import { matchingTemplate, sizesOf, vocabulary } from "./matching-data.ts";
import { untilSettled } from "./settled.ts";

type Say = (text: string) => void;

export interface MatchingOptions {
  size: Size;
  fresh: boolean;
  rounds: number;
}

const rounded = (number: number, digits = 1) => Number(number.toFixed(digits));
const at = (times: readonly number[], share: number): number =>
  [...times].sort((a, b) => a - b)[Math.floor(share * (times.length - 1))] ?? Number.NaN;

/** Numbers that are the same in every run. */
function counter(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

/** The operator: it sees the suggestions for every published listing. */
const operator: Actor = {
  kind: "member",
  id: newId(),
  sessionId: null,
  organizationId: newId(),
  role: "operator",
  organizationStatus: "verified",
  isAdmin: true,
  scopes: null,
  barredUntil: null,
  isProved: true,
};

interface Market {
  database: Database;
  /** Published ones, spread over the market. */
  results: { id: string; title: string }[];
  needs: { id: string }[];
}

/** Reads all of the market once: a server that serves it has it in the machine's memory, on whatever day it was loaded. */
async function warm({ pool }: Database): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("create extension if not exists pg_prewarm; set statement_timeout = 0");
    await client.query(`select pg_prewarm(oid, 'read') from pg_class
      where relkind in ('r', 'i', 't') and relnamespace in ('public'::regnamespace, 'pg_toast'::regnamespace)`);
    await client.query("reset statement_timeout");
  } finally {
    client.release();
  }
}

async function open(template: string, { results: size }: Size): Promise<Market> {
  const database = connect({ connectionString: urlOf(template), max: callers });
  await warm(database);
  const sample = async <T extends Record<string, unknown>>(table: string, columns: string) =>
    (
      await database.db.execute<T>(
        sql.raw(
          `select ${columns} from ${table} l join organizations o on o.id = l.organization_id
           where l.status = 'published' and o.status = 'verified' and l.id in
             (select id from ${table} tablesample system (${Math.min(100, 2_000_000 / size)}) limit 4000) limit 400`,
        ),
      )
    ).rows;
  return {
    database,
    results: await sample("results", "l.id, l.title"),
    needs: await sample("needs", "l.id"),
  };
}

/** A query of each kind, of the words that this market has. */
const queries: Record<string, (market: Market, draw: (below: number) => number) => string> = {
  "one common word": (_, draw) => vocabulary[draw(30)] ?? "",
  "two common words": (_, draw) => `${vocabulary[draw(30)]} ${vocabulary[30 + draw(70)]}`,
  "two words of a title": ({ results }, draw) => {
    const title = results[draw(results.length)]?.title ?? "";
    return `${title.slice(0, 2)} ${title.slice(-2)}`;
  },
  "one rare word": (_, draw) => vocabulary[8_000 + draw(20_000)] ?? "",
};

/** A page as a portal asks for it: the best matches with their facets. */
const search = (q: string, more: Record<string, string> = {}) =>
  ListResultsQuery.parse({ q, include: "facets", ...more });

type Work = (market: Market, draw: (below: number) => number) => Promise<unknown>;

/** Filters that nearly all, most and a fifth of the listings pass. */
const filters: Record<string, Record<string, string>> = {
  province: { regionCode: "410000" },
  city: { regionCode: "410700" },
  "mode of cooperation": { cooperationMode: "licence" },
};

const cases: Record<string, Work> = {
  ...Object.fromEntries(
    Object.entries(queries).map(([name, query]): [string, Work] => [
      `search, ${name}`,
      (market, draw) => listResults(market.database.db, null, search(query(market, draw))),
    ]),
  ),
  "search in a field, common words": (market, draw) =>
    listResults(
      market.database.db,
      null,
      search(vocabulary[draw(100)] ?? "", { fieldCode: `0${1 + draw(9)}` }),
    ),
  ...Object.fromEntries(
    Object.entries(filters).map(([name, filter]): [string, Work] => [
      `search in a ${name}, common words`,
      (market, draw) =>
        listResults(market.database.db, null, search(vocabulary[draw(100)] ?? "", filter)),
    ]),
  ),
  "newest, common word": (market, draw) =>
    listResults(
      market.database.db,
      null,
      ListResultsQuery.parse({ q: vocabulary[draw(100)] ?? "", sort: "newest" }),
    ),
  "newest, rare word": (market, draw) =>
    listResults(
      market.database.db,
      null,
      ListResultsQuery.parse({ q: vocabulary[8_000 + draw(20_000)] ?? "", sort: "newest" }),
    ),
  "suggestions for a need": (market, draw) =>
    suggestForNeed(
      market.database.db,
      operator,
      market.needs[draw(market.needs.length)]?.id ?? "",
      {
        limit: 20,
        nearMisses: 5,
        brokers: 5,
      },
    ),
  "suggestions for a result": (market, draw) =>
    suggestForResult(
      market.database.db,
      operator,
      market.results[draw(market.results.length)]?.id ?? "",
      { limit: 20, nearMisses: 5 },
    ),
};

/** What the issue aims at: p99 in ms on the large market, growth of the p50 from the small one. */
const aims = [
  { match: /^search/, p99: 100, growth: 3 },
  { match: /^suggestions for a need/, p99: 100, growth: 1.5 },
];

/** Calls of a case in one round: fewer where a market is too small to tell anything. */
const callsOver = ({ results: size }: Size) => Math.min(60, Math.ceil(size / 50));

/** Callers at once, each with the next call when it has its answer. */
const callers = 10;

/** The same calls by several callers at once, on the large market. */
async function measureTogether(market: Market, each: number, say: Say) {
  const rows = [];
  for (const [name, work] of Object.entries(cases)) {
    const times: number[] = [];
    const started = performance.now();
    await Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        const draw = counter(caller * 7_919 + 17);
        for (let call = 0; call < each; call++) {
          const asked = performance.now();
          await work(market, draw);
          times.push(performance.now() - asked);
        }
      }),
    );
    const callsPerSecond = rounded((times.length / (performance.now() - started)) * 1000);
    const [p50, p99] = [rounded(at(times, 0.5)), rounded(at(times, 0.99))];
    rows.push({ name, callers, calls: times.length, callsPerSecond, p50, p99 });
    say(`${name}, ${callers} callers: p50 ${p50} ms, p99 ${p99} ms`);
  }
  return rows;
}

/** Listings written, a quarter of them to warm up: as many as tell the middle of them well. */
const writesOver = ({ results: size }: Size) => Math.min(1_200, Math.ceil(size / 10));

async function measureReads(
  markets: readonly Market[],
  { rounds, each }: { rounds: number; each: number },
  say: Say,
) {
  const rows = [];
  const floor: Work = ({ database }) =>
    database.db.execute(sql`select id, title, published_at from ${results}
      where status = 'published' order by published_at desc, id desc limit 20`);
  for (const [name, work] of [
    ["floor: 20 rows by an index", floor] as const,
    ...Object.entries(cases),
  ]) {
    const times: number[][] = markets.map(() => []);
    for (const [i, market] of markets.entries()) {
      // The first round warms caches, the memory of counts and the compiler.
      for (let round = -1; round < rounds; round++) {
        const draw = counter(round * 7_919 + 17);
        for (let call = 0; call < each; call++) {
          const started = performance.now();
          await work(market, draw);
          if (round >= 0) times[i]?.push(performance.now() - started);
        }
      }
    }
    const [large = [], small = []] = times;
    const growth = at(large, 0.5) / at(small, 0.5);
    const aim = aims.find(({ match }) => match.test(name));
    rows.push({
      name,
      calls: large.length,
      p50: rounded(at(large, 0.5)),
      p99: rounded(at(large, 0.99)),
      smallP50: rounded(at(small, 0.5)),
      growth: rounded(growth, 2),
      aim: aim ? { p99: aim.p99, growth: aim.growth } : null,
    });
    say(`${name}: p50 ${at(large, 0.5).toFixed(1)} ms, p99 ${at(large, 0.99).toFixed(1)} ms`);
  }
  const floorP50 = rows[0]?.p50 ?? Number.NaN;
  return rows.map((row) => ({ ...row, timesFloor: rounded(row.p50 / floorP50) }));
}

const searchIndexes = ["results_search", "results_search_inner", "results_search_title"];

/**
 * A listing written in its own transaction with all it is found by, beside the plain row, which goes into
 * a market without the indexes of search.
 */
async function measureWrites(template: string, count: number, say: Say) {
  const copies = [await copyTemplate(template, say), await copyTemplate(template, say)] as const;
  const [bare, full] = copies.map((copy) => connect({ connectionString: urlOf(copy), max: 1 }));
  if (!bare || !full) throw new Error("two copies");
  try {
    await bare.pool.query(`drop index ${searchIndexes.join(", ")}`);
    const { rows } = await full.db.execute<Record<string, unknown>>(
      sql`select to_jsonb(r) as row from results r where status = 'published' limit ${count}`,
    );
    for (const { db } of [bare, full]) {
      await db.execute(sql`select setval('result_references', (select count(*) from results))`);
    }
    const none = { titleText: "", summaryText: "", titleTerms: [], searchTerms: [] };
    const writePlain = (values: ResultRow) =>
      transact(bare.pool, (tx) =>
        insertListing(tx, results, "bench_plain", { ...values, ...none }),
      );
    const writeWhole = (values: ResultRow) =>
      transact(full.pool, async (tx) => {
        const texts = textsOf(values);
        const row = { ...values, ...searchColumnsOf(texts) };
        // As the service does it.
        const [, terms] = await Promise.all([
          insertListing(tx, results, "bench_indexed", row),
          readTermsMeanwhile(tx, texts),
        ]);
        const matchables = [{ facts: factsOf(values), texts }];
        await indexListings(tx, "result", matchables, { terms, isThere: false });
      });
    const plain: number[] = [];
    const whole: number[] = [];
    const time = async (write: (values: ResultRow) => Promise<unknown>, row: unknown) => {
      const values = columnsOf(row as Record<string, unknown>);
      const started = performance.now();
      await write(values);
      return performance.now() - started;
    };
    const warmUp = Math.floor(rows.length / 4);
    for (const [i, { row }] of rows.entries()) {
      const order = i % 2 === 0 ? [true, false] : [false, true];
      for (const indexed of order) {
        const took = await time(indexed ? writeWhole : writePlain, row);
        if (i >= warmUp) (indexed ? whole : plain).push(took);
      }
    }
    return {
      plainP50: rounded(at(plain, 0.5), 2),
      wholeP50: rounded(at(whole, 0.5), 2),
      ratio: rounded(at(whole, 0.5) / at(plain, 0.5), 2),
      aim: 2,
    };
  } finally {
    for (const { close } of [bare, full]) await close();
    for (const copy of copies) await dropCopy(copy);
  }
}

type ResultRow = typeof results.$inferSelect;

/** A row of the database as a new one of the code: what the database makes itself is left to it. */
function columnsOf(row: Record<string, unknown>): ResultRow {
  const made = [
    ...["reference", "province_code", "city_code", "field_top", "industry_section"],
    "facet_terms",
  ];
  const entries = Object.entries(row)
    .filter(([name]) => !made.includes(name))
    .map(([name, value]) => [
      name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]);
  return { ...Object.fromEntries(entries), id: newId() } as ResultRow;
}

/** Measures all of it and says what it found. */
export async function benchMatching({ size, fresh, rounds }: MatchingOptions, say: Say) {
  const tenth = { results: Math.ceil(size.results / 10), needs: Math.ceil(size.needs / 10) };
  // Always again: loading it is measured as well.
  const started = performance.now();
  const small = await matchingTemplate(tenth, true, say);
  const loadSeconds = Math.round((performance.now() - started) / 1000);
  const large = await matchingTemplate(size, fresh, say);
  for (const template of [large, small]) await untilSettled(urlOf(template));
  const markets = [await open(large, size), await open(small, tenth)];
  const reads = await measureReads(markets, { rounds, each: callsOver(size) }, say);
  const [onLarge] = markets;
  const together = onLarge ? await measureTogether(onLarge, callsOver(size), say) : [];
  for (const { database } of markets) await database.close();
  const writes = await measureWrites(small, writesOver(tenth), say);
  const sizes = await sizesOf(large);

  console.log(
    `search and matching over ${size.results} results and ${size.needs} needs, 1 connection`,
  );
  for (const { name, p50, p99, smallP50, growth, timesFloor, aim } of reads) {
    const aimed = aim ? `, aims: p99 ${aim.p99} ms, growth ${aim.growth}` : "";
    console.log(
      `  ${name.padEnd(34)} p50 ${p50} ms, p99 ${p99} ms, ${timesFloor} times the floor; a tenth of the market p50 ${smallP50} ms, growth ${growth}${aimed}`,
    );
  }
  for (const { name, callsPerSecond, p50, p99 } of together) {
    console.log(
      `  ${name.padEnd(34)} ${callers} callers at once: p50 ${p50} ms, p99 ${p99} ms, ${callsPerSecond} a second`,
    );
  }
  console.log(
    `  writing a listing with its terms: p50 ${writes.wholeP50} ms beside ${writes.plainP50} ms of the plain insert, ${writes.ratio} times (aim ${writes.aim})`,
  );
  console.log(
    `  loading ${tenth.results} results and ${tenth.needs} needs in bulk, with all indexes and counts: ${loadSeconds} s`,
  );
  for (const one of sizes) console.log(`  ${one.name}: ${one.table}, indexes ${one.indexes}`);
  return { size, reads, together, writes, loadSeconds, sizes };
}
