import { join } from "node:path";
import { nowInstant } from "../lib/clock.ts";
import { Refusal } from "../lib/refusal.ts";
import { version } from "../lib/version.ts";
import type { Database } from "./connect.ts";
import { copyFiles } from "./embedded-folder.ts";
import { migrate } from "./migrate.ts";
import { explainSchema, schemaState } from "./schema-state.ts";

export interface Upgrade {
  /** Whether the files are copied before there is something to apply to them. */
  copy: boolean;
  /** Is told where the copy is. */
  tell: (message: string) => void;
}

/**
 * Opens the embedded database at this program's version. An older one is closed, copied and upgraded.
 * @param open opens the files of `folder`, whose lock the caller holds
 * @throws Refusal on a newer or foreign schema, which stays as it is, and when the disk has no room for the copy
 */
export async function openUpgraded(
  folder: string,
  open: () => Promise<Database>,
  { copy, tell }: Upgrade,
): Promise<Database> {
  const first = await open();
  const state = await orClose(first, () => schemaState(first.db));
  if (state.kind === "newer" || state.kind === "foreign") {
    await first.close();
    throw new Refusal(`${join(folder, "postgres")}: ${explainSchema(state, true)}`);
  }
  let database = first;
  if (state.kind === "older" && copy) {
    // Only a closed one is whole in its files.
    await first.close();
    const at = nowInstant()
      .replace(/\.\d+Z$/, "Z")
      .replaceAll(":", "-");
    const kept = await copyFiles(folder, `${version}-${at}`);
    tell(
      `The database is upgraded (${state.missing.join(", ")}). As it was before it is in ${kept}; to go back, put that folder in the place of ${join(folder, "postgres")}.`,
    );
    database = await open();
  }
  await orClose(database, () => migrate(database));
  return database;
}

async function orClose<T>(database: Database, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await database.close();
    throw error;
  }
}
