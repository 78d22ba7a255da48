/** The arrows of the layout, read off the imports: a wrong one is a failing test, not a matter of taste. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import t from "tap";
import { projectRoot } from "../../src/lib/root.ts";
import { mayHoldSql, mayOpenTransactions, sqlIn, transactionsIn } from "../support/boundaries.ts";

const sources = ["src", "db"].flatMap((folder) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|js)$/.test(name))
    .map((name) => join(folder, name)),
);
const texts = new Map(sources.map((file) => [file, readFileSync(join(projectRoot, file), "utf8")]));
const textOf = (file: string) => texts.get(file) ?? "";

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

/** The names from which arrows lead back to themselves. */
function inCircles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(arrows.get(from) ?? [])].some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      return reaches(next, to, seen.add(next));
    });
  return [...arrows.keys()].filter((name) => reaches(name, name));
}

t.test("features do not depend on each other in a circle", async (t) => {
  const arrows = new Map<string, Set<string>>();
  for (const file of sources.filter(feature)) {
    const from = feature(file) ?? "";
    for (const to of importsOf(file).map(feature)) {
      if (to && to !== from) arrows.set(from, (arrows.get(from) ?? new Set()).add(to));
    }
  }
  t.ok(arrows.get("auth")?.has("members"), "arrows are found");
  t.same(inCircles(arrows), []);
});

t.test("tables' files do not import each other in a circle", async (t) => {
  const files = sources.filter((file) => file.startsWith("db/schema/"));
  const arrows = new Map(files.map((file) => [file, new Set(importsOf(file))]));
  t.ok(arrows.get("db/schema/contracts.ts")?.has("db/schema/results.ts"), "arrows are found");
  t.same(inCircles(arrows), []);
});

t.test("db is below everything: of the program it uses lib alone", async (t) => {
  for (const file of sources.filter((f) => f.startsWith("db/"))) {
    const wrong = importsOf(file).filter((i) => i.startsWith("src/") && !i.startsWith("src/lib/"));
    t.same(wrong, [], file);
  }
});

t.test("the demo market is made by what features offer: it uses no store of theirs", async (t) => {
  const files = sources.filter((file) => file.startsWith("src/demo/"));
  t.ok(files.length > 5);
  for (const file of files) {
    t.same(
      importsOf(file).filter((i) => feature(i) && role(i) === "store"),
      [],
      file,
    );
  }
});

t.test("lib is pure: it imports lib, tables' enums and packages, but no framework", async (t) => {
  for (const file of sources.filter((f) => f.startsWith("src/lib/"))) {
    const wrong = importsOf(file).filter(
      (i) => (i.startsWith("src/") && !i.startsWith("src/lib/")) || i.startsWith("@fastify"),
    );
    t.same(wrong, [], file);
  }
});

t.test("a feature's words are data, which anything may import", async (t) => {
  const words = sources.filter((f) => role(f) === "words");
  t.ok(words.length > 20);
  for (const file of words) t.same(importsOf(file), ["src/lib/words.ts"], file);
});

