/** Query strings of lists that another system keeps in step with. */
import { z } from "zod";
import { type Page, readCursor, toPage } from "./pagination.ts";
import { instantInput } from "./wire.ts";

/** Filters by the last change. */
export const changeFilters = {
  "updatedAt[gte]": instantInput
    .optional()
    .describe(
      "Changed at this instant or later. A change counts from the moment at which it was made, and is seen up to 30 seconds later: begin each time that much before the last one that was read.",
    ),
  "updatedAt[lte]": instantInput.optional().describe("Changed at this instant or before."),
};

/** Orders by the last change: with `updatedAt` whatever changes while pages are read comes on a later one. */
export const changeSorts = ["updatedAt", "-updatedAt"] as const;

/** `sort` and the filters of a list in which the newest, or the first that was made, comes first. */
export const changesQuery = <S extends "createdAt" | "-createdAt">(first: S) => ({
  ...changeFilters,
  sort: z
    .enum([first, ...changeSorts])
    .optional()
    .describe(
      `\`${first}\` when absent; \`updatedAt\`: the oldest change first, so that what changes while pages are read comes on a later one.`,
    ),
});

export interface ChangesQuery {
  "updatedAt[gte]"?: string | undefined;
  "updatedAt[lte]"?: string | undefined;
  sort?: string | undefined;
}

/** Whether a list is in the order of the last changes. */
export const isByChange = ({ sort }: Pick<ChangesQuery, "sort">): boolean =>
  changeSorts.some((one) => one === sort);

/** Where a page of such a list begins. @throws AppError `request.invalid` as `readCursor` */
export const readChangesCursor = (
  list: string,
  query: ChangesQuery & { cursor?: string | undefined },
) => (isByChange(query) ? readCursor(list, query, instantInput) : readCursor(list, query));

/** A page of such a list. */
export const toChangesPage = <R extends { id: string; updatedAt: string }, T>(
  list: string,
  query: ChangesQuery & { limit: number; cursor?: string | undefined },
  rows: R[],
  toItem: (row: R) => T,
): Page<T> =>
  toPage(list, query, rows, ({ updatedAt }) => (isByChange(query) ? updatedAt : ""), toItem);
