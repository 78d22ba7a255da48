import { z } from "zod";
import { AppError } from "./errors.ts";
import { sha256 } from "./ids.ts";
import { wholeNumber } from "./wire.ts";

/** Members of every list's query string. */
export const pageQuery = {
  limit: wholeNumber(1, 100).default(20).describe("How many items a page holds."),
  cursor: z.string().min(1).max(500).optional().describe("`page.next` of the page before."),
  include: z
    .literal("total")
    .optional()
    .describe("`total`: count the matches, exactly up to 10,000."),
};

/** The envelope of a list: `{data, page: {next, hasMore}, total?}`. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    data: z.array(item),
    page: z.object({
      next: z.string().optional().describe("The cursor of the next page; absent on the last one."),
      hasMore: z.boolean(),
    }),
    total: z
      .object({ exact: z.number().int().optional(), atLeast: z.number().int().optional() })
      .optional()
      .describe("Only with `include=total`: `exact`, or `atLeast` beyond 10,000."),
  });

export interface Page<T> {
  data: T[];
  page: { next?: string; hasMore: boolean };
  total?: { exact?: number; atLeast?: number };
}

/** How far a total is counted exactly. */
export const countLimit = 10_000;

/** `{exact}` or `{atLeast}` of a count that stopped after `countLimit + 1` rows. */
export const totalOf = (counted: number): NonNullable<Page<unknown>["total"]> =>
  counted > countLimit ? { atLeast: countLimit } : { exact: counted };

const Cursor = z.tuple([z.string(), z.unknown(), z.uuid()]);

/** A sort key of text, as PostgreSQL takes it. */
const textKey = z
  .string()
  .max(100)
  .regex(/^[^\0]*$/);

/** Ties a cursor to its list, its filters and its order: everything of the query but where the page is, and how it is shown. */
function fingerprint(list: string, query: Record<string, unknown>): string {
  const { cursor, limit, include, fields, expand, ...rest } = query;
  const parts = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([list, parts])).slice(0, 12);
}

/**
 * The position a cursor stands for: the last row's sort key and id, or null on the first page.
 * @param Key the type of the sort key: cursors are not signed, and one made up must not reach the database
 * @throws AppError `request.invalid` for a cursor of another list, other filters or another order
 */
export function readCursor(
  list: string,
  query: { cursor?: string | undefined },
  Key: z.ZodType<string> = textKey,
): { key: string; id: string } | null {
  if (query.cursor === undefined) return null;
  try {
    const text = Buffer.from(query.cursor, "base64url").toString("utf8");
    const [hash, key, id] = Cursor.parse(JSON.parse(text));
    if (hash === fingerprint(list, query)) return { key: Key.parse(key), id };
  } catch {
    // Falls through: whatever is wrong with it, it is not a cursor of this list.
  }
  throw new AppError("request.invalid", {
    faults: [{ parameter: "cursor", code: "cursor.invalid" }],
  });
}

/**
 * A page of `rows`, which hold one more than `query.limit` when there is a next page. `keyOf` gives
 * the sort key that the next cursor carries.
 */
export function toPage<R extends { id: string }, T = R>(
  list: string,
  query: { limit: number; cursor?: string | undefined },
  rows: R[],
  keyOf: (row: R) => string,
  toItem: (row: R) => T,
): Page<T> {
  const hasMore = rows.length > query.limit;
  const kept = hasMore ? rows.slice(0, query.limit) : rows;
  const last = kept.at(-1);
  const data = kept.map(toItem);
  if (!hasMore || !last) return { data, page: { hasMore: false } };
  const cursor = JSON.stringify([fingerprint(list, query), keyOf(last), last.id]);
  return { data, page: { next: Buffer.from(cursor).toString("base64url"), hasMore: true } };
}
