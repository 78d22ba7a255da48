import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { projectRoot } from "../../src/lib/root.ts";

/** The hash of each migration that this program has, in order, as the database keeps them. */
export const migrationHashes = (): string[] =>
  readMigrationFiles({ migrationsFolder: join(projectRoot, "db", "migrations") }).map(
    ({ hash }) => hash,
  );
