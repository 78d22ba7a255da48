/** A listing as a caller may see it. */
import type { Actor } from "../../lib/access.ts";
import type { Resource } from "../../lifecycle/resource.ts";
import { type Listing, type SharedRow, standingOf } from "./listings.lifecycle.ts";
import type { Gap } from "./listings.schema.ts";

/** What a feature tells of how its listings are shown. */
export interface ListingView<Row extends SharedRow> {
  resource: Pick<Resource<Listing<Row>>, "allowedActions">;
  /** What a row lacks, the required things marked. */
  gapsOf: (row: Row) => Gap[];
}

/** What is known beside the columns of a listing that is shown. */
interface Beside extends Pick<Listing, "organization"> {
  /** Absent where nothing was found but listings of organizations in good standing. */
  organizationStatus?: Listing["organizationStatus"];
  revealed?: boolean;
}

/** Points of 100 that a row reaches. */
export const completenessOf = (gaps: readonly Gap[]): number =>
  Math.max(0, 100 - gaps.reduce((sum, gap) => sum + gap.weight, 0));

/** Whether the caller reads all of a listing: its owner, and the operator. */
export const isInsider = (row: { organizationId: string }, actor: Actor | null): boolean =>
  standingOf({ row }, actor).length > 0;

/** What its owner calls a listing, as far as the caller is the owner. */
export const ownIdOf = (
  row: { organizationId: string; externalId: string | null },
  actor: Actor | null,
) => (row.organizationId === actor?.organizationId ? row.externalId : undefined);

/** The fields that every listing shows, as this caller may see them. */
export function toListing<Row extends SharedRow>(
  { resource, gapsOf }: ListingView<Row>,
  row: Row & Beside,
  actor: Actor | null,
) {
  const insider = isInsider(row, actor);
  const sees =
    insider ||
    row.revealed ||
    row.contactVisibility === "public" ||
    (actor !== null && row.contactVisibility === "signed_in");
  const { organization, organizationStatus = "verified" } = row;
  const listing = { row, organization, organizationStatus };
  return {
    externalId: ownIdOf(row, actor),
    contact: sees ? row.contact : null,
    completeness: { score: row.completeness, missing: gapsOf(row) },
    ...(insider ? { review: reviewOf(row) } : {}),
    ...(actor ? { allowedActions: resource.allowedActions(listing, actor) } : {}),
  };
}

const reviewOf = (row: Pick<SharedRow, "reviewReason" | "reviewNote">) =>
  row.reviewReason || row.reviewNote ? { reason: row.reviewReason, note: row.reviewNote } : null;
