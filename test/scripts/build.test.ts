/** `npm run build`, and `npm start` before it starts, compile what has changed, all of it, and only that. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { projectRoot } from "../../src/lib/root.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";

/** A project of one file, with this one's compiler and settings. */
function project(t: Test) {
  const folder = temporaryFolder("build");
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["src", "db", "scripts"]) mkdirSync(join(folder, name));
  for (const name of ["tsconfig.json", "package.json", "package-lock.json", "scripts/build.js"]) {
    cpSync(join(projectRoot, name), join(folder, name));
  }
  symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  const path = (name: string) => join(folder, name);
  const write = (name: string, text: string) => writeFileSync(path(name), text);
  write("src/one.ts", "export const one: number = 1;\n");
  return {
    path,
    write,
    // Without tap's loader of TypeScript, which it gives to whatever is spawned and a start does not have.
    build: () =>
      spawnSync("env", ["-u", "NODE_OPTIONS", process.execPath, path("scripts/build.js")], {
        encoding: "utf8",
      }),
    made: () => statSync(path("dist")).ino,
    read: (name: string) => readFileSync(path(name), "utf8"),
    has: (name: string) => existsSync(path(name)),
  };
}

t.test("compiles what has changed, and nothing when nothing has", async (t) => {
  const { path, write, build, made, read, has } = project(t);
  t.match(build(), { status: 0, stderr: "" });
  t.match(read("dist/src/one.js"), /one = 1/);
  let last = made();
  build();
  t.equal(made(), last, "the same sources are not compiled again");
  const changes: [string, () => void, () => unknown][] = [
    [
      "a changed source",
      () => write("src/one.ts", "export const one: number = 2;\n"),
      () => /one = 2/.test(read("dist/src/one.js")),
    ],
    [
      "an added source",
      () => write("src/two.ts", "export const two = 2;\n"),
      () => has("dist/src/two.js"),
    ],
    ["a removed source", () => rmSync(path("src/two.ts")), () => !has("dist/src/two.js")],
    [
      "other settings of the compiler",
      () =>
        write(
          "tsconfig.json",
          read("tsconfig.json").replace('"sourceMap": true', '"sourceMap": false'),
        ),
      () => !has("dist/src/one.js.map"),
    ],
    [
      "other packages",
      () => write("package-lock.json", `${read("package-lock.json")}\n`),
      () => true,
    ],
    ["a dist/ that a compiler left unfinished", () => rmSync(path("dist/.made-from")), () => true],
    ["no dist/", () => rmSync(path("dist"), { recursive: true }), () => has("dist/src/one.js")],
  ];
  for (const [what, change, isThere] of changes) {
    change();
    last = has("dist") ? made() : 0;
    build();
    t.not(made(), last, `${what} is compiled`);
    t.ok(isThere(), `${what} is in dist/`);
  }
});

t.test("what cannot be compiled leaves dist/ as it was", async (t) => {
  const { path, write, build, made, read } = project(t);
  build();
  const last = made();
  write("src/one.ts", "export const one = ;\n");
  const { status, stdout } = build();
  t.equal(status, 1);
  t.match(stdout, /src\/one\.ts/);
  t.equal(made(), last);
  t.match(read("dist/src/one.js"), /one = 1/);
  t.same(
    readdirSync(path(".")).filter((name) => name.startsWith("dist-")),
    [],
  );
  write("src/one.ts", "export const one: number = 3;\n");
  build();
  t.match(read("dist/src/one.js"), /one = 3/);
});

t.test("builds that begin together make one dist/, which stays", async (t) => {
  const { path, made, has } = project(t);
  const inodes = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const build = spawn("env", [
        "-u",
        "NODE_OPTIONS",
        process.execPath,
        path("scripts/build.js"),
      ]);
      t.same(await once(build, "exit"), [0, null]);
      t.ok(has("dist/src/one.js"));
      return made();
    }),
  );
  t.equal(new Set(inodes).size, 1, "none takes it from under what another has started");
});
