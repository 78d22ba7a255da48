/** The market's server as a process of its own, on loopback. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { projectRoot } from "../../src/lib/root.ts";
import { argumentsFor, bare } from "../program.ts";

export interface ServerProcess {
  url: string;
  pid: number;
  /** Its exit code or the signal that ended it; null while it runs. */
  ended: () => number | string | null;
  /** The last lines that it wrote. */
  said: () => string;
  /** Sends a signal and waits for the end. */
  end: (signal: NodeJS.Signals) => Promise<void>;
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const commandOf = (name: string, options: string[]) => [
  ...argumentsFor(`scripts/${name}`),
  ...options,
];

/** Runs a script of this project to its end and gives what it printed. */
export const runScript = (name: string, options: string[], env: NodeJS.ProcessEnv): string =>
  execFileSync(process.execPath, commandOf(name, options), {
    cwd: projectRoot,
    env,
    encoding: "utf8",
  });

/** The same while this process goes on. @returns exit code and what it printed, errors too */
export const tryScript = (name: string, options: string[], env: NodeJS.ProcessEnv) =>
  new Promise<{ code: number; printed: string }>((resolve) => {
    const command = commandOf(name, options);
    const child = execFile(process.execPath, command, { cwd: projectRoot, env }, (_, out, error) =>
      resolve({ code: child.exitCode ?? -1, printed: `${out}${error}` }),
    );
  });

/** What a server of a trial is started with, beside its database; of this process' own settings nothing. */
export function trialEnvironment(port: number): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, TEST_DATABASE_URL: __, ...inherited } = process.env;
  return {
    ...inherited,
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DEMO: "false",
    LOG_LEVEL: "error",
    MAX_EVENT_LOOP_DELAY: "0",
    // All its callers come from one address.
    RATE_LIMITS: "off",
  };
}

/**
 * Starts a process; it does not wait until it is ready.
 * @param options.prefix a command that runs the rest
 * @param options.root the folder of another program than this one, which is run from its sources
 */
export function launch(
  env: NodeJS.ProcessEnv,
  { prefix = [], root }: { prefix?: readonly string[]; root?: string } = {},
): ServerProcess {
  const started = root ? ["--import=tsx", "src/server.ts"] : argumentsFor("src/server.ts");
  const [command = "", ...rest] = [...prefix, ...bare, process.execPath, ...started];
  const child: ChildProcess = spawn(command, rest, {
    cwd: root ?? projectRoot,
    env: { ...env, FASTIFY_AUTOLOAD_TYPESCRIPT: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-50_000);
    });
  }
  const ended = () => child.exitCode ?? child.signalCode;
  // However this process ends, but for SIGKILL, its servers go with it.
  const killAtExit = () => child.kill("SIGKILL");
  process.on("exit", killAtExit);
  child.once("exit", () => process.off("exit", killAtExit));
  return {
    url: `http://127.0.0.1:${env.PORT}`,
    pid: child.pid ?? 0,
    ended,
    said: () => said,
    end: async (signal) => {
      if (ended() !== null) return;
      const exit = once(child, "exit");
      child.kill(signal);
      await exit;
    },
  };
}

/** Waits until it serves. @throws Error with what it said when it ends instead */
export async function untilReady(server: ServerProcess): Promise<void> {
  for (;;) {
    if (server.ended() !== null) throw new Error(`the market did not start: ${server.said()}`);
    const ready = await fetch(`${server.url}/readyz`).catch(() => null);
    await ready?.body?.cancel();
    if (ready?.ok) return;
    await setTimeout(100);
  }
}
