/** The steps that results and needs share; each feature names them by its operationIds and adds its own. */
import type { ListingRow, listingNouns, SearchColumn } from "../../../db/schema/listings.ts";
import type { organizationStatuses } from "../../../db/schema/organizations.ts";
import { type Actor, isOperator, type Scope, standingDetails } from "../../lib/access.ts";
import type { ErrorCode } from "../../lib/errors.ts";
import { guard, type Standing } from "../../lifecycle/resource.ts";
import { type ListingOrganization, RenewInput, ReviewInput } from "./listings.schema.ts";

/** A row as it is read: what it is searched by is for the database only, and written with it. */
export type ReadRow<Row> = Omit<Row, SearchColumn> & Partial<Pick<Row, SearchColumn & keyof Row>>;

/** The same as far as results and needs are alike. */
export type SharedRow = ReadRow<ListingRow>;

/** What a listing's steps are decided on. */
export interface Listing<Row = SharedRow> {
  row: Row;
  organization: ListingOrganization;
  organizationStatus: (typeof organizationStatuses)[number];
}

/** How a caller stands to a listing. */
export function standingOf(
  { row }: { row: { organizationId: string } },
  actor: Actor | null,
): Standing[] {
  const standing: Standing[] = [];
  if (isOperator(actor)) standing.push("operator");
  if (actor?.organizationId === row.organizationId) standing.push("owner");
  return standing;
}

/** Nothing becomes public, or leads there, of an organization that is not in good standing. */
const inGoodStanding = guard<Listing>(
  "organization.not_verified",
  ({ organizationStatus }) => organizationStatus !== "verified",
  ({ organizationStatus }) => standingDetails(organizationStatus),
);

const operator = { by: "operator", roles: ["operator"] } as const;

/**
 * What the shared steps are for one kind of listing.
 * @param refusals of its own, of steps that ask for a complete listing
 */
export function listingSteps(
  noun: (typeof listingNouns)[number],
  refusals: readonly ErrorCode[] = [],
) {
  const scope: Scope = `${noun}s:write`;
  const errors: readonly ErrorCode[] = [`${noun}.incomplete`, ...refusals];
  const demanding = { guards: [inGoodStanding], errors };
  return {
    submit: {
      action: "submit",
      from: ["draft", "changes_requested", "rejected"],
      by: "owner",
      to: "submitted",
      scope,
      verified: true,
      ...demanding,
      summary: `Submit a ${noun} for review`,
      description: "Names everything that is still missing. The operator reviews it next.",
    },
    withdraw: {
      action: "withdraw",
      lines: [
        { from: ["submitted"], by: "owner", to: "draft" },
        { from: ["published", "expired"], by: "owner", to: "withdrawn" },
      ],
      scope,
      summary: `Withdraw a ${noun}`,
      description: "From review back to draft, or out of public view.",
    },
    publish: {
      action: "publish",
      from: ["submitted"],
      to: "published",
      ...operator,
      ...demanding,
      summary: `Publish a ${noun}`,
      description:
        "By the operator, after review. Live for a year when the owner named no last day.",
    },
    requestChanges: {
      action: "request-changes",
      from: ["submitted", "published"],
      to: "changes_requested",
      ...operator,
      body: ReviewInput,
      summary: `Ask for changes of a ${noun}`,
      description:
        "By the operator, with a reason from `review-reasons` and a note. The owner mends it and submits again.",
    },
    reject: {
      action: "reject",
      from: ["submitted"],
      to: "rejected",
      ...operator,
      body: ReviewInput,
      summary: `Reject a ${noun}`,
      description:
        "By the operator, with a reason from `review-reasons` and a note. The owner mends it and submits again.",
    },
    renew: {
      action: "renew",
      lines: [
        // Another last day is nothing that the operator would look at again.
        { from: ["published"], by: "owner", to: "same" },
        // Under review again when its owner changed it since the operator looked at it.
        { from: ["expired", "withdrawn"], by: "owner", to: ["published", "submitted"] },
      ],
      scope,
      verified: true,
      ...demanding,
      body: RenewInput,
      summary: `Renew a ${noun}`,
      description:
        "A published one gets another last day and stays live. One that has expired or was withdrawn is live again at once when it was not changed since its review, else back to review.",
    },
    expire: { action: "expire", from: ["published"], by: "job", to: "expired" },
    // Its organization was closed.
    withdrawOfClosed: {
      action: "withdraw",
      lines: [
        { from: ["submitted"], by: "system", to: "draft" },
        { from: ["published", "expired"], by: "system", to: "withdrawn" },
      ],
    },
  } as const;
}

/** What all listings tell the audit log: whose it is. */
export const auditOf = ({ row }: Listing) => ({ owner: row.organizationId });

/** Statuses in which a listing need not be complete yet, or not any more. */
export const looseStatuses: readonly string[] = [
  "draft",
  "changes_requested",
  "rejected",
  "withdrawn",
];

/** Statuses in which anybody may read it by its id: live, and those that have ended. */
export const openStatuses = ["published", "expired", "transferred", "solved", "closed"] as const;
