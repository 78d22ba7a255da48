import { defineLifecycle } from "../../lib/lifecycle.ts";

/** `owner` is an admin of the organisation that the client acts for. */
export const apiClientLifecycle = defineLifecycle("api_client", [
  { from: ["active"], action: "rotate-secret", by: "owner", to: "active" },
  { from: ["active"], action: "revoke", by: "owner", to: "revoked" },
]);
