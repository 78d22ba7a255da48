/**
 * Verifies the whole log of a database: computes the hash chain again from its first record.
 * Exit codes: 0 it is whole, 1 it is broken (the position is told) or could not be read, 2 called wrongly.
 */
import { connect } from "../src/database/connect.ts";
import { explainSchema, schemaState, servesSchema } from "../src/database/schema-state.ts";
import { explainDatabase } from "../src/lib/loggable.ts";
import { Refusal } from "../src/lib/refusal.ts";
import { verifiedAtOnce, verifyLog } from "../src/modules/audit/log.service.ts";
import { type Description, readOptions, refuseCall } from "./options.ts";

const description: Description = {
  name: "verify-log",
  does: `Verifies the whole log of a database: computes the hash of every entry again, from the first one, and
compares it with the stored one. The service may run meanwhile.`,
  environment: { DATABASE_URL: "the PostgreSQL server" },
  exits: "0 the log is whole, 1 it is broken (the position is told) or could not be read",
};
readOptions(description);

const url = process.env.DATABASE_URL;
if (!url) {
  refuseCall(description, "DATABASE_URL is not set: it names the PostgreSQL server.");
}
const database = connect({ connectionString: url, max: 1 });
try {
  const state = await schemaState(database.db);
  if (!servesSchema(state)) throw new Refusal(explainSchema(state, false));
  for (let from = 1; ; from += verifiedAtOnce) {
    const { ok, to, head, brokenAt, forgedAt } = await verifyLog(database.db, {
      from,
      to: from + verifiedAtOnce - 1,
    });
    if (!ok) {
      if (brokenAt !== null) console.error(`The log is broken at position ${brokenAt}.`);
      if (forgedAt !== null) {
        console.error(
          `The log ends at position ${head.position}, but holds an entry at ${forgedAt} that was not sealed: it is forged.`,
        );
      }
      process.exitCode = 1;
      break;
    }
    console.log(`${Math.max(to, 0)} of ${head.position} entries are what was sealed`);
    if (to >= head.position) {
      console.log(`The log is whole. Its head: ${head.hash || "empty"}`);
      break;
    }
  }
} catch (error) {
  console.error(`The log could not be read. ${explainDatabase(error)}`);
  process.exitCode = 1;
} finally {
  await database.close();
}
