import { type SQL, type SQLWrapper, sql } from "drizzle-orm";

/**
 * That a text begins with another. As a pattern, because only so does an index of `text_pattern_ops`
 * serve it; what would be a wildcard in it (`%`, `_`) is escaped and stands for itself.
 */
export const startsWith = (text: SQLWrapper, beginning: string): SQL =>
  sql`${text} like ${`${beginning.replaceAll(/[\\%_]/g, "\\$&")}%`}`;
