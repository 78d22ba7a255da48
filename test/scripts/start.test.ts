/** The program as a person starts it: what it announces, what it refuses, and what a kill leaves. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import t from "tap";
import { temporaryFolder } from "../../src/lib/temporary.ts";
import { type Program, startProgram } from "../support/program.ts";

const folder = temporaryFolder("start");
const running: Program[] = [];
t.teardown(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the program on the test's folder, unless told otherwise. */
function start(changes: Record<string, string> = {}): Program {
  const program = startProgram({ DATA_DIR: folder, ...changes });
  running.push(program);
  return program;
}

async function post(url: string, body: object): Promise<{ status: number; body: unknown }> {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: reply.status, body: await reply.json() };
}

const serverUrl = process.env.TEST_DATABASE_URL;

/** Settings for a database that every server has and nobody migrates. */
function unmigrated(server: string): Record<string, string> {
  const url = new URL(server);
  url.pathname = "/template1";
  return {
    DATABASE_URL: url.href,
    DATABASE_WAIT_SECONDS: "1",
    SIGNING_KEYS_FILE: join(folder, "keys.json"),
  };
}

const registration = {
  organization: {
    kind: "enterprise",
    name: "断电前登记的企业",
    creditCode: "91410782MA9T000262",
    regionCode: "410782",
  },
  member: { name: "某人", email: "somebody@example.com", password: "a long pass phrase" },
};
const credentials = { email: "somebody@example.com", password: "a long pass phrase" };

t.test("what a start refuses, and what a kill leaves", async (t) => {
  const first = start();
  // These end before they touch the folder, so they run while the first one makes its database.
  const faulty = start({ PORT: "abc" });
  const bare = serverUrl ? start(unmigrated(serverUrl)) : null;
  t.equal(await faulty.ended, 1);
  t.match(faulty.text(), /PORT/);
  if (bare) {
    t.equal(await bare.ended, 1);
    t.match(bare.text(), "npm run db:migrate");
  }

  const address = await first.announced;
  t.match(first.text(), "operator@demo.example");
  const demo = { email: "university@demo.example", password: "grand-market-demo" };
  t.match(await post(`${address}/v1/auth/login`, demo), { status: 200 });

  const second = start();
  t.equal(await second.ended, 1);
  t.match(second.text(), "in use");

  t.match(await post(`${address}/v1/auth/register`, registration), { status: 201 });
  const socketsOf = ({ child }: Program) =>
    readdirSync(tmpdir()).filter(
      (name) =>
        name.startsWith("grand-market-socket-") && name.split("-")[4] === child.pid?.toString(36),
    );
  t.equal(socketsOf(first).length, 1);
  first.child.kill("SIGKILL");
  await first.ended;
  t.equal(socketsOf(first).length, 1, "a kill leaves its folder");

  const open = start({ HOST: "0.0.0.0" });
  t.equal(await open.ended, 1, "everybody knows the demo passwords");
  t.match(open.text(), /HOST=0\.0\.0\.0.*demo accounts/);

  const third = start();
  const again = await third.announced;
  for (let i = 0; i < 200 && socketsOf(first).length > 0; i++) await setTimeout(50);
  t.same(socketsOf(first), [], "the next start removes it");
  t.match(await post(`${again}/v1/auth/login`, credentials), { status: 200 });
  third.child.kill("SIGTERM");
  t.equal(await third.ended, 0, "ends in order when asked to");
  t.notMatch(third.text(), /Warning/, "Node warns of nothing");

  // Somebody is signed in: new keys are not made silently.
  rmSync(join(folder, "signing-keys.json"));
  const keyless = start();
  t.equal(await keyless.ended, 1);
  t.match(
    keyless.text(),
    /signing-keys\.json is missing, and people are signed in.*keys -- create/,
  );
  t.notOk(existsSync(join(folder, "signing-keys.json")));
});
