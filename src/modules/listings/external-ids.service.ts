/** What owners call their listings in their own systems, and creating or replacing by that. */
import type { ListingTable } from "../../../db/schema/listings.ts";
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { createOrReplace, externalIdTaken, type Put, type PutCall } from "../../lib/put.ts";
import { holdExternalId } from "./external-ids.store.ts";
import type { SharedRow } from "./listings.lifecycle.ts";
import type { Defaulted } from "./listings.service.ts";

/**
 * Lets a listing be called so by its owner: nobody else of the organization calls another one the same.
 * @param before what it is called; null for one that is new
 * @throws AppError `<noun>.external_id_taken` (409)
 */
export async function claimExternalId(
  tx: Executor,
  { noun, table }: { noun: "result" | "need"; table: ListingTable },
  { organizationId }: Actor,
  externalId: string | null,
  before: string | null = null,
): Promise<void> {
  if (externalId === null || externalId === before) return;
  const found = await holdExternalId(tx, table, noun, organizationId, externalId, false);
  if (found) throw externalIdTaken(noun);
}

/** Creates or replaces the caller's listing of an id of its own. @throws AppError as `createOrReplace` */
export const putListing = <I extends { externalId: string | null }, T>(
  tx: Executor,
  call: PutCall,
  { noun, table }: { noun: "result" | "need"; table: ListingTable },
  externalId: string,
  input: I,
  ways: { create: (input: I) => Promise<T>; replace: (id: string, input: I) => Promise<T> },
): Promise<Put<T>> => {
  const { organizationId } = call.actor;
  const find = () => holdExternalId(tx, table, noun, organizationId, externalId, true);
  return createOrReplace(call, externalId, input, { find, ...ways });
};

/**
 * A whole input that replaces what a listing holds: what it got without its owner's saying so stays, its last day
 * with its publication, and contact and region of its organization.
 */
export const replacing = <I extends { validUntil: string | null } & Defaulted>(
  { publishedAt, validUntil, regionCode, contact }: SharedRow,
  input: I,
): I => ({
  ...input,
  validUntil: input.validUntil ?? (publishedAt && validUntil),
  regionCode: input.regionCode === undefined ? regionCode : input.regionCode,
  contact: input.contact === undefined ? contact : input.contact,
});
