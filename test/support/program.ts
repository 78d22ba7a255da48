/** The program as a process of its own, as a person starts it. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { argumentsFor, bare } from "../../scripts/program.ts";
import { projectRoot } from "../../src/lib/root.ts";

export interface Program {
  child: ChildProcessByStdio<null, Readable, Readable>;
  /** All that it wrote so far. */
  text: () => string;
  /** Resolves with the address that it announced, or fails when it ends before. */
  announced: Promise<string>;
  ended: Promise<number | null>;
}

/**
 * Starts it on a free port of loopback.
 * @param settings of the environment, a folder for DATA_DIR among them
 * @param options of Node
 * @param start the file that is started
 */
export function startProgram(
  settings: Record<string, string>,
  options: string[] = [],
  start: "server" | "worker" = "server",
): Program {
  const { DATABASE_URL: _, ...inherited } = process.env;
  const [command = "", ...rest] = [...bare, process.execPath, ...options];
  const child = spawn(command, [...rest, ...argumentsFor(`src/${start}.ts`)], {
    cwd: projectRoot,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...inherited,
      ...{ PORT: "0", HOST: "", LOG_LEVEL: "warn" },
      ...settings,
    },
    // One that hangs must not outlive the test.
    timeout: 200_000,
    killSignal: "SIGKILL",
  });
  let text = "";
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const announced = new Promise<string>((resolve, reject) => {
    const read = (part: Buffer) => {
      text += part;
      const address =
        /Grand Market 科技大市场 {2}(http:\S+)[\s\S]*Database/.exec(text)?.[1] ??
        /Grand Market runs its jobs here {2}(http:\S+)\/readyz\n/.exec(text)?.[1];
      if (address) resolve(address);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    ended.then((code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
  // Who waits for the end only does not look at this one.
  announced.catch(() => {});
  return { child, text: () => text, announced, ended };
}
