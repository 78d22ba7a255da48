/** `npm run verify-log`: says what is wrong with a log, on a server and on an embedded database. */
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import t, { type Test } from "tap";
import { argumentsFor } from "../../scripts/program.ts";
import type { Database } from "../../src/database/connect.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { clock } from "../../src/lib/clock.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createKeyFile, readKeyFile, rotateKeyFile } from "../../src/lib/signing-keys.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { signHead } from "../../src/modules/audit/head.service.ts";
import { openTestDatabase } from "../support/database.ts";
import { sealAll } from "../support/log.ts";
import { asOwner, reckonAnew } from "../support/tampering.ts";

const serverUrl = process.env.TEST_DATABASE_URL;

/** Runs the script to its end. */
const run = (args: string[], env: Record<string, string>) =>
  new Promise<{ code: number; text: string }>((resolve) => {
    const { DATABASE_URL: _, DATA_DIR: __, SIGNING_KEYS_FILE: ___, ...inherited } = process.env;
    execFile(
      process.execPath,
      [...argumentsFor("scripts/verify-log.ts"), ...args],
      { cwd: projectRoot, env: { ...inherited, ...env }, timeout: 120_000 },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, text: stdout + stderr }),
    );
  });

function newFolder(t: Test) {
  const folder = temporaryFolder("verify-log");
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Records that something happened, and has them sealed. */
async function happen(database: Database, count: number) {
  await database.db.execute(sql`insert into audit_records (id, type, subject_type, subject_id, actor_kind)
    select gen_random_uuid(), 'test.happened', 'test', gen_random_uuid(), 'system' from generate_series(1, ${count}::int)`);
  await sealAll({ database });
}

interface Place {
  env: Record<string, string>;
  folder: string;
  /** Does something to the database while no script has it. */
  change: (work: (database: Database) => Promise<void>) => Promise<void>;
}

/** Everything that an office does, and what it hears of a log that was tampered with. */
async function play(t: Test, { env, folder, change }: Place) {
  const keyFile = env.SIGNING_KEYS_FILE ?? join(folder, "signing-keys.json");
  createKeyFile(keyFile, new Date(0));
  const heads = join(folder, "heads.txt");
  const keep = (database: Database) =>
    signHead(database.db, {
      publicUrl: "https://market.test",
      key: readKeyFile(keyFile).active,
    });
  const kept: string[] = [];
  await change(async (database) => {
    for (const count of [120, 30]) {
      await happen(database, count);
      const head = await keep(database);
      kept.push(kept.length === 0 ? head.jws : JSON.stringify(head));
    }
  });
  writeFileSync(heads, `${kept.join("\n")}\n`);
  const whole = await run(["--head", heads], env);
  t.equal(whole.code, 0, whole.text);
  t.match(whole.text, /150 entries were looked at, against 2 signed heads\. 0 records wait/);
  t.match(whole.text, /The log is whole\. Its head: 150 [0-9a-f]{64}/);

  // The keys of the market are gone from its file in time: the office has kept them.
  const jwks = join(folder, "jwks.json");
  writeFileSync(jwks, JSON.stringify({ keys: readKeyFile(keyFile).published }));
  rotateKeyFile(keyFile, new Date(3_600_000));
  rotateKeyFile(keyFile, new Date(7_200_000));
  const unknown = await run(["--head", heads], env);
  t.equal(unknown.code, 1);
  t.match(unknown.text, /heads\.txt, line 1, proves nothing: it is signed with the key/);
  t.match(unknown.text, /The log is not proven whole: 2 heads that prove nothing/);
  const known = ["--head", heads, "--keys", jwks];

  await change((database) =>
    asOwner(
      database,
      `delete from audit_records where id in (select record_id from audit_log where position > 50);
       delete from audit_log where position > 50;
       update sealer_state set (position, hash) = (select position, hash from audit_log where position = 50)`,
    ),
  );
  const cut = await run(known, env);
  t.equal(cut.code, 1);
  t.match(
    cut.text,
    /^cut +The log was cut: it had 150 entries .* 100 entries at its end are missing\.$/m,
  );
  t.match(cut.text, /^state +sealer_state was set back/m);
  t.match(cut.text, /The log is not whole: 1 cut, 1 state\./);

  await change(async (database) => {
    await happen(database, 100);
    await reckonAnew(database);
  });
  const rewritten = await run(known, env);
  t.equal(rewritten.code, 1);
  t.match(rewritten.text, /^rewritten Between positions 1 and 120 .* Nor do 1 other heads fit\.$/m);

  await change((database) => asOwner(database, "update audit_records set reason = 'x'"));
  const many = await run([], env);
  t.equal(many.code, 1);
  t.match(many.text, /Further ones are only counted/);
  t.match(many.text, /The log is not whole: 150 changed\./);
}

t.test("on a server", { skip: !serverUrl }, async (t) => {
  const database = await openTestDatabase();
  t.teardown(() => database.close());
  const folder = newFolder(t);
  const env = {
    DATABASE_URL: database.pool.options.connectionString ?? "",
    SIGNING_KEYS_FILE: join(folder, "keys.json"),
  };
  await play(t, { env, folder, change: (work) => work(database) });
});

t.test("on an embedded database", async (t) => {
  const folder = newFolder(t);
  const data = join(folder, "data");
  mkdirSync(data);
  const change = async (work: (database: Database) => Promise<void>) => {
    const database = await openEmbedded(data);
    try {
      await migrate(database);
      await work(database);
    } finally {
      await database.close();
    }
  };
  const env = { DATA_DIR: data, SIGNING_KEYS_FILE: join(folder, "keys.json") };
  await play(t, { env, folder, change });
});

t.test("called wrongly, or with what is no head", async (t) => {
  const folder = newFolder(t);
  const env = { DATA_DIR: folder };
  const file = join(folder, "empty.txt");
  writeFileSync(file, "\n");
  createKeyFile(join(folder, "signing-keys.json"), clock.now());
  const [help, alone, none, missing, empty, notKeys] = await Promise.all([
    run(["--help"], env),
    run(["--keys", file], env),
    run([], env),
    run(["--head", join(folder, "gone.txt")], env),
    run(["--head", file], env),
    run(["--head", file, "--keys", file], env),
  ]);
  t.equal(help.code, 0);
  t.match(help.text, "--head FILE");
  t.equal(alone.code, 2);
  t.equal(none.code, 1);
  t.match(none.text, "no embedded database");
  t.match(missing.text, /gone\.txt cannot be read \(ENOENT\)/);
  t.match(empty.text, "holds no signed head");
  t.match(notKeys.text, "is no JWKS of this market");
  for (const { code } of [missing, empty, notKeys]) t.equal(code, 1);
});
