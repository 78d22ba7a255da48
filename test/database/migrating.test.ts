/** Migrating: many at once, what is refused, what existing databases are mended of, and what is released. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import pg from "pg";
import t, { type Test } from "tap";
import { organizations } from "../../db/schema/organizations.ts";
import { synonyms } from "../../db/schema/synonyms.ts";
import { synonymGroups } from "../../db/synonyms/synonyms.ts";
import { awaitSchema } from "../../src/database/await-schema.ts";
import { connect, type Database } from "../../src/database/connect.ts";
import { migrate } from "../../src/database/migrate.ts";
import { type Migration, readMigrations } from "../../src/database/migrations.ts";
import { compareMigrations, explainSchema, schemaState } from "../../src/database/schema-state.ts";
import { newId } from "../../src/lib/ids.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { openTestDatabase } from "../support/database.ts";
import { nextCreditCode } from "../support/market.ts";
import { beforeOneGroupOfSynonyms } from "../support/older.ts";

const own = readMigrations();
const applied = own.map(({ hash, when }) => ({ hash, when }));
const last = own.at(-1) as Migration;
const wait = (seconds: number, tell: (why: string) => void = () => {}) => ({
  seconds,
  tell,
});

t.test("schemas are told apart by names and hashes, not by their number", async (t) => {
  const kindOf = (rows: typeof applied) => compareMigrations(rows, own).kind;
  t.equal(kindOf(applied), "current");
  t.equal(kindOf(applied.toReversed()), "current", "in any order");
  t.same(compareMigrations(applied.slice(0, -1), own), { kind: "older", missing: [last.name] });
  const next = { hash: "f".repeat(64), when: last.when + 1 };
  t.same(compareMigrations([...applied, next], own), { kind: "newer", further: 1 });
  // As many as ours, and the last one another.
  t.equal(kindOf([...applied.slice(0, -1), next]), "foreign");
  t.equal(kindOf([...applied, { ...next, when: last.when - 1 }]), "foreign", "one in between");
  t.equal(kindOf(applied.slice(1)), "foreign", "the first one left out");
  const changed = applied.map((row, i) => (i === 1 ? { ...row, hash: "0".repeat(64) } : row));
  t.match(compareMigrations(changed, own), { kind: "foreign", reason: own[1]?.name });
  const crlf = own.map(({ hashWithCrlf, when }) => ({ hash: hashWithCrlf, when }));
  t.equal(kindOf(crlf), "current", "migrated from a checkout with CRLF");
  t.match(explainSchema(compareMigrations(changed, own), true), /DATA_DIR/);
  t.match(explainSchema(compareMigrations(changed, own), false), /DATABASE_URL/);
});

t.test("a migration that was released is never changed", async (t) => {
  const file = join(projectRoot, "db/migrations/released.json");
  const released: Record<string, Record<string, string>> = JSON.parse(readFileSync(file, "utf8"));
  const versions = [
    ...readFileSync(join(projectRoot, "CHANGELOG.md"), "utf8").matchAll(/^## (\S+)/gm),
  ].map(([, version]) => version ?? "");
  t.ok(versions.length > 0);
  t.same(Object.keys(released).sort(), versions.sort(), "npm run db:release");
  for (const [version, hashes] of Object.entries(released)) {
    const names = Object.keys(hashes);
    t.same(
      own.slice(0, names.length).map(({ name }) => name),
      names,
      `${version}: order`,
    );
    for (const { name, hash } of own.slice(0, names.length)) {
      t.equal(hash, hashes[name], `${version}: ${name}`);
    }
  }
  const all = Object.values(released).some((hashes) => Object.keys(hashes).length === own.length);
  t.ok(all, `${last.name} belongs to a version: npm run db:release`);
});

/** Whatever migrating makes, without ids and times. */
async function contentOf({ pool }: Database) {
  const { rows } = await pool.query(`select
    (select json_agg(hash order by created_at) from drizzle.__drizzle_migrations) as migrations,
    (select json_agg((taxonomy, code, zh) order by taxonomy, code) from taxonomy_items) as items,
    (select json_agg(code order by code) from registration_rules) as rules,
    (select json_agg(words order by words) from synonyms) as synonyms`);
  return rows[0];
}

t.test("built-in synonyms that stand twice are made one, and stay one", async (t) => {
  const database = await openTestDatabase();
  t.teardown(() => database.close());
  const { db, pool } = database;
  const before = await db.select().from(synonyms).orderBy(synonyms.id);
  // As it was before the migration, and loaded by two programs at once.
  await beforeOneGroupOfSynonyms(pool);
  for (const { words, folded } of before) {
    await db
      .insert(synonyms)
      .values({ id: newId(), words: words.toReversed(), folded: folded.toReversed() });
  }
  t.equal((await schemaState(db)).kind, "older");
  await migrate(database);
  t.same(await db.select().from(synonyms).orderBy(synonyms.id), before, "the oldest of each");
  t.equal((await schemaState(db)).kind, "current");
});

