import { sql } from "drizzle-orm";
import { check, index, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { id, timestamps, version } from "./columns.ts";
import { members } from "./members.ts";

/** Words that mean the same in a search. A group is the set of its folded words: a constraint of its migration. */
export const synonyms = pgTable(
  "synonyms",
  {
    id: id(),
    /** As they are shown. */
    words: text("words").array().notNull(),
    /** As they are compared (`fold` in `src/lib/terms.ts`). */
    folded: text("folded").array().notNull(),
    note: text("note"),
    createdBy: uuid("created_by").references(() => members.id),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    index("synonyms_folded").using("gin", t.folded),
    index("synonyms_updated").on(t.updatedAt, t.id),
    check("synonyms_several_words", sql`cardinality(words) between 2 and 20`),
  ],
);
