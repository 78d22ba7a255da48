/** The arrows of the layout, read off the imports: a wrong one is a failing test, not a matter of taste. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import t from "tap";
import { projectRoot } from "../../src/lib/root.ts";

const sources = ["src", "db"].flatMap((folder) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|js)$/.test(name))
    .map((name) => join(folder, name)),
);
const textOf = (file: string) => readFileSync(join(projectRoot, file), "utf8");

/** A file without its comments, which may speak of what the code must not do. */
const codeOf = (file: string) => textOf(file).replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");

/** What a file imports: files of the project by their path, packages by their name. */
function importsOf(file: string): string[] {
  const statements = textOf(file).matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)";/gms);
  return [...statements].map(([, specifier = ""]) =>
    specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : specifier,
  );
}

const feature = (file: string) => /^src\/modules\/([^/]+)\//.exec(file)?.[1];
const role = (file: string) => /\.([a-z]+)\.ts$/.exec(file)?.[1];

t.test("there is something to look at", async (t) => {
  t.ok(sources.length > 60);
  t.ok(
    importsOf("src/modules/needs/needs.service.ts").includes("src/modules/needs/needs.store.ts"),
  );
});

t.test("routes and workers speak HTTP and call services: no store, no table", async (t) => {
  for (const file of sources.filter((f) =>
    ["routes", "worker", "actions"].includes(role(f) ?? ""),
  )) {
    const wrong = importsOf(file).filter((i) => i.startsWith("db/") || role(i) === "store");
    t.same(wrong, [], file);
  }
});

t.test("nothing below a route knows fastify, and plugins are for routes", async (t) => {
  const below = sources.filter(
    (f) => feature(f) && !["routes", "worker", "actions"].includes(role(f) ?? ""),
  );
  for (const file of [...below, ...sources.filter((f) => /^src\/(database)\//.test(f))]) {
    const wrong = importsOf(file).filter(
      (i) => /^@?fastify/.test(i) || i.startsWith("src/plugins/"),
    );
    t.same(wrong, [], file);
  }
});

t.test(
  "another feature is reached through its service, its wire schema or its shared routes alone",
  async (t) => {
    for (const file of sources.filter(feature)) {
      const foreign = importsOf(file).filter((i) => feature(i) && feature(i) !== feature(file));
      const wrong = foreign.filter((i) => {
        // Results and needs are both listings: they are built out of that feature's parts.
        if (feature(i) === "listings" && ["results", "needs"].includes(feature(file) ?? ""))
          return false;
        return !["service", "schema"].includes(role(i) ?? "");
      });
      t.same(wrong, [], file);
    }
  },
);

t.test("features do not depend on each other in a circle", async (t) => {
  const arrows = new Map<string, Set<string>>();
  for (const file of sources.filter(feature)) {
    const from = feature(file) ?? "";
    for (const to of importsOf(file).map(feature)) {
      if (to && to !== from) arrows.set(from, (arrows.get(from) ?? new Set()).add(to));
    }
  }
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(arrows.get(from) ?? [])].some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      return reaches(next, to, seen.add(next));
    });
  t.ok(arrows.get("auth")?.has("members"), "arrows are found");
  t.same(
    [...arrows.keys()].filter((name) => reaches(name, name)),
    [],
  );
});

t.test("lib is pure: it imports lib, tables' enums and packages, but no framework", async (t) => {
  for (const file of sources.filter((f) => f.startsWith("src/lib/"))) {
    const wrong = importsOf(file).filter(
      (i) => (i.startsWith("src/") && !i.startsWith("src/lib/")) || i.startsWith("@fastify"),
    );
    t.same(wrong, [], file);
  }
});

t.test(
  "the environment is read in one place, and the process is touched in one place",
  async (t) => {
    for (const file of sources.filter((f) => f !== "src/server.ts")) {
      const text = codeOf(file);
      t.notMatch(text, /process\.env/, `${file}: process.env`);
      t.notMatch(text, /process\.(exit|on|stdout|stderr|argv)\b/, `${file}: process`);
    }
  },
);

t.test("the clock and chance come from one place each", async (t) => {
  for (const file of sources.filter((f) => !["src/lib/clock.ts", "src/lib/ids.ts"].includes(f))) {
    t.notMatch(codeOf(file), /new Date\(\)|Date\.now\(|Math\.random|randomUUID|randomBytes/, file);
  }
});

t.test("only routes' helper, workers, start-up and migrations open transactions", async (t) => {
  // A service goes by `transact`: drizzle's own never gives a connection back that is lost at its `begin`.
  const openers = sources.filter((file) => /\.transaction\(/.test(codeOf(file))).sort();
  const allowed = /^(src\/database\/migrate\.ts|db\/demo\/[^/]+\.ts)$/;
  t.same(
    openers.filter((file) => !allowed.test(file)),
    [],
  );
});

t.test("no default exports but plugins, no barrel but the schema's", async (t) => {
  for (const file of sources) {
    const isPlugin =
      file.startsWith("src/plugins/") || ["routes", "worker"].includes(role(file) ?? "");
    if (!isPlugin) t.notMatch(textOf(file), /^export default/m, file);
    if (file !== "db/schema/index.ts") t.notMatch(textOf(file), /^export \* from/m, file);
  }
});
