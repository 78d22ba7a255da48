/** A process that is started while its database is away. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import t from "tap";
import { makeCluster } from "../../scripts/cluster.ts";
import { argumentsFor } from "../../scripts/program.ts";
import { clock } from "../../src/lib/clock.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { createKeyFile } from "../../src/lib/signing-keys.ts";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { noServer, startCluster } from "../support/cluster.ts";

const folder = temporaryFolder("waiting");
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const keys = join(folder, "keys.json");
createKeyFile(keys, clock.now());

function start(
  databaseUrl: string,
  seconds: number,
  { port = 0, stdout = "pipe" as "pipe" | number } = {},
) {
  const server: ChildProcess = spawn(process.execPath, argumentsFor("src/server.ts"), {
    cwd: projectRoot,
    stdio: ["ignore", stdout, "pipe"],
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      DATABASE_WAIT_SECONDS: String(seconds),
      DRAIN_SECONDS: "0",
      SIGNING_KEYS_FILE: keys,
      DATA_DIR: folder,
      PORT: String(port),
      LOG_LEVEL: stdout === "pipe" ? "silent" : "info",
    },
  });
  let told = "";
  const heard: (() => void)[] = [];
  for (const stream of [server.stdout, server.stderr]) {
    stream?.on("data", (chunk) => {
      told += chunk;
      for (const listener of heard) listener();
    });
  }
  const ended = new Promise<number | null>((resolve) => server.once("exit", resolve));
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => told.includes(text) && resolve();
      heard.push(look);
      look();
      ended.then(() => reject(new Error(`it ended: ${told}`)));
    });
  t.teardown(() => server.kill("SIGKILL"));
  return { server, ended, says, told: () => told };
}

// Port 9 is nobody's here: discard is not served any more.
const nowhere = "postgres://postgres@127.0.0.1:9/postgres";

t.test("it says once what it waits for, and ends when that does not come", async (t) => {
  const run = start(nowhere, 2);
  t.equal(await run.ended, 1);
  t.equal(run.told().match(/waits for the database/g)?.length, 1);
  t.match(run.told(), /did not start\. DATABASE_URL cannot be used: .*ECONNREFUSED/);
  t.notMatch(run.told(), /\n {4}at /, "no stack");
});

t.test("told to end meanwhile, it ends", async (t) => {
  const run = start(nowhere, 600);
  await run.says("waits for the database");
  run.server.kill("SIGTERM");
  t.equal(await run.ended, 0);
});

t.test("it starts once the database is there", { skip: noServer }, async (t) => {
  const cluster = await startCluster(t);
  const missing = start(`${cluster.url.replace(/postgres$/, "nosuch")}`, 600);
  t.equal(await missing.ended, 1, "not waited for: no time makes a database");
  t.match(missing.told(), /"nosuch" does not exist/);
  await cluster.stop("fast");
  const run = start(cluster.url, 600);
  await run.says("waits for the database");
  await cluster.start();
  await run.says("Database    PostgreSQL server");
  run.server.kill("SIGTERM");
  t.equal(await run.ended, 0);
});

t.test("a log that cannot be written does not end it", { skip: noServer }, async (t) => {
  const cluster = await startCluster(t);
  const full = openSync("/dev/full", "w");
  t.teardown(() => closeSync(full));
  // Its own is free for a moment: nothing else here tells which port it took.
  const spare = await makeCluster();
  await spare.remove();
  const run = start(cluster.url, 60, { port: spare.port, stdout: full });
  const alive = () =>
    fetch(`http://127.0.0.1:${spare.port}/livez`).then(
      (reply) => reply.status,
      () => null,
    );
  while ((await alive()) === null && run.server.exitCode === null) await setTimeout(50);
  for (let i = 0; i < 20; i++) t.equal(await alive(), 200);
  run.server.kill("SIGTERM");
  t.equal(await run.ended, 0, run.told());
});
