/** Starts the processes that are measured and speaks with them. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Answer, Capture, Job, Memory, Question, Role } from "./cases.ts";

export interface Target {
  role: Role;
  label: string;
  url: string;
  memory: () => Promise<Memory>;
  /** A fresh access token of the owner. */
  token: () => Promise<string>;
  stop: () => Promise<void>;
}

/** Only what PostgreSQL's client reads goes along: no loader (`NODE_OPTIONS`), no development switch. */
export function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([key]) => key.startsWith("PG") || key === "PATH" || key === "HOME",
  );
  return { ...(Object.fromEntries(kept) as Record<string, string>), NODE_ENV: "production" };
}

function startProcess(folder: string, role: Role, execArgv: string[]): ChildProcess {
  return fork(join(folder, "scripts", "bench", "target.js"), [role], {
    // As `npm start` has it. Standard output is the null device: log lines are written, and cost.
    execArgv: ["--enable-source-maps", ...execArgv],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: environment(),
  });
}

/** Sends a question and waits for the answer that holds `key`. */
async function ask<K extends keyof Answer>(
  child: ChildProcess,
  question: Question,
  key: K,
): Promise<NonNullable<Answer[K]>> {
  child.send(question);
  const given = await new Promise<Answer>((resolve, reject) => {
    child.once("message", (message: Answer) => resolve(message));
    child.once("exit", (code) => reject(new Error(`a measured process ended with code ${code}`)));
  });
  const wanted = given[key];
  if (wanted === undefined) throw new Error(`the process did not answer with ${key}`);
  return wanted as NonNullable<Answer[K]>;
}

/** What the API asks of the database for each case. */
export async function captureApi(folder: string, job: Job): Promise<Capture> {
  const child = startProcess(folder, "capture", []);
  const captured = await ask(child, { start: job }, "capture");
  if (child.exitCode === null) await once(child, "exit");
  return captured;
}

/** Starts the API, the floor or the limit, listening on a port of its own. */
export async function startTarget(
  folder: string,
  role: Exclude<Role, "capture">,
  job: Job,
  profile: string | undefined,
  label: string,
): Promise<Target> {
  const profiling = profile
    ? ["--cpu-prof", `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${label}.cpuprofile`]
    : [];
  const child = startProcess(folder, role, profiling);
  child.setMaxListeners(0);
  const { port } = await ask(child, { start: job }, "ready");
  return {
    role,
    label,
    url: `http://127.0.0.1:${port}`,
    memory: () => ask(child, { ask: "memory" }, "memory"),
    token: () => ask(child, { ask: "token" }, "token"),
    stop: async () => {
      if (child.exitCode !== null) return;
      child.send({ ask: "stop" } satisfies Question);
      await once(child, "exit");
    },
  };
}
