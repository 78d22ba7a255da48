import { sql } from "drizzle-orm";
import { rateLimits } from "../../db/schema/rate-limits.ts";
import type { Executor } from "./connect.ts";

/**
 * Adds what this process counted to what others have, and tells what all have together. Windows that
 * are over are removed as it comes by.
 */
export async function addCounts(
  db: Executor,
  counts: readonly { key: string; until: number; count: number }[],
): Promise<{ key: string; count: number }[]> {
  const { rows } = await db.execute<{ key: string; count: number }>(sql`
    with gone as (delete from ${rateLimits} where ends_at < now() - interval '1 minute')
    insert into ${rateLimits} (key, ends_at, count)
    select key, to_timestamp(until / 1000.0), count
    from jsonb_to_recordset(${JSON.stringify(counts)}::jsonb) as given(key text, until bigint, count int)
    order by key
    on conflict (key) do update set count = ${rateLimits}.count + excluded.count
    returning key, count`);
  return rows;
}
