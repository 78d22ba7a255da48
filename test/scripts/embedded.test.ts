/** The embedded database's folder: who may have it, how it is made, what is refused, how it is upgraded. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { openEmbedded } from "../../src/database/embedded.ts";
import { copyFiles, makeFirstFiles, postgresVersion } from "../../src/database/embedded-folder.ts";
import { lockFolder } from "../../src/database/folder-lock.ts";
import { readMigrations } from "../../src/database/migrations.ts";
import { projectRoot } from "../../src/lib/root.ts";

const root = mkdtempSync(join(tmpdir(), "grand-market-embedded-"));
t.teardown(() => rmSync(root, { recursive: true, force: true }));
const fresh = (name: string) => {
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
};

/** A process that takes the folder's lock, says so, and keeps it until it is killed. */
function locker(folder: string, wrapper: string[] = []): ChildProcess {
  const code = `
    import { lockFolder } from ${JSON.stringify(join(projectRoot, "src/database/folder-lock.ts"))};
    lockFolder(${JSON.stringify(folder)}).then(
      () => { console.log("taken"); setInterval(() => {}, 1000); },
      (error) => { console.log(error.message); process.exit(1); });`;
  const [command = "", ...rest] = [...wrapper, process.execPath, "--import=tsx"];
  const child = spawn(command, [...rest, "--input-type=module", "-e", code], { cwd: projectRoot });
  t.teardown(() => child.kill("SIGKILL"));
  return child;
}

const firstLine = (child: ChildProcess) =>
  new Promise<string>((resolve) => {
    let text = "";
    child.stdout?.on("data", (part) => {
      text += part;
      if (text.includes("\n")) resolve(text.trim());
    });
    child.stderr?.on("data", (part) => {
      text += part;
    });
    child.on("close", () => resolve(text.trim()));
  });

t.test("one process at a time has the folder, and the kernel takes it back", async (t) => {
  const folder = fresh("locked");
  const rivals = Array.from({ length: 5 }, () => locker(folder));
  const said = await Promise.all(rivals.map(firstLine));
  t.equal(said.filter((line) => line === "taken").length, 1);
  const refusals = said.filter((line) => line !== "taken");
  for (const line of refusals) t.match(line, /is in use by process \d+ on host \S+, .* at 2\d{3}-/);
  await t.rejects(lockFolder(folder), { message: /is in use by process/ });
  const holder = rivals[said.indexOf("taken")];
  const ended = new Promise((resolve) => holder?.on("close", resolve));
  holder?.kill("SIGKILL");
  await ended;
  const unlock = await lockFolder(folder);
  await t.rejects(lockFolder(folder), { message: new RegExp(`process ${process.pid} `) });
  unlock();
  (await lockFolder(folder))();
});

t.test("a lock file of the version before is honoured while its process lives", async (t) => {
  const folder = fresh("old-lock");
  const ticks = () => readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19];
  const left = ["", "999999999 1", `${process.pid} 1`, "rubbish"];
  for (const text of left) {
    writeFileSync(join(folder, "lock"), text);
    (await lockFolder(folder))();
    t.pass(`taken over: ${text}`);
  }
  if (!existsSync("/proc/self/stat")) return;
  writeFileSync(join(folder, "lock"), `${process.pid} ${ticks()}`);
  await t.rejects(lockFolder(folder), { message: /in use by process/ });
});

const canUnshare = process.platform === "linux" && process.getuid?.() === 0;

t.test(
  "it holds across containers",
  { skip: canUnshare ? false : "needs root on Linux" },
  async (t) => {
    const folder = fresh("namespaces");
    const unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--uts", "--kill-child"];
    const [first, second] = [locker(folder, unshare), locker(folder, unshare)];
    const said = await Promise.all([firstLine(first), firstLine(second)]);
    t.equal(said.filter((line) => line === "taken").length, 1, said.join("; "));
    t.match(
      said.find((line) => line !== "taken"),
      /is in use by process/,
    );
  },
);

/** Why the folder was not opened. */
const refusalOf = async (folder: string) => {
  try {
    const database = await openEmbedded(folder, { copy: true, tell: () => {} });
    await database.close();
    return "opened";
  } catch (error) {
    const { name, message } = error as Error;
    return `${name} ${message}`;
  }
};

