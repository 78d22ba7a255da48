/** What every market begins with. Each has a natural key in the database, so that loading it again adds nothing. */
import { sql } from "drizzle-orm";
import { ruleSets } from "../../db/rules/registration-rules.ts";
import { auditRecords } from "../../db/schema/audit.ts";
import { registrationRules } from "../../db/schema/registration-rules.ts";
import { synonyms } from "../../db/schema/synonyms.ts";
import { taxonomyItems } from "../../db/schema/taxonomies.ts";
import { synonymGroups } from "../../db/synonyms/synonyms.ts";
import { taxonomies } from "../../db/taxonomies/index.ts";
import { newId } from "../lib/ids.ts";
import { synonymKeysOf } from "../lib/terms.ts";
import type { Executor } from "./connect.ts";

/** The built-in items of every taxonomy; what the operator added or retired stays. */
export async function loadTaxonomies(tx: Executor): Promise<void> {
  const rows = taxonomies.flatMap((taxonomy) =>
    taxonomy.items.map((item, position) => ({
      taxonomy: taxonomy.name,
      code: item.code,
      parentCode: item.parent ?? null,
      zh: item.zh,
      en: item.en,
      attributes: item.attributes ?? null,
      position,
      origin: "built_in" as const,
    })),
  );
  await tx
    .insert(taxonomyItems)
    .values(rows)
    .onConflictDoUpdate({
      target: [taxonomyItems.taxonomy, taxonomyItems.code],
      set: {
        parentCode: sql`excluded.parent_code`,
        zh: sql`excluded.zh`,
        en: sql`excluded.en`,
        attributes: sql`excluded.attributes`,
        position: sql`excluded.position`,
        origin: sql`excluded.origin`,
      },
    });
}

/** The built-in rule sets of registration; the numbers that the operator changed stay. */
export async function loadRules(tx: Executor): Promise<void> {
  await tx
    .insert(registrationRules)
    .values([...ruleSets])
    .onConflictDoUpdate({
      target: registrationRules.code,
      set: {
        zh: sql`excluded.zh`,
        en: sql`excluded.en`,
        appliesFrom: sql`excluded.applies_from`,
      },
    });
}

/**
 * The built-in groups of synonyms, for a market that never had any. What the operator did with them
 * stands in the audit log, which nobody empties: so groups that were deleted, all of them even, stay away.
 */
export async function loadSynonyms(tx: Executor): Promise<void> {
  const { rows } = await tx.execute<{ untouched: boolean }>(sql`
    select not exists (select from ${synonyms})
      and not exists (select from ${auditRecords} where ${auditRecords.subjectType} = 'synonym') as untouched`);
  if (!rows[0]?.untouched) return;
  await tx
    .insert(synonyms)
    .values(
      synonymGroups.map((words) => ({
        id: newId(),
        words: [...words],
        folded: synonymKeysOf(words),
      })),
    )
    .onConflictDoNothing();
}
