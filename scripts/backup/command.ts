/** What both commands share: their one argument, and how they say what went wrong. */
import { ConfigError } from "../../src/config.ts";
import { explainDatabase } from "../../src/lib/loggable.ts";
import { type Description, readOptions, refuseCall } from "../options.ts";
import { BackupError } from "./parts.ts";

/** The folder that the call names. */
export function folderArgument(description: Description): string {
  const [folder, ...others] = readOptions(description).given;
  if (!folder || others.length > 0) refuseCall(description, "Name one folder.");
  return folder;
}

/** Runs a command; what fails is told in words, without the values of any statement. */
export async function call(failure: string, run: () => Promise<void>) {
  try {
    await run();
  } catch (error) {
    const isPlain = error instanceof BackupError || error instanceof ConfigError;
    console.error(`${failure} ${isPlain ? error.message : explainDatabase(error)}`);
    process.exitCode = 1;
  }
}
