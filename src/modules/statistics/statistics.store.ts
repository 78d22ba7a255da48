import { and, eq, type SQL, sql } from "drizzle-orm";
import { auditLog, sealerState } from "../../../db/schema/audit.ts";
import { registrations } from "../../../db/schema/registrations.ts";
import { volumeEntries, volumeSums } from "../../../db/schema/statistics.ts";
import type { Executor } from "../../database/connect.ts";
import { placeholdersFor, prepared } from "../../database/prepared.ts";
import { startsWith } from "../../database/starts-with.ts";
import { send } from "../../database/transact.ts";
import { regionPrefix } from "../../lib/regions.ts";
import type { ContractVolumeQuery } from "./statistics.schema.ts";

type VolumeDimension = ContractVolumeQuery["by"][number];

export type VolumeEntry = typeof volumeEntries.$inferInsert;

/** All but the transaction, which the database sets. */
const columns = [
  "id",
  "auditRecordId",
  "kind",
  "sign",
  "registrationId",
  "officeOrganizationId",
  "origin",
  "registeredOn",
  "signedOn",
  "paidOn",
  "paymentId",
  "type",
  "subtype",
  "field",
  "intellectualProperty",
  "planSource",
  "industry",
  "sellerNature",
  "buyerNature",
  "sellerRegion",
  "buyerRegion",
  "sizeBand",
  "totalAmount",
  "technologyAmount",
] as const;

/** What is counted; it is stored with the transaction. */
export async function insertEntries(tx: Executor, rows: VolumeEntry[]): Promise<void> {
  const insert = prepared(tx, "insert_volume_entry", (name) =>
    tx.insert(volumeEntries).values(placeholdersFor(volumeEntries, columns)).prepare(name),
  );
  for (const row of rows) {
    await send(
      tx,
      insert.execute({ ...row, paidOn: row.paidOn ?? null, paymentId: row.paymentId ?? null }),
    );
  }
}

/** The registration in force of a contract; undefined when there is none. */
export const selectRegistered = async (db: Executor, contractId: string) =>
  (
    await db
      .select()
      .from(registrations)
      .where(and(eq(registrations.contractId, contractId), eq(registrations.status, "registered")))
  )[0];

/** Every dimension with the expression of its value in `volume_entries e`. */
export const dimensions = {
  type: "e.type",
  subtype: "e.subtype",
  field: "left(e.field, 2)",
  intellectualProperty: "e.intellectual_property",
  planSource: "e.plan_source",
  industry: "left(e.industry, 1)",
  sellerNature: "e.seller_nature",
  buyerNature: "e.buyer_nature",
  sizeBand: "e.size_band",
  sellerRegion: "e.seller_region",
  buyerRegion: "e.buyer_region",
  origin: "e.origin",
} as const;
export type Dimension = keyof typeof dimensions;
export const dimensionNames = Object.keys(dimensions) as Dimension[];

/** Every summed dimension of `volume_entries e` with its value, as rows. */
export const cells = [
  "('all', 'all')",
  ...dimensionNames.map((name) => `('${name}', ${dimensions[name]})`),
];

/** The contract entries of these positions of the log, summed. */
const summed = (from: number, to: number) => sql`
    select b.basis, d.dimension, date_trunc('month', b.day)::date as month, d.value,
      sum(e.sign) as count, sum(e.sign * e.total_amount) as total_amount,
      sum(e.sign * e.technology_amount) as technology_amount
    from ${auditLog} l
    join ${volumeEntries} e on e.audit_record_id = l.record_id and e.kind = 'contract'
    cross join lateral (values ('registered', e.registered_on), ('signed', e.signed_on)) as b (basis, day)
    cross join lateral (values ${sql.raw(cells.join(", "))}) as d (dimension, value)
    where l.position between ${from} and ${to}
    group by 1, 2, 3, 4`;

/**
 * Adds the contract entries of these positions of the log to the running sums, in one statement.
 * @returns the earliest month of registration that was changed; null when none was
 */
export async function addToSums(tx: Executor, from: number, to: number): Promise<string | null> {
  const found = await tx.execute<{ month: string | null }>(sql`
    with added as (
    insert into ${volumeSums} as s (basis, dimension, month, value, count, total_amount, technology_amount)
    ${summed(from, to)}
    on conflict (basis, dimension, month, value) do update set
      count = s.count + excluded.count,
      total_amount = s.total_amount + excluded.total_amount,
      technology_amount = s.technology_amount + excluded.technology_amount
    returning s.basis, s.month)
    select min(month)::text as month from added where basis = 'registered'`);
  return found.rows[0]?.month ?? null;
}

/** How many of the running sums are not what the entries up to a position of the log add up to. */
export async function countWrongSums(db: Executor, position: number): Promise<number> {
  const found = await db.execute<{ wrong: number }>(sql`
    select count(*)::int as wrong
    from (${summed(1, position)}) as e
    full join ${volumeSums} s using (basis, dimension, month, value)
    where coalesce(e.count, 0) <> coalesce(s.count, 0)
      or coalesce(e.total_amount, 0) <> coalesce(s.total_amount, 0)
      or coalesce(e.technology_amount, 0) <> coalesce(s.technology_amount, 0)`);
  return found.rows[0]?.wrong ?? 0;
}