t.test("of verified organizations with one short name the first keeps it", async (t) => {
  const database = await openTestDatabase();
  t.teardown(() => database.close());
  const { db, pool } = database;
  await beforeOneGroupOfSynonyms(pool);
  const given = [
    ["second", "ABC", "verified", "2026-02-01T00:00:00Z"],
    ["first", "abc", "suspended", "2026-01-01T00:00:00Z"],
    ["third", "ＡＢＣ", "verified", "2026-03-01T00:00:00Z"],
    ["waiting", "abc", "pending", null],
    ["other", "abd", "verified", "2026-03-01T00:00:00Z"],
    ["none", null, "verified", "2026-03-01T00:00:00Z"],
  ] as const;
  for (const [name, shortName, status, verifiedAt] of given) {
    const creditCode = nextCreditCode();
    await db.insert(organizations).values({
      ...{ id: newId(), kind: "enterprise", name, shortName, status, verifiedAt, creditCode },
      ...{ legalType: "enterprise", regionCode: "410702" },
    });
  }
  await migrate(database);
  const rows = await db.select().from(organizations);
  const told = rows.map(({ name, shortName, version }) => [name, [shortName, version]]);
  t.same(Object.fromEntries(told), {
    first: ["abc", 1],
    second: [null, 2],
    third: [null, 2],
    waiting: ["abc", 1],
    other: ["abd", 1],
    none: [null, 1],
  });
});

t.test("migrating waits for a table that is in use, and holds nobody up", async (t) => {
  const database = await openTestDatabase();
  t.teardown(() => database.close());
  if (database.pool.options.max === 1) return t.pass("one connection waits for no other");
  const holder = await database.pool.connect();
  await holder.query("begin");
  await holder.query("select * from taxonomy_items for update");
  const migrated = migrate(database);
  const tries = async () =>
    (
      await database.pool.query<{ n: string }>(
        "select xact_rollback as n from pg_stat_database where datname = current_database()",
      )
    ).rows[0]?.n;
  const before = await tries();
  // Until it has given up once.
  while ((await tries()) === before) await new Promise((resolve) => setTimeout(resolve, 100));
  await holder.query("commit");
  holder.release();
  t.same(await migrated, []);
});

const serverUrl = process.env.TEST_DATABASE_URL;

/** An empty database of its own on the server, and how to connect to it. */
async function emptyDatabase(t: Test, server: string): Promise<string> {
  const name = `grand_market_empty_${newId().replaceAll("-", "")}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name}`);
  t.teardown(async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

t.test("on a server", { skip: serverUrl ? false : "needs TEST_DATABASE_URL" }, async (t) => {
  const server = serverUrl ?? "";

  t.test("twelve migrators and servers at once make one market", async (t) => {
    const alone = await openTestDatabase();
    t.teardown(() => alone.close());
    const expected = await contentOf(alone);
    const connectionString = await emptyDatabase(t, server);
    const open = () => connect({ connectionString, max: 1 });
    const migrators = Array.from({ length: 12 }, open);
    const servers = Array.from({ length: 6 }, open);
    t.teardown(() => Promise.all([...migrators, ...servers].map(({ close }) => close())));
    const told: string[] = [];
    const [names] = await Promise.all([
      Promise.all(migrators.map((one) => migrate(one))),
      Promise.all(
        servers.map(({ db }) =>
          awaitSchema(
            db,
            wait(60, (text) => told.push(text)),
          ),
        ),
      ),
    ]);
    t.equal(names.filter((list) => list.length > 0).length, 1, "one did the work");
    t.equal(names.flat().length, own.length);
    t.ok(told.length >= servers.length, "servers say what they wait for");
    const [first] = migrators;
    const content = first && (await contentOf(first));
    t.same(content, expected);
    t.equal(content?.synonyms.length, synonymGroups.length);
  });

  t.test("a server refuses what cannot become its schema at once, and says why", async (t) => {
    const connectionString = await emptyDatabase(t, server);
    const database = connect({ connectionString, max: 1 });
    t.teardown(() => database.close());
    const { db, pool } = database;
    const waiting = () => awaitSchema(db, wait(0));
    await t.rejects(waiting(), { message: /never migrated.*npm run db:migrate/ });
    await migrate(database);
    await waiting();
    t.same(await migrate(database), [], "nothing is left to do");
    await pool.query(
      "insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', $1)",
      [last.when + 1],
    );
    const forever = awaitSchema(db, wait(600));
    await t.rejects(forever, { message: /newer version.*1 more migration\./ });
    await t.rejects(migrate(database), { message: /newer version/ });
    await db.execute(
      sql`update drizzle.__drizzle_migrations set hash = 'y' where created_at = ${own[3]?.when}`,
    );
    const other = new RegExp(`${own[3]?.name}.*another form`);
    await t.rejects(awaitSchema(db, wait(600)), { message: other });
    await t.rejects(migrate(database), { message: other });
    await pool.query("drop schema drizzle cascade");
    await t.rejects(migrate(database), { message: /no list of the migrations/ });
  });
});
