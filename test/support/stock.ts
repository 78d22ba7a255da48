/** Listings by the hundred, straight into the database: as the service would write them, in few statements. */
import { getTableColumns, type SQLChunk, sql } from "drizzle-orm";
import { transact } from "../../src/database/transact.ts";
import { newId } from "../../src/lib/ids.ts";
import { searchColumnsOf } from "../../src/lib/terms.ts";
import { indexListings } from "../../src/modules/matching/matching.service.ts";
import * as needTexts from "../../src/modules/needs/needs.texts.ts";
import * as resultTexts from "../../src/modules/results/results.texts.ts";
import { type Noun, type Overrides, rowOf, tableOf } from "./listings.ts";
import type { Market } from "./market.ts";

/** Rows of one statement. */
const batch = 500;

/**
 * Rows like the listing `baseId`, but for what is given of each; gives their ids, in order. All rows of
 * a call change the same columns.
 * @param index also puts them into the index of suggestions
 */
export async function stockUp(
  market: Market,
  noun: Noun,
  baseId: string,
  rows: readonly Overrides[],
  { index = true } = {},
): Promise<string[]> {
  const table = tableOf(noun);
  const columns = Object.entries(getTableColumns(table)).filter(([, column]) => !column.generated);
  const base = await rowOf(market, noun, baseId);
  const ids: string[] = [];
  for (let from = 0; from < rows.length; from += batch) {
    // The texts' functions read the columns of their own table alone.
    const whole = rows.slice(from, from + batch).map((row) => {
      const one = { ...base, id: newId(), ...row } as never;
      const { textsOf, factsOf } = noun === "result" ? resultTexts : needTexts;
      return { row, id: (one as { id: string }).id, texts: textsOf(one), facts: factsOf(one) };
    });
    const written = whole.map(({ row, id, texts }) => ({ ...row, id, ...searchColumnsOf(texts) }));
    const changed = new Set(Object.keys(written[0] ?? {}));
    const given = columns.filter(([key]) => changed.has(key));
    const list = (parts: SQLChunk[]) => sql.join(parts, sql`, `);
    const records = written.map((row) =>
      Object.fromEntries(given.map(([key, { name }]) => [name, (row as Overrides)[key]])),
    );
    await transact(market.database.pool, async (tx) => {
      await tx.execute(sql`
        insert into ${table} (${list(columns.map(([, { name }]) => sql.identifier(name)))})
        select ${list(
          columns.map(([key, { name }]) => {
            if (key === "reference") return sql`next_reference(${noun === "result" ? "R" : "N"})`;
            return changed.has(key)
              ? sql`n.${sql.identifier(name)}`
              : sql`b.${sql.identifier(name)}`;
          }),
        )}
        from ${table} b, jsonb_to_recordset(${JSON.stringify(records)}::jsonb)
          as n(${list(given.map(([, c]) => sql`${sql.identifier(c.name)} ${sql.raw(c.getSQLType())}`))})
        where b.id = ${baseId}`);
      if (index) await indexListings(tx, noun, whole);
    });
    ids.push(...whole.map(({ id }) => id));
  }
  return ids;
}
