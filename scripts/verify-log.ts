/**
 * Verifies the whole log of a database, also against signed heads that were kept elsewhere.
 * Exit codes: 0 it is whole, 1 it is not (what is wrong is told) or could not be read, 2 called wrongly.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../src/config.ts";
import { connect, type Database } from "../src/database/connect.ts";
import { openEmbedded } from "../src/database/embedded.ts";
import { explainSchema, schemaState, servesSchema } from "../src/database/schema-state.ts";
import { explainDatabase } from "../src/lib/loggable.ts";
import { Refusal } from "../src/lib/refusal.ts";
import { readJwksFile, readKeyFile } from "../src/lib/signing-keys.ts";
import { type Head, headsIn, readHead } from "../src/modules/audit/head.service.ts";
import {
  type Finding,
  type FindingKind,
  inspectLog,
  type Looked,
} from "../src/modules/audit/verification.service.ts";
import { type Description, readOptions, refuseCall } from "./options.ts";

const description = {
  name: "verify-log",
  does: `Verifies the whole log of a database: computes the hash of every entry again, from the first one, and
looks for records that have none. With signed heads that were kept elsewhere (GET /v1/audit/head,
AUDIT_HEAD_FILE) it finds, too, what was cut off at the end, or changed with the whole chain reckoned
anew. The service may run meanwhile, but for the embedded database.`,
  options: {
    head: {
      value: "FILE",
      several: true,
      what: "signed heads, one in each line, or replies or log lines that hold one",
    },
    keys: {
      value: "FILE",
      several: true,
      what: "public keys that heads were signed with, a saved /.well-known/jwks.json; otherwise those of SIGNING_KEYS_FILE",
    },
  },
  environment: {
    DATABASE_URL: "the PostgreSQL server; without it the embedded database in DATA_DIR",
    DATA_DIR: "the folder of the embedded database, .data",
    SIGNING_KEYS_FILE: "the market's keys, signing-keys.json in DATA_DIR",
  },
  exits: "0 the log is whole, 1 it is not (what is wrong is told) or could not be read",
} as const satisfies Description;
const { options } = readOptions(description);
if (options.keys && !options.head) refuseCall(description, "--keys is for heads: say --head FILE.");

/** Faults that are told one by one; of further ones their number. */
const mostTold = 100;

const say = (line: string) => process.stdout.write(`${line}\n`);
const complain = (line: string) => process.stderr.write(`${line}\n`);

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Refusal(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** Heads that are to be believed; each that is not is told. */
function readHeads(files: readonly string[], keysFile: string) {
  if (files.length === 0) return { heads: [], doubtful: 0 };
  const keys = options.keys
    ? new Map(options.keys.flatMap((file) => [...readJwksFile(file)]))
    : readKeyFile(keysFile).verifying;
  const heads: Head[] = [];
  let doubtful = 0;
  for (const file of files) {
    const found = headsIn(read(file));
    if (found.length === 0) throw new Refusal(`${file} holds no signed head.`);
    for (const { line, jws } of found) {
      const head = readHead(jws, keys);
      if (!("fault" in head)) heads.push(head);
      else {
        doubtful += 1;
        complain(`head      ${file}, line ${line}, proves nothing: ${head.fault}.`);
      }
    }
  }
  return { heads, doubtful };
}

async function openDatabase(url: string | undefined, folder: string): Promise<Database> {
  if (url) return connect({ connectionString: url, max: 1 });
  if (existsSync(join(folder, "postgres"))) return openEmbedded(folder);
  throw new Refusal(
    `There is no embedded database in ${folder}. Set DATABASE_URL, which names the PostgreSQL server, or DATA_DIR.`,
  );
}

/** Tells of all that is wrong. @returns how often each kind was found */
async function inspect({ db }: Database, heads: readonly Head[]) {
  const counts = new Map<FindingKind, number>();
  let told = 0;
  const tell = ({ kind, says }: Finding) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    told += 1;
    if (told <= mostTold) complain(`${kind.padEnd(9)} ${says}`);
    if (told === mostTold) complain(`          Further ones are only counted.`);
  };
  let toldAt = performance.now();
  const onProgress = (done: number, of: number) => {
    if (performance.now() - toldAt < 2_000) return;
    toldAt = performance.now();
    say(`${done} of ${of} entries were looked at`);
  };
  // One state throughout: the sealer may work meanwhile.
  const looked = await db.transaction(
    async (tx): Promise<Looked> => {
      const findings = inspectLog(tx, heads, { onProgress });
      for (;;) {
        const { done, value } = await findings.next();
        if (done) return value;
        tell(value);
      }
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
  return { looked, counts };
}

async function run(): Promise<void> {
  const { DATABASE_URL, DATA_DIR, SIGNING_KEYS_FILE } = process.env;
  const { dataDir, signingKeysFile } = readConfig({ DATA_DIR, SIGNING_KEYS_FILE });
  const { heads, doubtful } = readHeads(options.head ?? [], signingKeysFile);
  const database = await openDatabase(DATABASE_URL, dataDir);
  try {
    const state = await schemaState(database.db);
    if (!servesSchema(state)) throw new Refusal(explainSchema(state, !DATABASE_URL));
    const { looked, counts } = await inspect(database, heads);
    const { entries, head, waiting } = looked;
    const of = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
    say(
      `${entries} entries were looked at${options.head ? `, against ${heads.length} signed heads` : ""}. ${waiting} records wait to be sealed.`,
    );
    if (counts.size > 0 || doubtful > 0) {
      const parts = [of, doubtful > 0 ? `${doubtful} heads that prove nothing` : ""];
      complain(
        `The log is ${counts.size > 0 ? "not whole" : "not proven whole"}: ${parts.filter(Boolean).join("; ")}.`,
      );
      process.exitCode = 1;
      return;
    }
    say(`The log is whole. Its head: ${head.position} ${head.hash || "empty"}`);
    if (!options.head) {
      say(
        "Whether its end was cut off, or all of it written anew, only a signed head tells that was kept elsewhere: --head FILE.",
      );
    }
  } finally {
    await database.close();
  }
}

await run().catch((error: unknown) => {
  complain(`The log could not be read. ${explainDatabase(error)}`);
  process.exitCode = 1;
});
