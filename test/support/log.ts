/** The sealer, run by a test: jobs do not run there. */

import { sealRecords } from "../../src/modules/audit/sealer.service.ts";
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
