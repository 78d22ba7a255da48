/** Migrates the database of DATABASE_URL. Exit code 0 when it is up to date afterwards. */
import { connect } from "../src/database/connect.ts";
import { migrate } from "../src/database/migrate.ts";
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
  const applied = await migrate(database);
  const names = applied.length > 0 ? `: ${applied.join(", ")}` : "";
  console.log(`The database is up to date. Migrations applied now: ${applied.length}${names}`);
} catch (error) {
  console.error(`Not migrated. ${explainDatabase(error)}`);
  process.exitCode = 1;
} finally {
  await database.close();
}
