import { sql } from "drizzle-orm";
import { synonyms } from "../../../db/schema/matching.ts";
import type { Executor } from "../../database/connect.ts";

/** The groups that hold one of these folded words. */
export const selectGroupsWith = (db: Executor, words: readonly string[]) =>
  db
    .select({ folded: synonyms.folded })
    .from(synonyms)
    .where(sql`${synonyms.folded} && ${sql.param(words)}::text[]`)
    .orderBy(synonyms.id)
    .limit(100);
