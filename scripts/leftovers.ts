/** What tests, tours and trials leave on a PostgreSQL server when they are killed. */
import type pg from "pg";
import { clock } from "../src/lib/clock.ts";
import { newId } from "../src/lib/ids.ts";

const purposes = ["test", "scratch", "eval"] as const;

/** The name of a database for a while; the id in it tells when it was made. */
export const scratchName = (purpose: (typeof purposes)[number]): string =>
  `grand_market_${purpose}_${newId().replaceAll("-", "")}`;

/** UUIDv7: milliseconds since 1970, then the version. */
const shape = new RegExp(`^grand_market_(?:${purposes.join("|")})_([0-9a-f]{12})7[0-9a-f]{19}$`);

const old = 60 * 60 * 1000;

/** Drops those that are older than an hour and that nobody is connected to. */
export async function sweepDatabases(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where datname like 'grand\\_market\\_%'
      and not exists (select from pg_stat_activity a where a.datid = pg_database.oid)`,
  );
  for (const { datname } of rows) {
    const madeAt = Number.parseInt(shape.exec(datname)?.[1] ?? "", 16);
    if (!(clock.now().getTime() - madeAt > old)) continue;
    // Another sweep may be first, or somebody connects: it is looked at again.
    await admin.query(`drop database if exists ${datname}`).catch(() => {});
  }
}
