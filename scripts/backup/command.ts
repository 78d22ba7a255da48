/** What both commands share: their one argument, and how they say what went wrong. */
import { parseArgs } from "node:util";
import { ConfigError } from "../../src/config.ts";
import { explainDatabase } from "../../src/lib/loggable.ts";
import { BackupError } from "./parts.ts";

class UsageError extends Error {}

/** The folder that was named; with `--help` the usage is printed, and that is all. */
export function folderArgument(usage: string): string {
  let parsed: { values: { help?: boolean }; positionals: string[] };
  try {
    parsed = parseArgs({ options: { help: { type: "boolean" } }, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (parsed.values.help) {
    console.log(usage);
    process.exit(0);
  }
  const [folder, ...others] = parsed.positionals;
  if (!folder || others.length > 0) throw new UsageError("Name one folder.");
  return folder;
}

/** Runs a command; what fails is told in words, without the values of any statement. */
export async function call(failure: string, usage: string, run: () => Promise<void>) {
  try {
    await run();
  } catch (error) {
    const isUsage = error instanceof UsageError;
    const isPlain = error instanceof BackupError || error instanceof ConfigError;
    const message = isPlain || isUsage ? (error as Error).message : explainDatabase(error);
    console.error(isUsage ? `${message}\n\n${usage}` : `${failure} ${message}`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
