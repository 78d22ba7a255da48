import { defineLifecycle } from "../../lib/lifecycle.ts";

/** A person's account. `owner` is an admin of the organisation. */
export const memberLifecycle = defineLifecycle("member", [
  { from: ["invited"], action: "accept", by: "system", to: "active" },
  { from: ["active"], action: "suspend", by: "owner", to: "suspended" },
  { from: ["suspended"], action: "reinstate", by: "owner", to: "active" },
]);
