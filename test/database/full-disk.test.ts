/** A disk without room: what was acknowledged stays, reading goes on, and room alone makes it well again. */
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import t, { type Test } from "tap";
import { attachments } from "../../db/schema/attachments.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { filesIn, pdf, settledFiles, upload } from "../support/files.ts";
import { drafted } from "../support/listings.ts";
import { type Market, openMarket } from "../support/market.ts";
import { refused } from "../support/replies.ts";
import { openSmallDisk } from "../support/small-disk.ts";
import { until } from "../support/time.ts";

const megabyte = 1024 * 1024;
const fileOf = (text: string, megabytes: number) =>
  Buffer.concat([pdf(text), Buffer.alloc(megabytes * megabyte, 5)]);

const metricOf = async ({ app }: Market, place: string) => {
  const text = (await app.inject("/metrics")).body;
  return Number(new RegExp(`storage_free_bytes\\{place="${place}"\\} (\\d+)`).exec(text)?.[1]);
};
const readiness = async (market: Market) => (await market.as(null)("GET", "/readyz")).body;

/** Asserts that a write is refused for want of room, and says when to come again. */
function isFull(t: Test, reply: Awaited<ReturnType<typeof upload>>) {
  refused(t, reply, 507, "storage.full");
  t.ok(Number(reply.headers["retry-after"]) > 0);
}

t.test("attachments on a disk of their own", async (t) => {
  const disk = openSmallDisk(t, 16);
  if (!disk) return void t.pass("skipped: no file system may be mounted here");
  // As an operator puts them there.
  const DATA_DIR = temporaryFolder("files");
  symlinkSync(disk.folder, join(DATA_DIR, "files"));
  t.teardown(() => rmSync(DATA_DIR, { recursive: true }));
  const market = await openMarket(t, { settings: { DATA_DIR, MIN_FREE_MEGABYTES: "4" } });
  const { db } = market.database;
  const owner = await market.person("university");
  const subjectId = (await drafted(market, "result", owner)).body.id as string;
  const attach = (bytes: Buffer) =>
    upload(market, owner, { subjectType: "result", subjectId }, bytes);
  const rows = () => db.select().from(attachments).where(eq(attachments.subjectId, subjectId));

  const kept = await attach(fileOf("先到", 2));
  t.equal(kept.status, 201);
  await until(async () => (await readiness(market)).status === "ok");
  const before = await metricOf(market, "attachments");
  await disk.fill(2 * megabyte);
  await until(async () => (await readiness(market)).status === "degraded");
  t.same((await readiness(market)).degraded, ["disk"]);
  t.ok((await metricOf(market, "attachments")) < before);

  isFull(t, await attach(fileOf("太大", 3)));
  t.same((await settledFiles(market)).incoming, [], "nothing is left behind");
  t.equal((await rows()).length, 1);
  const read = await market.as(owner)("GET", `/v1/attachments/${kept.body.id}/content`);
  t.equal(read.status, 200);
  await disk.fill(0);
  isFull(t, await attach(pdf("再小")));
  t.same((await settledFiles(market)).incoming, []);
  t.equal((await drafted(market, "result", owner)).status, 201, "the database has its own disk");

  disk.empty();
  t.equal((await attach(fileOf("太大", 3))).status, 201, "by itself, once there is room");
  await until(async () => (await readiness(market)).status === "ok");
  t.equal((await rows()).length, 2);
  const names = filesIn(market).kept.filter((name) => name !== "ballast");
  t.equal(names.length, 2);
});

t.test("the embedded database and attachments on one disk", async (t) => {
  const disk = openSmallDisk(t, 256);
  if (!disk) return void t.pass("skipped: no file system may be mounted here");
  const folder = join(disk.folder, "data");
  mkdirSync(folder);
  const database = await openEmbedded(folder);
  await migrate(database);
  const market = await openMarket(t, {
    database,
    settings: { DATA_DIR: folder, MIN_FREE_MEGABYTES: "40" },
  });
  const owner = await market.person("university");
  const made = await drafted(market, "result", owner);
  const read = () => market.as(owner)("GET", `/v1/results/${made.body.id}`);
  const attach = (bytes: Buffer) =>
    upload(market, owner, { subjectType: "result", subjectId: made.body.id }, bytes);

  await t.test("an upload does not take the room that the log needs", async (t) => {
    await disk.fill(30 * megabyte);
    isFull(t, await attach(fileOf("大", 20)));
    t.same((await settledFiles(market)).incoming, []);
    t.equal((await attach(fileOf("小", 1))).status, 201);
    t.equal((await drafted(market, "result", owner)).status, 201);
  });

  await t.test("changes are refused before there is none, reading goes on", async (t) => {
    await disk.fill(10 * megabyte);
    // A look at the disk serves the changes of the next 50 ms: it has to see what was filled.
    await until(async () => (await metricOf(market, "data")) < 24 * megabyte);
    isFull(t, await market.as(owner)("POST", "/v1/results", { body: { title: "无处可写" } }));
    isFull(t, await attach(pdf("无处可放")));
    t.equal((await read()).status, 200);
    await until(async () => (await readiness(market)).status === "degraded");
    disk.empty();
    await until(async () => (await metricOf(market, "data")) > 24 * megabyte);
    t.equal((await drafted(market, "result", owner)).status, 201);
  });

  await t.test(
    "without room for its log it comes back, and nothing acknowledged is lost",
    async (t) => {
      const { pool } = database;
      await pool.query("create table filling as select 0 as counted");
      await disk.fill(0);
      let stored = 0;
      const failed = await (async () => {
        for (;;) {
          try {
            // Much log, and not one page more of data.
            await pool.query(`with filler as (select pg_logical_emit_message(true, 'filler', repeat('x', 500000)))
            update filling set counted = counted + 1 from filler`);
            stored += 1;
          } catch (error) {
            return error as { code?: string };
          }
        }
      })();
      t.equal(failed.code, "53100");
      const away = await until(async () => {
        const reply = await read();
        return reply.status !== 200 && reply;
      });
      refused(t, away, 503, "server.unavailable");
      disk.empty();
      await until(async () => (await read()).status === 200);
      const { rows } = await pool.query("select counted from filling");
      t.same(rows, [{ counted: stored }]);
      t.equal((await drafted(market, "result", owner)).status, 201);
      t.equal((await attach(fileOf("又来", 1))).status, 201);
    },
  );
});
