/** Every script says how it is called, and what is wrong with a call. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { runnable } from "../../scripts/program.ts";
import { projectRoot } from "../../src/lib/root.ts";

interface Ended {
  code: unknown;
  out: string;
  error: string;
}

/** What `process.exit` throws here, so that the script goes no further. */
class Exit extends Error {
  readonly code: unknown;
  constructor(code: unknown) {
    super(`ended with ${code}`);
    this.code = code;
  }
}

/**
 * Loads a script as its call does, but in this process: the program that all of them load is loaded once.
 * @throws Error when it does not end by itself
 */
async function load(file: string, given: string): Promise<Ended> {
  const { argv, exit } = process;
  const { log, error } = console;
  const said: Ended = { code: null, out: "", error: "" };
  process.argv = [process.execPath, file, given];
  process.exit = (code) => {
    throw new Exit(code ?? 0);
  };
  console.log = (text) => {
    said.out += `${text}\n`;
  };
  console.error = (text) => {
    said.error += `${text}\n`;
  };
  try {
    await import(`${pathToFileURL(runnable(file))}?called=${given}`);
    throw new Error(`${file} did its work, with ${given}`);
  } catch (thrown) {
    if (!(thrown instanceof Exit)) throw thrown;
    return { ...said, code: thrown.code };
  } finally {
    Object.assign(process, { argv, exit });
    Object.assign(console, { log, error });
  }
}

const spawn = (program: string, file: string, given: string) =>
  new Promise<Ended>((resolve) => {
    const options = { cwd: projectRoot, timeout: 30_000 };
    execFile(program, [file, given], options, (failure, out, error) => {
      resolve({ code: failure ? failure.code : 0, out, error });
    });
  });

const { scripts } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const called = Object.entries({ ...scripts, "smoke.sh": "bash scripts/smoke.sh" }).flatMap(
  ([name, line]) => {
    // Trials run compiled; what is compiled is the same file.
    const source = line.replace(
      /^node scripts\/build\.js && node --enable-source-maps dist\/(\S+)\.js$/,
      "tsx $1.ts",
    );
    const [, program = "", file = ""] = /^(tsx|node|bash) (scripts\/\S+)$/.exec(source) ?? [];
    if (!program) return [];
    const call = (given: string) =>
      program === "tsx" ? load(file, given) : spawn(program, file, given);
    return [{ name, file, call }];
  },
);

t.test("all scripts are looked at", async (t) => {
  const files = new Set(
    Object.values(scripts)
      .join(" ")
      .replaceAll(/dist\/(\S+)\.js/g, "$1.ts")
      .match(/scripts\/[\w/.-]+/g),
  );
  t.ok(files.size > 15);
  t.same(
    [...files].filter((file) => !called.some((one) => one.file === file)),
    [],
  );
});

// A script that goes on where it should end finds no database, and writes over nobody's data.
delete process.env.TEST_DATABASE_URL;
Object.assign(process.env, { DATABASE_URL: "postgres://127.0.0.1:1/none", DATA_DIR: "/dev/null" });

for (const { name, call } of called) {
  t.test(`${name} tells how it is called`, async (t) => {
    const { code, out, error } = await call("--help");
    t.equal(code, 0, error);
    t.match(out, new RegExp(`^Usage: .*\\b${name} `), "its name");
    t.match(out, /^ {2}--help {2,}this text$/m, "its options");
    t.match(out, /^Exit codes: 0 .*2 called wrongly\.$/m);
    t.notMatch(out + error, /^\s+at /m, "no stack");
  });

  t.test(`${name} refuses an option that it does not have`, async (t) => {
    const { code, out, error } = await call("--no-such-option");
    t.equal(code, 2, out + error);
    t.match(error, /^[^\n.]*--no-such-option[^\n.]*\.\nUsage: /, "in one sentence that names it");
    t.notMatch(out + error, /^\s+at /m, "no stack");
  });
}
