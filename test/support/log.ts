/** The log: what is written in it, and the sealer, run by a test because jobs do not run there. */
import { asc, eq } from "drizzle-orm";
import { auditRecords } from "../../db/schema/audit.ts";

import { sealRecords } from "../../src/modules/audit/sealer.service.ts";
import { fillFeed } from "../../src/modules/events/events.service.ts";
import { feedSealed } from "../../src/modules/registry/registry.service.ts";
import { sumSealed } from "../../src/modules/statistics/statistics.service.ts";
import type { Market } from "./market.ts";

/** One run of the sealer, as its worker does it; whether it found anything. */
export const sealOnce = ({ database: { db } }: Pick<Market, "database">): Promise<boolean> =>
  db.transaction(async (tx) => {
    const sealed = await sealRecords(tx);
    if (!sealed) return false;
    await sumSealed(tx, sealed);
    await feedSealed(tx, sealed);
    return true;
  });

/** Seals everything that is committed. */
export async function sealAll(market: Pick<Market, "database">): Promise<void> {
  while (await sealOnce(market));
}

/** Seals everything that is committed, and puts it into the event feed. */
export async function tellAll(market: Pick<Market, "database">): Promise<void> {
  await sealAll(market);
  while (await market.database.db.transaction(fillFeed));
}

/** The audit records of a subject, oldest first. */
export const auditsOf = ({ database: { db } }: Pick<Market, "database">, subjectId: string) =>
  db
    .select()
    .from(auditRecords)
    .where(eq(auditRecords.subjectId, subjectId))
    .orderBy(asc(auditRecords.id));

/** What happened to a subject, oldest first. */
export const auditTypes = async (market: Pick<Market, "database">, subjectId: string) =>
  (await auditsOf(market, subjectId)).map(({ type }) => type);
