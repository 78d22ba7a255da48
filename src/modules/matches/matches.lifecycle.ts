import { defineLifecycle } from "../../lib/lifecycle.ts";

/** `owner` has one of the two listings. The first owner's acceptance leaves a match proposed. */
export const matchLifecycle = defineLifecycle("match", [
  { from: ["proposed"], action: "accept", by: "owner", to: "agreed" },
  { from: ["proposed"], action: "retract", by: "owner", to: "proposed" },
  { from: ["proposed"], action: "decline", by: "owner", to: "declined" },
  { from: ["proposed"], action: "withdraw", by: "broker", to: "withdrawn" },
  // A listing left public view, or thirty days have passed.
  { from: ["proposed"], action: "lapse", by: "system", to: "lapsed" },
  { from: ["proposed"], action: "lapse", by: "job", to: "lapsed" },
  { from: ["agreed"], action: "negotiate", by: "broker", to: "negotiating" },
  { from: ["agreed", "negotiating"], action: "fail", by: "owner", to: "failed" },
  { from: ["agreed", "negotiating"], action: "fail", by: "broker", to: "failed" },
  // To another broker of the brokerage.
  { from: ["proposed"], action: "reassign", by: "operator", to: "proposed" },
  { from: ["agreed"], action: "reassign", by: "operator", to: "agreed" },
  { from: ["negotiating"], action: "reassign", by: "operator", to: "negotiating" },
  // Its contract is effective; was cancelled.
  { from: ["agreed", "negotiating"], action: "contract", by: "system", to: "contracted" },
  { from: ["contracted"], action: "fail", by: "system", to: "failed" },
]);
