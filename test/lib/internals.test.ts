/**
 * What this program uses of Node and of libraries though it is not public there. Each is tried where it is
 * used, so that an upgrade which moves it fails here, and not as a slow or a deaf market.
 */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { PGlite } from "@electric-sql/pglite";
import { and, DrizzleQueryError, eq, sql } from "drizzle-orm";
import type pg from "pg";
import t from "tap";
import { taxonomyItems } from "../../db/schema/taxonomies.ts";
import { endWhenBroken } from "../../src/database/embedded-engine.js";
import { prepared } from "../../src/database/prepared.ts";
import { takenBytes } from "../../src/lib/exchanges.ts";
import { openTestDatabase } from "../support/database.ts";
import { dial } from "../support/sockets.ts";
import { until } from "../support/time.ts";

t.test("drizzle tells what a prepared query is made of", async (t) => {
  const database = await openTestDatabase();
  t.teardown(() => database.close());
  const { db } = database;
  const build = (name: string) =>
    db
      .select({
        taxonomy: taxonomyItems.taxonomy,
        labels: { en: taxonomyItems.en, zh: taxonomyItems.zh },
        parentCode: taxonomyItems.parentCode,
        updatedAt: taxonomyItems.updatedAt,
        upper: sql<string>`upper(${taxonomyItems.code})`,
      })
      .from(taxonomyItems)
      .where(
        and(
          eq(taxonomyItems.taxonomy, sql.placeholder("taxonomy")),
          sql`${taxonomyItems.active} = ${true}`,
        ),
      )
      .orderBy(taxonomyItems.code)
      .prepare(name);
  const statement = prepared(db, "internals", build);
  t.ok(Object.hasOwn(statement, "execute"), "it is run by us");
  const rows = await statement.execute({ taxonomy: "industries" });
  t.ok(rows.length > 5);
  const plain = await build("internals_plain").execute({ taxonomy: "industries" });
  t.strictSame(rows, plain, "and finds the same as drizzle's own");
  await t.rejects(statement.execute({}), /taxonomy/, "a value that is missing is no null");
  const broken = prepared(db, "internals_broken", (name) =>
    db
      .select({ one: sql`1 / ${sql.placeholder("by")}::int` })
      .from(sql`(select) as one`)
      .prepare(name),
  );
  await t.rejects(
    broken.execute({ by: 0 }),
    { constructor: DrizzleQueryError, cause: { code: "22012" } },
    "and fails like it",
  );
});

t.test("pg writes to `connection.stream`, whose writes of one turn go out together", async (t) => {
  const database = await openTestDatabase();
  t.teardown(() => database.close());
  const client = await database.pool.connect();
  t.teardown(() => client.release());
  const { stream } = (client as unknown as pg.Client).connection;
  const running = [client.query("select 1 as one"), client.query("select 2 as two")];
  t.equal(stream.writableCorked, 1, "held back until the turn is over");
  t.ok(stream.writableLength > 0, "with what the statements wrote");
  await new Promise(process.nextTick);
  t.equal(stream.writableCorked, 0);
  const [one, two] = await Promise.all(running);
  t.same([one?.rows, two?.rows], [[{ one: 1 }], [{ two: 2 }]]);
});

t.test("a socket's handle tells how much of a write has left", async (t) => {
  const bytes = 32 * 1024 * 1024;
  const accepted = new Promise<Socket>((resolve) => {
    const server = createServer(resolve).listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      const reader = createConnection({ port, host: "127.0.0.1" }).pause();
      t.teardown(() => {
        reader.destroy();
        server.close();
      });
    });
  });
  const socket = await accepted;
  socket.on("error", () => {});
  t.teardown(() => socket.destroy());
  socket.write(Buffer.alloc(bytes));
  t.equal(socket.bytesWritten, bytes, "what Node says of it is all or nothing");
  await until(() => takenBytes(socket) > 0);
  t.ok(takenBytes(socket) < bytes, "the system has not taken all of it");
});

t.test("Node's parser hands each request to `onIncoming`", async (t) => {
  const seen: string[] = [];
  const server = createHttpServer((request, response) => {
    seen.push(request.url ?? "");
    const { parser } = request.socket as unknown as { parser: { onIncoming: () => number } };
    parser.onIncoming = () => 0;
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const requests = ["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const caller = await dial(port, requests.join(""));
  t.teardown(() => {
    caller.socket.destroy();
    server.close();
  });
  await until(() => caller.text().includes("HTTP/1.1 200"));
  t.same(seen, ["/1"], "those behind it in the same packet are dropped");
});

t.test(
  "PGlite runs its engine by `_PostgresMainLoopOnce`, and tells a statement's error",
  async (t) => {
    const db = await PGlite.create();
    t.teardown(() => db.close());
    const engine = db as unknown as {
      mod: { _PostgresMainLoopOnce: () => unknown };
      POSTGRES_MAIN_LONGJMP: number;
    };
    const once = engine.mod._PostgresMainLoopOnce;
    const thrown: unknown[] = [];
    let turns = 0;
    engine.mod._PostgresMainLoopOnce = () => {
      turns += 1;
      try {
        return once();
      } catch (error) {
        thrown.push((error as { status?: number }).status);
        throw error;
      }
    };
    // As the thread of the embedded database does it: an engine's failure would end this process.
    endWhenBroken(db);
    await t.rejects(db.exec("select 1 / 0"), /division by zero/);
    t.same(thrown, [engine.POSTGRES_MAIN_LONGJMP], "the way of a statement's error");
    t.type(engine.POSTGRES_MAIN_LONGJMP, "number");
    const before = turns;
    t.match(await db.exec("select 1 as one"), [{ rows: [{ one: 1 }] }], "the engine goes on");
    t.ok(turns > before);
  },
);
