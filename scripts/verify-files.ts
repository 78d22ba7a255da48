/**
 * Compares the files of attachments with the rows that refer to them, byte by byte.
 * Exit codes: 0 all is whole, 1 something is not (each is told) or could not be read, 2 called wrongly.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../src/config.ts";
import { connect, type Database } from "../src/database/connect.ts";
import { openEmbedded } from "../src/database/embedded.ts";
import { transact } from "../src/database/transact.ts";
import { clock } from "../src/lib/clock.ts";
import { explainDatabase } from "../src/lib/loggable.ts";
import { releaseBytes } from "../src/modules/attachments/attachments.service.ts";
import {
  type Finding,
  orphanedAfter,
  verifyFiles,
} from "../src/modules/attachments/verify.service.ts";
import { folderStore } from "../src/storage/files.ts";
import { readOptions } from "./options.ts";

const { options } = readOptions({
  name: "verify-files",
  does: `Reads every file of an attachment and tells which are missing, damaged, or a link or a folder instead
of a file; and which lie there though no attachment is they. A damaged file is mended by uploading it
again. On the embedded database only while no service runs.`,
  options: {
    repair: { what: "removes files and parts of uploads that are nobody's and older than a day" },
  },
  environment: {
    DATABASE_URL: "the PostgreSQL server; without it the embedded database in DATA_DIR",
    DATA_DIR: "the folder of attachments, .data",
  },
  exits: "0 all is whole, 1 something is not or could not be read",
});

/** What each finding means, in words. */
const meanings: Record<Exclude<Finding["kind"], "orphan" | "stranger">, string> = {
  missing: "is missing",
  foreign: "is a link, or no plain file: it is never read",
  size: "has another size than was uploaded",
  hash: "has other bytes than were uploaded",
  unreadable: "cannot be read",
};

function sentence(finding: Finding): string {
  if (finding.kind === "stranger")
    return `stranger  ${finding.path} was not put there by the market`;
  if (finding.kind === "orphan") {
    return `orphan    ${finding.path} is nobody's${finding.isOld ? "" : ", and not a day old yet"}`;
  }
  const { kind, sha256, attachments } = finding;
  return `damaged   ${sha256} ${meanings[kind]}: attachment ${attachments.join(", ")}`;
}

async function openDatabase(url: string | undefined, folder: string): Promise<Database> {
  if (url) return connect({ connectionString: url, max: 1 });
  if (existsSync(join(folder, "postgres"))) return openEmbedded(folder);
  throw new Error(`There is no embedded database in ${folder}. Set DATABASE_URL or DATA_DIR.`);
}

async function run(repair: boolean): Promise<void> {
  const { DATABASE_URL, DATA_DIR } = process.env;
  const { dataDir } = readConfig({ DATA_DIR });
  const database = await openDatabase(DATABASE_URL, dataDir);
  const { db } = database;
  const files = folderStore(join(dataDir, "files"));
  const now = clock.now();
  let [checked, damaged, orphans, young, strangers, removed] = [0, 0, 0, 0, 0, 0];
  let toldAt = performance.now();
  const onProgress = (done: number, total: number) => {
    checked = done;
    if (performance.now() - toldAt < 2_000) return;
    toldAt = performance.now();
    console.error(`${done} of ${total} files were read`);
  };
  try {
    for await (const finding of verifyFiles(db, files, { now, onProgress })) {
      console.log(sentence(finding));
      if (finding.kind === "stranger") strangers += 1;
      else if (finding.kind !== "orphan") damaged += 1;
      else if (!finding.isOld) young += 1;
      else {
        orphans += 1;
        const { sha256 } = finding;
        if (!repair) continue;
        // Under the lock of its hash, and only if nobody refers to it by now.
        if (sha256) await transact(database.pool, (tx) => releaseBytes(tx, files, sha256));
        removed += 1;
      }
    }
    if (repair) await files.sweepIncoming(orphanedAfter, now);
  } finally {
    await database.close();
  }
  const left = orphans - removed;
  console.log(
    `${checked} files were read: ${damaged} damaged, ${left} orphans${young ? `, ${young} younger than a day` : ""}, ${strangers} strangers${removed ? `; ${removed} orphans were removed` : ""}.`,
  );
  if (damaged + left + strangers > 0) process.exitCode = 1;
}

await run(options.repair).catch((error: unknown) => {
  console.error(`The files could not be verified. ${explainDatabase(error)}`);
  process.exitCode = 1;
});