/** How far the log is sealed: never beyond now, though an earlier version went by its process's clock. */
export const selectSealed = async (db: Executor) =>
  (
    await db
      .select({
        position: sealerState.position,
        sealedThrough:
          sql<string>`least(${sealerState.sealedThrough}, date_trunc('milliseconds', clock_timestamp()))`.mapWith(
            sealerState.sealedThrough,
          ),
        floor: sealerState.floor,
      })
      .from(sealerState)
  )[0];

/** The last position that was sealed by an instant; 0 when none was. */
export async function positionAt(db: Executor, instant: string): Promise<number> {
  const found = await db.execute<{ position: string | null }>(
    sql`select max(position) as position from ${auditLog} where sealed_at <= ${instant}`,
  );
  return Number(found.rows[0]?.position ?? 0);
}

/** What tells a region's level: a GB/T 2260 code cut to it, or the country abroad. */
const levelOf = (column: SQL, level: ContractVolumeQuery["regionLevel"]): SQL => {
  const digits = sql.raw(String({ province: 2, city: 4, county: 6 }[level]));
  return sql`case when ${column} ~ '^[0-9]' then rpad(left(${column}, ${digits}), 6, '0') else ${column} end`;
};

const sellerRegion = sql`e.seller_region`;
const buyerRegion = sql`e.buyer_region`;

type Place = Pick<ContractVolumeQuery, "region" | "regionLevel" | "flow">;

/** The value of a dimension in `volume_entries e`. */
function expressionOf(name: VolumeDimension, { region = "", regionLevel, flow }: Place): SQL {
  if (name === "sellerRegion") return levelOf(sellerRegion, regionLevel);
  if (name === "buyerRegion") return levelOf(buyerRegion, regionLevel);
  if (name !== "direction") return sql.raw(dimensions[name]);
  // Where the other side lies, seen from the region.
  const other = flow === "absorption" ? sellerRegion : buyerRegion;
  return sql`case when ${other} !~ '^[0-9]' then 'abroad'
    when ${startsWith(other, regionPrefix(region))} then 'inside'
    when ${startsWith(other, region.slice(0, 2))} then 'inside_province' else 'outside_province' end`;
}

type Filters = Pick<
  ContractVolumeQuery,
  | "region"
  | "flow"
  | "type"
  | "subtype"
  | "fieldCode"
  | "industryCode"
  | "intellectualPropertyType"
  | "planSourceCode"
  | "sellerNature"
  | "buyerNature"
  | "sizeBand"
  | "origin"
>;

/** The conditions of what is asked for on `volume_entries e`. */
function conditionsOf(query: Filters): SQL[] {
  const { region, flow, fieldCode, industryCode } = query;
  const place = region && regionPrefix(region);
  const equals = (column: SQL, value: string | undefined) =>
    value === undefined ? undefined : sql`${column} = ${value}`;
  return [
    place && flow !== "absorption" ? startsWith(sellerRegion, place) : undefined,
    place && flow !== "output" ? startsWith(buyerRegion, place) : undefined,
    equals(sql`e.type`, query.type),
    equals(sql`e.subtype`, query.subtype),
    fieldCode === undefined ? undefined : startsWith(sql`e.field`, fieldCode),
    industryCode === undefined ? undefined : startsWith(sql`e.industry`, industryCode),
    equals(sql`e.intellectual_property`, query.intellectualPropertyType),
    equals(sql`e.plan_source`, query.planSourceCode),
    equals(sql`e.seller_nature`, query.sellerNature),
    equals(sql`e.buyer_nature`, query.buyerNature),
    equals(sql`e.size_band`, query.sizeBand),
    equals(sql`e.origin`, query.origin),
  ].filter((condition) => condition !== undefined);
}

/** Whether only some contracts are asked for. */
export const isFiltered = (query: Filters): boolean => conditionsOf(query).length > 0;

export interface VolumeQuery extends Place, Filters {
  basis: "registered" | "signed" | "paid";
  /** `whole`: the span as one. */
  period: "year" | "quarter" | "month" | "whole";
  from: string | null;
  to: string | null;
  by: readonly VolumeDimension[];
  /** Entries of the log up to this position; null: everything that is committed. */
  position: number | null;
}

export interface VolumeRow {
  period: string;
  count: number;
  totalAmount: string;
  technologyAmount: string;
  values: Record<string, string>;
}

const days = { registered: "e.registered_on", signed: "e.signed_on", paid: "e.paid_on" } as const;

