import { sql } from "drizzle-orm";
import { boolean, check, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { timestamps, version } from "./columns.ts";

/**
 * Items of the code lists. The built-in ones come from `db/taxonomies/` with each migration; the
 * operator adds those that a partial list lacks.
 */
export const taxonomyItems = pgTable(
  "taxonomy_items",
  {
    taxonomy: text("taxonomy").notNull(),
    code: text("code").notNull(),
    parentCode: text("parent_code"),
    zh: text("zh").notNull(),
    en: text("en").notNull(),
    attributes: jsonb("attributes").$type<Record<string, string | number | boolean>>(),
    position: integer("position").notNull(),
    origin: text("origin", { enum: ["built_in", "operator"] }).notNull(),
    active: boolean("active").notNull().default(true),
    version: version(),
    ...timestamps(),
  },
  (t) => [
    primaryKey({ name: "taxonomy_items_code", columns: [t.taxonomy, t.code] }),
    check("taxonomy_items_origin_known", sql`origin in ('built_in', 'operator')`),
  ],
);
