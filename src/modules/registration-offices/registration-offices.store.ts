import { and, asc, eq, getTableColumns, gt, inArray, ne, type SQL, sql } from "drizzle-orm";
import { organizations } from "../../../db/schema/organizations.ts";
import {
  registrationOfficeRegions,
  registrationOffices,
} from "../../../db/schema/registration-offices.ts";
import type { Executor } from "../../database/connect.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { OfficeFound } from "./registration-offices.lifecycle.ts";
import type { ListOfficesQuery } from "./registration-offices.schema.ts";

export type OfficeRow = typeof registrationOffices.$inferSelect;

const regionCodes = sql<
  string[]
>`array(select region_code from ${registrationOfficeRegions} r where r.office_id = ${registrationOffices.id} order by region_code)`;

const selectFound = (db: Executor) =>
  db.select({ row: registrationOffices, regionCodes }).from(registrationOffices);

export const selectOffice = async (db: Executor, id: string): Promise<OfficeFound | undefined> =>
  (await selectFound(db).where(eq(registrationOffices.id, id)))[0];

export const lockOffice = async (tx: Executor, id: string): Promise<OfficeFound | undefined> =>
  (
    await selectFound(tx)
      .where(eq(registrationOffices.id, id))
      .for("update", { of: registrationOffices })
  )[0];

/** What a region lies in, itself first: county, city, province. */
const enclosing = (code: string): string[] => [
  code,
  `${code.slice(0, 4)}00`,
  `${code.slice(0, 2)}0000`,
];

/** The active office that is competent for a region: the one with the longest prefix of it. */
export async function selectCompetent(
  db: Executor,
  regionCode: string,
): Promise<OfficeRow | undefined> {
  const [found] = await db
    .select(getTableColumns(registrationOffices))
    .from(registrationOfficeRegions)
    .innerJoin(registrationOffices, eq(registrationOffices.id, registrationOfficeRegions.officeId))
    .where(
      and(
        inArray(registrationOfficeRegions.regionCode, enclosing(regionCode)),
        eq(registrationOffices.status, "active"),
      ),
    )
    .orderBy(sql`length(rtrim(${registrationOfficeRegions.regionCode}, '0')) desc`)
    .limit(1);
  return found;
}

/** Whether there is a verified organization of kind `registry` of this id. */
export async function isRegistry(db: Executor, id: string): Promise<boolean> {
  const found = await db
    .select({ id: organizations.id })
    .from(organizations)
    .where(
      and(
        eq(organizations.id, id),
        eq(organizations.kind, "registry"),
        eq(organizations.status, "verified"),
      ),
    );
  return found.length > 0;
}

/** Those of some regions that offices other than one have. */
export async function selectTaken(
  tx: Executor,
  id: string | null,
  codes: readonly string[],
): Promise<string[]> {
  const { officeId, regionCode } = registrationOfficeRegions;
  const taken = await tx
    .select({ regionCode })
    .from(registrationOfficeRegions)
    .where(and(inArray(regionCode, [...codes]), id === null ? undefined : ne(officeId, id)))
    .orderBy(asc(regionCode));
  return taken.map((one) => one.regionCode);
}

export async function replaceRegions(
  tx: Executor,
  officeId: string,
  codes: readonly string[],
): Promise<void> {
  await tx
    .delete(registrationOfficeRegions)
    .where(eq(registrationOfficeRegions.officeId, officeId));
  if (codes.length === 0) return;
  await tx
    .insert(registrationOfficeRegions)
    .values(codes.map((regionCode) => ({ officeId, regionCode })));
}

const conditions = ({ organizationId, regionCode }: ListOfficesQuery): SQL | undefined =>
  and(
    organizationId ? eq(registrationOffices.organizationId, organizationId) : undefined,
    regionCode
      ? sql`${registrationOffices.id} = (
          select r.office_id from ${registrationOfficeRegions} r
          join ${registrationOffices} o on o.id = r.office_id and o.status = 'active'
          where r.region_code in ${enclosing(regionCode)}
          order by length(${regionPrefixLength}) desc limit 1)`
      : undefined,
  );
const regionPrefixLength = sql.raw("rtrim(r.region_code, '0')");

export const selectOffices = (
  db: Executor,
  query: ListOfficesQuery,
  after: { id: string } | null,
): Promise<OfficeFound[]> =>
  selectFound(db)
    .where(and(conditions(query), after ? gt(registrationOffices.id, after.id) : undefined))
    .orderBy(asc(registrationOffices.id))
    .limit(query.limit + 1);

export const countOffices = (db: Executor, query: ListOfficesQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(registrationOffices)
      .where(conditions(query))
      .limit(countLimit + 1)
      .as("counted"),
  );
