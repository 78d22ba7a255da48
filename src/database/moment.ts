import { sql } from "drizzle-orm";
import type { Executor } from "./connect.ts";
import { prepared } from "./prepared.ts";

/**
 * What a statement sees, as one value: while it stays the same, nothing at all was committed. (A snapshot tells
 * which transactions have ended. A server that starts from a copy may count them anew.)
 */
export const moment = sql<string>`pg_current_snapshot()::text || ' ' || pg_postmaster_start_time()`;

/** The same of now. */
export async function selectMoment(db: Executor): Promise<string> {
  const statement = prepared(db, "moment", (name) =>
    db.select({ moment }).from(sql`(select) as one`).prepare(name),
  );
  const [found] = await statement.execute();
  if (!found) throw new Error("a query without a table has one row");
  return found.moment;
}