/** The period of a day as text: `2026`, `2026-Q1`, `2026-03`. */
const periodOf = (period: VolumeQuery["period"], day: string): string =>
  ({
    year: `to_char(${day}, 'YYYY')`,
    quarter: `to_char(${day}, 'YYYY"-Q"Q')`,
    month: `to_char(${day}, 'YYYY-MM')`,
    whole: "'whole'",
  })[period];

/** Rows of numeric text and labels as PostgreSQL gives them. */
interface RawRow extends Record<string, unknown> {
  period: string;
  count: string;
  total: string;
  technology: string;
}

const toRow = (raw: RawRow, names: readonly string[]): VolumeRow => ({
  period: raw.period,
  count: Number(raw.count),
  totalAmount: raw.total,
  technologyAmount: raw.technology,
  values: Object.fromEntries(names.map((name, i) => [name, String(raw[`g${i}`] ?? "")])),
});

/** Any combination, from the entries themselves. */
export async function selectVolume(db: Executor, query: VolumeQuery): Promise<VolumeRow[]> {
  const { basis, period, from, to, by, position } = query;
  const day = days[basis];
  const kind = basis === "paid" ? "payment" : "contract";
  const where = [
    sql`e.kind = ${sql.raw(`'${kind}'`)}`,
    from ? sql`${sql.raw(day)} >= ${from}` : null,
    to ? sql`${sql.raw(day)} <= ${to}` : null,
    ...conditionsOf(query),
  ].filter((condition) => condition !== null);
  const labels = by.map((name, i) => sql`${expressionOf(name, query)} as ${sql.raw(`g${i}`)}`);
  const log =
    position === null
      ? sql``
      : sql`join ${auditLog} l on l.record_id = e.audit_record_id and l.position <= ${position}`;
  // A contract that was paid in several instalments of a period counts once; one whose payments were
  // all taken back does not.
  const grouped = sql`${sql.raw(periodOf(period, day))} as period, e.registration_id, ${sql.join(
    [...labels, sql`sum(e.sign) as signs, sum(e.sign * e.total_amount) as total`],
    sql`, `,
  )}, sum(e.sign * e.technology_amount) as technology`;
  const keys = ["period", ...by.map((_, i) => `g${i}`)].join(", ");
  const found = await db.execute<RawRow>(sql`
    select ${sql.raw(keys)}, count(*) filter (where signs > 0) as count,
      sum(total)::numeric(24, 2)::text as total, sum(technology)::numeric(24, 2)::text as technology
    from (
      select ${grouped} from ${volumeEntries} e ${log}
      where ${sql.join(where, sql` and `)}
      group by ${sql.raw(["period", "e.registration_id", ...by.map((_, i) => `g${i}`)].join(", "))}
    ) each_contract
    group by ${sql.raw(keys)} having count(*) filter (where signs > 0) > 0
    order by ${sql.raw(keys)}`);
  return found.rows.map((raw) => toRow(raw, by));
}

/**
 * By period and at most one summed dimension: the running sums, and in the same statement, so from one
 * snapshot, what was committed since and is not in them yet.
 * @param query `floor`: a transaction below which everything was sealed a moment ago, and so still is. As
 *   a value that the planner knows it leads to the few entries above it, however many there are below.
 */
export async function selectSummed(
  db: Executor,
  query: Pick<VolumeQuery, "period" | "from" | "to"> & {
    basis: "registered" | "signed";
    dimension: Dimension | null;
    floor: string;
  },
): Promise<VolumeRow[]> {
  const { basis, period, from, to, dimension, floor } = query;
  const day = days[basis];
  const name = dimension ?? "all";
  const value = dimension ? dimensions[dimension] : "'all'";
  const inMonths = [
    from ? sql`and s.month >= ${from}` : sql``,
    to ? sql`and s.month <= ${to}` : sql``,
  ];
  const inDays = [
    from ? sql`and ${sql.raw(day)} >= ${from}` : sql``,
    to ? sql`and ${sql.raw(day)} <= ${to}` : sql``,
  ];
  const found = await db.execute<RawRow>(sql`
    select period, g0, sum(count) as count, sum(total)::numeric(24, 2)::text as total,
      sum(technology)::numeric(24, 2)::text as technology
    from (
      select ${sql.raw(periodOf(period, "s.month"))} as period, s.value as g0, s.count as count,
        s.total_amount as total, s.technology_amount as technology
      from ${volumeSums} s
      where s.basis = ${basis} and s.dimension = ${name} ${inMonths[0]} ${inMonths[1]}
      union all
      select ${sql.raw(periodOf(period, day))}, ${sql.raw(value)}, e.sign, e.sign * e.total_amount,
        e.sign * e.technology_amount
      from ${volumeEntries} e
      where e.kind = 'contract' and e.transaction_id >= ${floor}::xid8 ${inDays[0]} ${inDays[1]}
        and not exists (select from ${auditLog} l where l.record_id = e.audit_record_id)
    ) parts
    group by period, g0 having sum(count) <> 0 or sum(total) <> 0
    order by period, g0`);
  return found.rows.map((raw) => toRow(raw, dimension ? [dimension] : []));
}
