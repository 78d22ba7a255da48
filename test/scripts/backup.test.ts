/** The parts of backup and restore; the whole of it under load is the drill (`npm run backup:drill`). */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import t from "tap";
import { assertWhole, describe } from "../../scripts/backup/check.ts";
import { copyFile, type Manifest, mirror, readBackup, seal } from "../../scripts/backup/parts.ts";
import { findTool } from "../../scripts/backup/tools.ts";
import { tryScript } from "../../scripts/tour/process.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { whileHeld } from "../../src/database/hold.ts";
import { transact } from "../../src/database/transact.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { releaseBytes } from "../../src/modules/attachments/attachments.service.ts";
import { backupLock } from "../../src/modules/attachments/attachments.store.ts";
import { openMarket } from "../support/market.ts";

const serverUrl = process.env.TEST_DATABASE_URL;

function scratch(t: { teardown: (work: () => void) => void }): string {
  const folder = temporaryFolder("backup");
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

t.test("a folder is mirrored as it is, and only what changed is read again", async (t) => {
  const folder = scratch(t);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  mkdirSync(join(from, "empty"), { recursive: true });
  for (const name of ["kept", "changed", "gone"]) writeFileSync(join(from, name), name);
  const copied: Parameters<typeof mirror>[2] = new Map();
  t.same(await mirror(from, to, copied), ["empty"]);
  // Long ago, as far as the mirror knows.
  for (const one of copied.values()) one.at += 60_000;
  writeFileSync(join(to, "kept"), "not read again");
  writeFileSync(join(from, "changed"), "CHANGED");
  writeFileSync(join(from, "new"), "new");
  rmSync(join(from, "gone"));
  await mirror(from, to, copied);
  t.same(readdirSync(to).sort(), ["changed", "empty", "kept", "new"]);
  t.equal(readFileSync(join(to, "changed"), "utf8"), "CHANGED");
  t.equal(readFileSync(join(to, "kept"), "utf8"), "not read again");
  t.same([...copied.keys()].sort(), ["changed", "kept", "new"]);
});

t.test("a backup is read whole or refused, by the name of what is torn", async (t) => {
  const folder = scratch(t);
  const make = async (name: string) => {
    const backup = join(folder, name);
    mkdirSync(backup);
    writeFileSync(join(folder, "bytes"), "some bytes");
    const sums = new Map([
      ["files/ab/part", await copyFile(join(folder, "bytes"), join(backup, "files/ab/part"))],
    ]);
    const manifest: Manifest = {
      format: 1,
      program: "0.1.0",
      madeAt: "2026-11-26T00:00:00.000Z",
      database: { kind: "server", version: 150020, migrations: [] },
      log: { position: 0, hash: "" },
      rows: {},
      files: 1,
      parts: 1,
      folders: [],
    };
    await seal(backup, manifest, sums);
    return backup;
  };
  const whole = await readBackup(await make("whole"));
  t.same([...whole.sums.keys()], ["files/ab/part"]);
  const tears: [string, (backup: string) => void, RegExp][] = [
    ["part-missing", (b) => rmSync(join(b, "files/ab/part")), /files\/ab\/part is missing/],
    [
      "part-short",
      (b) => writeFileSync(join(b, "files/ab/part"), "some"),
      /files\/ab\/part was cut/,
    ],
    ["no-manifest", (b) => rmSync(join(b, "manifest.json")), /manifest.json is missing/],
    ["no-sums", (b) => rmSync(join(b, "SHA256SUMS")), /SHA256SUMS is missing/],
    [
      "line-missing",
      (b) => {
        const lines = readFileSync(join(b, "SHA256SUMS"), "utf8").split("\n");
        writeFileSync(
          join(b, "SHA256SUMS"),
          lines.filter((line) => !line.includes("part")).join("\n"),
        );
      },
      /names 0 parts of 1/,
    ],
    [
      "elsewhere",
      (b) => {
        const text = readFileSync(join(b, "SHA256SUMS"), "utf8");
        writeFileSync(join(b, "SHA256SUMS"), text.replace("files/ab/part", "../../etc/passwd"));
      },
      /SHA256SUMS was changed/,
    ],
  ];
  for (const [name, tear, message] of tears) {
    const backup = await make(name);
    tear(backup);
    await t.rejects(readBackup(backup), { message }, name);
  }
});

t.test("the commands say how they are called and what is missing", async (t) => {
  const folder = scratch(t);
  const { TEST_DATABASE_URL: _, DATABASE_URL: __, ...env } = process.env;
  const place = { ...env, DATA_DIR: join(folder, "nowhere") };
  const backUp = (...given: string[]) => tryScript("backup/backup.ts", given, place);
  t.match(await backUp(), { code: 2, printed: /Name one folder[\s\S]*Usage:/ });
  t.match(await backUp("--now"), { code: 2, printed: /--now[\s\S]*Usage:/ });
  t.match(await backUp(join(folder, "a")), { code: 1, printed: /holds no market/ });
  t.match(await backUp(folder), { code: 1, printed: /is there already/ });
  t.same(readdirSync(folder), [], "nothing is left of it");
  const torn = await tryScript("backup/restore.ts", [folder], place);
  t.match(torn, { code: 1, printed: /manifest.json is missing/ });
  await t.rejects(findTool("pg_dump", 99), { message: /install/ });
});

t.test("the embedded database stands still while it is held, and goes on afterwards", async (t) => {
  const folder = scratch(t);
  t.equal(await whileHeld(folder, async () => {}), null, "nobody runs there");
  const database = await openEmbedded(folder);
  t.teardown(() => database.close());
  await database.pool.query("create table seen (n int)");
  let answered = false;
  let waiting: Promise<unknown> = Promise.resolve();
  const held = await whileHeld(folder, async () => {
    waiting = database.pool.query("insert into seen values (1)").then(() => {
      answered = true;
    });
    await t.rejects(
      whileHeld(folder, async () => {}),
      { message: /another backup/ },
    );
    t.equal(answered, false, "the write waits");
  });
  t.equal(held, true);
  await waiting;
  t.equal((await database.pool.query("select from seen")).rowCount, 1);
  await t.rejects(
    whileHeld(folder, async () => {
      throw new Error("the disk is full");
    }),
    { message: "the disk is full" },
  );
  t.equal(
    (await database.pool.query("select from seen")).rowCount,
    1,
    "it goes on after a failure",
  );
});

t.test("a market", async (t) => {
  const market = await openMarket(t);
  const { database, app } = market;
  const { db, pool } = database;

  t.test("is described, and told to be whole or not", async (t) => {
    const { rows, log, database: found } = await describe(db);
    t.equal(rows.volume_sums, 0);
    t.ok(found.migrations.length > 5);
    await assertWhole(database, app.config.dataDir, { rows, log });
    await t.rejects(
      assertWhole(database, app.config.dataDir, { rows: { ...rows, needs: 7 }, log }),
      { message: "The table needs has 0 rows, not 7." },
    );
    await t.rejects(
      assertWhole(database, app.config.dataDir, { rows, log: { ...log, position: 5 } }),
      { message: /The log ends at position 0/ },
    );
    await db.execute(sql`insert into volume_sums values
      ('registered', 'all', '2026-11-01', 'all', 1, 2, 2)`);
    await t.rejects(assertWhole(database, app.config.dataDir, null), { message: /^1 sums/ });
    await db.execute(sql`delete from volume_sums`);
  });

  t.test(
    "removes no bytes while a backup is made",
    { skip: !serverUrl && "one session" },
    async (t) => {
      const removed: string[] = [];
      const files = { ...app.files, remove: async (sha256: string) => void removed.push(sha256) };
      const keeper = await pool.connect();
      await keeper.query("select pg_advisory_lock(hashtextextended($1, 0))", [backupLock]);
      await transact(pool, (tx) => releaseBytes(tx, files, "ab"));
      t.same(removed, [], "while it is made");
      await keeper.query("select pg_advisory_unlock(hashtextextended($1, 0))", [backupLock]);
      keeper.release();
      await transact(pool, (tx) => releaseBytes(tx, files, "ab"));
      t.same(removed, ["ab"], "afterwards");
    },
  );
});
