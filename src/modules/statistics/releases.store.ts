/** The releases of the public view: what they hold is copied from the entries, each quarter up to its position. */
import { asc, eq, inArray, type SQL, sql } from "drizzle-orm";
import { auditLog } from "../../../db/schema/audit.ts";
import { registryEntries } from "../../../db/schema/registry.ts";
import {
  releasedVolumes,
  volumeEntries,
  volumeReleases,
  volumeSums,
} from "../../../db/schema/statistics.ts";
import type { Executor } from "../../database/connect.ts";
import { cells, type Dimension, dimensionNames, dimensions } from "./statistics.store.ts";

const quarterOf = (day: SQL) => sql`to_char(${day}, 'YYYY"-Q"Q')`;

/** A quarter that is over and was not released as it is now. */
export interface Candidate {
  quarter: string;
  /** Its latest release; null when there is none. */
  position: number | null;
  releasedAt: string | null;
}

/** One writer of releases at a time. */
export const lockReleases = (tx: Executor) =>
  tx.execute(sql`lock table ${volumeReleases} in share row exclusive mode`);

/** When the first and the last quarter of all that are released were; null while none is. */
export async function selectReleaseSpan(db: Executor) {
  const found = await db.execute<{ last: string | null; since: string | null }>(sql`
    select max(quarter) as last,
      to_char(min(released_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since
    from ${volumeReleases}`);
  return found.rows[0] ?? { last: null, since: null };
}

/**
 * Quarters whose running sums are not what was released, up to the one in which `day` lies, and that one
 * also when it is empty and was never released. The sums are few: no contract is looked at.
 */
export async function selectCandidates(db: Executor, day: string): Promise<Candidate[]> {
  const last = quarterOf(sql`${day}::date`);
  const found = await db.execute<{
    quarter: string;
    position: string | null;
    released_at: string | null;
  }>(sql`
    with sums as (
      select ${quarterOf(sql`month`)} as period, dimension, value, sum(count) as count, sum(total_amount) as total,
        sum(technology_amount) as technology
      from ${volumeSums} where basis = 'registered' and month <= ${day} group by 1, 2, 3
    ), released as (
      select period, dimension, value, count, total_amount as total, technology_amount as technology
      from ${releasedVolumes} where period like '%-Q_'
    ), changed as (
      select period from sums full join released using (period, dimension, value)
      where coalesce(sums.count, 0) <> coalesce(released.count, 0)
        or coalesce(sums.total, 0) <> coalesce(released.total, 0)
        or coalesce(sums.technology, 0) <> coalesce(released.technology, 0)
      union select ${last} where not exists (select from ${volumeReleases} where quarter = ${last})
    )
    select distinct c.period as quarter, v.position,
      to_char(v.released_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as released_at
    from changed c left join ${volumeReleases} v on v.quarter = c.period order by 1`);
  return found.rows.map(({ quarter, position, released_at: releasedAt }) => ({
    quarter,
    position: position === null ? null : Number(position),
    releasedAt,
  }));
}

/** Whether contracts of these days wait for their place in the log. */
export async function hasUnsealed(db: Executor, until: string, floor: string): Promise<boolean> {
  const found = await db.execute<{ found: boolean }>(sql`
    select exists (select from ${volumeEntries} e
      where e.kind = 'contract' and e.transaction_id >= ${floor}::xid8 and e.registered_on <= ${until}
        and not exists (select from ${auditLog} l where l.record_id = e.audit_record_id)) as found`);
  return found.rows[0]?.found ?? false;
}

/**
 * How many contracts of these days are counted in another way than after a position of the log: one that was
 * changed and changed back is none, and one that was changed twice is one.
 * @param until the position up to which it is looked
 */
export async function countCorrected(
  db: Executor,
  [from, to]: readonly [string, string],
  after: number,
  until: number,
): Promise<number> {
  const counted = dimensionNames.map((name) => dimensions[name]).join(", ");
  const found = await db.execute<{ count: number }>(sql`
    select count(distinct registration_id)::int as count from (
      select e.registration_id from ${volumeEntries} e
      join ${auditLog} l on l.record_id = e.audit_record_id and l.position > ${after} and l.position <= ${until}
      where e.kind = 'contract' and e.registered_on between ${from} and ${to}
      group by e.registration_id, e.total_amount, e.technology_amount, ${sql.raw(counted)}
      having sum(e.sign) <> 0) as corrected`);
  return found.rows[0]?.count ?? 0;
}

