import { defineLifecycle } from "../../lib/lifecycle.ts";

/** `owner` is an admin of the organisation itself. */
export const organizationLifecycle = defineLifecycle("organization", [
  { from: ["pending"], action: "verify", by: "operator", to: "verified" },
  { from: ["pending"], action: "reject", by: "operator", to: "rejected" },
  // Another organisation with the same credit code was verified.
  { from: ["pending"], action: "reject", by: "system", to: "rejected" },
  { from: ["rejected"], action: "resubmit", by: "owner", to: "pending" },
  { from: ["verified"], action: "suspend", by: "operator", to: "suspended" },
  { from: ["suspended"], action: "reinstate", by: "operator", to: "verified" },
  { from: ["verified", "suspended"], action: "close", by: "operator", to: "closed" },
]);
