import type { ListingRow } from "../../../db/schema/listings.ts";
import type { Transition } from "../../lib/lifecycle.ts";

type Shared = Transition<
  ListingRow["status"] &
    (
      | "draft"
      | "submitted"
      | "changes_requested"
      | "rejected"
      | "published"
      | "expired"
      | "withdrawn"
    ),
  "submit" | "withdraw" | "publish" | "request-changes" | "reject" | "renew" | "expire"
>;

/** The steps that results and needs share (`lifecycles.md`, Result, need). */
export const listingTransitions: readonly Shared[] = [
  {
    from: ["draft", "changes_requested", "rejected"],
    action: "submit",
    by: "owner",
    to: "submitted",
  },
  { from: ["submitted"], action: "withdraw", by: "owner", to: "draft" },
  { from: ["submitted"], action: "publish", by: "operator", to: "published" },
  {
    from: ["submitted", "published"],
    action: "request-changes",
    by: "operator",
    to: "changes_requested",
  },
  { from: ["submitted"], action: "reject", by: "operator", to: "rejected" },
  { from: ["published", "expired"], action: "withdraw", by: "owner", to: "withdrawn" },
  { from: ["published"], action: "expire", by: "job", to: "expired" },
  // The second line is for one that its owner changed since the operator looked at it.
  { from: ["expired", "withdrawn"], action: "renew", by: "owner", to: "published" },
  { from: ["expired", "withdrawn"], action: "renew", by: "owner", to: "submitted" },
  // Its organisation was closed.
  { from: ["submitted"], action: "withdraw", by: "system", to: "draft" },
  { from: ["published", "expired"], action: "withdraw", by: "system", to: "withdrawn" },
];

/** Statuses in which a listing need not be complete yet, or not any more. */
export const looseStatuses: readonly string[] = [
  "draft",
  "changes_requested",
  "rejected",
  "withdrawn",
];

/** Statuses in which anybody may read it by its id: live, and those that have ended. */
export const openStatuses = ["published", "expired", "transferred", "solved", "closed"] as const;
