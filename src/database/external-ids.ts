import { type SQL, sql } from "drizzle-orm";
import type { Versioned } from "../lib/etag.ts";
import type { Executor } from "./connect.ts";

/**
 * What an organization has given an id of its own. Until the transaction ends nobody else gives that id: of
 * two who create it at once, the second finds what the first has made.
 * @param find selects its `id` and `version`; it is asked once the id is held
 */
export async function holdExternalId(
  tx: Executor,
  kind: string,
  organizationId: string,
  externalId: string,
  find: SQL,
): Promise<Versioned | undefined> {
  const key = `${kind} ${externalId} of ${organizationId}`;
  const [, { rows }] = await Promise.all([
    tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`),
    tx.execute<{ id: string; version: number }>(find),
  ]);
  return rows[0];
}
