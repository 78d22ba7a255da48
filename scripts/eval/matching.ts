/**
 * Lets the engine that serves `GET /v1/needs/{id}/suggestions` rank the results of a benchmark for each of
 * its needs. Exit codes: 0 written, 1 failed, 2 called wrongly.
 */

import { once } from "node:events";
import { createWriteStream, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { z } from "zod";
import { organizations } from "../../db/schema/organizations.ts";
import { connect, type Database } from "../../src/database/connect.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { transact } from "../../src/database/transact.ts";
import { clock, nowInstant } from "../../src/lib/clock.ts";
import { newId } from "../../src/lib/ids.ts";
import { sweepTemporaryFolders, temporaryFolder } from "../../src/lib/temporary.ts";
import {
  candidates,
  type DocumentFacts,
  indexListings,
  reweighStale,
  type Texts,
} from "../../src/modules/matching/matching.service.ts";
import { refreshStatistics } from "../../src/modules/matching/term-statistics.service.ts";
import { rank } from "../../src/modules/suggestions/suggestions.engine.ts";
import { scratchName, sweepDatabases } from "../leftovers.ts";
import { type Description, readOptions, refuseCall } from "../options.ts";

const description = {
  name: "eval:matching",
  does: `Lets the engine of suggestions rank the results of a benchmark folder for each of its needs. It loads
needs.jsonl {id, title, content} and results.jsonl {id, title} into a scratch database through the
service's own indexing, and writes {needId, resultId, score} a line.`,
  options: {
    data: { value: "FOLDER", what: "the benchmark: needs.jsonl and results.jsonl; needed" },
    depth: { count: candidates, what: "results that are ranked for a need" },
    out: { value: "FILE", what: "where the scores are written; needed" },
  },
  environment: {
    DATABASE_URL: "a PostgreSQL server to make the scratch database on; else the embedded one",
  },
  exits: "0 written, 1 failed",
} satisfies Description;
const { data, depth, out } = readOptions(description).options;
if (!data || !out) refuseCall(description, "--data and --out are needed.");

const Listing = z.object({ id: z.string(), title: z.string(), content: z.string().default("") });
type Listing = z.output<typeof Listing>;

const readListings = (folder: string, name: string): Listing[] =>
  readFileSync(join(folder, name), "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => Listing.parse(JSON.parse(line)));

const textsOf = ({ title, content }: Listing): Texts => ({
  title,
  summary: null,
  rest: content ? [content] : [],
});

const publishedAt = nowInstant();

/** Title and text only: nothing else is known of these listings. */
const factsOf = (listingId: string, organizationId: string): DocumentFacts => ({
  listingId,
  organizationId,
  fieldCode: null,
  industryCode: null,
  regionCode: null,
  maturity: null,
  amountMin: null,
  amountMax: null,
  cooperationModes: [],
  deadline: null,
  publishedAt,
});

async function openScratch(): Promise<{ database: Database; remove: () => Promise<void> }> {
  const server = process.env.DATABASE_URL;
  if (!server) {
    await sweepTemporaryFolders(clock.now());
    const folder = temporaryFolder("eval");
    const database = await openEmbedded(folder);
    const remove = async () => {
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    };
    return { database, remove };
  }
  const name = scratchName("eval");
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await sweepDatabases(admin);
  await admin.query(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const database = connect({ connectionString: url.href, max: 1 });
  const remove = async () => {
    await database.close();
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  };
  return { database, remove };
}

async function addOrganization(database: Database, kind: "university" | "enterprise") {
  const id = newId();
  await database.db.insert(organizations).values({
    id,
    kind,
    status: "verified",
    name: `eval ${kind}`,
    creditCode: kind === "university" ? "12410700MB0T00015L" : "91410782MA9T000262",
    legalType: kind === "university" ? "public_institution" : "enterprise",
    regionCode: "410700",
  });
  return id;
}

/** Listings written in one transaction. */
const batch = 500;

async function main(folder: string, file: string): Promise<void> {
  const needs = readListings(folder, "needs.jsonl");
  const results = readListings(folder, "results.jsonl");
  const { database, remove } = await openScratch();
  try {
    await migrate(database);
    const university = await addOrganization(database, "university");
    const enterprise = await addOrganization(database, "enterprise");
    const { pool, db } = database;
    const started = performance.now();
    const given = new Map<string, string>();
    for (const [noun, listings, owner] of [
      ["result", results, university],
      ["need", needs, enterprise],
    ] as const) {
      for (let from = 0; from < listings.length; from += batch) {
        const matchables = listings.slice(from, from + batch).map((listing) => {
          const id = newId();
          given.set(id, listing.id);
          return { facts: factsOf(id, owner), texts: textsOf(listing) };
        });
        await transact(pool, (tx) => indexListings(tx, noun, matchables));
        console.error(`${noun}s indexed: ${from + matchables.length} of ${listings.length}`);
      }
    }
    await transact(pool, (tx) => refreshStatistics(tx, true));
    for (let more = true; more; ) more = (await transact(pool, reweighStale)).more;
    await db.execute("analyze");
    const indexed = performance.now();

    const lines = createWriteStream(file);
    const times: number[] = [];
    for (const need of needs) {
      const begun = performance.now();
      const facts = factsOf(newId(), enterprise);
      const texts = textsOf(need);
      const source = { noun: "need", facts, texts, isVeiled: false, knowsOwn: true } as const;
      const { ranked } = await rank(db, source, depth);
      times.push(performance.now() - begun);
      for (const { listingId, score } of ranked) {
        const resultId = given.get(listingId);
        const line = JSON.stringify({ needId: need.id, resultId, score });
        if (!lines.write(`${line}\n`)) await once(lines, "drain");
      }
    }
    lines.end();
    await once(lines, "finish");
    times.sort((a, b) => a - b);
    const at = (share: number) => Math.round(times[Math.floor(share * (times.length - 1))] ?? 0);
    console.log(
      `${results.length} results and ${needs.length} needs indexed in ${Math.round(indexed - started)} ms; ` +
        `${needs.length} needs answered, ${depth} candidates each: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
    );
  } finally {
    await remove();
  }
}

await main(data, out);
