import { and, eq, sql } from "drizzle-orm";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { results } from "../../../db/schema/results.ts";
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { readable } from "../listings/listings.service.ts";

/** What a contract takes over of a listing that this caller may read: open to all, or its own. */
export async function selectListingContent(
  db: Executor,
  noun: "result" | "need",
  id: string,
  { organizationId }: Actor,
) {
  const table = noun === "result" ? results : needs;
  const [found] = await db
    .select({
      title: table.title,
      fieldCode: table.fieldCode,
      industryCode: table.industryCode,
      rights: noun === "result" ? results.intellectualProperty : sql<null>`null`,
    })
    .from(table)
    .innerJoin(organizations, eq(organizations.id, table.organizationId))
    .where(and(eq(table.id, id), readable(table, organizationId, false)));
  return found;
}
