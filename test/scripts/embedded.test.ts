/** The embedded database's folder: who may have it, how it is made, what is refused, how it is upgraded. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { nodeOptions, runnable } from "../../scripts/program.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { makeFirstFiles, postgresVersion } from "../../src/database/embedded-folder.ts";
import { lockFolder } from "../../src/database/folder-lock.ts";
import { readMigrations } from "../../src/database/migrations.ts";
import { clock } from "../../src/lib/clock.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createKeyFile } from "../../src/lib/signing-keys.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { beforeOneGroupOfSynonyms } from "../support/older.ts";

const root = temporaryFolder("embedded");
t.teardown(() => rmSync(root, { recursive: true, force: true }));
const fresh = (name: string) => {
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
};

/** A process that takes the folder's lock, says so, and keeps it until it is killed. */
function locker(folder: string, wrapper: string[] = []): ChildProcess {
  const code = `
    import { lockFolder } from ${JSON.stringify(runnable("src/database/folder-lock.ts"))};
    lockFolder(${JSON.stringify(folder)}).then(
      () => { console.log("taken"); setInterval(() => {}, 1000); },
      (error) => { console.log(error.message); process.exit(1); });`;
  const [command = "", ...rest] = [...wrapper, process.execPath, ...nodeOptions];
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

t.test("the data folder is for the program's user alone, also one that was open", async (t) => {
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
  const made = join(root, "above", "made");
  const open = fresh("open");
  chmodSync(open, 0o755);
  for (const folder of [made, open]) {
    const database = await openEmbedded(folder);
    await database.close();
    t.equal(modeOf(folder), "700");
    t.equal(modeOf(join(folder, "postgres")), "700", "as PostgreSQL wants it");
  }
  t.equal(modeOf(dirname(made)), "700");
  const keys = join(made, "keys.json");
  createKeyFile(keys, clock.now());
  t.equal(modeOf(keys), "600");
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

const isRoot = process.platform === "linux" && process.getuid?.() === 0;

t.test(
  "it holds across containers",
  { skip: isRoot ? false : "needs root on Linux" },
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
    await (await openEmbedded(folder)).close();
    return "opened";
  } catch (error) {
    return (error as Error).message;
  }
};

t.test("an upgrade copies the files first, and says where", async (t) => {
  const folder = fresh("files");
  // What processes that were killed have left, and copies of upgrades before.
  const left = ["postgres.making", "postgres.copying"];
  const older = [2021, 2022, 2023].map((y) => `postgres.before-0.1.${y}-${y}-01-01T00-00-00Z`);
  for (const name of [...left, ...older]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "PG_VERSION"), postgresVersion);
  }
  const told: string[] = [];
  const upgrade = { copy: true, tell: (message: string) => told.push(message) };
  const first = await openEmbedded(folder, upgrade);
  t.same(
    readdirSync(folder).sort(),
    ["hold", "lock", "postgres", ...older],
    "nothing half-made is left",
  );
  t.equal(readFileSync(join(folder, "postgres/PG_VERSION"), "utf8").trim(), postgresVersion);
  t.same(told, [], "nothing to copy");
  const since = readMigrations().findIndex(({ name }) => name.endsWith("one_group_of_synonyms"));
  await beforeOneGroupOfSynonyms(first.pool);
  await first.close();

  const upgraded = await openEmbedded(folder, upgrade);
  const applied = "select count(*)::int as n from drizzle.__drizzle_migrations";
  t.same((await upgraded.pool.query(applied)).rows, [{ n: readMigrations().length }]);
  const copies = readdirSync(folder).filter((name) => name.startsWith("postgres.before-"));
  t.same(copies.sort().slice(0, 2), older.slice(1), "the newest three stay");
  const copy = join(folder, copies[2] ?? "");
  t.match(told, [new RegExp(`one_group_of_synonyms.*${copy}`)]);
  // From here on it is a newer one.
  await upgraded.pool.query(
    "insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 99999999999999)",
  );
  await upgraded.close();

  await t.rejects(openEmbedded(folder, upgrade), { message: /newer version.*Run that version/ });
  t.equal(told.length, 1, "it stays as it is");

  // The copy is whole: in the place of the files it is the database from before.
  rmSync(join(folder, "postgres"), { recursive: true });
  renameSync(copy, join(folder, "postgres"));
  const old = await openEmbedded(folder);
  t.same((await old.pool.query(applied)).rows, [{ n: since }]);
  await old.close();
});

t.test("files that cannot be opened are told in a sentence", async (t) => {
  const faults: Record<string, [fault: (files: string) => void, message: RegExp]> = {
    "another version": [
      (files) => writeFileSync(join(files, "PG_VERSION"), "17\n"),
      /made by PostgreSQL 17, and this program has PostgreSQL 18/,
    ],
    // What 0.1.0 left when it was killed while it made them.
    "half-made": [
      (files) => rmSync(join(files, "postgresql.conf")),
      /not a whole database: postgresql\.conf is missing/,
    ],
    "cut short": [(files) => truncateSync(join(files, "global/pg_control"), 100), /cut short/],
    // Its control file is nothing but zeros.
    damaged: [() => {}, /not a whole database: PostgreSQL could not open it/],
    "another user's": [
      (files) => chownSync(files, 12_345, 12_345),
      /belongs to user 12345.*runs as user 0/,
    ],
  };
  for (const [name, [fault, message]] of Object.entries(faults)) {
    if (name === "another user's" && !isRoot) continue;
    const files = join(fresh(name), "postgres");
    for (const part of ["base", "global", "pg_wal", "pg_xact"]) {
      mkdirSync(join(files, part), { recursive: true });
    }
    writeFileSync(join(files, "PG_VERSION"), `${postgresVersion}\n`);
    writeFileSync(join(files, "postgresql.conf"), "");
    writeFileSync(join(files, "global/pg_control"), Buffer.alloc(8192));
    fault(files);
    const refusal = await refusalOf(dirname(files));
    t.match(refusal, message, name);
    t.notMatch(refusal, /\[object|\n|select /, name);
  }
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

  const server = runnable("src/database/embedded.ts");
  const code = `import { openEmbedded } from ${JSON.stringify(server)};
    openEmbedded(${JSON.stringify(folder)});`;
  const args = [...nodeOptions, "--input-type=module", "-e", code];
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
