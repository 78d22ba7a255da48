import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Writable } from "node:stream";
import pino from "pino";
import t from "tap";
import { nodeOptions, runnable } from "../../scripts/program.ts";
import { withoutSecrets } from "../../src/lib/logging.ts";
import { projectRoot } from "../../src/lib/root.ts";

/** What a logger with this API's censor writes of an object. */
function written(logged: object): Record<string, unknown> {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  pino({ base: null, timestamp: false, formatters: { log: withoutSecrets } }, stream).info(
    logged,
    "said",
  );
  const { level, ...rest } = JSON.parse(lines.join(""));
  return rest;
}

t.test("secrets and personal data are not logged, wherever they stand", async (t) => {
  const secrets = { password: "p", token: "t", secret: "s", authorization: "a", cookie: "c" };
  const personal = { email: "e@example.com", phone: "0373", contact: { name: "n" } };
  const hidden = Object.fromEntries(
    Object.keys({ ...secrets, ...personal }).map((key) => [key, "[redacted]"]),
  );
  t.same(written({ ...secrets, ...personal, id: 1 }), { ...hidden, id: 1, msg: "said" });
  const body = { ...secrets, ...personal, id: 1 };
  t.same(written({ body }), { body: { ...hidden, id: 1 }, msg: "said" });
  t.equal(body.password, "p", "what was given to the log stays as it was");
});

t.test("errors are logged as before, but for their secrets", async (t) => {
  const error = Object.assign(new Error("broken"), { email: "e@example.com", code: "X" });
  const { err } = written({ err: error }) as { err: Record<string, unknown> };
  t.match(err, { type: "Error", message: "broken", code: "X", email: "[redacted]" });
  t.match(err.stack, /broken/);
});

/** Runs a few lines in a process of their own that logs as the market does. */
function run(code: string, stdout: "pipe" | number) {
  const begin = `
    import pino from "pino";
    import { loggerOptions } from ${JSON.stringify(runnable("src/lib/logging.ts"))};
    const { stream, ...options } = loggerOptions("info", false, (last) => process.on("exit", last));
    const log = pino(options, stream);
    for (const n of [1, 2, 3]) log.info("line " + n);`;
  const {
    signal,
    status,
    stdout: written,
  } = spawnSync(process.execPath, [...nodeOptions, "--input-type=module", "-e", begin + code], {
    cwd: projectRoot,
    stdio: ["ignore", stdout, "ignore"],
    timeout: 20_000,
    killSignal: "SIGKILL",
    encoding: "utf8",
  });
  return { signal, status, messages: (written ?? "").match(/"msg":"[^"]*"/g)?.length };
}

t.test("lines that wait for others are not lost, however the process ends", async (t) => {
  const ends: [string, object][] = [
    ["process.exit(3);", { status: 3, messages: 3 }],
    ["throw new Error('crash');", { status: 1, messages: 3 }],
    ["", { status: 0, messages: 3 }],
    ["log.fatal('end'); process.kill(process.pid, 'SIGKILL');", { signal: "SIGKILL", messages: 4 }],
    [
      "setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1000);",
      { signal: "SIGKILL", messages: 3 },
    ],
  ];
  for (const [code, ended] of ends) t.match(run(code, "pipe"), ended, code);
});

t.test("a full disk keeps no process from ending", async (t) => {
  const full = openSync("/dev/full", "w");
  t.teardown(() => closeSync(full));
  for (const code of ["process.exit(3);", "log.fatal('end'); process.exit(3);"]) {
    t.match(run(code, full), { signal: null, status: 3 }, code);
  }
});
