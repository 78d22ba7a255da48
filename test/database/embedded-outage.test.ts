/** The embedded database's thread dies: callers are told, it is started again, nothing is lost. */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { sql } from "drizzle-orm";
import t from "tap";
import { openEmbedded } from "../../src/database/embedded.ts";
import { transact } from "../../src/database/transact.ts";
import { outageOf } from "../../src/lib/outages.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";

const folder = temporaryFolder("embedded");
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

/** The thread that was made last. */
let thread: Worker | undefined;
process.on("worker", (worker) => {
  thread = worker;
});

const failureOf = (call: PromiseLike<unknown>) =>
  call.then(
    () => null,
    (error: unknown) => error,
  );

t.test("it dies in the middle of what it does", async (t) => {
  const database = await openEmbedded(folder);
  const news: boolean[] = [];
  const watch = database.watch({
    isCurrent: async () => true,
    onChange: (isThere) => news.push(isThere),
  });
  await watch.begun;
  t.same(watch.health(), { database: true, migrations: true });
  await database.db.execute(sql`create table kept (id int primary key)`);
  const acknowledged: number[] = [];
  for (let id = 1, deaths = 0; deaths < 2; id++) {
    if (id % 20 === 0) {
      deaths++;
      // It has something to do when it dies.
      const asked = transact(database.pool, (tx) =>
        tx.execute(sql`select count(*) from generate_series(1, 3000000)`),
      );
      const failure = failureOf(asked);
      await setTimeout(50);
      await thread?.terminate();
      t.ok(outageOf(await failure), "who was waiting is told");
      t.notOk(watch.health().database);
      t.ok(outageOf(await failureOf(database.db.execute(sql`select 1`))), "who comes is told");
      while (!watch.health().database) await setTimeout(20);
    }
    await transact(database.pool, (tx) => tx.execute(sql`insert into kept values (${id})`));
    acknowledged.push(id);
  }
  const { rows } = await database.db.execute<{ id: number }>(sql`select id from kept order by id`);
  t.same(
    rows.map(({ id }) => id),
    acknowledged,
    "what was acknowledged is there",
  );
  t.same(news, [false, true, false, true]);
  await watch.stop();
  await database.close();
});

t.test("it cannot be started again for a while", async (t) => {
  const database = await openEmbedded(folder);
  const watch = database.watch({ isCurrent: async () => true });
  const data = join(folder, "postgres");
  renameSync(join(data, "global"), join(data, "global.aside"));
  await thread?.terminate();
  const first = thread;
  while (thread === first) await setTimeout(20);
  const second = thread;
  while (thread === second) await setTimeout(20);
  t.notOk(watch.health().database, "it tries again and again");
  renameSync(join(data, "global.aside"), join(data, "global"));
  while (!watch.health().database) await setTimeout(20);
  t.equal(await failureOf(database.db.execute(sql`select count(*) from kept`)), null);
  // Closed while it is away, it does not hang.
  await thread?.terminate();
  await watch.stop();
  await database.close();
});
