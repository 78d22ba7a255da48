import { defineLifecycle } from "../../lib/lifecycle.ts";

/**
 * `owner` drafted it, `party` is a party inside the market, `applicant` the one that files. Until the
 * last party has confirmed or agreed to cancel, the status stays.
 */
export const contractLifecycle = defineLifecycle("contract", [
  { from: ["draft"], action: "submit", by: "owner", to: "confirming" },
  { from: ["confirming"], action: "confirm", by: "party", to: "effective" },
  { from: ["confirming"], action: "retract", by: "party", to: "confirming" },
  { from: ["confirming"], action: "return", by: "party", to: "draft" },
  { from: ["draft", "confirming", "effective"], action: "cancel", by: "party", to: "cancelled" },
  // A registered one is cancelled by its office, once all parties have agreed.
  { from: ["registered"], action: "cancel", by: "party", to: "registered" },
  { from: ["effective"], action: "retract", by: "party", to: "effective" },
  { from: ["registered"], action: "retract", by: "party", to: "registered" },
  { from: ["effective"], action: "file", by: "applicant", to: "filed" },
  // What becomes of its registration.
  { from: ["filed"], action: "release", by: "system", to: "effective" },
  { from: ["filed"], action: "register", by: "system", to: "registered" },
  { from: ["registered"], action: "cancel", by: "system", to: "cancelled" },
  { from: ["registered"], action: "revoke", by: "system", to: "effective" },
]);

/** An amendment of a contract in force. */
export const amendmentLifecycle = defineLifecycle("amendment", [
  { from: ["confirming"], action: "confirm", by: "party", to: "effective" },
  { from: ["confirming"], action: "withdraw", by: "party", to: "withdrawn" },
  // All parties have agreed to cancel the contract.
  { from: ["confirming"], action: "withdraw", by: "system", to: "withdrawn" },
]);
