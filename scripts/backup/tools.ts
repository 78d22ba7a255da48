/** PostgreSQL's own programs of this machine. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { BackupError } from "./parts.ts";

const run = promisify(execFile);

/** Folders that may hold them: those of PATH, then where Debian puts each version. */
function folders(): string[] {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  return [
    ...(process.env.PATH ?? "").split(delimiter),
    ...versions.map((version) => join(debian, version, "bin")),
  ];
}

/**
 * The newest of a program.
 * @param least the major version that it must have: an older one cannot read a newer server
 * @throws BackupError when there is none, with what to do
 */
export async function findTool(name: "pg_dump" | "pg_restore", least: number): Promise<string> {
  const found: { path: string; major: number }[] = [];
  for (const folder of folders()) {
    const path = join(folder, name);
    if (!folder || !existsSync(path)) continue;
    const { stdout } = await run(path, ["--version"]).catch(() => ({ stdout: "" }));
    const major = Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? 0);
    found.push({ path, major });
  }
  const [best] = found.sort((a, b) => b.major - a.major);
  if (!best) {
    throw new BackupError(
      `${name} is not on this machine: install PostgreSQL's client programs, version ${least} or later (Debian: apt-get install postgresql-client).`,
    );
  }
  if (best.major < least) {
    throw new BackupError(
      `${best.path} is of PostgreSQL ${best.major}, the server of ${least}: install its client programs, version ${least} or later.`,
    );
  }
  return best.path;
}

/**
 * Runs it on a database. The password goes by the environment: everybody can read a command line.
 * @throws BackupError with the last lines of what it said
 */
export async function runTool(path: string, url: string, options: string[]): Promise<void> {
  const target = new URL(url);
  const password = decodeURIComponent(target.password);
  target.password = "";
  const env = { ...process.env, ...(password ? { PGPASSWORD: password } : {}) };
  try {
    await run(path, [`--dbname=${target.href}`, "--no-password", ...options], {
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? "").split("\n");
    // Its own lines: details and contexts, which follow them, hold rows.
    const own = said.filter((line) => /^pg_\w+: (\[\w+\] )?error: /.test(line)).slice(-5);
    throw new BackupError(`${path} failed: ${own.join("\n") || "it did not say why"}`);
  }
}
