/**
 * Markets of released versions as they are kept in `test/versions/<version>/`: the files of each, its
 * dump if it is one of a server, and a protocol of what was read of it. `keep-version.ts` makes them.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import pg from "pg";
import { projectRoot } from "../../src/lib/root.ts";
import type { Deal } from "../kill-test/deals.ts";
import type { Client } from "../tour/cast.ts";
import type { Place } from "./place.ts";
import type { Read } from "./reads.ts";

export const kinds = ["server", "embedded"] as const;
export type Kind = (typeof kinds)[number];

/** What is known of a kept market. */
export interface Protocol {
  version: string;
  madeAt: string;
  /** The machine client of the enterprise's system. */
  client: Client;
  /** Deals that are under way. */
  deals: Deal[];
  reads: Read[];
}

const folderOf = (version: string) => join(projectRoot, "test", "versions", version);

/** All versions that are kept, the oldest first. */
export const keptVersions = (): string[] =>
  readdirSync(join(projectRoot, "test", "versions"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

/** A window that spans the template databases, which say the same as the market's own catalogue. */
const wide = {
  params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 11 },
};
const megabytes = 1024 * 1024;

/** Keeps a market that is stopped. */
export function keep(place: Place, kind: Kind, protocol: Protocol): void {
  const folder = folderOf(protocol.version);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: Buffer) =>
    writeFileSync(join(folder, `${kind}.${name}.br`), brotliCompressSync(content, wide));
  const whose = ["--owner=0", "--group=0", "--sort=name"];
  write("files.tar", run("tar", ["-C", place.dataDir, "--exclude=./lock*", ...whose, "-cf-", "."]));
  if (place.databaseUrl) write("sql", dump(place.databaseUrl));
  const { reads, ...rest } = protocol;
  // A read a line, so that a person finds the one that differs.
  const lines = reads.map((read) => `    ${JSON.stringify(read)}`).join(",\n");
  const text = `${JSON.stringify(rest, null, 2).slice(0, -2)},\n  "reads": [\n${lines}\n  ]\n}\n`;
  writeFileSync(join(folder, `${kind}.json`), text);
}

export const readProtocol = (version: string, kind: Kind): Protocol =>
  JSON.parse(readFileSync(join(folderOf(version), `${kind}.json`), "utf8"));

/** Puts a kept market into an empty place, as it was when its version was stopped. */
export async function restore(version: string, kind: Kind, place: Place): Promise<void> {
  const read = (name: string) =>
    brotliDecompressSync(readFileSync(join(folderOf(version), `${kind}.${name}.br`)));
  mkdirSync(place.dataDir, { recursive: true, mode: 0o700 });
  run("tar", ["-C", place.dataDir, "--no-same-owner", "-xpf-"], read("files.tar"));
  if (!place.databaseUrl) return;
  place.env.SIGNING_KEYS_FILE = join(place.dataDir, "signing-keys.json");
  const client = new pg.Client({ connectionString: place.databaseUrl });
  await client.connect();
  try {
    await client.query(read("sql").toString());
    await client.query("analyze");
  } finally {
    await client.end();
  }
}

/** The database as statements that any client can send, for PostgreSQL 15 and later. */
function dump(url: string): Buffer {
  const plain = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100"];
  const text = run("pg_dump", [...plain, url]).toString();
  // `psql` alone understands its own commands, \restrict among them.
  return Buffer.from(text.replaceAll(/^\\.*\n/gm, ""));
}

const run = (command: string, options: readonly string[], input?: Buffer): Buffer =>
  execFileSync(command, options, { input, maxBuffer: 512 * megabytes });