t.test(
  "the environment is read where a process starts, and the process is touched there alone",
  async (t) => {
    const starts = ["server", "worker", "process"].map((name) => `src/${name}.ts`);
    for (const file of sources.filter((f) => !starts.includes(f))) {
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

const read = sources
  .filter((path) => !path.endsWith(".d.ts"))
  .map((path) => ({ path, text: textOf(path) }));

t.test("only routes, workers, start-up and migrations open transactions", async (t) => {
  for (const source of read.filter(({ path }) => !mayOpenTransactions(path))) {
    t.same(transactionsIn(source), [], source.path);
  }
  const openers = read.filter((source) => transactionsIn(source).length > 0);
  t.ok(openers.length >= 5, "those that may are seen to do so");
});

t.test("only stores and what they are built of write SQL", async (t) => {
  for (const source of read.filter(({ path }) => !mayHoldSql(path))) {
    t.same(sqlIn(source), [], source.path);
  }
  const stores = read.filter(({ path }) => role(path) === "store");
  t.same(
    stores.filter((source) => sqlIn(source).length === 0).map(({ path }) => path),
    [],
    "in every store some is found",
  );
});

/** A service of this text, as a fault would be written there. */
const service = (text: string) => ({ path: "src/modules/needs/needs.service.ts", text });

t.test("a transaction is found, however it is opened", async (t) => {
  const planted = [
    'import { transact } from "../../database/transact.ts";\nawait transact(pool, work);',
    'import { send, transact as inOne } from "../../database/transact.ts";\nawait inOne(pool, work);',
    'import * as database from "../../database/transact.ts";\nawait database.transact(pool, work);',
    'const { transact } = await import("../../database/transact.ts");',
    'export { transact } from "../../database/transact.ts";',
    "await db.transaction(async (tx) => verb(tx));",
    "await (db as Database)\n  .transaction(verb);",
    'await db["transaction"](verb);',
    'await client.query("begin");',
    "await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');",
    `await client.query(\`start transaction read only; \${rest}\`);`,
    'await client.query("savepoint before_it");',
  ];
  for (const text of planted) t.not(transactionsIn(service(text)).length, 0, text);
  for (const text of [
    "// await transact(pool, work)\n/* db.transaction(work) */ const said = 'no transaction begins here';",
    'import { send, sentOff } from "../../database/transact.ts";\nsend(tx, sentOff);',
    'import type { transact } from "../../database/transact.ts";\nexport type Transact = typeof transact;',
  ]) {
    t.same(transactionsIn(service(text)), [], text);
  }
});

t.test("SQL is found, however it is written", async (t) => {
  const planted = [
    'import { eq } from "drizzle-orm";\nconst isThis = eq(needs.id, id);',
    'import { alias } from "drizzle-orm/pg-core";\nalias(needs, "n");',
    'import pg from "pg";\nnew pg.Pool();',
    "await tx.insert(needs).values({ id });",
    "const [row] = await tx\n  .insert(needs)\n  .values({ id })\n  .returning();",
    "await unit.update(needs).set({ title });",
    "await unit.delete(needs).where(condition);",
    "await anything.select({ id: needs.id }).from(needs);",
    "await tx.execute(statement);",
    "await database.db.execute(statement);",
    "await database.pool.query(statement);",
    "await tx.query.needs.findFirst();",
    `const newest = sql\`max(\${needs.createdAt})\`;`,
    'const statement = "select id, title from needs";',
    `const statement = \`update needs set title = \${title}\`;`,
    "const statement = 'INSERT INTO needs (id) VALUES (1)';",
    'const statement = "delete from needs";',
    "const statement = `with recent as (select 1) select * from recent`;",
    `const label = \`case when \${column} like '41%' then 'inside' else 'abroad' end\`;`,
    'const column = "e.seller_region";',
    'const column = "left(e.field, 2)";',
    'const order = "order by created_at";',
  ];
  for (const text of planted) t.not(sqlIn(service(text)).length, 0, text);
  for (const text of [
    "// tx.insert(needs).values({ id })\n/* select id from needs */ const many = 1;",
    'import type { PgColumn } from "drizzle-orm/pg-core";\nexport type Column = PgColumn;',
    'import { DrizzleQueryError } from "drizzle-orm";\nthrow new DrizzleQueryError("", []);',
    'createHash("sha256").update(text).digest("hex");',
    "running.delete(job.name); set.delete(key);",
    'app.delete("/v1/saved-searches/:id", handler);',
    "const after = await insertRow(tx, needs, { id });\nawait updateRow(tx, needs, before, { title });",
    "const rows = await store.selectNeeds(db, query);",
    'const hint = "Select one of the listings, then update it.";',
    'const summary = "Delete a saved search";',
  ]) {
    t.same(sqlIn(service(text)), [], text);
  }
});

t.test("no default exports but plugins, no barrel but the schema's", async (t) => {
  for (const file of sources) {
    const isPlugin =
      file.startsWith("src/plugins/") || ["routes", "worker"].includes(role(file) ?? "");
    if (!isPlugin) t.notMatch(textOf(file), /^export default/m, file);
    if (file !== "db/schema/index.ts") t.notMatch(textOf(file), /^export \* from/m, file);
  }
});
