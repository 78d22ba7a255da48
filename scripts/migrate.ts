/** Migrates the database of DATABASE_URL. Exit code 0 when it is up to date afterwards. */
import { connect } from "../src/database/connect.ts";
import { migrate } from "../src/database/migrate.ts";
import { explainDatabase } from "../src/lib/loggable.ts";
import { type Description, readOptions, refuseCall } from "./options.ts";

const description = {
  name: "db:migrate",
  does: `Migrates the database of DATABASE_URL: makes all tables of an empty one, and brings an older one to
this version. Says which migrations it applied; does nothing where there is nothing to do.`,
  options: {
    roles: {
      what: "makes market_owner, who owns everything, and market_api, as whom the service runs; later calls keep their rights up to date",
    },
  },
  environment: {
    DATABASE_URL: "the PostgreSQL server, e.g. postgres://market@localhost/market",
    MARKET_OWNER_PASSWORD: "with --roles, the password that market_owner gets",
    MARKET_API_PASSWORD: "with --roles, that of market_api",
  },
  exits: "0 the database is up to date, 1 it is not",
} satisfies Description;
const { options } = readOptions(description);

const url = process.env.DATABASE_URL;
if (!url) {
  refuseCall(description, "DATABASE_URL is not set: it names the PostgreSQL server.");
}
const database = connect({ connectionString: url, max: 1 });
try {
  const { MARKET_OWNER_PASSWORD, MARKET_API_PASSWORD } = process.env;
  const passwords = { owner: MARKET_OWNER_PASSWORD || null, service: MARKET_API_PASSWORD || null };
  const applied = await migrate(database, options.roles ? passwords : undefined);
  const names = applied.length > 0 ? `: ${applied.join(", ")}` : "";
  console.log(`The database is up to date. Migrations applied now: ${applied.length}${names}`);
} catch (error) {
  console.error(`Not migrated. ${explainDatabase(error)}`);
  process.exitCode = 1;
} finally {
  await database.close();
}
