/** Migrates the database of DATABASE_URL. Exit code 0 when it is up to date afterwards. */
import { connect } from "../src/database/connect.ts";
import { appliedMigrations, migrate } from "../src/database/migrate.ts";
import { explainDatabase } from "../src/lib/loggable.ts";

const url = process.env.DATABASE_URL;
if (!url) {
  console.error(
    "Set DATABASE_URL to the PostgreSQL server, e.g. postgres://market@localhost/market",
  );
  process.exit(2);
}
const database = connect({ connectionString: url, max: 1 });
try {
  const before = await appliedMigrations(database.db);
  await migrate(database);
  const after = await appliedMigrations(database.db);
  console.log(`${after - before} migrations applied, ${after} in all.`);
} catch (error) {
  console.error(`Migration failed: ${explainDatabase(error)}`);
  process.exitCode = 1;
} finally {
  await database.close();
}
