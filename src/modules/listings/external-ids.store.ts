/** The ids that organizations give their listings themselves, as they are stored. */
import { sql } from "drizzle-orm";
import type { ListingTable } from "../../../db/schema/listings.ts";
import type { Executor } from "../../database/connect.ts";
import * as ids from "../../database/external-ids.ts";

/**
 * What the organization calls by this id among its listings of a kind; nobody else gives that id until the
 * transaction ends.
 * @param toChange it is locked as well, and still called so
 */
export const holdExternalId = (
  tx: Executor,
  table: ListingTable,
  name: string,
  organizationId: string,
  externalId: string,
  toChange: boolean,
) =>
  ids.holdExternalId(
    tx,
    name,
    organizationId,
    externalId,
    sql`select id, version from ${table} where organization_id = ${organizationId}
      and external_id = ${externalId} ${toChange ? sql`for update` : sql``}`,
  );
