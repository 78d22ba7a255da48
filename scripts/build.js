/**
 * Compiles the program into dist/ when something that goes into it has changed: before each `npm start`, and
 * by `npm run build`; and, for `npm test`, the program with its tests into dist-test/. Plain JavaScript,
 * because it comes before everything that is compiled.
 * Types are not looked at: that takes ten times as long, and is what `npm run types` does.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Holds the hash of what a folder was made from. Written last, and within: a folder that has it is whole. */
const mark = ".made-from";

const help = `Usage: npm run build -- [OPTIONS]

Compiles the program into dist/, unless dist/ is what it would make already.

Options:
  --tests  compiles the program and its tests into dist-test/ instead
  --force  compiles in any case
  --help   this text

Exit codes: 0 the folder is what the sources say, 1 it could not be compiled, 2 called wrongly.
`;

/**
 * One hash over everything that decides what the compiler writes: names and contents.
 * @param {string[]} folders
 */
function hashOf(folders) {
  const hash = createHash("sha256");
  const compiled = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|js)$/.test(name))
      .map((name) => join(folder, name)),
  );
  const settings = readdirSync(root).filter((name) => /^(package.*|tsconfig.*)\.json$/.test(name));
  for (const name of [...settings.sort(), ...compiled.sort()]) {
    const text = readFileSync(join(root, name));
    hash.update(`${name} ${text.length}\n`).update(text);
  }
  return hash.digest("hex");
}

/**
 * Waits until no other build of this project compiles: two that began together on a fresh clone would each
 * put a folder there, the second from under the process that the first one started. The kernel gives it
 * back when this process ends, however that ends.
 */
async function turn() {
  const lock = openSync(join(root, "node_modules", ".build-lock"), "a+");
  const locks = await import("fs-native-extensions").catch(() => undefined);
  // Where the package has no binary, builds must not be started together.
  await locks?.waitForLock(lock);
}

/**
 * Compiles beside the folder and puts it there when it is whole, so that neither a compiler that was killed
 * nor a source that is gone leaves anything behind.
 * @param {string} folder
 * @param {string} settings
 * @param {string} hash
 */
function compile(folder, settings, hash) {
  const made = mkdtempSync(`${folder}-`);
  try {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const options = ["-p", settings, "--noCheck", "--noEmit", "false", "--outDir", made];
    const { status } = spawnSync(process.execPath, [compiler, ...options], {
      cwd: root,
      stdio: "inherit",
    });
    if (status !== 0) {
      process.exitCode = 1;
      return;
    }
    writeFileSync(join(made, mark), hash);
    rmSync(folder, { recursive: true, force: true });
    renameSync(made, folder);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

let wanted = { tests: false, force: false };
try {
  const { values } = parseArgs({
    options: {
      tests: { type: "boolean", default: false },
      force: { type: "boolean", default: false },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  wanted = values;
} catch (error) {
  const [sentence] = String(/** @type {Error} */ (error).message).split(/\.\s/);
  console.error(`${sentence}.\n${help.split("\n")[0]}; --help tells more.`);
  process.exit(2);
}
const { name, settings, sources } = wanted.tests
  ? { name: "dist-test", settings: "tsconfig.test.json", sources: ["src", "db", "scripts", "test"] }
  : { name: "dist", settings: "tsconfig.json", sources: ["src", "db", "scripts"] };
const folder = join(root, name);
const hash = hashOf(sources);
const marked = join(folder, mark);
const isMade = () => existsSync(marked) && readFileSync(marked, "utf8") === hash;
if (wanted.force || !isMade()) {
  await turn();
  if (wanted.force || !isMade()) compile(folder, settings, hash);
}
