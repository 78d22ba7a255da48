import type { Executor } from "../../database/connect.ts";
import { AppError } from "../../lib/errors.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import type { Broker, ListBrokersQuery } from "./brokers.schema.ts";
import * as store from "./brokers.store.ts";

/** The public directory: whoever is a broker today. */
export async function listBrokers(db: Executor, query: ListBrokersQuery): Promise<Page<Broker>> {
  const rows = await store.selectBrokers(db, query, readCursor("brokers", query));
  const page = toPage(
    "brokers",
    query,
    rows,
    () => "",
    (row) => row,
  );
  if (query.include) page.total = totalOf(await store.countBrokers(db, query));
  return page;
}

/**
 * The person as a broker, if they are one now: an active member of a verified organisation with a
 * certified certificate whose last day has not passed.
 */
export const findValidBroker = store.selectBroker;

/** Brokers of a field, second level or first, those who brought about most contracts first. */
export const listBrokersOfField = (
  db: Executor,
  fieldCode: string,
  limit: number,
): Promise<Broker[]> => store.selectBrokersOfField(db, fieldCode, limit);

/** @throws AppError `broker.not_found` (404) for a person who is no broker now */
export async function readBroker(db: Executor, memberId: string): Promise<Broker> {
  const broker = await findValidBroker(db, memberId);
  if (!broker) throw new AppError("broker.not_found");
  return broker;
}
