/** `npm run verify-files`: finds what does not fit between rows and bytes, and removes only what is nobody's. */
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import t from "tap";
import { attachments } from "../../db/schema/attachments.ts";
import { organizations } from "../../db/schema/organizations.ts";
import { argumentsFor } from "../../scripts/program.ts";
import type { Database } from "../../src/database/connect.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { clock } from "../../src/lib/clock.ts";
import { newId, sha256 } from "../../src/lib/ids.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { areAllMissing, verifyFiles } from "../../src/modules/attachments/verify.service.ts";
import { folderStore } from "../../src/storage/files.ts";
import { openTestDatabase } from "../support/database.ts";

/** Runs the script to its end. */
const run = (args: string[], env: Record<string, string>) =>
  new Promise<{ code: number; text: string }>((resolve) => {
    const { DATABASE_URL: _, DATA_DIR: __, ...inherited } = process.env;
    execFile(
      process.execPath,
      [...argumentsFor("scripts/verify-files.ts"), ...args],
      { cwd: projectRoot, env: { ...inherited, ...env }, timeout: 120_000 },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, text: stdout + stderr }),
    );
  });

const newFolder = () => {
  const folder = temporaryFolder("files");
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** A database and a store with these files, each an attachment. */
async function withFiles({ db }: Database, root: string, texts: string[]) {
  const files = folderStore(root);
  const organizationId = newId();
  await db.insert(organizations).values({
    id: organizationId,
    kind: "university",
    status: "verified",
    name: "测试机构",
    creditCode: "91410700MA0000001A",
    legalType: "enterprise",
    regionCode: "410702",
  });
  for (const text of texts) {
    const received = await files.receive(Readable.from([Buffer.from(text)]));
    await files.keep(received);
    await received.discard();
    await db.insert(attachments).values({
      id: newId(),
      subjectType: "result",
      subjectId: newId(),
      organizationId,
      purpose: "document",
      fileName: "文件.txt",
      mediaType: "text/plain",
      size: received.size,
      sha256: received.sha256,
    });
  }
  const placeOf = (text: string) => {
    const hash = sha256(text);
    return join(root, hash.slice(0, 2), hash.slice(2, 4), hash);
  };
  /** Lays something down that is so many hours old. */
  const lay = (path: string, text: string, hours: number) => {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
    const then = clock.now().getTime() / 1000 - hours * 3600;
    utimesSync(path, then, then);
  };
  return { files, placeOf, lay };
}

t.test("every kind of harm is found, and a whole store has none", async (t) => {
  const database = await openTestDatabase();
  t.teardown(() => database.close());
  const { db, pool } = database;
  const folder = newFolder();
  const root = join(folder, "files");
  t.notOk(await areAllMissing(db, folderStore(root)), "an empty market misses nothing");
  const texts = Array.from({ length: 520 }, (_, i) => `文件 ${i}`);
  const { files, placeOf, lay } = await withFiles(database, root, texts);
  const findings = async () => {
    const found = [];
    for await (const one of verifyFiles(db, files, { now: clock.now() })) found.push(one);
    return found;
  };
  t.same(await findings(), []);

  const [gone, cut, other, linked] = ["文件 1", "文件 2", "文件 3", "文件 4"];
  rmSync(placeOf(gone!));
  truncateSync(placeOf(cut!), 2);
  writeFileSync(placeOf(other!), "文件 9");
  rmSync(placeOf(linked!));
  symlinkSync(placeOf("文件 5"), placeOf(linked!));
  lay(placeOf("old"), "old", 25);
  lay(placeOf("young"), "young", 23);
  lay(join(root, "incoming", "part"), "half", 25);
  lay(join(root, "notes.txt"), "mine", 500);
  const found = await findings();
  const kinds = found.map(({ kind }) => kind).sort();
  t.same(kinds, [
    "foreign",
    "hash",
    "missing",
    "orphan",
    "orphan",
    "orphan",
    "size",
    "stranger",
    "stranger",
  ]);
  t.match(
    found.filter(({ kind }) => kind === "hash"),
    [{ sha256: sha256("文件 3"), attachments: [String] }],
  );
  t.match(
    found
      .filter(({ kind }) => kind === "orphan")
      .map((one) => "isOld" in one && one.isOld)
      .sort(),
    [false, true, true],
  );
  const { connectionString } = pool.options;
  if (connectionString) {
    const { code, text } = await run([], { DATABASE_URL: connectionString, DATA_DIR: folder });
    t.equal(code, 1);
    t.match(text, "520 files were read: 4 damaged, 2 orphans, 1 younger than a day, 2 strangers");
  }
  t.notOk(await areAllMissing(db, files));
  t.ok(await areAllMissing(db, folderStore(newFolder())), "another folder");
});

t.test("the script, on an embedded database", async (t) => {
  const folder = newFolder();
  const root = join(folder, "files");
  const database = await openEmbedded(folder);
  await migrate(database);
  const { placeOf, lay } = await withFiles(database, root, ["一", "二", "三"]);
  const busy = await run([], { DATA_DIR: folder });
  t.equal(busy.code, 1);
  t.match(busy.text, "in use", "while another process has it");
  await database.close();

  const env = { DATA_DIR: folder };
  lay(placeOf("old"), "old", 25);
  lay(placeOf("young"), "young", 1);
  const told = await run([], env);
  t.equal(told.code, 1);
  t.match(told.text, "3 files were read: 0 damaged, 1 orphans, 1 younger than a day");
  t.ok(existsSync(placeOf("old")), "nothing is removed unasked");

  truncateSync(placeOf("二"), 1);
  const repaired = await run(["--repair"], env);
  t.equal(repaired.code, 1, "what is damaged no script mends");
  t.match(repaired.text, new RegExp(`${sha256("二")} has another size`));
  t.match(repaired.text, "1 orphans were removed");
  t.notOk(existsSync(placeOf("old")));
  t.ok(existsSync(placeOf("young")));
  t.ok(existsSync(placeOf("一")));
});

t.test("called wrongly", async (t) => {
  const env = { DATA_DIR: newFolder() };
  const [help, unknown, empty] = await Promise.all([
    run(["--help"], env),
    run(["--all"], env),
    run([], env),
  ]);
  t.equal(help.code, 0);
  t.match(help.text, "--repair");
  t.equal(unknown.code, 2);
  t.match(unknown.text, "--all");
  t.equal(empty.code, 1);
  t.match(empty.text, "no embedded database");
});
