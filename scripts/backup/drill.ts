/**
 * The drill: a market is backed up while it is written to, restored elsewhere, and looked through; torn
 * copies are refused. On the embedded database, or with DATABASE_URL on that server.
 * Exit codes: 0 all is as it should be, 1 something is not, 2 called wrongly.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { type Load, startLoad } from "../chaos/load.ts";
import { openMarket } from "../chaos/market.ts";
import { prepareServer } from "../chaos/own-cases.ts";
import { verify } from "../chaos/verify.ts";
import { isFinished } from "../kill-test/deals.ts";
import { readOptions } from "../options.ts";
import { type Caller, callerOf, expect, TourFailure } from "../tour/caller.ts";
import type { Cast } from "../tour/cast.ts";
import { play } from "../tour/play.ts";
import { freePort, launch, tryScript, untilReady } from "../tour/process.ts";
import { scratchDatabase } from "../tour/scratch.ts";
import { names, readBackup } from "./parts.ts";

readOptions({
  name: "backup:drill",
  does: `Backs up a market while it is written to, restores it elsewhere and looks through it, and tries
whether torn copies are refused. Everything that it makes is removed again.`,
  environment: {
    DATABASE_URL: "a PostgreSQL server to make scratch databases on; else the embedded one",
  },
  exits: "0 all is as it should be, 1 something is not",
});
const began = performance.now();
const say = (what: string) =>
  console.log(`${String(Math.round((performance.now() - began) / 1000)).padStart(4)} s  ${what}`);

const serverUrl = process.env.DATABASE_URL || null;
const folder = temporaryFolder("drill");
const cleanUps: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];

/** The same people on another market, with the tokens that the first one signed. */
const castOn = (url: string, cast: Cast): Cast =>
  Object.fromEntries(
    Object.entries(cast).map(([key, one]) =>
      typeof one === "string" ? [key, one] : [key, callerOf(url, one.who, (one as Caller).token)],
    ),
  ) as unknown as Cast;

/** What was acknowledged by now. */
const soFar = (load: Load): Pick<Load, "written" | "sent" | "deals"> => ({
  written: load.written.filter(({ isAcknowledged }) => isAcknowledged),
  sent: load.sent.filter(({ isAcknowledged }) => isAcknowledged),
  deals: load.deals.filter(isFinished),
});

/** Attaches files and takes them away again: their bytes go while the backup copies others. */
async function churn({ office }: Cast, signal: AbortSignal): Promise<number> {
  const { id: subjectId } = await office.post("/v1/results", { title: "files that come and go" });
  let gone = 0;
  for (let i = 0; !signal.aborted; i++) {
    const bytes = `%PDF-1.4\n% ${i}\n%%EOF\n`;
    const file = new File([bytes], "gone.pdf", { type: "application/pdf" });
    try {
      const { id } = await office.upload({ subjectType: "result", subjectId }, file);
      await office.call("DELETE", `/v1/attachments/${id}`);
      gone += 1;
    } catch (error) {
      // A busy market may turn it away; what matters is counted by the load.
      if (!(error instanceof TourFailure)) throw error;
    }
    await setTimeout(50);
  }
  return gone;
}

/** A place to restore into, empty. */
async function emptyPlace(name: string): Promise<NodeJS.ProcessEnv> {
  const { TEST_DATABASE_URL: _, ...env } = process.env;
  const place = { ...env, DATA_DIR: join(folder, name, "data") };
  if (!serverUrl) return place;
  const database = await scratchDatabase(serverUrl);
  cleanUps.push(database.drop);
  return {
    ...place,
    DATABASE_URL: database.url,
    SIGNING_KEYS_FILE: join(folder, name, "keys.json"),
  };
}

type Tear = [name: string, tear: (path: string) => void];
const tears: Tear[] = [
  ["missing", (path) => rmSync(path)],
  ["cut short", (path) => writeFileSync(path, readFileSync(path).subarray(0, -1))],
  [
    "changed",
    (path) => {
      const bytes = readFileSync(path);
      const middle = Math.floor(bytes.length / 2);
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    },
  ],
];

