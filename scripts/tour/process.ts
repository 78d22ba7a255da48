/** The market's server as a process of its own, on loopback. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { projectRoot } from "../../src/lib/root.ts";

export interface ServerProcess {
  url: string;
  pid: number;
  /** Its exit code or the signal that ended it; null while it runs. */
  ended: () => number | string | null;
  /** The last lines that it wrote to standard error. */
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

/** Runs a script of this project to its end and gives what it printed. */
export const runScript = (name: string, options: string[], env: NodeJS.ProcessEnv): string =>
  execFileSync(process.execPath, ["--import=tsx", join(projectRoot, "scripts", name), ...options], {
    cwd: projectRoot,
    env,
    encoding: "utf8",
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
  };
}

/** Starts a process; it does not wait until it is ready. @param prefix a command that runs the rest */
export function launch(env: NodeJS.ProcessEnv, prefix: readonly string[] = []): ServerProcess {
  const command = [...prefix, process.execPath, "--import=tsx", "src/server.ts"];
  const child: ChildProcess = spawn(command[0] ?? "", command.slice(1), {
    cwd: projectRoot,
    env: { ...env, FASTIFY_AUTOLOAD_TYPESCRIPT: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-4_000);
  });
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
