import { type SQL, sql } from "drizzle-orm";
import { auditLog } from "../../../db/schema/audit.ts";
import { registryEntries, registryFeed } from "../../../db/schema/registry.ts";
import type { Executor } from "../../database/connect.ts";
import { placeholdersFor, prepared } from "../../database/prepared.ts";
import { send } from "../../database/transact.ts";

/** An entry of the feed; it is stored with the transaction. */
export function insertEntry(
  tx: Executor,
  values: typeof registryEntries.$inferInsert,
): Promise<void> {
  const statement = prepared(tx, "insert_registry_entry", (name) =>
    tx
      .insert(registryEntries)
      .values(placeholdersFor(registryEntries, Object.keys(values)) as never)
      .prepare(name),
  );
  return send(tx, statement.execute(values));
}

/** Puts the entries of these positions of the log into the feed. */
export const addToFeed = (tx: Executor, from: number, to: number) =>
  tx.execute(sql`
    insert into ${registryFeed} (position, entry_id, office_organization_id, sealed_at)
    select l.position, e.id, e.office_organization_id, l.sealed_at
    from ${auditLog} l join ${registryEntries} e on e.audit_record_id = l.record_id
    where l.position between ${from} and ${to}`);

/** What names somebody in a trade secret is not for the operator. */
const maskedFacts = sql`case when e.facts ->> 'confidentiality' = 'trade_secret' then e.facts || jsonb_build_object(
  'title', null, 'seller', e.facts -> 'seller' || '{"name": null}', 'buyer', e.facts -> 'buyer' || '{"name": null}')
  else e.facts end`;

/**
 * An entry as JSON text, made by PostgreSQL: a page of a thousand needs no object for each. What was
 * certified is stored as it is sent, but for its amounts; the entry's own members are written before it,
 * all of them of types that need no escaping.
 */
const entryText = (facts: SQL) => sql<string>`concat('{"position":', f.position,
  ',"sealedAt":"', to_char(f.sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  '","kind":"', e.kind, '","registrationId":"', e.registration_id, '","number":"', e.number,
  '","revision":', e.revision, ',"registeredOn":"', e.registered_on,
  '","totalAmount":{"amount":"', e.total_amount, '","currency":"CNY"}',
  ',"technologyAmount":{"amount":"', e.technology_amount, '","currency":"CNY"},',
  substr((${facts} - '{totalAmount,technologyAmount}'::text[])::text, 2))`;

export interface PulledEntry {
  position: number;
  text: string;
  totalAmount: string;
  technologyAmount: string;
}

/**
 * Entries after a position, one more than the limit when there are more.
 * @param office whose entries; null: everybody's, with what trade secrets say masked
 */
export async function selectFeed(
  db: Executor,
  office: string | null,
  after: number,
  limit: number,
): Promise<PulledEntry[]> {
  const all = office === null;
  const statement = prepared(db, all ? "pull_feed_all" : "pull_feed_office", (name) =>
    db
      .select({
        position: sql<number>`f.position`.mapWith(Number),
        text: entryText(all ? maskedFacts : sql`e.facts`),
        totalAmount: sql<string>`e.total_amount::text`,
        technologyAmount: sql<string>`e.technology_amount::text`,
      })
      .from(sql`${registryFeed} f`)
      .innerJoin(sql`${registryEntries} e`, sql`e.id = f.entry_id`)
      .where(
        all
          ? sql`f.position > ${sql.placeholder("after")}`
          : sql`f.office_organization_id = ${sql.placeholder("office")} and f.position > ${sql.placeholder("after")}`,
      )
      .orderBy(sql`f.position`)
      .limit(sql.placeholder("limit"))
      .prepare(name),
  );
  return (await statement.execute({ office, after, limit: limit + 1 })) as PulledEntry[];
}

/** Sums over a range of the feed. */
export async function selectControl(
  db: Executor,
  office: string | null,
  from: number,
  to: number | null,
) {
  const found = await db.execute<{
    first: string | null;
    last: string | null;
    count: string;
    total: string;
    technology: string;
  }>(sql`
    select min(f.position) as first, max(f.position) as last, count(*) as count,
      coalesce(sum(e.total_amount), 0)::numeric(24, 2)::text as total,
      coalesce(sum(e.technology_amount), 0)::numeric(24, 2)::text as technology
    from ${registryFeed} f join ${registryEntries} e on e.id = f.entry_id
    where f.position >= ${from} ${to === null ? sql`` : sql`and f.position <= ${to}`}
      ${office === null ? sql`` : sql`and f.office_organization_id = ${office}`}`);
  return found.rows[0];
}
