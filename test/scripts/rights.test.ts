/** A service whose role may read and write rows and nothing else; and what a start says of its signing keys. */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { buildApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { createKeyFile, readKeyFile } from "../../src/lib/signing-keys.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { openTestDatabase } from "../support/database.ts";

const folder = temporaryFolder("rights");
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const keyFile = join(folder, "keys.json");
createKeyFile(keyFile, new Date());

const serverUrl = process.env.TEST_DATABASE_URL;
t.test(
  "as market_api the service starts and runs its jobs",
  { skip: serverUrl ? false : "needs TEST_DATABASE_URL" },
  async (t) => {
    const database = await openTestDatabase();
    t.teardown(() => database.close());
    const mine = database.asService;
    const { rows } = await mine.pool.query<{ name: string }>("select current_user as name");
    t.equal(rows[0]?.name, "market_api");

    const config = readConfig({ DATA_DIR: folder, SIGNING_KEYS_FILE: keyFile });
    const lines: string[] = [];
    const app = await buildApp(config, {
      database: mine,
      keys: readKeyFile(keyFile),
      logger: { stream: { write: (line) => lines.push(line) } },
      runJobs: true,
    });
    try {
      t.match(await app.inject("/readyz"), { statusCode: 200 });
      const timed = app.jobs.filter((job) => "cron" in job).map(({ name }) => name);
      t.ok(timed.length > 5);
      const isDone = (name: string) =>
        lines.some((line) => line.includes(`"job":"${name}"`) && line.includes("job done"));
      while (!timed.every(isDone)) {
        // As if the hour had come for those that were not run yet.
        await database.pool.query(
          "update job_runs set due_at = now() where succeeded_at is null and due_at > now()",
        );
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      t.pass("every job ran");
      t.notOk(
        lines.find((line) => line.includes("42501")),
        "no right is missing",
      );
    } finally {
      await app.close();
    }
  },
);

t.test("a key file that cannot be used is told in a sentence", async (t) => {
  const whole = readFileSync(keyFile, "utf8");
  const faulty = join(folder, "faulty.json");
  const texts = ["", whole.slice(0, 200), "{}", whole.replace(/"x": "[^"]+"/, '"x": "AAAA"')];
  for (const text of texts) {
    writeFileSync(faulty, text);
    t.throws(() => readKeyFile(faulty), { message: /faulty\.json is not a whole key file/ });
  }
  t.throws(() => readKeyFile(join(folder, "none.json")), { message: /none\.json is missing/ });
  mkdirSync(join(folder, "folder.json"));
  t.throws(() => readKeyFile(join(folder, "folder.json")), {
    message: /cannot be read \(EISDIR\)/,
  });
  if (process.getuid?.() === 0) return;
  chmodSync(faulty, 0);
  t.throws(() => readKeyFile(faulty), { message: /cannot be read \(EACCES\)/ });
});