/** Tears each kind of part in each way: all are told, by the part's name. */
async function refuseTorn(backup: string): Promise<number> {
  const { sums } = await readBackup(backup);
  const file = [...sums.keys()].find((path) => path.startsWith(`${names.files}/`));
  const database = serverUrl ? names.dump : `${names.database}/global/pg_control`;
  expect(file !== undefined && sums.has(database), "the backup has a database and files");
  const parts = [names.manifest, names.sums, names.keys, database, file];
  const torn = join(folder, "torn");
  for (const part of parts) {
    for (const [how, tear] of tears) {
      cpSync(backup, torn, { recursive: true });
      tear(join(torn, part));
      const message = await readBackup(torn).then(
        () => "",
        (error: Error) => error.message,
      );
      expect(
        /not whole|another version/.test(message) &&
          (part === names.sums || message.includes(part)),
        `${part} ${how}: ${message || "taken"}`,
      );
      rmSync(torn, { recursive: true });
    }
  }
  cpSync(backup, torn, { recursive: true });
  tears[2]?.[1](join(torn, database));
  const place = await emptyPlace("refused");
  const { code, printed } = await tryScript("backup/restore.ts", [torn], place);
  expect(code === 1 && printed.includes(database), `restoring a torn backup: ${code} ${printed}`);
  const dataDir = place.DATA_DIR ?? "";
  expect(!existsSync(dataDir) || readdirSync(dataDir).length === 0, "nothing is left of it");
  return parts.length * tears.length;
}

async function run(): Promise<void> {
  const first = await emptyPlace("first");
  const isServer = first.DATABASE_URL !== undefined;
  const env = isServer ? prepareServer(first.DATABASE_URL ?? "", join(folder, "first")) : first;
  const market = await openMarket(env, 1);
  cleanUps.push(market.close);
  const { cast } = market;
  await play(cast);

  const load = startLoad(market, "drill", { writes: 10, reads: 10 });
  const churning = new AbortController();
  cleanUps.push(load.stop, () => churning.abort());
  const churned = churn(cast, churning.signal);
  churned.catch(() => {});
  await setTimeout(2_000);
  const before = soFar(load);
  const backup = join(folder, "backup");
  const made = await tryScript("backup/backup.ts", [backup], market.env);
  expect(made.code === 0, made.printed);
  await setTimeout(500);
  churning.abort();
  const gone = await churned;
  await load.stop();
  say(made.printed.trim());
  expect(load.tally.faults.length === 0, `while it was made: ${load.tally.faults.join("; ")}`);
  const slowest = Math.max(...load.tally.readTimes);
  const codes = Object.entries(load.tally.codes).map(([code, count]) => `${count} times ${code}`);
  say(
    `meanwhile ${codes.join(", ")}; slowest read ${Math.round(slowest)} ms; ${gone} files came and went`,
  );

  const again = await tryScript("backup/restore.ts", [backup], market.env);
  expect(again.code === 1 && /empty|there already/.test(again.printed), again.printed);
  const place = await emptyPlace("second");
  const restored = await tryScript("backup/restore.ts", [backup], place);
  expect(restored.code === 0, restored.printed);
  say(restored.printed.trim());

  const port = String(await freePort());
  const server = launch({ ...market.env, ...place, PORT: port });
  cleanUps.push(() => server.end("SIGKILL"));
  await untilReady(server);
  const there = castOn(server.url, cast);
  const kept = await verify({ ...market, cast: there }, { ...load, ...before });
  expect(kept.faults.length === 0, kept.faults.join("; "));
  say(
    `${kept.acknowledged} acknowledged before it began: none lost, none twice, files byte for byte`,
  );
  await play(there);
  const { faults } = await verify({ ...market, cast: there }, { ...load, ...before });
  expect(faults.length === 0, faults.join("; "));
  say("the restored market goes on: a further deal is registered, sealed, fed and counted");
  say(`${await refuseTorn(backup)} torn copies refused`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
try {
  await run();
} catch (error) {
  console.error("The drill failed:", error instanceof TourFailure ? error.message : error);
  process.exitCode = 1;
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}
