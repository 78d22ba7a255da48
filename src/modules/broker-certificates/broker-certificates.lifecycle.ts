import { defineLifecycle } from "../../lib/lifecycle.ts";

/** `owner` is the person whose certificate it is, not the brokerage. */
export const brokerCertificateLifecycle = defineLifecycle("broker_certificate", [
  { from: ["applied"], action: "withdraw", by: "owner", to: "withdrawn" },
  { from: ["applied"], action: "certify", by: "operator", to: "certified" },
  { from: ["applied"], action: "reject", by: "operator", to: "rejected" },
  { from: ["certified"], action: "suspend", by: "operator", to: "suspended" },
  { from: ["suspended"], action: "reinstate", by: "operator", to: "certified" },
  { from: ["certified", "suspended"], action: "revoke", by: "operator", to: "revoked" },
  // On time, or earlier where the passed validity stands in the way of a renewal.
  { from: ["certified", "suspended"], action: "expire", by: "job", to: "expired" },
]);
