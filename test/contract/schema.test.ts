/** The database holds what the code promises: migrations are complete, guards are the lifecycles', names are known. */
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { getTableName, sql } from "drizzle-orm";
import t from "tap";
import { taxonomies } from "../../db/taxonomies/index.ts";
import { readLifecycles } from "../../scripts/lifecycles/read.ts";
import { triggerSql } from "../../scripts/lifecycles/triggers.ts";
import { migrate } from "../../src/database/migrate.ts";
import { newId } from "../../src/lib/ids.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { statusPairs } from "../../src/lifecycle/resource.ts";
import { constraintErrors, errorCatalogue } from "../../src/words.ts";
import { openTestDatabase } from "../support/database.ts";

const database = await openTestDatabase();
t.teardown(() => database.close());
const { db } = database;

t.test("no change of the tables is without its migration", async (t) => {
  const folder = temporaryFolder("migrations");
  cpSync(join(projectRoot, "db/migrations"), folder, { recursive: true });
  const before = readdirSync(folder).length;
  const kit = join(projectRoot, "node_modules/drizzle-kit/bin.cjs");
  const schema = join(projectRoot, "db/schema/index.ts");
  // drizzle-kit takes the output folder relative to where it runs.
  const options = ["generate", "--dialect=postgresql", `--schema=${schema}`, "--out=."];
  execFileSync(process.execPath, [kit, ...options], { cwd: folder, stdio: "pipe" });
  t.equal(readdirSync(folder).length, before);
  rmSync(folder, { recursive: true });
});

t.test("migrating again changes nothing", async (t) => {
  const count = async () =>
    (await db.execute(sql`select count(*)::int as n from taxonomy_items`)).rows[0];
  const before = await count();
  await migrate(database);
  t.same(await count(), before);
});

t.test("the database lets through exactly the steps of the lifecycles", async (t) => {
  const lifecycles: Record<string, string[]> = {};
  for (const one of await readLifecycles()) {
    lifecycles[getTableName(one.table)] = statusPairs(one);
  }
  const triggers = await db.execute<{ name: string; arguments: string }>(
    sql`select tgrelid::regclass::text as name, encode(tgargs, 'escape') as arguments
        from pg_trigger where tgname like '%\\_lifecycle'`,
  );
  const guarded = Object.fromEntries(
    triggers.rows.map((row) => [row.name, row.arguments.split("\\000").filter(Boolean).sort()]),
  );
  for (const [table, pairs] of Object.entries(lifecycles)) {
    const moves = pairs.filter((pair) => {
      const [from, to] = pair.split(">");
      return from !== to;
    });
    t.same(guarded[table], moves, table);
  }
  t.same(
    Object.keys(guarded).sort(),
    Object.keys(lifecycles).sort(),
    "no table is without its test",
  );
});

t.test("the printed SQL of a trigger makes the one that is there", async (t) => {
  const triggers = async () => {
    const { rows } = await db.execute<{ text: string }>(
      sql`select pg_get_triggerdef(oid) as text from pg_trigger where tgname like '%\\_lifecycle' order by 1`,
    );
    return rows.map(({ text }) => text);
  };
  const before = await triggers();
  const lifecycles = await readLifecycles();
  t.equal(before.length, lifecycles.length);
  for (const one of lifecycles) {
    for (const statement of triggerSql(one).split("--> statement-breakpoint")) {
      await db.execute(sql.raw(statement));
    }
  }
  t.same(await triggers(), before);
});

t.test("a step that is not listed is refused by the database itself", async (t) => {
  const id = newId();
  await db.execute(sql`insert into organizations (id, kind, status, name, credit_code, legal_type, region_code)
    values (${id}, 'enterprise', 'pending', 'x', '91410782MA9T000262', 'enterprise', '410700')`);
  await t.rejects(db.execute(sql`update organizations set status = 'closed' where id = ${id}`));
  const after = await db.execute(sql`select status from organizations where id = ${id}`);
  t.same(after.rows, [{ status: "pending" }]);
});

t.test("audit records are neither changed nor removed", async (t) => {
  await db.execute(sql`insert into audit_records (id, type, subject_type, subject_id, actor_kind)
    values (${newId()}, 'need.publish', 'need', ${newId()}, 'system')`);
  await t.rejects(db.execute(sql`update audit_records set type = 'x'`));
  await t.rejects(db.execute(sql`delete from audit_records`));
  await t.rejects(db.execute(sql`truncate audit_records`));
  t.same((await db.execute(sql`select type from audit_records`)).rows, [{ type: "need.publish" }]);
});

t.test(
  "each constraint that means something to a caller exists, and means a known code",
  async (t) => {
    const found = await db.execute<{ name: string }>(
      sql`select conname as name from pg_constraint union select indexname from pg_indexes where schemaname = 'public'`,
    );
    const names = new Set(found.rows.map((row) => row.name));
    for (const [name, code] of constraintErrors) {
      t.ok(names.has(name), name);
      t.ok(errorCatalogue.has(code), code);
    }
  },
);

t.test("every taxonomy is whole: unique codes, known parents, two languages", async (t) => {
  t.ok(taxonomies.length > 20);
  for (const { name, items, source } of taxonomies) {
    const codes = new Set(items.map((item) => item.code));
    t.equal(codes.size, items.length, `${name}: codes are unique`);
    t.ok(source, `${name}: source`);
    for (const { code, parent, zh, en } of items) {
      t.ok(zh && en, `${name} ${code}`);
      if (parent) t.ok(codes.has(parent), `${name} ${code}: parent ${parent}`);
    }
  }
});