export const upsertReleases = (tx: Executor, rows: (typeof volumeReleases.$inferInsert)[]) =>
  tx
    .insert(volumeReleases)
    .values(rows)
    .onConflictDoUpdate({
      target: volumeReleases.quarter,
      set: { position: sql`excluded.position`, releasedAt: sql`excluded.released_at` },
    });

/** A party by its certified name: written in another width, with other spaces, it is the same one. */
const partyOf = (side: "seller" | "buyer") =>
  sql.raw(
    `lower(regexp_replace(normalize(r.facts #>> '{${side},name}', NFKC), '\\s', '', 'g')) as ${side}`,
  );

/** The contracts that count in the releases, each as it was at the position of its quarter's one. */
const heldIn = (days: SQL) => sql`
    select distinct on (e.registration_id) e.*, ${quarterOf(sql`e.registered_on`)} as quarter,
      ${partyOf("seller")}, ${partyOf("buyer")}
    from (
      select e.*, l.position, sum(e.sign) over (partition by e.registration_id) as signs
      from ${volumeEntries} e
      join ${volumeReleases} v on v.quarter = ${quarterOf(sql`e.registered_on`)}
      join ${auditLog} l on l.record_id = e.audit_record_id and l.position <= v.position
      where e.kind = 'contract' ${days}
    ) e
    join ${registryEntries} r on r.audit_record_id = e.audit_record_id
    where e.signs > 0 and e.sign = 1
    order by e.registration_id, e.position desc`;

/** The figures of periods, from what each party has of them. */
const released = (held: SQL, period: SQL, rows: string, sets: SQL) => sql`
    insert into ${releasedVolumes} (period, dimension, value, count, total_amount, technology_amount, sellers, buyers,
      largest_total, largest_technology)
    select period, dimension, value, sum(count) filter (where side = 'seller'),
      sum(total) filter (where side = 'seller'), sum(technology) filter (where side = 'seller'),
      count(*) filter (where side = 'seller'), count(*) filter (where side = 'buyer'),
      max(total), max(technology)
    from (
      select ${period} as period, d.dimension, d.value, s.side, s.party, count(*) as count,
        sum(e.total_amount) as total, sum(e.technology_amount) as technology
      from (${held}) e
      cross join lateral (values ${sql.raw(rows)}) as d (dimension, value)
      cross join lateral (values ('seller', e.seller), ('buyer', e.buyer)) as s (side, party)
      group by grouping sets (${sets})
    ) parties group by period, dimension, value`;

const parts = sql`d.dimension, d.value, s.side, s.party`;

/** Writes the figures of a year and its quarters anew, as far as they are released. */
export async function rewriteYear(tx: Executor, year: string): Promise<void> {
  // Contracts of a year are read at once: of a large market that takes more than a caller may wait.
  await tx.execute(sql`set local statement_timeout = 0`);
  await tx
    .delete(releasedVolumes)
    .where(
      sql`${releasedVolumes.period} = ${year} or ${releasedVolumes.period} like ${`${year}-%`}`,
    );
  const days = sql`and e.registered_on between ${`${year}-01-01`} and ${`${year}-12-31`}`;
  await tx.execute(
    released(
      heldIn(days),
      sql`coalesce(e.quarter, ${year})`,
      cells.join(", "),
      sql`(e.quarter, ${parts}), (${parts})`,
    ),
  );
}

/** Writes the figure of everything that is released anew. */
export async function rewriteWhole(tx: Executor): Promise<void> {
  await tx.delete(releasedVolumes).where(eq(releasedVolumes.period, "all"));
  await tx.execute(released(heldIn(sql``), sql`'all'`, "('all', 'all')", sql`(${parts})`));
}

/** What is released of a dimension and of the totals, each figure of a quarter with the moment of its release. */
export const selectReleased = (db: Executor, dimension: Dimension | null) =>
  db
    .select({
      period: releasedVolumes.period,
      dimension: releasedVolumes.dimension,
      value: releasedVolumes.value,
      count: releasedVolumes.count,
      totalAmount: releasedVolumes.totalAmount,
      technologyAmount: releasedVolumes.technologyAmount,
      sellers: releasedVolumes.sellers,
      buyers: releasedVolumes.buyers,
      largestTotal: releasedVolumes.largestTotal,
      largestTechnology: releasedVolumes.largestTechnology,
      releasedAt: volumeReleases.releasedAt,
    })
    .from(releasedVolumes)
    .leftJoin(volumeReleases, eq(volumeReleases.quarter, releasedVolumes.period))
    .where(inArray(releasedVolumes.dimension, dimension ? ["all", dimension] : ["all"]))
    .orderBy(asc(releasedVolumes.period), asc(releasedVolumes.value));
