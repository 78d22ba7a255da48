import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  check,
  customType,
  integer,
  pgTable,
  text,
  uuid,
} from "drizzle-orm/pg-core";

/**
 * An instant. In and out as RFC 3339 in UTC with `Z` and milliseconds, which is what travels on the
 * wire: PostgreSQL's own text (`2026-01-02 03:04:05.678+00`, sessions run in UTC) is rewritten here
 * and nowhere else.
 */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => "timestamp(3) with time zone",
  fromDriver: toInstant,
});

/** PostgreSQL's text of a timestamptz in a UTC session -> RFC 3339 with exactly three decimals. */
export function toInstant(text: string): string {
  const dot = text.indexOf(".", 19);
  const fraction = dot === -1 ? "" : text.slice(dot + 1, text.indexOf("+", dot));
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.padEnd(3, "0")}Z`;
}

/** Primary key: a UUIDv7 made by the application (`src/lib/ids.ts`), so it is known before the insert. */
export const id = () => uuid("id").primaryKey();

/**
 * The key of a table that itself refers to the one that asks: their files would import each other in a
 * circle. A result names the contract that it went with, and a contract its result.
 */
export const keyOf = (table: string): AnyPgColumn => pgTable(table, { id: id() }).id;

/** What the organization that entered the row calls it in its own system: told to nobody else. */
export const externalId = () => text("external_id");

/** That an id of that kind is no longer than may be. */
export const boundedExternalId = (name: string) =>
  check(name, sql`char_length(external_id) between 1 and 100`);

/** When the row was made and last changed. */
export const timestamps = () => ({
  createdAt: instant("created_at").notNull().default(sql`now()`),
  updatedAt: instant("updated_at").notNull().default(sql`now()`),
});

/** Counts the changes of the row; the part of the ETag before the dash. */
export const version = () => integer("version").notNull().default(1);

/** A named check that a text column holds one of the values that its enum lists. */
export const known = (name: string, column: string, values: readonly string[]) =>
  check(name, sql.raw(`${column} in (${values.map((value) => `'${value}'`).join(", ")})`));

/** Raw bytes: a hash, a packed vector. */
export const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => "bytea" });

/** A transaction's number, which never wraps (xid8); travels as a decimal string. */
export const transactionId = customType<{ data: string; driverData: string }>({
  dataType: () => "xid8",
});
