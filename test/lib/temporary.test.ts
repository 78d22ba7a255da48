/** Temporary folders: whose they are, and that those of the dead are removed and no others. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import t from "tap";
import { nodeOptions, runnable } from "../../scripts/program.ts";
import { clock } from "../../src/lib/clock.ts";
import { projectRoot } from "../../src/lib/root.ts";
import { sweepTemporaryFolders, temporaryFolder } from "../../src/lib/temporary.ts";

// A temporary folder of this test's own: others' folders are no business of it.
const own = temporaryFolder("sweeping");
const before = process.env.TMPDIR;
process.env.TMPDIR = own;
t.teardown(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(own, { recursive: true, force: true });
});

const age = (name: string, hours: number) => {
  const then = clock.now().getTime() / 1000 - hours * 3600;
  utimesSync(join(own, name), then, then);
};
const lay = (name: string, hours: number) => {
  mkdirSync(join(own, name));
  age(name, hours);
  return name;
};
const program = `import { temporaryFolder } from ${JSON.stringify(runnable("src/lib/temporary.ts"))};
  console.log(temporaryFolder("socket"));`;
const otherProcess = (then: string) =>
  spawn(process.execPath, [...nodeOptions, "--input-type=module", "-e", program + then], {
    cwd: projectRoot,
    stdio: ["ignore", "pipe", "inherit"],
  });

t.test("folders of those who were killed go, of those who live stay", async (t) => {
  const mine = temporaryFolder("files");
  const running = otherProcess("setInterval(() => {}, 1000);");
  const [line] = (await once(running.stdout, "data")) as [Buffer];
  const theirs = String(line).trim();
  writeFileSync(join(theirs, "something"), "x");
  t.same(await sweepTemporaryFolders(clock.now()), []);
  t.ok(existsSync(mine));
  t.ok(existsSync(theirs));
  running.kill("SIGKILL");
  await once(running, "close");
  const swept = await sweepTemporaryFolders(clock.now());
  t.same(swept, [theirs.slice(own.length + 1)], "at once, whatever its age");
  t.notOk(existsSync(theirs));
  t.ok(existsSync(mine));
});

t.test("what says nothing of its owner goes by its socket, or its age", async (t) => {
  const keep = [
    lay("grand-market-aaaaaa", 23),
    lay("grand-market-test-0198-of-long-ago", 23),
    lay("grand-market-template-0123456789abcdef", 70),
    lay("someone-elses", 500),
    lay("grand-market-socket-zzzz-1-1-bbbbbb", 2),
  ];
  const go = [
    lay("grand-market-cccccc", 25),
    lay("grand-market-files-dddddd", 25),
    lay("grand-market-template-fedcba9876543210", 73),
    lay("grand-market-socket-zzzz-1-1-eeeeee", 25),
  ];
  const listening = mkdtempSync(join(own, "grand-market-"));
  const server = createServer().listen(join(listening, ".s.PGSQL.5432"));
  await once(server, "listening");
  t.teardown(() => server.close());
  age(listening.slice(own.length + 1), 100);
  const dead = mkdtempSync(join(own, "grand-market-"));
  const path = JSON.stringify(join(dead, ".s.PGSQL.5432"));
  spawnSync(process.execPath, [
    "-e",
    `require("net").createServer().listen(${path}, () => process.kill(process.pid, "SIGKILL"))`,
  ]);
  age(dead.slice(own.length + 1), 2);
  const swept = await sweepTemporaryFolders(clock.now());
  t.same(swept.sort(), [...go, dead.slice(own.length + 1)].sort());
  for (const name of keep) t.ok(existsSync(join(own, name)), name);
  t.ok(existsSync(listening), "somebody listens there");
});
