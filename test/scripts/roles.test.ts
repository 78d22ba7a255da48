/** The roles that `db:migrate --roles` makes: what each may do, and that later migrations keep it so. */
import t from "tap";
import { makeCluster } from "../../scripts/cluster.ts";
import { runScript } from "../../scripts/tour/process.ts";
import { connect } from "../../src/database/connect.ts";
import { appendOnlyTables } from "../../src/database/roles.ts";
import { noServer } from "../support/cluster.ts";

/** What is refused to the service's role, whatever trigger would refuse it as well. */
const forbidden = [
  "create table x (i int)",
  "create temporary table x (i int)",
  "create function x() returns int language sql as 'select 1'",
  "alter table needs add column x int",
  "alter table audit_records disable trigger all",
  "drop table needs",
  "truncate needs",
  "create role x",
  "insert into drizzle.__drizzle_migrations (hash) values ('x')",
];

/** As the migrations have them; one that is new is added here. */
const onlyAddedTo = [
  ...["audit_log", "audit_records", "contract_revisions", "match_notes", "registry_entries"],
  ...["registry_feed", "volume_entries"],
];

t.test("db:migrate --roles", { skip: noServer }, async (t) => {
  const cluster = await makeCluster();
  t.teardown(() => cluster.remove());
  await cluster.start();
  const owner = connect({ connectionString: cluster.url, max: 2 });
  const url = new URL(cluster.url);
  url.username = "market_api";
  const service = connect({ connectionString: url.href, max: 2 });
  t.teardown(async () => {
    await service.close();
    await owner.close();
  });
  const ask = async (text: string) => (await owner.pool.query(text)).rows.map((row) => row.name);
  const run = (given: string[], environment: Record<string, string> = {}) =>
    runScript("migrate.ts", given, { ...process.env, DATABASE_URL: cluster.url, ...environment });

  await t.test("without it nobody gets a role", async (t) => {
    run([]);
    t.same(await ask("select rolname as name from pg_roles where rolname like 'market%'"), []);
  });

  await t.test("makes both, sets passwords, and may be called again", async (t) => {
    for (let times = 0; times < 2; times++) run(["--roles"], { MARKET_API_PASSWORD: "it's \\ $1" });
    t.same(
      await ask(
        `select format('%s %s %s', rolname, left(rolpassword, 13), rolsuper or rolcreaterole or rolcreatedb or rolbypassrls)
          as name from pg_authid where rolname like 'market%' order by 1`,
      ),
      ["market_api SCRAM-SHA-256 f", "market_owner  f"],
    );
    t.same(
      await ask(
        `select relname as name from pg_class where relkind in ('r', 'S') and pg_get_userbyid(relowner) <> 'market_owner'
          and relnamespace in ('public'::regnamespace, 'drizzle'::regnamespace)
        union all select proname from pg_proc
          where pronamespace = 'public'::regnamespace and pg_get_userbyid(proowner) <> 'market_owner'`,
      ),
      [],
      "all is the owner's",
    );
  });

  await t.test("the service changes rows and nothing else", async (t) => {
    for (const text of forbidden)
      await t.rejects(service.pool.query(text), { code: "42501" }, text);
    t.same(await appendOnlyTables(owner.db), onlyAddedTo);
    for (const table of onlyAddedTo) {
      await t.rejects(service.pool.query(`delete from ${table}`), { code: "42501" }, table);
      const [column] = await ask(
        `select attname as name from pg_attribute where attrelid = '${table}'::regclass and attnum = 1`,
      );
      const update = `update ${table} set ${column} = ${column}`;
      await t.rejects(service.pool.query(update), { code: "42501" }, update);
      await service.pool.query(`select from ${table}`);
    }
    await service.pool.query("delete from idempotency_keys");
  });

  await t.test("a later migration's tables are there for both", async (t) => {
    await owner.pool.query(`create table later (i int); create table later_log (i int);
      create trigger later_log_append_only before update or delete or truncate on later_log
        for each statement execute function refuse_change()`);
    await t.rejects(service.pool.query("select from later"), { code: "42501" });
    run([]);
    await service.pool.query("insert into later values (1); update later set i = 2");
    await service.pool.query("insert into later_log values (1)");
    await t.rejects(service.pool.query("delete from later_log"), { code: "42501" });
    t.same(await ask("select tableowner as name from pg_tables where tablename like 'later%'"), [
      "market_owner",
      "market_owner",
    ]);
  });

  await t.test("the owner migrates by itself, from nothing too", async (t) => {
    await owner.pool.query("create database empty owner market_owner");
    const empty = new URL(cluster.url);
    empty.pathname = "/empty";
    empty.username = "market_owner";
    run(["--roles"], { DATABASE_URL: empty.href });
    run([], { DATABASE_URL: empty.href });
    empty.username = "market_api";
    const other = connect({ connectionString: empty.href, max: 1 });
    await t.resolves(other.pool.query("select from needs"));
    await other.close();
  });
});