t.test("files", async (t) => {
  const folder = fresh("files");
  // What processes that were killed have left.
  for (const name of ["postgres.making", "postgres.copying"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "PG_VERSION"), postgresVersion);
  }
  const told: string[] = [];
  const upgrade = { copy: true, tell: (message: string) => told.push(message) };
  const database = await openEmbedded(folder, upgrade);
  const count = () => database.pool.query("select count(*)::int as n from synonyms");
  const [before] = (await count()).rows;
  t.same(readdirSync(folder).sort(), ["lock", "postgres"], "what was half-made is gone");
  t.equal(readFileSync(join(folder, "postgres/PG_VERSION"), "utf8").trim(), postgresVersion);
  t.same(told, [], "nothing to copy");
  // As if it lacked the last migration, which can be applied again.
  await database.pool.query(`alter table synonyms drop constraint synonyms_words;
    drop function word_set;
    delete from drizzle.__drizzle_migrations where created_at =
      (select max(created_at) from drizzle.__drizzle_migrations)`);
  await database.close();

  await t.test("an upgrade copies them first, and says where", async (t) => {
    const upgraded = await openEmbedded(folder, upgrade);
    t.same((await upgraded.pool.query("select count(*)::int as n from synonyms")).rows, [before]);
    await upgraded.close();
    const [copy] = readdirSync(folder).filter((name) => name.startsWith("postgres.before-"));
    t.match(told, [new RegExp(`${readMigrations().at(-1)?.name}.*${copy}`)]);
    // Whole: put in the place of the files it is the database from before.
    const back = fresh("back");
    cpSync(join(folder, copy ?? ""), join(back, "postgres"), { recursive: true });
    const old = await openEmbedded(back);
    const { rows } = await old.pool.query(
      "select count(*)::int as n from drizzle.__drizzle_migrations",
    );
    t.same(rows, [{ n: readMigrations().length - 1 }]);
    await old.close();
    for (const year of [2031, 2032, 2033]) await copyFiles(folder, `x-${year}-01-01T00-00-00Z`);
    const copies = readdirSync(folder).filter((name) => name.startsWith("postgres.before-"));
    t.same(
      copies.sort(),
      [2031, 2032, 2033].map((y) => `postgres.before-x-${y}-01-01T00-00-00Z`),
    );
    for (const name of copies) rmSync(join(folder, name), { recursive: true });
  });

  await t.test("a newer one is refused, and stays as it is", async (t) => {
    const opened = await openEmbedded(folder);
    await opened.pool.query(
      "insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 99999999999999)",
    );
    await opened.close();
    t.match(await refusalOf(folder), /newer version of this program.*Run that version/);
    t.same(readdirSync(folder).sort(), ["lock", "postgres"]);
  });

  const faults: Record<string, [fault: (files: string) => void, message: RegExp]> = {
    "another version": [
      (files) => writeFileSync(join(files, "PG_VERSION"), "17\n"),
      /made by PostgreSQL 17, and this program has PostgreSQL 18/,
    ],
    // What 0.1.0 left when it was killed while it made them.
    "half-made": [
      (files) => {
        for (const name of readdirSync(files)) {
          if (name !== "PG_VERSION") rmSync(join(files, name), { recursive: true });
        }
      },
      /not a whole database: postgresql\.conf is missing/,
    ],
    "cut short": [(files) => truncateSync(join(files, "global/pg_control"), 100), /cut short/],
    "without its log": [
      (files) => {
        rmSync(join(files, "pg_wal"), { recursive: true });
        mkdirSync(join(files, "pg_wal"));
      },
      /not a whole database: PostgreSQL could not open it/,
    ],
    "without its tables": [
      (files) => {
        rmSync(join(files, "base"), { recursive: true });
        mkdirSync(join(files, "base"));
      },
      /not a whole database: PostgreSQL could not open it/,
    ],
  };
  for (const [name, [fault, message]] of Object.entries(faults)) {
    await t.test(`${name}: told in a sentence`, async (t) => {
      const broken = fresh(name);
      cpSync(folder, broken, { recursive: true });
      fault(join(broken, "postgres"));
      const refusal = await refusalOf(broken);
      t.match(refusal, message);
      t.notMatch(refusal, /\[object|at .*\.js|select /);
    });
  }

  await t.test(
    "another user's: told in a sentence",
    { skip: canUnshare ? false : "needs root" },
    async (t) => {
      const theirs = fresh("theirs");
      cpSync(folder, theirs, { recursive: true });
      chownSync(join(theirs, "postgres"), 12_345, 12_345);
      t.match(await refusalOf(theirs), /belongs to user 12345.*runs as user 0/);
    },
  );
});

t.test("what fails or is killed while files are made leaves none", async (t) => {
  const folder = fresh("interrupted");
  const halfMade = async (beside: string) => {
    mkdirSync(beside);
    writeFileSync(join(beside, "PG_VERSION"), postgresVersion);
    throw new Error("killed here");
  };
  await t.rejects(makeFirstFiles(folder, halfMade), { message: "killed here" });
  t.same(readdirSync(folder), []);

  const server = join(projectRoot, "src/database/embedded.ts");
  const code = `import { openEmbedded } from ${JSON.stringify(server)};
    openEmbedded(${JSON.stringify(folder)}, { copy: true, tell() {} });`;
  const args = ["--import=tsx", "--input-type=module", "-e", code];
  const child = spawn(process.execPath, args, { cwd: projectRoot });
  t.teardown(() => child.kill("SIGKILL"));
  const ended = new Promise((resolve) => child.on("close", resolve));
  // The moment at which 0.1.0 left a folder that never started again.
  while (!existsSync(join(folder, "postgres.making/PG_VERSION"))) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  child.kill("SIGKILL");
  await ended;
  t.notOk(existsSync(join(folder, "postgres")));
  t.equal(await refusalOf(folder), "opened");
  t.same(readdirSync(folder).sort(), ["lock", "postgres"]);
});
