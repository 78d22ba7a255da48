import { and, asc, desc, eq, lte, sql } from "drizzle-orm";
import { registrationRules } from "../../../db/schema/registration-rules.ts";
import type { Executor } from "../../database/connect.ts";
import { nowInstant } from "../../lib/clock.ts";

export type RulesRow = typeof registrationRules.$inferSelect;

export const selectAll = (db: Executor): Promise<RulesRow[]> =>
  db.select().from(registrationRules).orderBy(asc(registrationRules.appliesFrom));

/** The rule set that a case accepted on this day comes under. */
export const selectOn = async (db: Executor, day: string): Promise<RulesRow | undefined> =>
  (
    await db
      .select()
      .from(registrationRules)
      .where(lte(registrationRules.appliesFrom, day))
      .orderBy(desc(registrationRules.appliesFrom))
      .limit(1)
  )[0];

export const lockRules = async (tx: Executor, code: string) =>
  (
    await tx.select().from(registrationRules).where(eq(registrationRules.code, code)).for("update")
  )[0];

/** Writes new numbers of a version that was read; undefined when another writer was faster. */
export const updateRules = async (
  tx: Executor,
  { code, version }: RulesRow,
  rules: RulesRow["rules"],
) =>
  (
    await tx
      .update(registrationRules)
      .set({ rules, version: sql`version + 1`, updatedAt: nowInstant() })
      .where(and(eq(registrationRules.code, code), eq(registrationRules.version, version)))
      .returning()
  )[0];
