import { and, asc, eq, or } from "drizzle-orm";
import { taxonomyItems } from "../../../db/schema/taxonomies.ts";
import type { Executor } from "../../database/connect.ts";

export type TaxonomyItemRow = typeof taxonomyItems.$inferSelect;

export const selectItems = (db: Executor, taxonomy: string): Promise<TaxonomyItemRow[]> =>
  db
    .select()
    .from(taxonomyItems)
    .where(eq(taxonomyItems.taxonomy, taxonomy))
    .orderBy(asc(taxonomyItems.position), asc(taxonomyItems.code));

export const lockItem = async (tx: Executor, taxonomy: string, code: string) =>
  (
    await tx
      .select()
      .from(taxonomyItems)
      .where(and(eq(taxonomyItems.taxonomy, taxonomy), eq(taxonomyItems.code, code)))
      .for("update")
  )[0];

/** Which of these codes are there and may be taken. */
export const selectActive = (db: Executor, codes: { taxonomy: string; code: string }[]) =>
  db
    .select({ taxonomy: taxonomyItems.taxonomy, code: taxonomyItems.code })
    .from(taxonomyItems)
    .where(
      and(
        eq(taxonomyItems.active, true),
        or(
          ...codes.map(({ taxonomy, code }) =>
            and(eq(taxonomyItems.taxonomy, taxonomy), eq(taxonomyItems.code, code)),
          ),
        ),
      ),
    );

export const updateItem = async (
  tx: Executor,
  row: TaxonomyItemRow,
  changes: Partial<typeof taxonomyItems.$inferInsert>,
) =>
  (
    await tx
      .update(taxonomyItems)
      .set({ ...changes, version: row.version + 1 })
      .where(
        and(
          eq(taxonomyItems.taxonomy, row.taxonomy),
          eq(taxonomyItems.code, row.code),
          eq(taxonomyItems.version, row.version),
        ),
      )
      .returning()
  )[0];
